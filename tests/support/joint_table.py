"""A denoiser that knows the joint distribution of four symbols, so that the bound of its likelihood is the likelihood."""

from __future__ import annotations

from itertools import product

import numpy as np
import torch

SYMBOLS, PLACES = 3, 4
HIDDEN = SYMBOLS
OUTCOMES = np.array(list(product(range(SYMBOLS), repeat=PLACES)))  # [81,4]


class JointTable:
    """p(y) of every y of four places and three symbols; called as a denoiser is, behind a prompt of any length.

    `weights` are the table's logits [81]; a gradient flows to them.
    """

    def __init__(self, seed: int, sharpness: float = 1.0) -> None:
        logits = sharpness * np.random.default_rng(seed).normal(size=len(OUTCOMES))
        self.weights = torch.tensor(logits, dtype=torch.float64, requires_grad=True)

    def logps(self, responses: torch.Tensor) -> torch.Tensor:
        """log p(y) of responses [N,4]."""
        index = (responses * torch.tensor([27, 9, 3, 1])).sum(-1)
        return torch.log_softmax(self.weights, 0)[index]

    def __call__(self, ids: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        """Logits [N,T,3]; those of the four last places are the exact conditionals given what is seen."""
        shown = ids[:, -PLACES:]
        outcomes = torch.from_numpy(OUTCOMES)
        fits = ((shown[:, None] == outcomes) | (shown[:, None] == HIDDEN)).all(-1)  # [N,81]
        joint = torch.where(fits, torch.softmax(self.weights, 0), 0.0)
        hot = torch.nn.functional.one_hot(outcomes, SYMBOLS).double()  # [81,4,3]
        conditionals = torch.einsum("no,otv->ntv", joint, hot) / joint.sum(-1)[:, None, None]
        before = torch.zeros(len(ids), ids.shape[1] - PLACES, SYMBOLS, dtype=torch.float64)
        return torch.cat([before, conditionals.clamp(min=1e-300).log()], dim=1)
