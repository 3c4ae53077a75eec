"""The border of credit: numpy or torch in, the same kind, dtype and device out; other shapes are refused by name."""

import numpy as np
import pytest

from hicra import credit
from hicra.errors import ConfigError, DataError

A = [[0.5, 0.5, 0.5], [-0.5, -0.5, -0.5]]
MASK = [[True, False, True], [True, True, False]]
LIVE = [[True, True, True], [True, True, False]]
NUMPY = (np.float16, np.float32, np.float64)
TORCH = ("bfloat16", "float16", "float32", "float64")


def batch():
    return {
        "response_ids": np.array([[5, 6, 7], [8, 9, 0]]), "response_mask": np.array(LIVE), "planning_mask": np.array(MASK),
        "group_ids": np.array([3, 3]), "rewards": np.array([1.0, 0.0]), "entropies": np.array([[0.3, 0.9, 0.1], [0.2, 0.4, 9.0]]),
        "old_logprobs": -np.array([[0.2, 1.5, 0.4], [0.1, 2.0, 9.0]]), "kind_weights": np.array([0.75, 0.25]),
        "waad": np.array([[4.0, 1.0, 2.0], [3.0, 5.0, 9.0]]), "fai": np.array([[0.1, 0.3, 0.2], [0.3, 0.1, 9.0]]),
    }  # fmt: skip


@pytest.mark.parametrize("name", credit.METHODS)
@pytest.mark.parametrize("dtype", NUMPY)
def test_methods_keep_numpy_and_its_dtype(name, dtype):
    got = credit.METHODS[name](np.array(A, dtype), batch())
    assert isinstance(got, np.ndarray)
    assert got.dtype == dtype


@pytest.mark.parametrize("name", credit.METHODS)
@pytest.mark.parametrize("dtype", TORCH)
def test_methods_keep_torch_its_dtype_and_its_numbers(name, dtype):
    torch = pytest.importorskip("torch")
    given = torch.tensor(A, dtype=getattr(torch, dtype))
    tensors = {field: torch.tensor(value) for field, value in batch().items()}
    got = credit.METHODS[name](given, tensors)
    assert isinstance(got, torch.Tensor)
    assert (got.dtype, got.device) == (given.dtype, given.device)
    exact = credit.METHODS[name](np.array(A), batch())
    assert np.allclose(got.double().numpy(), exact, rtol=torch.finfo(given.dtype).eps)
    if "alpha" in credit.METHODS[name].settings:
        assert torch.equal(credit.METHODS[name](given, tensors, alpha=0.0), given)


@pytest.mark.parametrize("dtype", TORCH)
def test_a_bfloat16_result_is_rounded_once(dtype):
    torch = pytest.importorskip("torch")
    given = torch.tensor([0.3, -0.7]).to(getattr(torch, dtype))
    mask = torch.tensor(MASK)
    got = credit.hicra(given, mask)
    # amplified in float32 or more, then rounded
    exact = torch.where(mask, given.double()[:, None] + 0.2 * given.double().abs()[:, None], given.double()[:, None])
    assert got.dtype == given.dtype
    assert torch.allclose(
        got.double(), exact, rtol=torch.finfo(given.dtype).eps / 2 if got.element_size() < 4 else 1e-6
    )
    same = credit.METHODS["hicra"](given, {"response_mask": torch.ones_like(mask), "planning_mask": mask})
    assert torch.equal(got, same)


@pytest.mark.parametrize("name", credit.BASELINES)
def test_baselines_keep_kind_and_dtype(name):
    torch = pytest.importorskip("torch")
    rewards, groups, fields = [1.0, 0.0, 0.0, 1.0], [7, 7, 9, 9], batch_of_four()
    exact = credit.BASELINES[name](rewards, groups, fields)
    assert exact.dtype == np.float64
    for dtype in NUMPY:
        got = credit.BASELINES[name](np.array(rewards, dtype), np.array(groups), fields)
        assert got.dtype == dtype
        assert np.allclose(got, exact, rtol=1e-3)
    tensors = {field: torch.tensor(value) for field, value in fields.items()}
    for dtype in TORCH:
        given = torch.tensor(rewards, dtype=getattr(torch, dtype))
        got = credit.BASELINES[name](given, torch.tensor(groups), tensors)
        assert (got.dtype, got.device) == (given.dtype, given.device)
        assert np.allclose(got.double().numpy(), exact, rtol=1e-2)


def batch_of_four():
    return {
        "response_ids": np.array([[5, 6, 7], [5, 9, 0], [4, 4, 4], [4, 4, 0]]),
        "response_mask": np.arange(3) < [[3], [2], [3], [2]],
        "entropies": np.array([[0.3, 0.9, 0.1], [0.2, 0.4, 9.0]] * 2), "state_ids": np.array([[0, 0, 1], [0, 1, -1]] * 2),
        "action_ids": np.array([[0, 0, 1], [0, 1, -1]] * 2), "values": np.array([[0.5, 0.5, 1.0], [0.5, 0.25, 0.0]] * 2),
        "old_logprobs": np.array([[-0.3, -0.9, -0.01], [-0.2, -0.4, 0.0]] * 2),
        "parent_id": np.array([[0, 0, 1], [0, 3, -1]] * 2),
        "node_id": np.array([[1, 1, 2], [3, 4, -1], [5, 5, 2], [6, 4, -1]]), "n_children": np.array([[2, 2, 1], [2, 1, -1]] * 2),
        "leaf_reward": np.array([[np.nan, np.nan, 1.0], [np.nan, 0.0, np.nan]] * 2), "turn_ids": np.array([[0, 0, 1]] * 4),
        "level_ids": np.array([[1, 0, 0], [1, 0, -1]] * 2), "episode_ids": np.repeat(np.arange(4), 3).reshape(4, 3),
        "subgoal_mask": np.array([[True, False, False]] * 4), "switch_mask": np.zeros((4, 3), bool),
    }  # fmt: skip


def test_group_advantages_of_integers_are_no_integers():
    torch = pytest.importorskip("torch")
    assert credit.group_advantages(torch.tensor([1, 0, 0, 1]), torch.tensor([7, 7, 9, 9])).is_floating_point()
    assert credit.group_advantages(np.array([1, 0, 0, 1]), [7, 7, 9, 9]).dtype == np.float64


@pytest.mark.parametrize("name", credit.LOSSES)
def test_losses_keep_kind_and_dtype(name):
    torch = pytest.importorskip("torch")
    for dtype in NUMPY:
        logps = np.array([[0.1, 0.2, 0.3]], dtype)
        batch = {"entropies": np.ones((1, 3))}
        assert credit.LOSSES[name](logps, logps * 0, logps, np.array([[1, 1, 0]]), batch).dtype == dtype
    for dtype in TORCH:
        logps = torch.tensor([[0.1, 0.2, 0.3]], dtype=getattr(torch, dtype))
        got = credit.LOSSES[name](logps, np.zeros((1, 3), np.float32), logps, [[1, 1, 0]], batch)
        assert (got.dtype, got.ndim) == (logps.dtype, 0)


# ---- unscorable rewards
@pytest.mark.parametrize("scale", ["none", "std", "loo"])
@pytest.mark.parametrize("unscored", [None, float("nan")])
def test_an_unscorable_rollout_is_left_out_of_its_group(scale, unscored):
    # the third is left out: the others are what they are without it
    got = credit.group_advantages([1, 0, unscored, 0, unscored, 0.4], [7, 7, 7, 7, 8, 8], scale)
    alone = credit.group_advantages([1, 0, 0], [7, 7, 7], scale)
    assert got[[0, 1, 3]].tolist() == alone.tolist()
    assert got[[2, 4, 5]].tolist() == [0, 0, 0]  # nor does one scored rollout make a group
    assert credit.group_advantages([unscored] * 2, [1, 1], scale).tolist() == [0, 0]


def test_by_hand_with_one_left_out():
    # mean of 1 and 0 is 0.5; the deviation of 1 and 0 is sqrt(1/2)
    assert credit.group_advantages([1, None, 0], [4, 4, 4]).tolist() == [0.5, 0, -0.5]
    assert credit.group_advantages([1, None, 0], [4, 4, 4], "loo").tolist() == [1, 0, -1]
    assert credit.group_advantages([1, None, 0], [4, 4, 4], "std") == pytest.approx([0.70711, 0, -0.70711], abs=1e-4)


@pytest.mark.parametrize(
    ("rewards", "says"),
    [
        (["1", "0"], "of type <U1"), (np.array(["1", 0], object), "one is '1'"), ([1j, 0], "of type complex128"),
        ([10**400, 0], "int too large"), ([[1], [2, 3]], "rows of unequal length"), (np.array([1, 2], "M8[s]"), "datetime64"),
    ],
)  # fmt: skip
def test_what_is_no_number_is_no_reward(rewards, says):
    """Text that spells a number would pass as one, and a complex number would lose a part of itself."""
    with pytest.raises(DataError, match=f"rewards are no numbers: .*{says}") as error:
        credit.group_advantages(rewards, [1, 1])
    assert str(error.value).count("fix:") == 1


@pytest.mark.parametrize("infinite", [float("inf"), float("-inf")])
def test_infinite_rewards_are_refused_by_row(infinite):
    with pytest.raises(DataError, match=rf"reward of row 1 is {infinite}"):
        credit.group_advantages([0.0, infinite], [1, 1])
    with pytest.raises(DataError, match="reward of row 0"):
        credit.BASELINES["grpo"](np.array([infinite, 0.0]), [1, 1])
    with pytest.raises(DataError, match="no numbers"):
        credit.group_advantages(["much", 0.0], [1, 1])


# ---- group ids
@pytest.mark.parametrize("name", ["dr_grpo", "grpo", "rloo"])
@pytest.mark.parametrize(
    ("ids", "pairs"),
    [
        ([1, "1", 1, "1"], [(0, 2), (1, 3)]),
        ([1, 1.0, 1.0, 1], [(0, 3), (1, 2)]),
        ([2**63, 2**63 + 1, -1, -1], [(2, 3)]),
        ([2**63, 2**63, 2**63 + 1, -1], [(0, 1)]),
        ([2**53, 2**53 + 1, 0.5, 0.5], [(2, 3)]),
        ([10**30, 10**30, 10**30 + 1, "a"], [(0, 1)]),
        ([np.int64(7), 7, np.str_("q"), "q"], [(0, 1), (2, 3)]),
        (("q1", "q2", "q2", "q1"), [(0, 3), (1, 2)]),
        (np.array([2**63, 2**63 + 1, 7, 7], np.uint64), [(2, 3)]),
        (np.array([1, "1", 2, 2], object), [(2, 3)]),
        (np.array(["b", "a", "b", "c"]), [(0, 2)]),
    ],
)
def test_group_ids_are_equal_by_type_and_value(name, ids, pairs):
    # the two of a pair have the rewards 1 and 0; who is alone in a group has the advantage 0
    rewards = np.full(4, 0.25)
    for first, second in pairs:
        rewards[[first, second]] = 1, 0
    size = {"dr_grpo": 0.5, "rloo": 1, "grpo": 0.70711}[name]  # 1 - 1/2; 1 - 0; 0.5 / sqrt(1/2)
    expected = np.zeros(4)
    for first, second in pairs:
        expected[[first, second]] = size, -size
    assert credit.BASELINES[name](rewards, ids) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("name", credit.BASELINES)
def test_every_baseline_tells_ids_apart_by_type(name):
    rewards, fields = [1.0, 0.0, 0.0, 1.0], batch_of_four()
    exact = credit.BASELINES[name](rewards, [0, 1, 0, 1], fields)
    assert credit.BASELINES[name](rewards, [1, "1", 1, "1"], fields).tolist() == exact.tolist()


def test_group_ids_of_torch_are_exact_too():
    torch = pytest.importorskip("torch")
    whole = torch.tensor([2**53, 2**53 + 1, 7, 7])
    for ids in (whole, list(whole)):
        assert credit.group_advantages([1, 0, 1, 0], ids).tolist() == [0, 0, 0.5, -0.5]


@pytest.mark.parametrize(
    ("ids", "row"),
    [
        ([None, None], 0), (["a", None], 1), ([1.5, float("nan")], 1), (np.array([1.5, np.nan]), 1),
        (np.array(["a", None], object), 1), (np.array(["2020", "NaT"], "datetime64[Y]"), 1),
    ],
)  # fmt: skip
def test_a_missing_group_id_is_named_by_row(ids, row):
    with pytest.raises(DataError, match=f"the id of row {row} is missing"):
        credit.group_advantages([1, 0], ids)
    with pytest.raises(DataError, match=f"the id of row {row} is missing"):
        credit.METHODS["hicra_recentred"](np.array(A), batch() | {"group_ids": ids})


def test_methods_tell_the_same_groups_apart():
    # two groups of one row each: every bonus is its group's mean, so nothing is left of it
    got = credit.METHODS["hicra_recentred"](np.array([[0.75], [-0.25]]), {
        "response_mask": np.ones((2, 1)), "planning_mask": np.ones((2, 1)), "group_ids": [1, "1"],
    })  # fmt: skip
    assert got.tolist() == [[0.75], [-0.25]]
    for one in ([1], (1,), {1}, np.array([1])):
        with pytest.raises(DataError, match=rf"shape \[B\], but row 0 holds a {type(one).__name__}"):
            credit.group_advantages([1, 0], [one, one])


# ---- masks, entropies, token ids
NO_MASKS = (
    [["0", "0", "1"], ["0", "0", "0"]], [[1, 0, float("nan")], [1, 1, 0]], [[1, 0.5, 0], [1, 1, 0]], [[2, 1, 0], [1, 1, 0]],
    [[1, -1, 0], [1, 1, 0]], [[True, None, True], [True, True, False]],
)  # fmt: skip


@pytest.mark.parametrize("wrong", NO_MASKS)
def test_a_mask_holds_true_and_false_or_0_and_1(wrong):
    with pytest.raises(DataError, match=r"planning_mask\[0, [012]\] is .*, neither 0 nor 1"):
        credit.hicra(np.array(A), wrong)
    for field in ("planning_mask", "response_mask"):
        with pytest.raises(DataError, match=rf"{field}\[0, [012]\] is .*, neither 0 nor 1"):
            credit.METHODS["hicra"](np.array(A), batch() | {field: wrong})
    with pytest.raises(DataError, match=r"^mask\[0, [012]\] is .*, neither 0 nor 1"):
        credit.LOSSES["clip"](np.zeros((2, 3)), np.zeros((2, 3)), np.ones((2, 3)), wrong)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.int64, np.float16, np.float64, object])
def test_masks_of_every_type_of_number_are_the_same_mask(dtype):
    assert credit.hicra(np.array(A), np.array(MASK, dtype)).tolist() == [[0.6, 0.5, 0.6], [-0.4, -0.4, -0.5]]
    got = credit.METHODS["hicra"](np.array(A), batch() | {"response_mask": np.array(LIVE, dtype)})
    assert got.tolist() == [[0.6, 0.5, 0.6], [-0.4, -0.4, -0.5]]


def test_masks_of_torch_are_looked_at_too():
    torch = pytest.importorskip("torch")
    for dtype in (torch.bfloat16, torch.int32, torch.bool):
        got = credit.hicra(torch.tensor(A), torch.tensor(MASK).to(dtype))
        assert got.numpy() == pytest.approx(np.array([[0.6, 0.5, 0.6], [-0.4, -0.4, -0.5]]))
    with pytest.raises(DataError, match=r"planning_mask\[1, 0\] is 0.5, neither"):
        credit.hicra(torch.tensor(A), torch.tensor([[1, 0, 1], [0.5, 1, 0]]))
    with pytest.raises(DataError, match=r"planning_mask\[0, 0\] is '0', neither"):
        credit.hicra(torch.tensor(A), NO_MASKS[0])


def test_what_a_planning_mask_holds_under_the_padding_does_not_matter():
    got = credit.METHODS["hicra"](np.array(A), batch() | {"planning_mask": np.array([[1, 0, 1], [1, 1, -100]])})
    assert got.tolist() == [[0.6, 0.5, 0.6], [-0.4, -0.4, -0.5]]


@pytest.mark.parametrize("name", [name for name, method in credit.METHODS.items() if "entropies" in method.needs])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_an_entropy_that_is_not_finite_is_named_by_row_and_token(name, value):
    entropies = batch()["entropies"]
    entropies[1, 2] = value  # under the padding
    assert np.isfinite(credit.METHODS[name](np.array(A), batch() | {"entropies": entropies})).all()
    entropies[1, 0] = value
    with pytest.raises(DataError, match=rf"entropy of row 1, token 0 is {value} \(1 of 5"):
        credit.METHODS[name](np.array(A), batch() | {"entropies": entropies})
    with pytest.raises(DataError, match="entropies are of type"):
        credit.METHODS[name](np.array(A), batch() | {"entropies": [["1"] * 3] * 2})


def test_the_placebo_takes_no_half_token_ids():
    with pytest.raises(DataError, match=r"response_ids\[0, 0\] is 5.5, no whole number"):
        credit.METHODS["placebo"](np.array(A), batch() | {"response_ids": batch()["response_ids"] + 0.5})


# ---- settings
@pytest.mark.parametrize("alpha", ["0.2", None, [0.2], np.array([0.1, 0.2])])
def test_alpha_that_is_no_number_is_a_named_error(alpha):
    with pytest.raises(ConfigError, match="alpha is .*, no number"):
        credit.hicra(np.array(A), np.array(MASK), alpha=alpha)


# ---- shapes
def test_masks_and_advantages_of_another_shape_are_named():
    for mask in ([True, False, True], [[[True]]], True):
        with pytest.raises(DataError, match=r"planning_mask has shape .* it must be \[B,T\]"):
            credit.hicra(np.array(A), np.array(mask))
    for wrong in (np.ones(3), np.ones((2, 2)), np.ones((3, 3)), np.ones((2, 1))):
        with pytest.raises(DataError, match=r"advantages .* and planning_mask \(2, 3\) differ in shape"):
            credit.hicra(wrong, np.array(MASK))
        with pytest.raises(DataError, match=r"advantages .* and response_mask \(2, 3\) differ in shape"):
            credit.METHODS["hicra"](wrong, batch())


@pytest.mark.parametrize(
    ("field", "wrong"),
    [("planning_mask", [True, True, False]), ("planning_mask", [[True], [False]]), ("group_ids", [[1], [1]]),
     ("group_ids", [1, 1, 1]), ("entropies", [0.1, 0.2]), ("response_mask", [True, True])],
)  # fmt: skip
def test_fields_of_another_shape_are_named(field, wrong):
    with pytest.raises(DataError, match=f"{field} has shape"):
        credit.METHODS["hicra_released"](np.array(A), batch() | {field: np.array(wrong)})


def test_rows_of_unequal_length_ask_for_padding():
    with pytest.raises(DataError, match=r"unequal length \(1, 2\)") as error:
        credit.hicra(np.array([1.0, -1.0]), [[True, False], [True]])
    assert "pad the shorter rows" in error.value.fix


@pytest.mark.parametrize("which", ["old_logps", "advantages", "mask", "logps"])
def test_losses_name_what_has_another_shape(which):
    given = {name: np.zeros((2, 3)) for name in ("logps", "old_logps", "advantages", "mask")}
    with pytest.raises(DataError, match=r"must both be \[B,T\]"):
        credit.LOSSES["clip"](**(given | {which: np.zeros(2)}))


# ---- names
@pytest.mark.parametrize("table", ["METHODS", "BASELINES", "LOSSES"])
def test_a_typo_is_a_named_error_and_still_a_key_error(table):
    entries = getattr(credit, table)
    right = next(iter(entries))
    with pytest.raises(ConfigError, match=f"no {entries.kind} '{right}x'.*\n.*did you mean '{right}'") as error:
        entries[f"{right}x"]
    assert isinstance(error.value, KeyError)
    assert entries.get(f"{right}x") is None
    assert f"{right}x" not in entries


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("entropies", -0.375, "the entropy of row 1, token 0 is -0.375, below 0 \\(1 of 5 policy tokens"),
        ("old_logprobs", 0.375, "the log-probability of row 1, token 0 is 0.375, above 0 \\(1 of 5 policy tokens"),
    ],
)
def test_a_turned_sign_is_named_by_row_and_token(field, value, says):
    names = [name for name, one in credit.METHODS.items() if field in one.needs]
    assert names
    for name in names:
        given = batch()
        given[field][1, 0] = value
        with pytest.raises(DataError, match=says):
            credit.METHODS[name](np.array(A), given)
        given[field][1, 0] = value / 1.5  # 0.25 off 0, which rounding may make of it
        credit.METHODS[name](np.array(A), given)
        given = batch()
        given[field][1, 2] = 10 * value  # the padding
        credit.METHODS[name](np.array(A), given)
