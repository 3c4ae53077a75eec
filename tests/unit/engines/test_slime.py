"""The function for slime, on the data that slime hands to it: lists of tensors, loss masks, slices of context parallelism.

slime itself needs Megatron and a GPU. What stands in for it here is its data, and one function that cuts a response as its
context parallelism does.
"""

import sys
import types

import numpy as np
import pytest
import torch

from hicra import Lexicon, Tagger, credit
from hicra.engines.slime import shape
from hicra.errors import ConfigError, DataError, EngineError
from tokenizers_made import byte_level

PROMPT = "what is one and one"
TEXTS = ["so it is two", "let me check that it is two so it is", "it is"]
REWARDS = [0.5, -0.25, 0.0]  # compared within the group before slime calls
GRAMS = ["let me check", "so"]


@pytest.fixture
def args(tmp_path):
    byte_level().save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "grams.txt").write_text("\n".join(GRAMS))
    return types.SimpleNamespace(
        hf_checkpoint=str(tmp_path), advantage_estimator="grpo", normalize_advantages=False,
        hicra={"lexicon": str(tmp_path / "grams.txt"), "method_settings": {"alpha": 0.2}},
    )  # fmt: skip


def rollouts(cut=lambda values, total, length: values):
    tokenizer = byte_level()
    prompt = tokenizer.encode(PROMPT).ids
    responses = [tokenizer.encode(text).ids for text in TEXTS]
    masks = [torch.ones(len(row), dtype=torch.int) for row in responses]
    masks[0][-1] = 0  # a token that a tool wrote
    return {
        "tokens": [torch.tensor(prompt + row) for row in responses], "loss_masks": masks, "rewards": list(REWARDS),
        "response_lengths": [len(row) for row in responses], "total_lengths": [len(prompt + row) for row in responses],
        "kl": [cut(torch.zeros(len(row)), len(prompt + row), len(row)) for row in responses],
    }  # fmt: skip


def expected(alpha=0.2):
    """Tagged row by row, A + alpha |A| on planning tokens, A on all others; worked out without the adapter."""
    data, found, masks = rollouts(), [], []
    tagger = Tagger(Lexicon.from_phrases(GRAMS), byte_level())
    for tokens, mask, length, reward in zip(
        data["tokens"], data["loss_masks"], data["response_lengths"], REWARDS, strict=True
    ):
        planning = tagger.mask(tokens[-length:][None], mask[None] == 1)[0]
        found.append(torch.where(planning, reward + alpha * abs(reward), reward).float())
        masks.append(planning.float())
    assert sum(int(one.sum()) for one in masks) > 3
    return found, masks


def same(some, others):
    return len(some) == len(others) and all(torch.equal(one, other) for one, other in zip(some, others, strict=True))


def test_it_sets_what_slime_reads(args):
    data = rollouts()
    shape(args, data)
    advantages, masks = expected()
    assert same(data["advantages"], advantages)
    assert same(data["planning_mask"], masks)
    assert same(
        data["returns"], [torch.full((len(one),), reward) for one, reward in zip(advantages, REWARDS, strict=True)]
    )
    assert all(one.dtype == torch.float32 for name in ("advantages", "returns") for one in data[name])


def test_alpha_0_is_what_slime_itself_computes(args):
    """slime's own grpo gives each token of a response the reward that it has compared."""
    args.hicra["method_settings"] = {"alpha": 0.0}
    data = rollouts()
    shape(args, data)
    assert same(data["advantages"], data["returns"])


def test_it_says_once_what_it_trains_with(args, capsys):
    """slime takes a key of its YAML file that nobody reads, so a misspelt section would pass without a word."""
    args.hicra["method_settings"] = {"alpha": 0.45}
    for _ in range(2):
        shape(args, rollouts())
    said = [line for line in capsys.readouterr().err.splitlines() if "'alpha': 0.45" in line]
    assert len(said) == 1
    assert ": hicra {'alpha': 0.45} after slime's own advantages, lexicon " in said[0]


def slices(rank, size):
    """Cuts a response as rank `rank` of `size` holds it: the sequence is laid into 2*size equal chunks, a rank has the chunks
    rank and 2*size-1-rank, and a token belongs to the chunk of the token before it, whose logits predict it.
    """

    def cut(values, total, length):
        chunk = -(-total // (2 * size))
        before = np.arange(total - length - 1, total - 1) // chunk
        return values[torch.from_numpy((before == rank) | (before == 2 * size - 1 - rank))]

    return cut


@pytest.fixture
def slime_rank(monkeypatch):
    def of(rank, size):
        for name in ("slime", "slime.backends", "slime.backends.megatron_utils"):
            monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
        module = types.ModuleType("slime.backends.megatron_utils.cp_utils")
        module.slice_log_prob_with_cp = slices(rank, size)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return module.slice_log_prob_with_cp

    return of


@pytest.mark.parametrize("size", [2, 3])
def test_ranks_of_context_parallelism_hold_slices_of_the_whole(args, slime_rank, size):
    """A gram may begin on one rank and end on another: all ranks together hold what one rank alone would."""
    advantages, masks = expected()
    held = [0] * len(TEXTS)
    for rank in range(size):
        cut = slime_rank(rank, size)
        data = rollouts(cut)
        totals = zip(data["total_lengths"], data["response_lengths"], strict=True)
        shape(args, data)
        for row, (total, length) in enumerate(totals):
            assert torch.equal(data["advantages"][row], cut(advantages[row], total, length))
            assert torch.equal(data["planning_mask"][row], cut(masks[row], total, length))
            held[row] += len(data["advantages"][row])
    assert held == [len(one) for one in advantages]


def test_slices_of_another_layout_are_refused(args, slime_rank):
    slime_rank(0, 2)
    with pytest.raises(EngineError, match="slime cuts a response of .* tokens to .*, and its KL has"):
        shape(args, rollouts(lambda values, total, length: values[:2]))


def test_nothing_of_slime_is_needed_where_a_rank_holds_whole_responses(args):
    assert "slime" not in sys.modules
    shape(args, rollouts())


def test_without_keys_the_defaults_count(args):
    """Alpha 0.2 and the lexicon of the paper, which holds "so" and not "two"."""
    del args.hicra
    data = rollouts()
    shape(args, data)
    assert {round(float(one), 6) for one in data["advantages"][1]} == {-0.25, -0.2}  # -0.25 + 0.2 * 0.25
    assert data["advantages"][0][0] == np.float32(0.6)  # "so": 0.5 + 0.2 * 0.5
    assert data["advantages"][0][-1] == 0.5


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"hicra": {"lexikon": "paper"}}, "unknown config key 'hicra.lexikon'"),
        ({"hicra": "paper"}, "hicra is 'paper', no mapping"),
        ({"hicra": {"method": "hikra"}}, "did you mean 'hicra'"),
        ({"hicra": {"method": "hicra_recentred"}}, "hicra_recentred compares rollouts with each other"),
        ({"hicra": {"baseline": "rloo"}}, "rloo compares rollouts with each other"),
        (
            {"hicra": {"method": "entropy_advantage"}},
            "needs the batch field 'entropies', which slime does not hand over",
        ),
        ({"normalize_advantages": True}, "--normalize-advantages centres and scales"),
        ({"advantage_estimator": "ppo"}, "--advantage-estimator ppo computes other advantages"),
    ],
)
def test_what_does_not_go_together_is_refused(args, change, says):
    vars(args).update(change)
    with pytest.raises(ConfigError, match=says):
        shape(args, rollouts())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rewards": [0.5, float("nan"), 0.0]}, "the reward of rollout 1 of this rank is nan"),
        (
            {"rewards": [0.5, 1e39, 0.0]},
            r"the reward of rollout 1 of this rank is 1e\+39",
        ),  # past float32, which slime trains in
        (
            {"tokens": [torch.zeros(1), torch.full((3,), 0.5), torch.zeros(1)]},
            "tokens: rollout 0 holds float32, no integers",
        ),
        ({"rewards": [0.5, None, 0.0]}, "the reward of rollout 1 of this rank is nan"),
        ({"rewards": [[0.5], [0.0], [0.0]]}, "rewards: that of rollout 0 is a list"),
        ({"rewards": [0.5]}, "'rewards'.* has 1 entries and response_lengths 3"),
        ({"kl": None}, "rollout_data has no 'kl'"),
        ({"total_lengths": [99, 99, 99]}, "rollout 0 of this rank: .* tokens, a total length of 99"),
        ({"loss_masks": [torch.ones(1)] * 3}, "rollout 0 of this rank: .* loss mask of shape"),
    ],
)
def test_data_that_does_not_fit_is_named(args, change, says):
    with pytest.raises(DataError, match=says):
        shape(args, rollouts() | change)


def test_a_loss_mask_holds_0_or_1_alone(args):
    data = rollouts()
    data["loss_masks"][1] = data["loss_masks"][1].float()
    data["loss_masks"][1][2] = 0.5
    with pytest.raises(DataError, match=r"the loss mask of rollout 1 of this rank\[2\] is 0.5, neither 0 nor 1"):
        shape(args, data)


def test_a_rank_without_rollouts_is_left_without(args):
    data = {name: [] for name in rollouts()}
    shape(args, data)
    assert data["advantages"] == data["returns"] == data["planning_mask"] == []


def test_a_slime_without_the_function_that_cuts_is_named(args, monkeypatch):
    monkeypatch.setitem(sys.modules, "slime", None)
    with pytest.raises(
        EngineError, match=r"slime's function that cuts a response is not found(.|\n)*docs/engines/slime.md"
    ):
        shape(args, rollouts(slices(0, 2)))


def test_every_method_by_row_that_needs_tokens_alone_can_be_named(args):
    usable = [
        name for name, one in credit.METHODS.items()
        if one.scope == "row" and set(one.needs) <= {"response_mask", "planning_mask", "response_ids"}
    ]  # fmt: skip
    assert {"hicra", "placebo", "planning_only"} <= set(usable)
    for name in usable:
        args.hicra = args.hicra | {"method": name, "method_settings": {}}
        data = rollouts()
        shape(args, data)
        assert all(torch.isfinite(one).all() for one in data["advantages"])
