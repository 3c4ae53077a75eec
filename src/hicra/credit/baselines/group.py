"""Group baselines turn rewards into one advantage per response (section 3 of the paper; GRPO, Dr. GRPO, RLOO).

Deviations:
CREDIT-1. The paper prints the mean-centred form, `none`, and that is the default; it is not known whether its code divides by
    the standard deviation. `std` adds 1e-6 to the unbiased standard deviation, as TRL does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hicra.arrays import Floats
from hicra.credit.entry import Baseline, Batch
from hicra.errors import ConfigError, DataError, did_you_mean

SCALES = ("none", "std", "loo")
EPSILON = 1e-6


def group_advantages(rewards: Any, group_ids: Any, scale: str = "none") -> Floats:
    """Computes advantages relative to the group of the same prompt.

    `none` is R_i - mean_g (the paper's form, Dr. GRPO). `std` divides that by the unbiased standard deviation + 1e-6 (GRPO).
    `loo` is R_i - mean of the others = G/(G-1) (R_i - mean_g) (RLOO).

    Args:
        rewards: [B] finite numbers.
        group_ids: [B], equal for rollouts of one prompt; the rows may stand in any order.
        scale: "none", "std" or "loo".

    Returns:
        [B] float64, exactly 0 for a group of one rollout and for a group of equal rewards.

    Raises:
        ConfigError: the scale is unknown.
        DataError: the lengths differ, or a reward is None or not finite (the message names the row).

    >>> group_advantages([1, 0, 0, 1], [7, 7, 9, 9]).tolist()
    [0.5, -0.5, -0.5, 0.5]
    """
    if scale not in SCALES:
        raise ConfigError(f"scale {scale!r} is unknown", did_you_mean(scale, SCALES))
    values = _finite(rewards)
    ids = np.asarray(group_ids.cpu() if hasattr(group_ids, "cpu") else group_ids)
    if values.ndim != 1 or ids.shape != values.shape:
        raise DataError(
            f"rewards {values.shape} and group_ids {ids.shape} must have one shape [B]",
            "give one group id per reward",
        )
    if not len(values):
        return values
    _, group = np.unique(ids, return_inverse=True)
    size = np.bincount(group)
    centred = values - (np.bincount(group, values) / size)[group]
    low, high = np.full(len(size), np.inf), np.full(len(size), -np.inf)
    np.minimum.at(low, group, values)
    np.maximum.at(high, group, values)
    centred[(low == high)[group]] = 0.0  # the mean of three 0.1 in floating point is not 0.1
    if scale == "std":
        variance = np.bincount(group, centred**2) / np.maximum(size - 1, 1)
        return centred / (np.sqrt(variance) + EPSILON)[group]
    if scale == "loo":
        return centred * (size / np.maximum(size - 1, 1))[group]
    return centred


def _finite(rewards: Any) -> Floats:
    rewards = rewards.detach().cpu().numpy() if hasattr(rewards, "detach") else rewards
    values = np.array([np.nan if reward is None else reward for reward in rewards], np.float64)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise DataError(
            f"reward of row {bad[0]} is {rewards[int(bad[0])]} ({bad.size} of {len(values)} are not finite)",
            "drop unscorable rollouts before you call the baseline; never score them 0",
        )
    return values


def _scaled(scale: str) -> Callable[[Any, Any, Batch | None], Floats]:
    return lambda rewards, group_ids, batch: group_advantages(rewards, group_ids, scale)


DR_GRPO = Baseline("dr_grpo", _scaled("none"), "Wang et al. 2025, section 3; Liu et al. 2025, arXiv:2503.20783")
GRPO = Baseline("grpo", _scaled("std"), "Shao et al. 2024, arXiv:2402.03300")
RLOO = Baseline("rloo", _scaled("loo"), "Ahmadian et al. 2024, arXiv:2402.14740")
