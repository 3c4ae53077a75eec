"""Losses: numbers worked out by hand, the same on numpy and torch, with the gradient of the formula."""

import numpy as np
import pytest

from hicra import credit
from hicra.errors import ConfigError

MASK = np.array([[1, 1, 0], [1, 1, 1]], bool)
RATIO = np.array([[1.5, 0.5, 9.0], [1.5, 0.5, 1.0]])
A = np.array([[1.0, 1.0, 5.0], [-1.0, -1.0, -1.0]])
# by token, clipped to 0.8 .. 1.28: -min(1.5, 1.28) = -1.28 and -min(0.5, 0.8) = -0.5; then, A = -1,
# -min(-1.5, -1.28) = 1.5, -min(-0.5, -0.8) = 0.8 and 1: sums -1.78 and 3.3
BY_HAND = {"grpo": (-0.89 + 1.1) / 2, "dapo": 1.52 / 5, "bnpo": 1.52 / 5, "dr_grpo": 1.52 / 6}


@pytest.mark.parametrize("name", credit.LOSSES)
def test_by_hand(name):
    logps = np.log(RATIO)
    loss = credit.LOSSES[name]
    assert loss(logps, np.zeros_like(logps), A, MASK) == pytest.approx(BY_HAND[name])
    assert loss(logps, np.zeros_like(logps), A, np.zeros_like(MASK)) == 0


def test_the_constant_of_dr_grpo():
    assert credit.LOSSES["dr_grpo"](np.log(RATIO), np.zeros((2, 3)), A, MASK, most_tokens=4) == pytest.approx(1.52 / 8)


@pytest.mark.parametrize("name", credit.LOSSES)
def test_torch_gives_the_same_number_and_the_gradient_of_the_formula(name):
    torch = pytest.importorskip("torch")
    logps = torch.tensor(np.log(RATIO), requires_grad=True)
    loss = credit.LOSSES[name](logps, torch.zeros(2, 3).double(), torch.tensor(A), torch.tensor(MASK))
    assert loss.item() == pytest.approx(BY_HAND[name])
    loss.backward()
    gradient = logps.grad.numpy()
    assert (gradient[~MASK] == 0).all()
    assert gradient[0, 0] == 0  # clipped from above: nothing more to gain
    assert gradient[1, 1] == 0  # clipped from below
    assert gradient[0, 1] < 0 < gradient[1, 0]  # more of what was good, less of what was bad


def test_settings_are_checked():
    with pytest.raises(ConfigError, match=r"loss.settings.clip_lo: dapo has no setting 'clip_lo'") as error:
        credit.LOSSES["dapo"].checked({"clip_lo": 0.1})
    assert "did you mean 'clip_low'" in error.value.fix
    with pytest.raises(ConfigError, match="clip_low"):
        credit.LOSSES["dapo"].checked({"clip_low": 1.5})
