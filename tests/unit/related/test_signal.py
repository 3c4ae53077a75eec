"""Signal by level, with numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hicra.errors import ConfigError, DataError
from hicra.related.signal import masks_of, measure, told
from hicra.runs.sections import RunConfig

LIVE = np.array([[True, True, True, True, False], [True, True, False, False, False]])
LEVELS = np.array([[1, 2, 0, 0, -1], [0, 0, -1, -1, -1]])
CRITICAL = np.array([[False, True, True, False, False], [True, False, False, False, False]])


def test_every_policy_token_is_of_one_level_and_actions_are_divided_again():
    masks = masks_of({"response_mask": LIVE, "level_ids": LEVELS, "critical_mask": CRITICAL})
    assert np.argwhere(masks["blueprint"]).tolist() == [[0, 0]]
    assert np.argwhere(masks["thought"]).tolist() == [[0, 1]]
    assert np.argwhere(masks["action"]).tolist() == [[0, 2], [0, 3], [1, 0], [1, 1]]
    # the critical thought is no action
    assert np.argwhere(masks["critical"]).tolist() == [[0, 2], [1, 0]]
    assert np.argwhere(masks["other"]).tolist() == [[0, 3], [1, 1]]


def test_a_tree_writes_actions_alone():
    masks = masks_of({"response_mask": LIVE})
    assert set(masks) == {"blueprint", "thought", "action"}
    np.testing.assert_array_equal(masks["action"], LIVE)
    assert not masks["blueprint"].any()
    assert not masks["thought"].any()


def test_signal_noise_and_share_by_hand():
    found = told({"blueprint": [[1.0, 0.0]] * 3, "action": [[0.0, 1.0], [0.0, 3.0], [0.0, 2.0]]})
    # blueprint: every inner product is 1, so the signal is 1 and the noise 0
    assert found["blueprint"]["signal"] == pytest.approx(1)
    assert found["blueprint"]["noise"] == pytest.approx(0)
    assert found["blueprint"]["snr"] is None
    # action: pairs 1*3, 1*2, 3*2 have the mean 11/3; squares 1, 9, 4 have the mean 14/3, so the noise is 1
    assert found["action"]["signal"] == pytest.approx(11 / 3)
    assert found["action"]["noise"] == pytest.approx(1)
    # 1 / (1 + 11/3) = 3/14
    assert found["blueprint"]["share"] == pytest.approx(3 / 14)
    assert found["action"]["share"] == pytest.approx(11 / 14)
    # without one batch the action has 6, 2, 3, so the blueprint's shares are 1/7, 1/3, 1/4; t(2) = 4.3027
    without = np.array([1 / 7, 1 / 3, 1 / 4])
    half = 4.302653 * np.sqrt(2 / 3 * ((without - without.mean()) ** 2).sum())
    assert found["blueprint"]["ci"] == pytest.approx([3 / 14 - half, 3 / 14 + half], rel=1e-5)


def test_each_division_shares_out_its_own_signal():
    rows = {"action": [[2.0]] * 3, "critical": [[1.0]] * 3, "other": [[1.0]] * 3}
    found = told(rows)
    assert [found[kind]["share"] for kind in rows] == [1.0, 0.5, 0.5]


def test_a_share_without_an_interval_is_still_told():
    # pairs 3, -1, -3 of the action have the mean -1/3; with the blueprint's 1 the sum is 2/3. Without batch 0 it is 1 - 3
    found = told({"blueprint": [[1.0, 0.0]] * 3, "action": [[0.0, -1.0], [0.0, -3.0], [0.0, 1.0]]})
    assert found["blueprint"]["share"] == pytest.approx(1 / (2 / 3))
    assert found["blueprint"]["ci"] is None


def test_two_batches_have_no_interval_and_no_signal_has_no_share():
    found = told({"action": [[1.0], [-1.0]]})  # the one product is -1
    assert found["action"]["signal"] == -1
    assert found["action"]["share"] is None
    assert found["action"]["ci"] is None
    assert found["action"]["signal_ci"] is None


@pytest.mark.parametrize("rows", [[[1.0]], [[1.0], [float("nan")]], [1.0, 2.0]])
def test_what_is_no_table_of_finite_gradients_is_refused(rows):
    with pytest.raises(DataError, match="gradients of action"):
        told({"action": rows})


@pytest.mark.parametrize(
    ("given", "said"),
    [({"batches": 1}, "no pair of batches"), ({"prompts": 0}, "--prompts is 0"), ({"project": -1}, "--project is -1"),
     ({"seed": -1}, "--seed is -1")],
)  # fmt: skip
def test_numbers_out_of_range_are_named_before_anything_is_read(given, said):
    with pytest.raises(ConfigError, match=said):
        measure(RunConfig.model_validate({"engine": "related"}), **given)
