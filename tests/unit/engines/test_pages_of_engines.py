"""The code blocks of docs/engines/ run as they stand, on stand-ins of what each engine has at hand there.

benchmarks/other_engines.py runs them on the engines' own code, where checkouts are at hand.
"""

import asyncio
import re
import sys
import types
from types import SimpleNamespace as Bag

import pytest
import torch

from hicra import Lexicon, Tagger
from paths import ROOT
from tokenizers_made import byte_level

TOKENIZER = byte_level()
PROMPTS = ["why", "why", "what is it", "what is it"]
TEXTS = ["so it is two", "it is what it is", "let me check that it is two", "it is"]
REWARDS = [1.0, 0.0, 1.0, 0.0]
IDS = [(TOKENIZER.encode(prompt).ids, TOKENIZER.encode(text).ids) for prompt, text in zip(PROMPTS, TEXTS, strict=True)]
OWN = [0.5, -0.5, 0.5, -0.5]  # each reward less the mean of its group


def run(page, **given):
    """Runs the first code block of a page; returns its names."""
    text = (ROOT / "docs" / "engines" / f"{page}.md").read_text(encoding="utf-8")
    source = re.search(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[1]
    exec(compile(source, f"{page}.md", "exec"), given)  # noqa: S102  the page of this project
    return given


def expected():
    """A + 0.2 |A| on planning tokens, so 0.6 and -0.4, and A on the others, tagged row by row without the function."""
    tagger, out = Tagger(Lexicon.load("paper"), TOKENIZER), []
    for (_, row), own in zip(IDS, OWN, strict=True):
        mask = tagger.mask(torch.tensor([row]), torch.ones(1, len(row)))[0]
        out.append([own + 0.2 * abs(own) if tagged else own for tagged in mask.tolist()])
    assert {round(value, 6) for row in out for value in row} == {0.6, 0.5, -0.5}  # the wrong answers hold no gram
    return out


def same(found):
    return [pytest.approx(row) for row in expected()] == found


def padded(rows):
    return torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)


def test_nemo_rl():
    mask = padded([[0.0] * len(prompt) + [1.0] * len(row) for prompt, row in IDS])
    given = run(
        "nemo-rl", mask=mask, rewards=torch.tensor(REWARDS), tokenizer=TOKENIZER,
        prompt_ids_for_adv=padded([prompt for prompt, _ in IDS]),
        train_data={"input_ids": padded([p + r for p, r in IDS]), "advantages": torch.tensor(OWN)[:, None].expand(mask.shape)},
    )  # fmt: skip
    shaped = given["train_data"]["advantages"]
    assert shaped.shape == mask.shape
    assert same([row[policy > 0].tolist() for row, policy in zip(shaped, mask, strict=True)])


def test_openrlhf():
    class RemoteExperienceMaker:
        tokenizer, strategy = TOKENIZER, Bag(args=Bag(rollout=Bag(n_samples_per_prompt=2)))

        def compute_advantages_and_returns(self, experiences):
            for one in experiences:
                one.advantages = torch.tensor([OWN[at] for at in one.index])[:, None] * one.action_mask
                one.rewards = None  # nothing of it is read afterwards
            return experiences

    experiences = [
        Bag(
            index=part, rewards=torch.tensor([REWARDS[at] for at in part]),
            sequences=padded([[*IDS[at][0], *IDS[at][1]] for at in part]),
            action_mask=padded([[0.0] * len(IDS[at][0]) + [1.0] * len(IDS[at][1]) for at in part])[:, 1:],
        )
        for part in ([2, 0], [1, 3])
    ]  # fmt: skip
    maker = run("openrlhf", RemoteExperienceMaker=RemoteExperienceMaker)["HicraExperienceMaker"]()
    found = {}
    for one in maker.compute_advantages_and_returns(experiences):
        for row, at in enumerate(one.index):
            found[at] = one.advantages[row][one.action_mask[row] > 0].tolist()
    assert same([found[at] for at in range(4)])


def test_prime_rl():
    """A trace of two nodes, with a gram that would begin in one and end in the other; and one that cannot be scored."""
    cut = [TOKENIZER.encode("let me").ids, TOKENIZER.encode(" check").ids]

    def trace(reward, *nodes):
        return Bag(reward=reward, nodes=[Bag(token_ids=ids, mask=mask, advantages=None) for ids, mask in nodes])

    def assign_advantages(one, values):
        sampled = iter(values)
        for node in one.nodes:
            node.advantages = [next(sampled) for mask in node.mask if mask]
        assert next(sampled, None) is None

    group = [
        trace(1.0, *((ids, [True] * len(ids)) for ids in cut)),
        trace(0.0, ([*IDS[1][0], *IDS[1][1]], [False] * len(IDS[1][0]) + [True] * len(IDS[1][1]))),
        trace(None, (IDS[0][1], [True] * len(IDS[0][1]))),
    ]
    given = run(
        "prime-rl", GRPOAlgorithm=object, tokenizer=TOKENIZER, assign_advantages=assign_advantages,
        iter_trainable_traces=lambda episodes: [(None, one) for one in episodes],
    )  # fmt: skip
    asyncio.run(given["HicraAlgorithm"]().score_group(group))
    assert group[0].nodes[1].advantages == [0.5] * len(cut[1])  # " check" alone is no gram
    assert group[1].nodes[0].advantages == [-0.5] * len(IDS[1][1])
    assert group[2].nodes[0].advantages is None  # unassigned, not 0


def test_tinker(monkeypatch):
    class TensorData:
        def __init__(self, values):
            self.values = values

        def to_torch(self):
            return self.values

        @classmethod
        def from_torch(cls, values):
            return cls(values)

    monkeypatch.setitem(sys.modules, "tinker", types.SimpleNamespace(TensorData=TensorData))

    def assemble(groups, advantages):
        data = []
        for (prompt, row), own in zip(IDS, OWN, strict=True):  # shifted by one, as the targets are
            before = len(prompt) - 1
            fields = {"target_tokens": [*prompt, *row][1:], "mask": [0.0] * before + [1.0] * len(row)}
            fields["advantages"] = [0.0] * before + [own] * len(row)
            data.append(Bag(loss_fn_inputs={name: TensorData(torch.tensor(value)) for name, value in fields.items()}))
        return data, [{"group_idx": at // 2, "traj_idx": at % 2} for at in range(4)]

    groups = [Bag(get_total_rewards=lambda at=at: REWARDS[2 * at : 2 * at + 2]) for at in range(2)]
    given = run(
        "tinker", assemble_training_data=assemble, trajectory_groups_P=groups, advantages_P=None, tokenizer=TOKENIZER
    )
    rows = [one.loss_fn_inputs["advantages"].to_torch().tolist() for one in given["data_D"]]
    assert same([row[-len(ids) :] for row, (_, ids) in zip(rows, IDS, strict=True)])
    assert not any(any(row[: -len(ids)]) for row, (_, ids) in zip(rows, IDS, strict=True))


def test_mlx(monkeypatch):
    core = types.ModuleType("mlx.core")
    core.array = torch.tensor
    monkeypatch.setitem(sys.modules, "mlx", types.ModuleType("mlx"))
    monkeypatch.setitem(sys.modules, "mlx.core", core)
    completions = [torch.tensor(row) for _, row in IDS]
    shaped = run("mlx", advantages=torch.tensor(OWN), ordered_completions=completions, tokenizer=TOKENIZER)[
        "advantages"
    ]
    assert shaped.shape == (4, max(len(row) for _, row in IDS) - 1)
    rows = [[first, *row[: len(ids) - 1]] for first, row, (_, ids) in zip(
        [row[0] for row in expected()], shaped.tolist(), IDS, strict=True
    )]  # fmt: skip
    assert same(rows)
