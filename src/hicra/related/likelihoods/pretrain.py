"""Pre-trains a masked-diffusion model on valid texts: what reinforcement learning starts from must succeed now and then."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite

import numpy as np
import torch
from torch import Tensor

from hicra.errors import DataError
from hicra.related.likelihoods.denoiser import Denoiser
from hicra.related.likelihoods.elbo import ELBO
from hicra.related.likelihoods.interface import Sequences

WARM_UP = 50  # updates over which the learning rate rises


def pretrain(
    model: Denoiser,
    texts: Callable[[np.random.Generator, int], tuple[Tensor, Tensor]],
    *,
    updates: int,
    batch: int = 128,
    learning_rate: float = 2e-3,
    seed: int = 0,
    after: Callable[[int, float], None] = lambda update, loss: None,
) -> None:
    """Trains a model in place to make -L(y|x) / |y| smaller, with one plain mask for each text, by AdamW.

    Args:
        model: what is trained.
        texts: `(chance, n) -> (prompts [n,P], responses [n,L])`, drawn anew for each update.
        updates, batch: number of updates, and texts of each.
        learning_rate: the highest one; it rises over WARM_UP updates and stays.
        seed: of the texts and masks.
        after: is called after every update with (updates made, loss in nats a token).

    Raises:
        DataError: the loss or its gradient is not finite.
    """
    chance = np.random.default_rng(seed)
    bound = ELBO(model, model.mask_id, "plain")
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    for update in range(updates):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * min(1.0, (update + 1) / WARM_UP)
        sequences = joined(*texts(chance, batch))
        seeds = torch.from_numpy(chance.integers(2**62, size=(batch, 1)))
        loss = -(bound(sequences, seeds) / sequences.lengths).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        if not (isfinite(loss.item()) and isfinite(norm.item())):
            raise DataError(f"the loss of update {update + 1} or its gradient is not finite", "lower the learning rate")
        optimizer.step()
        after(update + 1, loss.item())


def joined(prompts: Tensor, responses: Tensor) -> Sequences:
    """Returns prompts [N,P] with their responses [N,L], none of them padded."""
    ids = torch.cat([prompts, responses], dim=1)
    live = torch.zeros_like(ids, dtype=torch.bool)
    live[:, prompts.shape[1] :] = True
    return Sequences(ids, torch.ones_like(live), live)
