"""The two losses of ETPO, on numbers worked by hand; and the three oddities of the public code, none of which is here."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hicra.related.critics.backup import token_targets
from hicra.related.critics.losses import policy_loss, value_loss


def logs(*chances: float) -> torch.Tensor:
    return torch.tensor([[chances]], dtype=torch.float64).log()


ONE = torch.ones((1, 1), dtype=torch.bool)


def test_the_value_loss_is_the_mean_square_over_written_tokens() -> None:
    q = torch.tensor([[[1.0, 5.0], [2.0, 7.0], [100.0, 100.0]]])
    mask = torch.tensor([[True, True, False]])
    loss = value_loss(q, torch.tensor([[0, 1, 0]]), torch.tensor([[3.0, 6.0, 0.0]]), mask)
    assert loss.item() == pytest.approx(((1 - 3) ** 2 + (7 - 6) ** 2) / 2)


def test_the_policy_loss_worked_by_hand() -> None:
    # rho (1/2, 1/2), Q (log 3, 0), beta 1: the policy that is asked for is (3/4, 1/4); pi is (1/2, 1/2)
    # KL = 1/2 log(2/3) + 1/2 log 2 = 1/2 log(4/3) = 0.14384
    q = torch.tensor([[[np.log(3), 0.0]]])
    assert policy_loss(logs(0.5, 0.5), q, logs(0.5, 0.5), 1.0, ONE).item() == pytest.approx(0.143841, abs=1e-6)
    assert policy_loss(logs(0.75, 0.25), q, logs(0.5, 0.5), 1.0, ONE).item() == pytest.approx(0.0, abs=1e-9)


def test_the_gradient_of_the_policy_loss_is_exact() -> None:
    """By the logits z it is pi (x - E_pi[x]) with x = log pi - log rho - Q / beta; here of the first word, worked by hand."""
    logits = torch.zeros(1, 1, 2, dtype=torch.float64, requires_grad=True)
    q = torch.tensor([[[np.log(3), 0.0]]])
    policy_loss(logits.log_softmax(-1), q, logs(0.5, 0.5), 1.0, ONE).backward()
    # x = (-log 3, 0), E[x] = -log(3) / 2, so the first component is 1/2 (-log 3 + log(3) / 2)
    assert logits.grad is not None
    assert logits.grad[0, 0].tolist() == pytest.approx([-np.log(3) / 4, np.log(3) / 4])


def test_nothing_goes_back_into_values_and_reference() -> None:
    q, log_rho = torch.zeros(1, 1, 2, requires_grad=True), torch.zeros(1, 1, 2, requires_grad=True)
    logits = torch.tensor([[[0.3, -0.2]]], requires_grad=True)
    policy_loss(logits.log_softmax(-1), q, log_rho.log_softmax(-1), 0.5, ONE).backward()
    assert q.grad is None
    assert log_rho.grad is None
    assert logits.grad is not None


def test_a_word_that_the_policy_never_writes_weighs_nothing() -> None:
    """The public code averages over the vocabulary with equal weights, so there a word with a chance of 1e-12 weighs most."""
    log_pi = logs(0.5, 0.5 - 1e-12, 1e-12)
    base = policy_loss(log_pi, torch.tensor([[[0.0, 0.0, 0.0]]]), logs(0.4, 0.4, 0.2), 1.0, ONE)
    worse = policy_loss(log_pi, torch.tensor([[[0.0, 0.0, -50.0]]]), logs(0.4, 0.4, 0.2), 1.0, ONE)
    # a value of -50 only takes the word out of what is asked for: Z falls from 1 to 0.8, so the loss by log 1/0.8
    assert (base - worse).item() == pytest.approx(np.log(1 / 0.8), abs=1e-6)


def test_the_reference_is_in_the_policy_loss() -> None:
    same = torch.zeros(1, 1, 2)
    assert policy_loss(logs(0.5, 0.5), same, logs(0.5, 0.5), 1.0, ONE).item() == pytest.approx(0.0)
    assert policy_loss(logs(0.5, 0.5), same, logs(0.9, 0.1), 1.0, ONE).item() > 0.1


def test_the_kl_term_inside_an_action_is_that_of_its_next_token() -> None:
    """A divergence at the first token of the second action moves the target of the first action's last token alone."""
    values = np.zeros((1, 4))
    with_kl = values.copy()
    with_kl[0, 2] = -0.5  # -beta KL where the first token of the second action is chosen
    rest = (np.zeros((1, 4)), np.array([[0, 0, 1, 1]]), np.ones((1, 4), bool), 0.9)
    moved = token_targets(with_kl, *rest) - token_targets(values, *rest)
    assert moved.tolist() == [[0.0, -0.45, 0.0, 0.0]]
