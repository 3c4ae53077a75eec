"""Group baselines turn rewards into one advantage per response (section 3 of the paper; GRPO, Dr. GRPO, RLOO).

Deviations:
CREDIT-1. The paper prints the mean-centred form, `none`, and that is the default; it is not known whether its code divides by
    the standard deviation. `std` adds 1e-6 to the unbiased standard deviation, as verl does (TRL
    adds 1e-4).
CREDIT-2. An unscorable rollout (its reward is NaN or None) is left out of its group: neither the mean nor the deviation counts
    it, and its own advantage is 0. An infinite reward is refused.
"""

from __future__ import annotations

from typing import Any

from hicra.arrays import Array, Floats
from hicra.credit.baseline import Baseline
from hicra.credit.baselines.groups import relative, scored_groups
from hicra.credit.entry import Batch
from hicra.errors import ConfigError, did_you_mean


def group_advantages(rewards: Any, group_ids: Any, scale: str = "none") -> Any:
    """Computes advantages relative to the group of the same prompt.

    `none` is R_i - mean_g (the paper's form, Dr. GRPO). `std` divides that by the unbiased standard deviation + 1e-6 (GRPO).
    `loo` is R_i - mean of the others = G/(G-1) (R_i - mean_g) (RLOO).

    Args:
        rewards: [B], numpy, torch or a list; NaN or None where a rollout is unscorable.
        group_ids: [B], equal for rollouts of one prompt, by type and value (1 and "1" are two); the rows may stand in any
            order.
        scale: "none", "std" or "loo".

    Returns:
        [B], numpy or torch as the rewards are, with their dtype and device (float64 for a list, torch's default for integers). It
        is exactly 0 for an unscorable rollout, and for a group with one scored rollout or with equal rewards.

    Raises:
        ConfigError: the scale is unknown.
        DataError: the lengths differ, a reward is infinite or a group id is missing (the message names the row).

    >>> group_advantages([1, 0, 0, 1], [7, 7, 9, 9]).tolist()
    [0.5, -0.5, -0.5, 0.5]
    """
    if scale not in SCALES:
        raise ConfigError(f"scale {scale!r} is unknown", did_you_mean(str(scale), SCALES))
    return SCALES[scale](rewards, group_ids)


def dr_grpo(rewards: Floats, group_ids: Array, batch: Batch) -> Floats:
    """Returns R_i - mean_g, the paper's form (Dr. GRPO)."""
    return _relative(rewards, group_ids, "none")


def grpo(rewards: Floats, group_ids: Array, batch: Batch) -> Floats:
    """Returns (R_i - mean_g) / (std_g + 1e-6), with the unbiased standard deviation of the group."""
    return _relative(rewards, group_ids, "std")


def rloo(rewards: Floats, group_ids: Array, batch: Batch) -> Floats:
    """Returns R_i - mean of the others of the group = G/(G-1) (R_i - mean_g)."""
    return _relative(rewards, group_ids, "loo")


def _relative(rewards: Floats, group_ids: Array, scale: str) -> Floats:
    groups = scored_groups(rewards, group_ids)
    return groups.filled(relative(groups.rewards, groups.number, scale))


DR_GRPO = Baseline("dr_grpo", dr_grpo, "Wang et al. 2025, section 3; Liu et al. 2025, arXiv:2503.20783")
GRPO = Baseline("grpo", grpo, "Shao et al. 2024, arXiv:2402.03300")
RLOO = Baseline("rloo", rloo, "Ahmadian et al. 2024, arXiv:2402.14740")
SCALES = {"none": DR_GRPO, "std": GRPO, "loo": RLOO}
