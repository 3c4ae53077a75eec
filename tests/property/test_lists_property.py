"""Laws of credit on lists: neither the order of the rollouts nor what else is in the batch's padding matters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra import Lexicon, credit
from hicra.engines import shape_rollouts
from tokenizers_made import byte_level

pytestmark = pytest.mark.filterwarnings("ignore:lexicon .* of tokens are planning tokens")
TOKENIZER = byte_level()
LEXICON = Lexicon.from_phrases(["let me", "so", "it is"])
WORDS = [TOKENIZER.encode(text).ids for text in (" so", " it", " is", " let", " me", " two", ".")]
NOT_IN_LISTS = {"kind_weights", "waad"}  # the signal of a run, attention maps
METHODS = sorted(name for name, one in credit.METHODS.items() if not NOT_IN_LISTS & {*one.needs})
OF_AN_ENVIRONMENT = {
    "state_ids",
    "node_id",
    "values",
    "level_ids",
}  # fields that lists do not hold, or make of tools' answers
BASELINES = sorted(name for name, one in credit.BASELINES.items() if not OF_AN_ENVIRONMENT & {*one.needs})


@st.composite
def calls(draw):
    """Arguments of a call with at least one planning token: the warning of an empty mask would be an error here."""
    count = draw(st.integers(2, 6))
    words = [draw(st.lists(st.sampled_from(WORDS), max_size=8)) for _ in range(count)]
    rows = [[one for word in words_of for one in word] for words_of in words]
    rows[0] = [*WORDS[0], *rows[0]]
    masks = [[draw(st.integers(0, 9)) > 0 for _ in row] for row in rows]
    masks[0][: len(WORDS[0])] = [True] * len(WORDS[0])
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    return {
        "token_ids": rows, "masks": masks, "groups": rng.integers(0, 2, count).tolist(),
        "rewards": [None if rng.random() < 0.2 else float(rng.integers(0, 2)) for _ in rows],
        "entropies": [rng.exponential(0.5, len(row)).tolist() for row in rows],
        "logprobs": [(-rng.exponential(0.5, len(row))).tolist() for row in rows],
        "method": draw(st.sampled_from(METHODS)), "baseline": draw(st.sampled_from(BASELINES)),
    }  # fmt: skip


def shaped(**call):
    return shape_rollouts(**call, tokenizer=TOKENIZER, lexicon=LEXICON, planning=True)


def equal(some, others):
    """Whether lists have None in the same places, and equal numbers in the others."""
    for one, other in zip(some, others, strict=True):
        if [value is None for value in one] != [value is None for value in other]:
            return False
        if not np.allclose([value or 0.0 for value in one], [value or 0.0 for value in other]):
            return False
    return True


PER_ROLLOUT = ("token_ids", "masks", "rewards", "groups", "entropies", "logprobs")


@given(call=calls(), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_the_order_of_rollouts_does_not_matter(call, seed):
    advantages, planning = shaped(**call)
    order = np.random.default_rng(seed).permutation(len(planning)).tolist()
    turned = call | {name: [call[name][row] for row in order] for name in PER_ROLLOUT}
    found, masks = shaped(**turned)
    assert masks == [planning[row] for row in order]
    assert equal(found, [advantages[row] for row in order])


@given(call=calls(), more=st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_padding_does_not_matter(call, more):
    """Tokens that the policy did not produce behind each rollout, as a caller has them who pads, change nothing before them."""
    advantages, planning = shaped(**call)
    wide = dict(call)
    for name, filler in (("token_ids", 3), ("masks", 0), ("entropies", 9.0), ("logprobs", -9.0)):
        wide[name] = [[*row, *[filler] * more] for row in call[name]]
    found, masks = shaped(**wide)
    assert [row[:-more] for row in masks] == planning
    assert not any(any(row[-more:]) for row in masks)
    assert equal([row[:-more] for row in found], advantages)
    assert all(one is None for row in found for one in row[-more:])


@given(call=calls())
@settings(max_examples=60, deadline=None)
def test_without_strength_the_baseline_stays_to_the_bit(call):
    own = shaped(**call | {"method": "none"})[0]
    for method in ("hicra", "hicra_recentred", "placebo"):
        assert shaped(**call | {"method": method, "method_settings": {"alpha": 0.0}})[0] == own


@given(call=calls())
@settings(max_examples=60, deadline=None)
def test_none_stands_exactly_where_nothing_is_assigned(call):
    advantages, planning = shaped(**call)
    for row, mask, reward, tagged in zip(advantages, call["masks"], call["rewards"], planning, strict=True):
        assert [value is not None for value in row] == [bool(one) and reward is not None for one in mask]
        assert all(one or not two for one, two in zip(mask, tagged, strict=True))
