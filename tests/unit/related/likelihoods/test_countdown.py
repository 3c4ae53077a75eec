"""The puzzle of three numbers and a target: values and rewards by hand, splits that share nothing, texts that are valid."""

from __future__ import annotations

import sys

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from hicra.errors import ConfigError
from hicra.related.likelihoods.countdown import MINUS, PLUS, TIMES, Countdown, values
from hicra.related.likelihoods.puzzle import PUZZLES, open_puzzle

SIGN = {PLUS: "+", MINUS: "-", TIMES: "*"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ([2, PLUS, 3, TIMES, 4], 14), ([2, TIMES, 3, PLUS, 4], 10), ([2, TIMES, 3, TIMES, 4], 24), ([9, MINUS, 3, TIMES, 2], 3),
        ([9, TIMES, 3, MINUS, 2], 25), ([1, MINUS, 2, MINUS, 3], -4), ([1, MINUS, 2, PLUS, 3], 2), ([1, PLUS, 2, PLUS, 3], 6),
    ],
)  # fmt: skip
def test_values_by_hand(text: list[int], value: int) -> None:
    assert values(np.array(text)) == value


def test_rewards_by_hand() -> None:
    prompts = torch.tensor([[2, 3, 4, 1, 4]] * 5)
    responses = torch.tensor([
        [2, PLUS, 3, TIMES, 4],  # 14
        [3, TIMES, 4, PLUS, 2],  # 14 too
        [4, PLUS, 3, TIMES, 2],  # 10, with each number once
        [7, TIMES, 2, PLUS, 0],  # 14, with other numbers
        [2, 3, 4, PLUS, TIMES],  # no text of the form
    ])  # fmt: skip
    scores = Countdown().score(prompts, responses)
    assert scores.rewards.tolist() == [1, 1, 0.1, 0, 0]
    assert scores.solved.tolist() == [1, 1, 0, 0, 0]


def test_every_problem_can_be_solved_and_no_numbers_are_in_both_splits() -> None:
    puzzle = Countdown(careless=0.0)
    train, held_out = (puzzle.prompts(split).numpy() for split in ("train", "eval"))
    assert len(held_out) == 200
    assert not {tuple(sorted(one[:3])) for one in train} & {tuple(sorted(one[:3])) for one in held_out}
    assert len({tuple(one) for one in train}) == len(train)
    prompts, texts = puzzle.texts(np.random.default_rng(0), 300)
    assert puzzle.score(prompts, texts).solved.all()
    by_python = [eval("".join(SIGN.get(one, str(one)) for one in text)) for text in texts.tolist()]  # noqa: S307
    assert by_python == (10 * prompts[:, 3] + prompts[:, 4]).tolist()


def test_careless_texts_use_the_numbers_and_miss_the_target() -> None:
    puzzle = Countdown(careless=0.7)
    scores = puzzle.score(*puzzle.texts(np.random.default_rng(0), 1000))
    assert scores.solved.mean() == pytest.approx(0.3, abs=0.05)
    assert set(scores.rewards) == {0.1, 1.0}


def test_a_puzzle_is_opened_by_name_and_what_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_puzzle("countdown", {"held_out": 10}).prompts("eval").shape == (10, 5)
    with pytest.raises(ConfigError, match="no puzzle 'count'\n  fix: did you mean 'countdown'"):
        open_puzzle("count", {})
    with pytest.raises(ConfigError, match="puzzle.carless: countdown has no setting"):
        open_puzzle("countdown", {"carless": 0.1})
    with pytest.raises(ConfigError, match="held_out is 1147, and there are 1146 problems"):
        open_puzzle("countdown", {"held_out": 1147})
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)  # as if it were not installed
    monkeypatch.delitem(sys.modules, PUZZLES["sudoku"][0].split(":")[0], raising=False)
    with pytest.raises(ConfigError, match=r"sudoku needs reasoning_gym.*\n  fix: pip install .*\[gym\]"):
        open_puzzle("sudoku", {})
