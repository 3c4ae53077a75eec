"""The teaching version of HICRA in one file does what the library does: its advantages bit for bit, and all else it states."""

from __future__ import annotations

import ast

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from hicra import Lexicon, Tagger, credit
from hicra.tasks.plan_execute import PlanExecute
from paths import ROOT
from scripts import script

FILE = ROOT / "examples" / "hicra_in_one_file.py"
one = script(FILE, "hicra_in_one_file")
TASK = PlanExecute()


@pytest.mark.parametrize("group", [2, 3, 5, 7, 8])
def test_advantages_are_those_of_the_library_bit_for_bit(group: int) -> None:
    draw = np.random.default_rng(group)
    rewards = torch.tensor(draw.integers(0, 2, (50, group)), dtype=torch.float32)  # flat groups are among them
    ours = one.group_advantages(rewards)
    theirs = credit.group_advantages(rewards.flatten(), np.repeat(np.arange(50), group))
    assert ours.dtype == theirs.dtype == torch.float32
    assert ours.numpy().tobytes() == theirs.numpy().tobytes()
    mask = torch.tensor(draw.random((50 * group, 11)) < 0.3)
    for alpha in (0.0, 0.2, 0.7):
        shaped, known = one.hicra(ours, mask, alpha), credit.hicra(theirs, mask, alpha=alpha)
        assert shaped.numpy().tobytes() == known.numpy().tobytes()


def test_advantages_by_hand() -> None:
    # one of four is right: 1 - 0.25 = 0.75 and 0 - 0.25 = -0.25; with alpha 0.2: 0.75 * 1.2 = 0.9, -0.25 * 0.8 = -0.2
    advantages = one.group_advantages(torch.tensor([[1.0, 0.0, 0.0, 0.0]]))
    assert advantages.tolist() == [0.75, -0.25, -0.25, -0.25]
    shaped = one.hicra(advantages, torch.tensor([[True, False]] * 4), 0.2)
    assert torch.allclose(shaped, torch.tensor([[0.9, 0.75], *[[-0.2, -0.25]] * 3]))


def test_the_loss_is_the_clipped_one_and_its_mean_is_over_tokens() -> None:
    draw = torch.Generator().manual_seed(0)
    logps, old, advantages = (torch.randn(3, 5, generator=draw) for _ in range(3))
    mask = torch.tensor([[True] * 5, [True] * 2 + [False] * 3, [True] * 4 + [False]])
    known = credit.LOSSES["clip"](logps, old, advantages, mask)
    assert torch.allclose(one.loss_of(logps, old, advantages, mask), known)


def test_problems_and_rewards_are_those_of_the_task() -> None:
    rows = [*TASK.rows("train"), *TASK.rows("eval")]
    ours = one.problems()
    assert len(ours) == len(set(ours)) == len(rows) == 70_784
    assert {(row["noun"], row["a"], row["b"], row["c"], row["goal"]) for row in rows} == set(ours)
    assert " ".join(one.prompt_of(ours[0])) in {row["prompt"] for row in rows}
    assert sorted(one.PLANS + one.REFLECTIONS) == TASK.phrases


RIGHT = "let us dip climb 13 - 16 = 17 ; 17 + 14 = 11 ; 11 - 11 = 0 ; that works answer 11 <eos>"
WRONG_PLAN = "let us stack upwards 13 + 16 = 9 ; 9 + 14 = 3 ; 11 - 3 = 8 ; that fails"


@pytest.mark.parametrize(
    ("text", "paid"),
    [
        (RIGHT, 1.0),
        (f"{WRONG_PLAN} try another way {RIGHT}", 1.0),
        (RIGHT.replace("dip climb", "keep adding"), 1.0),  # the equations count, whatever plan was announced
        (f"{WRONG_PLAN} so stop here answer none <eos>", 0.0),
        (RIGHT.removesuffix(" <eos>"), 0.0),
        (RIGHT.replace("= 17", "= 16"), 0.0),
        (RIGHT.replace("let us dip climb ", ""), 0.0),
        (RIGHT.replace("that works", "coins"), 0.0),
        (RIGHT.replace("answer 11", "answer 12"), 0.0),
        (f"{WRONG_PLAN} try another way " * 2 + RIGHT, 0.0),
        ("let us dip climb 13 answer 11 <eos>", 0.0),
        ("answer 11 <eos>", 0.0),
        ("", 0.0),
    ],
)
def test_a_reward_is_that_of_the_task(text: str, paid: float) -> None:
    problem = ("beads", 13, 16, 14, 11)
    row = dict(zip(("noun", "a", "b", "c", "goal"), problem, strict=True))
    said = text.split()
    assert one.reward(said, problem) == paid
    assert TASK.score(text.removesuffix(" <eos>"), row, ended=said[-1:] == ["<eos>"]).reward == paid


def test_the_model_samples_what_the_task_scores_alike_and_planning_tokens_are_those_of_the_tagger() -> None:
    torch.manual_seed(3)
    weights, vocabulary = one.load(one.START)
    number = {word: at for at, word in enumerate(vocabulary)}
    rows = TASK.rows("eval", 48)
    asked = [(row["noun"], row["a"], row["b"], row["c"], row["goal"]) for row in rows]
    prompts = torch.tensor([[number[word] for word in one.prompt_of(problem)] for problem in asked])
    ids, mask = one.sample(weights, prompts, number["<eos>"])
    words = [[vocabulary[word] for word in row[:size]] for row, size in zip(ids, mask.sum(1), strict=True)]
    rewards = [one.reward(*pair) for pair in zip(words, asked, strict=True)]
    ended = [row[-1] == "<eos>" for row in words]
    texts = [" ".join(row[: len(row) - end]) for row, end in zip(words, ended, strict=True)]
    scores = [TASK.score(*three).reward for three in zip(texts, rows, ended, strict=True)]
    assert rewards == scores
    assert (
        2 <= sum(rewards) <= 24
    )  # about a fifth are right, and nearly all calculate: the model is the one that was loaded
    assert TASK.summary(texts, rows, ended)["equations_right"] > 0.97
    tagger = Tagger(Lexicon.from_phrases(TASK.phrases), TASK.warm_start("strong"))
    planning = one.planning_mask(words, ids.shape[1])
    assert planning.any()
    assert torch.equal(planning, tagger.mask(ids, mask))


def test_the_file_is_short_and_imports_torch_alone() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 250
    imported = {
        alias.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported == {"json", "sys", "itertools", "pathlib", "random", "torch", "torch.nn.functional"}


def test_it_trains(capsys: pytest.CaptureFixture[str]) -> None:
    history = one.train(steps=1, P=2, G=4)
    printed = capsys.readouterr().out.splitlines()
    assert len(history) == 1
    assert 0 <= history[0] <= 1
    assert printed[0].split() == ["step", "reward", "groups", "that", "teach", "planning", "tokens"]
    assert len(printed) == 2
