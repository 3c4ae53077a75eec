"""The meter inside the loop: what an engine measures for a method that adapts, from halves of a generation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from loop import GROUP, Now, chunks, forward
from torch.nn.functional import cross_entropy

from hicra.credit.shapers.difficulty import success_share
from hicra.metrics import gradient_signal


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
    """Difficulty of HICRA with alpha times the planning share of the remembered signal."""

    def __init__(self, alpha: float = 0.9, every: int = 4, keep: float = 0.7, rule: str = "difficulty") -> None:
        self.alpha, self.every, self.keep, self.rule = alpha, every, keep, rule
        self.sums, self.total, self.share = np.zeros(2), 0.0, 0.0
        self.logged: dict[str, Any] = {}

    def __call__(self, advantages: np.ndarray, batch: Mapping[str, Any], now: Now) -> np.ndarray:
        from hicra import credit

        self.logged = {}
        if (now.step - 1) % self.every == 0:
            g = half_gradients(now, advantages, batch["planning_mask"])
            found = [gradient_signal(g[:, kind]) for kind in (0, 1)]
            signal = np.array([one.signal for one in found])
            self.sums = self.keep * self.sums + (1 - self.keep) * signal
            plus = np.maximum(self.sums, 0)
            if plus.sum() > 0:
                self.share, self.total = float(plus[0] / plus.sum()), 1.0
            self.logged = {
                "signal_planning": float(signal[0] * 1e6),
                "signal_execution": float(signal[1] * 1e6),
                "noise_planning": found[0].noise * 1e6,
                "noise_execution": found[1].noise * 1e6,
            }
        self.logged |= {"weight": self.share}
        if self.rule == "positive":
            p = success_share(batch["rewards"], batch["group_ids"])[:, None]
            factor = np.where(batch["planning_mask"], 1 + self.alpha * self.share * np.maximum(0, 1 - 2 * p), 1.0)
            return (advantages[:, None] * factor).astype(np.float32)
        if self.rule == "kinds":
            weight = np.where(batch["planning_mask"], self.share, 1 - self.share) if self.total else 0.0
            wide = np.broadcast_to(advantages[:, None], batch["response_mask"].shape)
            return (wide + self.alpha * weight * np.abs(wide)).astype(np.float32)
        if self.rule == "capped":
            weight = np.where(batch["planning_mask"], min(1, 2 * self.share), min(1, 2 - 2 * self.share)) if self.total else 0.0
            wide = np.broadcast_to(advantages[:, None], batch["response_mask"].shape)
            bonus = np.minimum(0.4 * batch["entropies"], np.abs(wide) * self.alpha)
            return (wide + weight * bonus).astype(np.float32)
        name = {"difficulty": "hicra_difficulty", "hicra": "hicra"}[self.rule]
        return credit.METHODS[name](advantages, batch, alpha=min(0.99, self.alpha * self.share))
