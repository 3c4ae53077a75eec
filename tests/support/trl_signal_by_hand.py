"""Signal and noise of a generation, computed once more: row by row without padding, in float64, with `backward` and numpy."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch


def gradient(model: Any, rows: list[dict[str, Any]]) -> np.ndarray:
    """The gradient [D] of the sum over rows of weight x log-probability, each row {prompt, ids, weights} without padding."""
    model = copy.deepcopy(model).double().eval()
    for row in rows:
        ids = torch.tensor([[*row["prompt"], *row["ids"]]])
        start = len(row["prompt"])
        scores = model(input_ids=ids).logits[0, start - 1 : -1].log_softmax(-1)
        chosen = scores.gather(1, ids[0, start:, None])[:, 0]
        (chosen * torch.tensor(row["weights"], dtype=torch.float64)).sum().backward()
    parts = [weight.grad if weight.grad is not None else torch.zeros_like(weight) for weight in model.parameters()]
    return torch.cat([part.flatten() for part in parts]).numpy()


def by_hand(model: Any, batch: dict[str, np.ndarray], half: list[int]) -> dict[str, float]:
    """{signal_planning, noise_planning, ...} of prompt_ids, prompt_mask, response_ids, response_mask, planning_mask, base [B]."""
    live = batch["response_mask"].astype(bool)
    found = {}
    for kind, mask in (("planning", batch["planning_mask"]), ("execution", ~batch["planning_mask"])):
        halves = []
        for which in (0, 1):
            mine = [row for row, one in enumerate(half) if one == which]
            rows = [
                {
                    "prompt": batch["prompt_ids"][row][batch["prompt_mask"][row] == 1].tolist(),
                    "ids": batch["response_ids"][row][live[row]].tolist(),
                    "weights": (batch["base"][row] * mask[row][live[row]]).tolist(),
                }
                for row in mine
            ]
            halves.append(gradient(model, rows) / sum(int(live[row].sum()) for row in mine))
        first, second = halves
        found[f"signal_{kind}"] = float(first @ second)
        found[f"noise_{kind}"] = float((first @ first + second @ second) / 2 - first @ second)
    return found
