"""The targets of tokens: two actions worked by hand, and what stands outside of the written tokens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hicra.errors import DataError
from hicra.related.critics.backup import token_targets


def test_two_rows_worked_by_hand() -> None:
    """An action of two tokens (reward 1), two tokens that were read, an action of one (reward -2); a row of one action (3)."""
    nan = float("nan")
    values = [[0.5, 0.25, nan, nan, 4.0], [2.0, 1.0, 8.0, nan, nan]]
    rewards = [[1.0, 1.0, nan, nan, -2.0], [3.0, 3.0, 3.0, nan, nan]]
    actions = [[0, 0, -1, -1, 1], [0, 0, 0, -1, -1]]
    mask = np.array([[1, 1, 0, 0, 1], [1, 1, 1, 0, 0]], bool)
    expected = [
        [0.25, 1.0 + 0.9 * 4.0, 0.0, 0.0, -2.0],  # inside; reward and discounted next action; the end
        [1.0, 8.0, 3.0, 0.0, 0.0],
    ]
    assert token_targets(values, rewards, actions, mask, 0.9) == pytest.approx(np.array(expected))


def test_a_row_that_wrote_nothing_has_no_target() -> None:
    nothing = np.zeros((1, 3), bool)
    assert token_targets(np.ones((1, 3)), np.ones((1, 3)), -np.ones((1, 3)), nothing, 0.9).tolist() == [[0, 0, 0]]
    assert token_targets(*np.zeros((3, 0, 4)), np.zeros((0, 4), bool), 0.9).shape == (0, 4)


@pytest.mark.parametrize("place", [0, 1])
def test_a_value_that_is_not_finite_is_named(place: int) -> None:
    given = [np.ones((1, 2)), np.ones((1, 2))]
    given[place][0, 1] = np.inf
    with pytest.raises(DataError, match="not finite"):
        token_targets(*given, np.zeros((1, 2)), np.ones((1, 2), bool), 0.9)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.floats(0, 1), st.randoms(use_true_random=False))
def test_no_discount_inside_an_action_and_one_between(lengths: list[int], gamma: float, random) -> None:
    """With values that are the targets themselves, the first token has the discounted rewards of all actions."""
    rewards = [random.uniform(-1, 1) for _ in lengths]
    actions = np.repeat(np.arange(len(lengths)), lengths)[None]
    paid, mask, values = (
        np.repeat(rewards, lengths)[None],
        np.ones((1, sum(lengths)), bool),
        np.zeros((1, sum(lengths))),
    )
    for _ in range(sum(lengths)):
        values = token_targets(values, paid, actions, mask, gamma)
    assert values[0, 0] == pytest.approx(sum(gamma**number * one for number, one in enumerate(rewards)))
    assert len({round(one, 9) for one in values[0, : lengths[0]]}) == 1  # the same for all tokens of an action
