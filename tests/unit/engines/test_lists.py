"""One function for trainers that keep rollouts as lists: equal to credit on padded arrays, None where nothing is assigned."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from hicra import Lexicon, Tagger, credit
from hicra.engines import chosen, shape_rollouts
from hicra.errors import ConfigError, DataError, MissingField
from tokenizers_made import byte_level

TOKENIZER = byte_level()
LEXICON = Lexicon.from_phrases(["let me check", "so"])
TEXTS = ["so it is two", "let me check that", "it is", "so it is what it is and it is no more"]
IDS = [TOKENIZER.encode(text).ids for text in TEXTS]
ONES = [[1] * len(row) for row in IDS]
REWARDS = [1.0, 0.0, None, 0.0]
GROUPS = ["a", "a", "b", "b"]


def shaped(method="hicra", **more):
    given = {"token_ids": IDS, "masks": ONES, "rewards": REWARDS, "groups": GROUPS} | more
    return shape_rollouts(**given, tokenizer=TOKENIZER, lexicon=LEXICON, method=method)


def padded(rows, fill=0):
    out = np.full((len(rows), max(map(len, rows))), fill, np.float64)
    for number, row in enumerate(rows):
        out[number, : len(row)] = row
    return out


def test_by_hand():
    """Group a: rewards 1 and 0, mean 1/2, so A = +1/2 and -1/2. Alpha 0.2 adds 0.2 * 1/2 = 0.1 on planning tokens: 0.6 and -0.4.
    Of group b only one rollout has a reward, so its A is 0; the other one has none.
    """
    found, planning = shaped(planning=True)
    assert [len(row) for row in found] == [len(row) for row in planning] == [len(row) for row in IDS]
    assert [sorted(set(row), key=str) for row in found[:2]] == [[0.5, 0.6], [-0.4, -0.5]]
    assert [row == (0.6 if number == 0 else -0.4) for number in (0, 1) for row in found[number]] == [
        *planning[0],
        *planning[1],
    ]
    assert set(found[2]) == {None}
    assert set(found[3]) == {0.0}
    assert any(planning[3])
    assert all(type(one) in (float, type(None)) for row in found for one in row)
    assert all(type(one) is bool for row in planning for one in row)


def test_tokens_that_the_policy_did_not_produce_are_none_and_break_a_match():
    at = TOKENIZER.encode("let").ids
    masks = [[1] * len(row) for row in IDS]
    masks[1][len(at)] = 0  # inside "let me check"
    found, planning = shaped(masks=masks, planning=True)
    assert [number for number, one in enumerate(found[1]) if one is None] == [len(at)]
    assert not any(planning[1])


METHODS = [name for name, one in credit.METHODS.items() if not {"kind_weights", "waad"} & {*one.needs}]


@pytest.mark.parametrize("method", METHODS)
def test_it_is_credit_on_padded_arrays(method):
    """Against the parts one by one: tag, baseline, method, on arrays padded here."""
    rewards = [1.0, 0.0, 1.0, 0.0]
    entropies = [[(one % 7) / 7 for one in row] for row in IDS]
    logprobs = [[-(one % 5) / 5 for one in row] for row in IDS]
    found = shaped(method, rewards=rewards, entropies=entropies, logprobs=logprobs, baseline="rloo")
    ids, live = padded(IDS).astype(int), padded(ONES) == 1
    batch = {
        "response_ids": ids, "response_mask": live, "planning_mask": Tagger(LEXICON, TOKENIZER).mask(ids, live),
        "group_ids": np.array([5, 5, 9, 9]), "rewards": np.array(rewards), "entropies": padded(entropies),
        "old_logprobs": padded(logprobs),
    }  # fmt: skip
    base = credit.BASELINES["rloo"](batch["rewards"], batch["group_ids"], batch)
    expected = credit.METHODS[method](base, batch)
    assert [one for row in found for one in row] == pytest.approx(expected[live].tolist(), abs=1e-12)


@pytest.mark.parametrize("baseline", ["grpo", "gigpo", "gtpo", "lambda_grpo", "reinforce_pp"])
def test_baselines_by_name(baseline):
    rewards = [1.0, 0.0, 1.0, 0.0]
    entropies = [[(1 + one % 7) / 7 for one in row] for row in IDS]
    found = shaped("none", rewards=rewards, entropies=entropies, baseline=baseline)
    ids, live = padded(IDS).astype(int), padded(ONES) == 1
    batch = {
        "response_ids": ids, "response_mask": live, "entropies": padded(entropies),
        "state_ids": np.where(live, 0, -1),  # no tool has answered
    }  # fmt: skip
    made = credit.BASELINES[baseline](np.array(rewards), np.array([0, 0, 1, 1]), batch)
    expected = np.broadcast_to(made[:, None] if made.ndim == 1 else made, live.shape)[live]
    assert [one for row in found for one in row] == pytest.approx(expected.tolist(), abs=1e-12)


def test_a_method_with_settings_and_one_after_it():
    """A = +1/2 and -1/2 of group a: 0.5 * 1/2 = 0.25 more on planning tokens, then only those keep anything."""
    found, planning = shaped(
        method_settings={"alpha": 0.5}, method_then=[{"name": "planning_only"}], baseline="dr_grpo", planning=True
    )
    assert found[0] == [0.75 if one else 0.0 for one in planning[0]]
    assert found[1] == [-0.25 if one else 0.0 for one in planning[1]]


def test_own_advantages_one_each_or_one_a_token():
    """Alpha 0.2 turns 2 into 2.4 and -1 into -0.8 on planning tokens."""
    one_each, planning = shaped(advantages=[2.0, -1.0, None, 0.0], planning=True)
    assert one_each[0] == [2.4 if one else 2.0 for one in planning[0]]
    assert one_each[1] == [-0.8 if one else -1.0 for one in planning[1]]
    assert set(one_each[2]) == {None}  # its reward is not known
    per_token = shaped(advantages=[[value] * len(row) for value, row in zip([2.0, -1.0, 9.0, 0.0], IDS, strict=True)])
    assert per_token == one_each


def test_arrays_and_tensors_are_taken_as_lists_are():
    as_lists = shaped()
    as_arrays = shaped(
        token_ids=[np.array(row) for row in IDS],
        masks=[torch.ones(len(row), dtype=torch.int) for row in IDS],
        rewards=np.array([1.0, 0.0, np.nan, 0.0]),
        groups=torch.tensor([7, 7, 3, 3]),
    )
    assert as_arrays == as_lists


def test_tensors_inside_lists_are_taken_whatever_their_kind():
    """As a rollout worker leaves them: scalars with a gradient, half precision, one tensor a number."""

    def scalars(values, **kind):
        return [None if one is None else torch.tensor(one, **kind) for one in values]

    found = shaped(
        rewards=scalars(REWARDS, requires_grad=True),
        groups=[torch.tensor(one) for one in (7, 7, 3, 3)],
        advantages=scalars([0.5, -0.5, 0.0, 0.0], dtype=torch.bfloat16),
    )
    assert found == shaped()
    entropies = [[0.5] * len(row) for row in IDS]
    given = [scalars(row, requires_grad=True) for row in entropies]
    assert shaped("entropy_advantage", entropies=given) == shaped("entropy_advantage", entropies=entropies)


def test_any_integer_may_stand_where_the_policy_produced_no_token():
    """-100, as labels have it, or the end of the range: nothing but the mask says what counts."""
    masks = [[1] * (len(row) - 1) + [0] for row in IDS]
    expected = shaped(masks=masks)
    for filler in (-100, -(2**63), 2**63 - 1):
        assert shaped(masks=masks, token_ids=[[*row[:-1], filler] for row in IDS]) == expected


def test_no_rollout_and_one_without_tokens():
    assert shape_rollouts([], [], [], [], TOKENIZER, LEXICON) == []
    assert shape_rollouts([], [], [], [], TOKENIZER, LEXICON, planning=True) == ([], [])
    found = shaped(token_ids=[[], *IDS[1:]], masks=[[], *ONES[1:]])
    assert found[0] == []
    assert set(found[1]) == {-0.5, -0.4}


def test_the_tables_of_a_tokenizer_are_made_once(monkeypatch):
    made = []
    real = chosen.Shaping
    monkeypatch.setattr(chosen, "_latest", None)
    monkeypatch.setattr(chosen, "Shaping", lambda *given: made.append(given) or real(*given))
    for _ in range(3):
        shaped()
    assert len(made) == 1
    shape_rollouts(IDS, ONES, REWARDS, GROUPS, TOKENIZER, Lexicon.from_phrases(["it is"]))
    assert len(made) == 2
    again, planning = shape_rollouts(IDS, ONES, REWARDS, GROUPS, TOKENIZER, LEXICON, "planning_only", planning=True)
    assert len(made) == 3
    assert again[0] == [0.5 if one else 0.0 for one in planning[0]]


# ---- bad input
def without(rows, number, tokens=1):
    return [row[tokens:] if at == number else row for at, row in enumerate(rows)]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"masks": without(ONES, 2)}, "masks: that of rollout 2 has shape"),
        ({"masks": ONES[:3]}, "masks has 3 entries and token_ids 4"),
        ({"masks": [[0.5] * len(row) for row in IDS]}, "masks: rollout 0 has 0.5 at token 0"),
        ({"masks": [["x"] * len(row) for row in IDS]}, "masks: that of rollout 0 is no list of numbers"),
        ({"token_ids": [*IDS[:3], "so"]}, "token_ids: that of rollout 3 has shape"),
        ({"token_ids": [*IDS[:3], [0.5] * len(IDS[3])]}, "token_ids: rollout 3 holds float64"),
        ({"token_ids": [[-1] * len(IDS[0]), *IDS[1:]]}, "token_ids: rollout 0 holds the negative id -1 at token 0"),
        ({"token_ids": [[2**63] * len(IDS[0]), *IDS[1:]]}, "token_ids: rollout 0 holds 9223372036854775808, which is no id"),
        ({"token_ids": [[[1, 2], [3]], *IDS[1:]]}, "token_ids: that of rollout 0: rows of unequal length"),
        ({"token_ids": "so"}, "token_ids is of type str"),
        ({"token_ids": dict(enumerate(IDS))}, "token_ids is of type dict"),
        ({"masks": iter(ONES)}, "masks is of type list_iterator"),
        ({"masks": np.array(1)}, "masks is of type ndarray"),
        ({"masks": [["1"] * len(row) for row in IDS]}, "masks: that of rollout 0 is no list of numbers"),
        ({"rewards": [1.0, float("inf"), 0.0, 0.0]}, "rewards: reward of row 1 is inf"),
        ({"rewards": [1.0, "x", 0.0, 0.0]}, "^rewards are no numbers: they are of type <U"),
        ({"rewards": ["1", "0", "1", "0"]}, "^rewards are no numbers: they are of type <U1"),
        ({"rewards": np.array([1.0, "0", None, 0], object)}, "^rewards are no numbers: they are of type <U"),
        ({"rewards": [1j, 0.0, 0.0, 0.0]}, "^rewards are no numbers: they are of type complex128"),
        ({"rewards": [10**400, 0.0, 0.0, 0.0]}, "^rewards are no numbers: int too large"),
        ({"rewards": [[1.0]] * 4}, "rewards: that of rollout 0 is a list"),
        ({"rewards": np.zeros((4, 3)), "advantages": [0.0] * 4}, "rewards: that of rollout 0 is a list"),
        ({"rewards": {"a": 1.0, "b": 0.0, "c": 1.0, "d": 0.0}}, "rewards is of type dict"),
        ({"rewards": [1.0]}, "rewards has 1 entries and token_ids 4"),
        ({"groups": [0, 0, None, 1]}, "groups: the id of row 2 is missing"),
        ({"groups": "aabb"}, "groups is of type str"),
        ({"groups": b"aabb"}, "groups is of type bytes"),
        ({"groups": {3, 5, 7, 9}}, "groups is of type set"),
        ({"groups": [("a", 1)] * 4}, "groups: that of rollout 0 is a tuple"),
        ({"advantages": ["1", "2", "3", "4"]}, "advantages: the entries are of type <U1, no real numbers"),
        ({"advantages": [1.0, float("nan"), 0.0, 0.0]}, "advantages: that of rollout 1 is no finite number"),
        ({"advantages": [[0.0] * len(row) for row in IDS[:3]] + [[]]}, "advantages: that of rollout 3 has shape"),
        ({"advantages": [[float("nan")] * len(row) for row in IDS]}, "advantages: that of rollout 0, token 0"),
        ({"method": "entropy_advantage", "entropies": without(ONES, 1)}, "entropies: that of rollout 1"),
        ({"method": "entropy_advantage", "entropies": [[float("inf")] * len(row) for row in IDS]}, "entropy of row 0"),
    ],
)  # fmt: skip
def test_bad_input_names_the_argument_and_the_rollout(given, says):
    with pytest.raises(DataError, match=says):
        shaped(**given)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"method": "hikra"}, "did you mean 'hicra'"),
        ({"method_settings": {"alfa": 0.1}}, "did you mean 'alpha'"),
        ({"method_then": [{"settings": {}}]}, "method_then has a shaper without a name"),
        (
            {"method_then": [{"name": "planning_only", "setings": {}}]},
            "'method_then\\[0\\].setings'(.|\n)*did you mean 'settings'",
        ),
        ({"method_then": [{"name": 3}]}, "method_then\\[0\\].name is 3, no name"),
        ({"method_then": [{"name": "placebo", "settings": [1]}]}, "method_then\\[0\\].settings is \\[1\\], no mapping"),
        ({"method_then": ["placebo"]}, "method_then.0: .*dictionary.*got 'placebo'"),
        ({"method_then": None}, "method_then: .*list.*got None"),
        ({"method_settings": "alpha=0.1"}, "method_settings: .*dictionary.*got 'alpha=0.1'"),
        ({"baseline": "grpo", "baseline_settings": [1]}, "baseline_settings: .*dictionary"),
        ({"method": 3}, "method: .*string.*got 3"),
        ({"baseline": "grpoo"}, "did you mean 'grpo'"),
        ({"baseline": "grpo", "advantages": [0.0] * 4}, "both a baseline and advantages"),
        (
            {"baseline_settings": {"scale": 1}, "advantages": [0.0] * 4},
            "baseline_settings is given and baseline is not",
        ),
        ({"unit": "word"}, "unit: .*got 'word'"),
    ],
)
def test_what_is_refused_by_name(given, says):
    with pytest.raises(ConfigError, match=says):
        shaped(**given)


@pytest.mark.parametrize(
    ("method", "says"),
    [
        ("entropy_advantage", "needs entropies"),
        ("perplexity_shaping", "needs logprobs"),
        ("hicra_adaptive", "follows the signal"),
    ],
)
def test_a_field_that_is_needed_is_named(method, says):
    entropies = None if method == "entropy_advantage" else [[0.5] * len(row) for row in IDS]
    with pytest.raises(MissingField, match=says):
        shaped(method, entropies=entropies)


def test_what_a_method_needs_is_asked_for_before_there_is_a_rollout():
    with pytest.raises(MissingField, match="needs entropies"):
        shape_rollouts([], [], [], [], TOKENIZER, LEXICON, "entropy_advantage")
    with pytest.raises(MissingField, match="hicra_adaptive follows the signal"):  # entropies would not help
        shape_rollouts([], [], [], [], TOKENIZER, LEXICON, "hicra_adaptive")
    assert shape_rollouts([], [], [], [], TOKENIZER, LEXICON, "entropy_advantage", entropies=[]) == []


def test_a_turned_sign_is_named_also_where_the_method_reads_no_entropies():
    given = [[0.5] * len(row) for row in IDS]
    given[1][0] = -0.75
    with pytest.raises(DataError, match="the entropy of row 1, token 0 is -0.75, below 0"):
        shaped(entropies=given)
    with pytest.raises(DataError, match="the log-probability of row 0, token 0 is 0.5, above 0"):
        shaped(logprobs=[[0.5] * len(row) for row in IDS])
    shaped(logprobs=[[-0.5] * len(row) for row in IDS])


def test_an_empty_mask_is_warned_of():
    with pytest.warns(UserWarning, match="no token is a planning token"):
        shape_rollouts(IDS, ONES, REWARDS, GROUPS, TOKENIZER, Lexicon.from_phrases(["xyzzy"]))


def test_it_imports_no_torch():
    code = "import sys\nfrom hicra.engines import shape_rollouts\nassert not {'torch', 'transformers', 'trl'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
