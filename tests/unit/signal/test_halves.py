"""Halves of a generation, with numbers worked out by hand."""

import numpy as np
import pytest

from hicra.signal.halves import half_of, masks_by_kind, readings, wide


def test_groups_alternate_between_the_halves_over_all_processes():
    assert half_of(np.arange(12), 4).tolist() == [0] * 4 + [1] * 4 + [0] * 4
    # rank 1 of two with six rollouts each: its rollouts are 6 to 11
    assert half_of(np.arange(6, 12), 4).tolist() == [1, 1, 0, 0, 0, 0]


def test_signal_and_noise_by_hand():
    # halves of 2 and 4 policy tokens; planning: sums (2, 0) and (4, 8), so the gradients are (1, 0) and (1, 2).
    # signal (1, 0).(1, 2) = 1; noise (1 + 5) / 2 - 1 = 2
    products = {"planning": np.array([[4.0, 8.0], [8.0, 80.0]]), "execution": np.zeros((2, 2))}
    signal, noise = readings(products, np.array([2, 4]))
    assert signal == pytest.approx({"planning": 1, "execution": 0})
    assert noise == pytest.approx({"planning": 2, "execution": 0})


def test_one_half_without_a_mixed_group_has_the_signal_0_and_still_noise():
    # sums (0, 0) and (6, 0) over 3 tokens each: gradients 0 and (2, 0), signal 0, noise (0 + 4) / 2
    signal, noise = readings({kind: np.array([[0.0, 0.0], [0.0, 36.0]]) for kind in ("planning", "execution")}, [3, 3])
    assert signal == {"planning": 0.0, "execution": 0.0}
    assert noise == pytest.approx({"planning": 2, "execution": 2})


def test_what_cannot_be_measured_is_none():
    products = {"planning": np.array([[1.0, np.inf], [np.inf, 1.0]]), "execution": np.eye(2)}
    signal, noise = readings(products, [1, 1])
    assert (signal["planning"], noise["planning"]) == (None, None)
    assert (signal["execution"], noise["execution"]) == (0.0, 1.0)
    assert readings(products, [0, 5]) == ({"planning": None, "execution": None},) * 2


def test_advantages_of_both_shapes_and_the_masks_of_kinds():
    live = np.array([[True, True, False]])
    assert wide(np.array([0.5]), live).tolist() == [[0.5, 0.5, 0.0]]
    assert wide(np.array([[0.5, -1.0, np.nan]]), live).tolist() == [[0.5, -1.0, 0.0]]
    masks = masks_by_kind(np.array([[True, False, True]]), live)
    assert {kind: mask.tolist() for kind, mask in masks.items()} == {
        "planning": [[True, False, False]],
        "execution": [[False, True, False]],
    }
