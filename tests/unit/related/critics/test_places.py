"""Places of tokens in their actions, and the credit at each: ETPO's where it belongs, and GRPO's spread evenly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hicra import credit
from hicra.related.critics.places import credit_by_place, places_of


def test_places_worked_by_hand() -> None:
    actions = [[0, 0, 0, -1, 1, 1], [0, 1, -1, -1, 2, -1]]
    mask = np.array([[1, 1, 1, 0, 1, 1], [1, 1, 0, 0, 1, 0]], bool)
    assert places_of(actions, mask).tolist() == [[0, 1, 2, -1, 0, 1], [0, 0, -1, -1, 0, -1]]
    assert places_of(np.zeros((1, 2)), np.zeros((1, 2), bool)).tolist() == [[-1, -1]]


def test_credit_worked_by_hand() -> None:
    advantages = [[1.0, -2.0, 0.0, 9.0, -3.0, 4.0], [2.0, 0.0, 9.0, 9.0, 0.0, 9.0]]
    places = [[0, 1, 2, -1, 0, 1], [0, 0, -1, -1, 0, -1]]
    assert credit_by_place(advantages, places) == pytest.approx([(1 + 3 + 2) / 5, 3.0, 0.0])


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5))
def test_every_action_begins_at_0_and_goes_up_by_one(lengths: list[int]) -> None:
    actions = np.repeat(np.arange(len(lengths)), lengths)[None]
    found = places_of(actions, np.ones(actions.shape, bool))[0].tolist()
    assert found == [place for length in lengths for place in range(length)]


def test_grpo_credits_every_place_of_an_action_alike() -> None:
    """Its advantage is one number for a rollout, so no place of an action has more of it than another."""
    advantages = credit.BASELINES["grpo"](np.array([1.0, 0.0, 0.0, 1.0]), np.zeros(4, int))
    places = np.tile(np.arange(6), (4, 1))
    found = credit_by_place(np.broadcast_to(advantages[:, None], (4, 6)), places)
    assert found == pytest.approx(np.full(6, found[0]))
    assert found[0] > 0
