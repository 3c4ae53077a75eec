"""Soft values and policies: numbers worked by hand, and what holds of all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax

from hicra.related.critics.soft import divergence, policy_value, soft_policy, soft_value

NUMBERS = st.lists(st.floats(-3, 3), min_size=4, max_size=4).map(np.array)
BETAS = st.floats(0.05, 20)
RHO = np.log([0.5, 0.25, 0.25])
Q = np.array([0.0, 1.0, 2.0])


def test_values_worked_by_hand() -> None:
    # beta 1: 1/2 + e/4 + e^2/4 = 0.5 + 0.67957 + 1.84726 = 3.02683, whose logarithm is 1.10752
    assert soft_value(Q, RHO, 1.0) == pytest.approx(1.10752, abs=1e-5)
    assert np.exp(soft_policy(Q, RHO, 1.0)) == pytest.approx([0.16519, 0.22452, 0.61030], abs=1e-5)
    # beta 2: 2 log(1/2 + e^0.5/4 + e/4) = 2 log(0.5 + 0.41218 + 0.67957) = 2 log 1.59175
    assert soft_value(Q, RHO, 2.0) == pytest.approx(0.92967, abs=1e-5)


def test_the_value_of_a_policy_worked_by_hand() -> None:
    half = np.log([0.25, 0.25, 0.5])
    # KL = 1/4 log(1/2) + 1/4 log 1 + 1/2 log 2 = log(2) / 4 = 0.17329; E[Q] = 1.25
    assert divergence(half, RHO) == pytest.approx(0.173287, abs=1e-6)
    assert policy_value(Q, half, RHO, 2.0) == pytest.approx(1.25 - 2 * 0.173287, abs=1e-6)
    assert policy_value(Q, half, RHO, 0.0) == pytest.approx(1.25)


@given(NUMBERS, NUMBERS, NUMBERS, BETAS)
def test_the_soft_value_is_the_best_that_a_policy_reaches(
    q: np.ndarray, a: np.ndarray, b: np.ndarray, beta: float
) -> None:
    log_rho, log_pi = log_softmax(a), log_softmax(b)
    best = soft_policy(q, log_rho, beta)
    assert np.exp(best).sum() == pytest.approx(1)
    assert policy_value(q, best, log_rho, beta) == pytest.approx(soft_value(q, log_rho, beta), abs=1e-9)
    short = soft_value(q, log_rho, beta) - policy_value(q, log_pi, log_rho, beta)
    assert short == pytest.approx(beta * divergence(log_pi, best), abs=1e-8)  # what the policy loss makes smaller
    assert short >= -1e-9


@given(NUMBERS, NUMBERS, BETAS, st.floats(-5, 5))
def test_a_constant_moves_the_value_and_not_the_policy(q: np.ndarray, a: np.ndarray, beta: float, more: float) -> None:
    log_rho = log_softmax(a)
    assert soft_value(q + more, log_rho, beta) == pytest.approx(soft_value(q, log_rho, beta) + more, abs=1e-9)
    assert soft_policy(q + more, log_rho, beta) == pytest.approx(soft_policy(q, log_rho, beta), abs=1e-8)


@given(NUMBERS, NUMBERS)
def test_a_large_beta_leaves_the_reference_and_a_small_one_takes_the_best_word(q: np.ndarray, a: np.ndarray) -> None:
    log_rho = log_softmax(a)
    assert np.exp(soft_policy(q, log_rho, 1e9)) == pytest.approx(np.exp(log_rho), abs=1e-6)
    assert soft_value(q, log_rho, 1e9) == pytest.approx(np.exp(log_rho) @ q, abs=1e-5)  # the mean under the reference
    small = 1e-7
    assert soft_value(q, log_rho, small) == pytest.approx(q.max(), abs=1e-5)
    chosen = np.exp(soft_policy(q, log_rho, small))
    assert chosen[q < q.max() - 1e-4].sum() == pytest.approx(0, abs=1e-9)


@given(st.lists(NUMBERS, min_size=1, max_size=4), BETAS)
def test_tensors_and_arrays_give_the_same(rows: list[np.ndarray], beta: float) -> None:
    torch = pytest.importorskip("torch")
    q = np.stack(rows)
    log_rho = log_softmax(q[::-1], axis=-1)
    log_pi = log_softmax(2 * q, axis=-1)
    tensors = [torch.from_numpy(one.copy()) for one in (q, log_rho, log_pi)]
    for function, take in ((soft_value, (0, 1)), (soft_policy, (0, 1)), (policy_value, (0, 2, 1))):
        ours = function(*(tensors[one] for one in take), beta).numpy()
        assert ours == pytest.approx(function(*((q, log_rho, log_pi)[one] for one in take), beta), abs=1e-9)
