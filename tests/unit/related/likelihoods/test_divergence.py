"""Estimators of the KL divergence: values by hand, and their mean gradients by enumeration."""

from __future__ import annotations

from math import exp

import pytest

pytest.importorskip("torch")

import torch

from hicra.related.likelihoods.divergence import DIVERGENCES, k1, k2, k3

POLICY = torch.tensor([0.3, -1.0, 0.7, 0.0], dtype=torch.float64)
REFERENCE = torch.log_softmax(torch.tensor([1.0, 0.5, -0.5, 0.2], dtype=torch.float64), 0)


def mean_gradient(estimate):
    """The gradient of an estimator, averaged over what the policy samples, by enumeration of all four outcomes."""
    logits = POLICY.clone().requires_grad_()
    logps = torch.log_softmax(logits, 0)
    return torch.autograd.grad((logps.detach().exp() * estimate(logps - REFERENCE)).sum(), logits)[0]


def gradient_of(divergence):
    logits = POLICY.clone().requires_grad_()
    return torch.autograd.grad(divergence(torch.log_softmax(logits, 0)), logits)[0]


def test_values_by_hand():
    d = torch.tensor([2.0, -1.0, 0.0])
    assert k1(d).tolist() == [2, -1, 0]
    assert k2(d).tolist() == [2, 0.5, 0]
    assert k3(d).tolist() == pytest.approx([exp(-2) + 1, exp(1) - 2, 0])
    assert list(DIVERGENCES) == ["k2", "k1", "k3"]


def test_the_mean_gradient_of_k1_is_nothing():
    assert mean_gradient(k1).abs().max() < 1e-15


def test_the_mean_gradient_of_k2_is_that_of_the_divergence_from_the_reference():
    wanted = gradient_of(lambda logps: (logps.exp() * (logps - REFERENCE)).sum())  # KL(policy || reference)
    torch.testing.assert_close(mean_gradient(k2), wanted)


def test_the_mean_gradient_of_k3_is_that_of_the_reverse_divergence():
    wanted = gradient_of(lambda logps: (REFERENCE.exp() * (REFERENCE - logps)).sum())  # KL(reference || policy)
    torch.testing.assert_close(mean_gradient(k3), wanted)
    assert (mean_gradient(k3) - mean_gradient(k2)).abs().max() > 0.05


@pytest.mark.parametrize(
    ("away", "of_k2", "of_k3"), [(5.0, 5.0, 1 - exp(-5)), (-5.0, -5.0, 1 - exp(5)), (0.1, 0.1, 1 - exp(-0.1))]
)
def test_k2_pulls_back_in_proportion_where_k3_stalls_or_explodes(away, of_k2, of_k3):
    for estimate, wanted in ((k2, of_k2), (k3, of_k3)):
        d = torch.tensor([away], dtype=torch.float64, requires_grad=True)
        assert torch.autograd.grad(estimate(d).sum(), d)[0].item() == pytest.approx(wanted)


def test_k3_stays_finite():
    assert torch.isfinite(k3(torch.tensor([-200.0, 200.0]))).all()
