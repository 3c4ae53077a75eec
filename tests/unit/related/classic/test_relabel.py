"""PEAR's relabelling: an oracle critic on a corridor, what is never kept, and the control at equal distances."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra.errors import ConfigError, DataError
from hicra.related.classic.pear.relabel import every, relabelled


def corridor(length: int) -> np.ndarray:
    return np.arange(float(length))[:, None]


def minus_distance(states: np.ndarray, goals: np.ndarray) -> np.ndarray:
    """The oracle: what a low level that walks one cell a step would say."""
    return -np.abs(states - goals)[:, 0]


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_an_oracle_gives_subgoals_exactly_every_k_steps(k) -> None:
    steps = corridor(4 * k + 1)
    assert relabelled(steps, steps, minus_distance, -k) == [(at, at + k) for at in range(0, 4 * k, k)]
    longer = corridor(4 * k + 2)  # the last stretch is shorter, and its end is a subgoal too
    assert relabelled(longer, longer, minus_distance, -k)[-1] == (4 * k, 4 * k + 1)


def test_a_better_low_level_has_fewer_subgoals() -> None:
    steps = corridor(61)
    counts = [len(relabelled(steps, steps, minus_distance, -k)) for k in range(1, 61)]
    assert counts == sorted(counts, reverse=True)
    assert (counts[0], counts[9], counts[-1]) == (60, 6, 1)


def test_the_last_state_before_the_first_below_counts_by_hand() -> None:
    # Seen from state 0 the values are -1, -3, -1, -1: state 3 would do again, but state 2 does not. From 1: -1, -1, -9.
    table = {0: [-1, -3, -1, -1], 1: [-1, -1, -9], 3: [-1]}
    steps = corridor(5)

    def critic(states: np.ndarray, goals: np.ndarray) -> np.ndarray:
        return np.array([table[int(at)][int(to - at) - 1] for at, to in zip(states[:, 0], goals[:, 0], strict=True)])

    assert relabelled(steps, steps, critic, -2) == [(0, 1), (1, 3), (3, 4)]


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 30), st.floats(-3, 3))
def test_no_subgoal_is_below_the_threshold_and_stretches_do_not_overlap(seed, length, threshold) -> None:
    chance = np.random.default_rng(seed)
    values, steps = chance.normal(size=(length, length)), corridor(length)

    def critic(states: np.ndarray, goals: np.ndarray) -> np.ndarray:
        return values[states[:, 0].astype(int), goals[:, 0].astype(int)]

    found = relabelled(steps, steps, critic, threshold)
    for here, there in found:
        assert here < there
        assert values[here, here + 1 : there + 1].min() >= threshold
        assert there == length - 1 or values[here, there + 1] < threshold  # and it is the last such state
    for (_, end), (start, _) in itertools.pairwise(found):
        assert start >= end
    lower = relabelled(steps, steps, critic, threshold - 10)
    assert len(lower) == 1  # where all is within reach the end is


def test_what_is_never_within_reach_gives_nothing() -> None:
    steps = corridor(5)
    assert relabelled(steps, steps, minus_distance, 0.5) == []
    assert relabelled(steps[:1], steps[:1], minus_distance, -1) == []


def test_equal_distances_do_not_ask_the_critic() -> None:
    assert every(corridor(7), corridor(7), 3) == [(0, 3), (3, 6)]
    assert every(corridor(8), corridor(8), 3) == [(0, 3), (3, 6), (6, 7)]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: relabelled(corridor(3), corridor(2), minus_distance, -1), "of the same N states"),
        (lambda: relabelled(np.zeros(3), corridor(3), minus_distance, -1), "of the same N states"),
        (lambda: relabelled(corridor(3), corridor(3), minus_distance, np.nan), "threshold of nan"),
        (lambda: relabelled(corridor(3), corridor(3), lambda s, g: np.full(len(s), np.nan), -1), "one finite value"),
        (lambda: relabelled(corridor(3), corridor(3), lambda s, g: np.zeros(1), -1), "one finite value"),
        (lambda: every(corridor(3), corridor(3), 0), "every 0 states"),
    ],
)
def test_what_cannot_be_is_refused(call, says) -> None:
    with pytest.raises((ConfigError, DataError), match=says):
        call()
