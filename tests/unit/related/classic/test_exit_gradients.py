"""HICRA on a tabular policy with exits as planning: exact gradients against enumeration, and the signal by kind."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exit_worlds import EXITS, corridor, trajectories
from hicra import credit
from hicra.errors import ConfigError, DataError
from hicra.related.classic.exits.mdp import TabularMDP
from hicra.related.classic.exits.rooms import FourRooms
from hicra.related.classic.exits.softmax import ascend, exact_gradients, softmax
from hicra.signal.products import analyse, products

LOGITS = np.array([[0.3, -0.2], [0.5, 0.1], [-0.4, 0.2], [0.0, 0.0]])


def scores(taken: list[tuple[int, int]], policy: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """sum over a trajectory's actions with `mask` of grad log pi, [S,A]."""
    out = np.zeros(policy.shape)
    for state, action in taken:
        if mask[state, action]:
            out[state] += np.eye(policy.shape[1])[action] - policy[state]
    return out


def groups(task: TabularMDP, size: int, alpha: float) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The chance of every group of trajectories, and the gradient of its episodes' mean by kind and method, through credit."""
    policy = softmax(LOGITS)
    every = trajectories(task, policy)
    longest = max(len(taken) for _, _, taken in every)
    chances, found = [], {name: [] for name in ("planning", "execution", "hicra")}
    kinds = {"planning": EXITS, "execution": ~EXITS}
    parts = {name: np.array([scores(taken, policy, mask) for _, _, taken in every]) for name, mask in kinds.items()}
    planning = np.zeros((len(every), longest), bool)
    for row, (_, _, taken) in enumerate(every):
        planning[row, : len(taken)] = [EXITS[state, action] for state, action in taken]
    for rows in itertools.product(range(len(every)), repeat=size):
        index = list(rows)
        chances.append(np.prod([every[row][0] for row in rows]))
        advantages = credit.group_advantages([every[row][1] for row in rows], [0] * size)
        shaped = credit.hicra(np.repeat(advantages[:, None], longest, 1), planning[index], alpha=alpha)
        for name in kinds:
            found[name].append(np.einsum("g,gsa->sa", advantages, parts[name][index]) / size)
        total = np.zeros(policy.shape)
        for at, row in enumerate(rows):
            for token, (state, action) in enumerate(every[row][2]):
                total[state] += shaped[at, token] * (np.eye(2)[action] - policy[state])
        found["hicra"].append(total / size)
    return np.array(chances), {name: np.array(rows) for name, rows in found.items()}


@pytest.mark.parametrize(("size", "door", "horizon"), [(2, 1.0, 4), (2, 0.6, 3), (3, 1.0, 3)])
def test_expected_gradients_equal_those_of_every_group(size, door, horizon) -> None:
    task, alpha = corridor(door, horizon), 0.3
    chance, found = groups(task, size, alpha)
    assert chance.sum() == pytest.approx(1)
    exact = exact_gradients(task, LOGITS, EXITS, group=size)
    for name, expected in (("planning", exact.planning), ("execution", exact.execution), ("hicra", exact.hicra(alpha))):
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(np.einsum("k,ksa->sa", chance, found[name]), expected, atol=1e-12)


def by_differences(task: TabularMDP, logits: np.ndarray) -> np.ndarray:
    """The gradient of the chance of success by central differences."""
    out, step = np.zeros(logits.shape), 1e-5
    none = np.zeros(logits.shape, bool)
    for place in np.ndindex(*logits.shape):
        moved = [logits.copy(), logits.copy()]
        moved[0][place] += step
        moved[1][place] -= step
        high, low = (exact_gradients(task, one, none).success for one in moved)
        out[place] = (high - low) / (2 * step)
    return out


@pytest.mark.parametrize("seed", range(3))
def test_both_kinds_add_up_to_the_gradient_of_the_success(seed) -> None:
    rooms = FourRooms(side=2, doors=2, slip=0.1, horizon=12)
    task, logits = rooms.test(seed), np.random.default_rng(seed).normal(size=(16, 4))
    exact = exact_gradients(task, logits, rooms.exits())
    np.testing.assert_allclose(exact.hicra(0.0), by_differences(task, logits), atol=1e-9)
    assert exact.success > 1e-3
    none, all_of_them = np.zeros((16, 4), bool), np.ones((16, 4), bool)
    np.testing.assert_allclose(exact_gradients(task, logits, none).execution, exact.hicra(0.0), atol=1e-12)
    np.testing.assert_allclose(exact_gradients(task, logits, all_of_them).planning, exact.hicra(0.0), atol=1e-12)
    halves = exact_gradients(task, logits, rooms.exits(), group=2)
    np.testing.assert_allclose(halves.planning, exact.planning / 2, atol=1e-15)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.05, 1.0), st.integers(2, 6))
def test_the_bonus_is_the_difficulty_factor_and_the_payment(seed, door, horizon) -> None:
    # docs/concepts/credit.md: |A| = (1 - 2p) A + 2p (1 - p), so the bonus is (1 - 2p) planning + 2p (1 - p) E[sum m grad log pi].
    task, logits = corridor(door, horizon), np.random.default_rng(seed).normal(size=(4, 2))
    exact, policy = exact_gradients(task, logits, EXITS), softmax(logits)
    p = exact.success
    paid = sum(chance * scores(taken, policy, EXITS) for chance, _, taken in trajectories(task, policy))
    np.testing.assert_allclose(exact.bonus, (1 - 2 * p) * exact.planning + 2 * p * (1 - p) * paid, atol=1e-12)
    tokens = sum(chance * sum(EXITS[one] for one in taken) for chance, _, taken in trajectories(task, policy))
    assert exact.planning_tokens == pytest.approx(tokens)
    assert exact.tokens == pytest.approx(sum(chance * len(taken) for chance, _, taken in trajectories(task, policy)))


def test_signal_by_hand() -> None:
    # docs/concepts/exits.md has the table: g_plan = (0, 5, 1) / 128 and g_exec = (8, 3, 7) / 128 for "right" in cells 0, 1, 2.
    exact = exact_gradients(corridor(), np.zeros((4, 2)), EXITS)
    assert exact.success == 1 / 8
    np.testing.assert_allclose(128 * exact.planning[:3, 1], [0, 5, 1], atol=1e-12)
    np.testing.assert_allclose(128 * exact.execution[:3, 1], [8, 3, 7], atol=1e-12)
    np.testing.assert_allclose(exact.planning[:, 0], -exact.planning[:, 1])
    signal = exact.signal()
    # both logits of a cell have the same gradient but for its sign, so squares count twice
    assert signal["planning"] == pytest.approx(2 * 26 / 128**2)
    assert signal["execution"] == pytest.approx(2 * 122 / 128**2)
    assert signal["share"] == pytest.approx(26 / 148)


@pytest.mark.slow
def test_the_meter_finds_the_exact_signal() -> None:
    # Batches of one group of two, drawn from all groups by their chance: 80 of them, through the meter's own products.
    task = corridor()
    chance, found = groups(task, 2, 0.2)
    exact = exact_gradients(task, LOGITS, EXITS, group=2)
    drawn = np.random.default_rng(0).choice(len(chance), 80, p=chance)
    sums = {"planning": [1.0, 0.0], "execution": [0.0, 1.0], "none": [1.0, 1.0]}
    coefficients = {name: np.array(values) for name, values in sums.items()}
    rows = np.stack([found["planning"].reshape(len(chance), -1), found["execution"].reshape(len(chance), -1)], axis=1)
    said = analyse(
        products([(rows[one], coefficients) for one in drawn], list(sums)), ["planning", "execution"], ["none"]
    )
    signal = exact.signal()
    for kind in ("planning", "execution"):
        low, high = said["kinds"][kind]["signal_ci"]
        assert low <= signal[kind] <= high < 5 * signal[kind]
    low, high = said["kinds"]["planning"]["ci"]
    assert low <= signal["share"] <= high


def test_ascent_learns_the_way_and_leaves_its_input_alone() -> None:
    start = np.zeros((4, 2))
    moved = ascend(corridor(), start, EXITS, steps=200, rate=2.0)
    assert not start.any()
    assert exact_gradients(corridor(), moved, EXITS).success > 0.9
    one = ascend(corridor(), start, EXITS, steps=1, rate=2.0, alpha=0.5)
    np.testing.assert_allclose(one, 2 * exact_gradients(corridor(), start, EXITS).hicra(0.5))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: exact_gradients(corridor(), np.zeros((4, 3)), EXITS), r"logits \(4, 3\)"),
        (lambda: exact_gradients(corridor(), np.full((4, 2), np.nan), EXITS), "logits finite"),
        (lambda: exact_gradients(corridor(), np.zeros((4, 2)), EXITS, group=1), "a group of 1"),
    ],
)
def test_what_cannot_be_is_refused(call, says) -> None:
    with pytest.raises((ConfigError, DataError), match=says):
        call()
