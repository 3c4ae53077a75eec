"""The meter against a policy whose gradient is exact: a softmax policy in a table, all of whose batches can be listed.

Two tokens with two actions each: four sequences. A batch is one group of G of them. Every batch is made, with its probability,
and so is every set of N batches; the mean of an estimate over all of them is its expectation.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from hicra import credit
from hicra.signal.components import components
from hicra.signal.products import analyse, products
from hicra.signal.subsets import mean_over_pairs, numbers

KINDS, METHODS = ["planning", "execution"], ["none", "hicra", "planning_only"]
NAMES = KINDS + METHODS
LOGITS = np.array([[0.4, -0.3], [0.1, 0.7], [-0.5, 0.2]])  # of the first token, and of the second after each first one
SEQUENCES = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
REWARDS = np.array([1.0, 0.0, 0.0, 1.0])
LENGTH = 2
# Which tokens plan: the first one, or whichever token is action 1, as in a lexicon that marks words.
MASKS = {"by place": np.array([[True, False]] * 4), "by word": SEQUENCES == 1}


def chances(logits: np.ndarray) -> np.ndarray:
    """[3,2] the policy."""
    raised = np.exp(logits)
    return raised / raised.sum(axis=1, keepdims=True)


def sequence_chances(logits: np.ndarray) -> np.ndarray:
    """[4] the probability of each sequence."""
    policy = chances(logits)
    return np.array([policy[0, first] * policy[1 + first, second] for first, second in SEQUENCES])


def scores() -> np.ndarray:
    """[4,2,6] the gradient of log pi(token) for every token of every sequence: the action's unit vector minus the policy."""
    policy, out = chances(LOGITS), np.zeros((4, LENGTH, 3, 2))
    for at, (first, second) in enumerate(SEQUENCES):
        for token, (state, action) in enumerate([(0, first), (1 + first, second)]):
            out[at, token, state] = np.eye(2)[action] - policy[state]
    return out.reshape(4, LENGTH, 6)


def gradient_of_expected_reward() -> np.ndarray:
    """[3,2] by central differences of sum over sequences of probability times reward: nothing of the estimator is in it."""
    out, step = np.zeros((3, 2)), 1e-5
    for place in np.ndindex(3, 2):
        moved = [LOGITS.copy(), LOGITS.copy()]
        moved[0][place] += step
        moved[1][place] -= step
        out[place] = (sequence_chances(moved[0]) @ REWARDS - sequence_chances(moved[1]) @ REWARDS) / (2 * step)
    return out


def batch_vectors(rows: tuple[int, ...], mask: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The gradients of one batch's components, and the coefficients."""
    index = np.array(rows)
    live, planning = np.ones((len(rows), LENGTH), bool), mask[index]
    flat = credit.group_advantages(REWARDS[index], np.zeros(len(rows), int))
    advantages = np.repeat(flat[:, None], LENGTH, axis=1)
    batch = {"response_mask": live, "planning_mask": planning}
    named = {"planning": np.where(planning, advantages, 0), "execution": np.where(planning, 0, advantages)}
    named |= {name: credit.METHODS[name](advantages, batch) for name in METHODS}
    found = components(named, live)
    return np.einsum("rbt,btd->rd", found.basis, scores()[index]) / live.sum(), found.coefficients


@pytest.fixture(params=[(2, "by place"), (2, "by word"), (3, "by place")], ids=lambda case: f"G={case[0]} {case[1]}")
def world(request: Any) -> dict[str, Any]:
    """All batches of a policy: their probabilities, and the gradient of every name in each."""
    size, mask = request.param
    rows = list(itertools.product(range(4), repeat=size))
    vectors = [batch_vectors(one, MASKS[mask]) for one in rows]
    chance = sequence_chances(LOGITS)
    gradients = np.array([[coefficients[name] @ basis for name in NAMES] for basis, coefficients in vectors])
    return {
        "size": size, "mask": MASKS[mask], "by": mask, "vectors": vectors, "gradients": gradients,
        "chance": np.array([chance[list(one)].prod() for one in rows]),
    }  # fmt: skip


def sets_of_batches(chance: np.ndarray, n: int) -> list[tuple[tuple[int, ...], float]]:
    """All sets of n batches with their probability; the order of batches matters to nothing, so each set stands once."""
    out = []
    for chosen in itertools.combinations_with_replacement(range(len(chance)), n):
        orders = math.factorial(n) // math.prod(math.factorial(chosen.count(one)) for one in set(chosen))
        out.append((chosen, orders * float(chance[list(chosen)].prod())))
    return out


def test_the_expected_gradient_is_the_policy_gradient_times_one_minus_one_over_g(world: dict[str, Any]) -> None:
    # A = R - mean of the group holds the rollout's own reward, so that E g = (G - 1) / G times the gradient of the expected
    # reward; and it is divided by the tokens of a rollout, since the objective is a mean over tokens.
    assert world["chance"].sum() == pytest.approx(1, abs=1e-12)
    expected = np.einsum("k,knd->nd", world["chance"], world["gradients"])
    share = (world["size"] - 1) / world["size"] / LENGTH
    truth = share * gradient_of_expected_reward()
    assert np.abs(truth).max() > 0.01
    np.testing.assert_allclose(expected[NAMES.index("none")], truth.ravel(), atol=1e-9)
    np.testing.assert_allclose(expected[0] + expected[1], truth.ravel(), atol=1e-9)
    # A kind's is the covariance of the reward with the kind's part of grad log pi. Where the place alone says which token
    # plans, that is the gradient for the parameters of those places, and 0 for the others.
    chance = sequence_chances(LOGITS)
    part = np.einsum("std,st->sd", scores(), world["mask"].astype(float))
    covariance = (chance * REWARDS) @ part - (chance @ REWARDS) * (chance @ part)
    np.testing.assert_allclose(expected[0], share * covariance, atol=1e-12)
    if world["by"] == "by place":
        only_first = np.where(np.arange(3)[:, None] == 0, truth, 0)
        np.testing.assert_allclose(expected[0], only_first.ravel(), atol=1e-9)


def test_estimates_are_right_on_average_over_all_batches(world: dict[str, Any]) -> None:
    n = 3 if world["size"] == 2 else 2  # three of the 64 batches of groups of three make 45,760 sets
    chance, gradients = world["chance"], world["gradients"]
    expected = np.einsum("k,knd->nd", chance, gradients)
    signal = (expected**2).sum(axis=1)
    noise = np.einsum("k,knd,knd->n", chance, gradients, gradients) - signal
    crossed = expected @ expected[NAMES.index("none")]
    inner = products(world["vectors"], NAMES)
    mean = {"signal": np.zeros(5), "noise": np.zeros(5), "crossed": np.zeros(5)}
    for chosen, weight in sets_of_batches(chance, n):
        part = inner[np.ix_(chosen, range(5), chosen, range(5))]
        found = numbers(part, NAMES.index("none"), np.ones((1, n), bool))
        mean["signal"] += weight * found.signal[0]
        mean["noise"] += weight * found.noise[0]
        with_the_reference = part[:, :, :, NAMES.index("none")].transpose(0, 2, 1)
        mean["crossed"] += weight * mean_over_pairs(with_the_reference, np.ones((1, n), bool))[0]
    assert signal.min() > 1e-4, signal
    assert noise.min() > 1e-3
    np.testing.assert_allclose(mean["signal"], signal, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(mean["noise"], noise, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(mean["crossed"], crossed, rtol=1e-9, atol=1e-12)
    plain = np.einsum("k,knd,knd->n", chance, gradients, gradients)
    assert (plain > 1.5 * signal).all()  # what the squared norm of one batch would have said


def test_many_batches_come_close_to_every_exact_number(world: dict[str, Any]) -> None:
    chance, gradients = world["chance"], world["gradients"]
    expected = np.einsum("k,knd->nd", chance, gradients)
    drawn = np.random.default_rng(0).choice(len(chance), 60, p=chance)
    found = analyse(products([world["vectors"][one] for one in drawn], NAMES), KINDS, METHODS)
    signal = (expected**2).sum(axis=1)
    low, high = found["kinds"]["planning"]["ci"]
    assert low <= signal[0] / (signal[0] + signal[1]) <= high
    truth = expected @ expected[2] / np.sqrt(signal * signal[2])
    for at, name in enumerate(METHODS, 2):
        assert found["methods"][name]["bias_cosine"] == pytest.approx(truth[at], abs=0.15)
