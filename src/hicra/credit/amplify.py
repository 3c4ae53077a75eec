"""HICRA: A + alpha |A| on planning tokens (section 3, equation of the hierarchy-aware advantage; alpha = 0.2 throughout)."""

from __future__ import annotations

from typing import Any

import numpy as np

from hicra.credit.table import Array, Batch, check_alpha


def hicra(advantages: Any, planning_mask: Any, alpha: float = 0.2) -> Any:
    """The hierarchy-aware advantage: (1+alpha) A where A > 0 and (1-alpha) A where A < 0, on planning tokens alone.

    Args:
        advantages: [B] or [B,T] floats, numpy or torch; never changed in place.
        planning_mask: [B,T] bool, of the same kind.
        alpha: in [0, 1); 0 returns the advantages bit for bit.

    Returns:
        [B,T] of the same kind and dtype.

    Raises:
        ConfigError: (a ValueError) alpha outside [0, 1).

    >>> hicra(np.array([1.0, -1.0]), np.array([[True, False], [True, False]])).tolist()
    [[1.2, 1.0], [-0.8, -1.0]]
    """
    check_alpha(alpha)
    if hasattr(advantages, "detach"):
        import torch

        wide = advantages[:, None] if advantages.dim() == 1 else advantages
        mask = planning_mask.bool() if alpha > 0 else torch.zeros_like(planning_mask, dtype=torch.bool)
        return torch.where(mask, wide + alpha * wide.abs(), wide)
    wide = np.asarray(advantages)
    wide = wide[:, None] if wide.ndim == 1 else wide
    mask = np.asarray(planning_mask, bool) if alpha > 0 else np.zeros(np.shape(planning_mask), bool)
    return np.where(mask, wide + alpha * np.abs(wide), wide)


def shape(advantages: Array, batch: Batch, *, alpha: float = 0.2) -> Array:
    """HICRA as a method of the table."""
    return np.asarray(hicra(advantages, batch["planning_mask"], alpha))
