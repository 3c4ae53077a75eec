"""The meter inside the loop: what an engine measures for a method that adapts, from halves of a generation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from loop import GROUP, Now, chunks, forward
from torch.nn.functional import cross_entropy

from hicra.credit import METHODS
from hicra.metrics import gradient_signal
from hicra.metrics.kinds import KINDS
from hicra.signal.memory import SignalMemory


def half_gradients(now: Now, advantages: np.ndarray, planning: np.ndarray) -> np.ndarray:
    """Gradients [half, kind, D] of the policy objective with unshaped advantages [B]; groups alternate between the halves."""
    made, network = now.made, now.network
    live = made.live.numpy()
    group = np.arange(len(advantages)) // GROUP
    found = []
    for half in (0, 1):
        mine = group % 2 == half
        weights = np.where(live & mine[:, None], advantages[:, None], 0.0)
        kinds = torch.from_numpy(np.stack([weights * planning, weights * ~planning]) / live[mine].sum()).float()
        sums = [torch.zeros(sum(p.numel() for p in network.parameters())) for _ in range(2)]
        for rows in chunks(made, torch.from_numpy(weights)):
            logits, ids, mask = forward(network, made, rows)
            nll = cross_entropy(logits, ids, reduction="none")
            for kind in (0, 1):
                weight = kinds[kind][rows][:, : mask.shape[1]][mask]
                parts = torch.autograd.grad(-(nll * weight).sum(), network.parameters(), retain_graph=kind == 0)
                sums[kind] += torch.cat([part.flatten() for part in parts])
        found.append(torch.stack(sums).numpy())
    return np.stack(found)


class Adaptive:
    """`hicra_adaptive` as an engine runs it: every step is measured, and shaped with what was remembered before it."""

    def __init__(self, **settings: Any) -> None:
        self.settings, self.memory = settings, SignalMemory()
        self.logged: dict[str, float] = {}

    def __call__(self, advantages: np.ndarray, batch: Mapping[str, Any], now: Now) -> np.ndarray:
        weights = self.memory.weights
        gradients = half_gradients(now, advantages, batch["planning_mask"])
        found = {kind: gradient_signal(gradients[:, place]) for place, kind in enumerate(KINDS)}
        signal = {kind: one.signal for kind, one in found.items()}
        noise = {kind: one.noise for kind, one in found.items()}
        self.memory.update(signal, noise)
        self.logged = {f"signal_{kind}": value for kind, value in signal.items()}
        self.logged |= {f"noise_{kind}": value for kind, value in noise.items()}
        self.logged |= {f"kind_weight_{kind}": float(weights[place]) for place, kind in enumerate(KINDS)}
        return METHODS["hicra_adaptive"](advantages, {**batch, "kind_weights": weights}, **self.settings)
