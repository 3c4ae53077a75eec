"""What the families of losses share: ratios, values that no gradient flows through, and the mean over the tokens of a response.

Deviations:
LOSS-12. A log-ratio counts as at most 30, since the exponential of a larger one overflows float32: 0 times infinity is NaN, and
    one token would then take its whole step with it. No gradient flows through a token beyond that.
"""

from __future__ import annotations

from typing import Any

from hicra.arrays import namespace_of

LARGEST_LOG_RATIO = 30.0


def ratio_of(log_ratio: Any) -> Any:
    """Returns exp of log-ratios, which count as at most 30 (LOSS-12)."""
    xp = namespace_of(log_ratio)
    return xp.exp(xp.clip(log_ratio, None, LARGEST_LOG_RATIO))


def fixed(value: Any) -> Any:
    """Returns sg(value): the value, through which no gradient flows. Numpy has none, so there it changes nothing."""
    return value.detach() if hasattr(value, "detach") else value


def row_mean(values: Any, mask: Any) -> Any:
    """Returns the mean of values [B,T] over the policy tokens of each row, [B,1]; 0 for a row without any."""
    count = mask.sum(-1)
    return ((values * mask).sum(-1) / (count + (count == 0)))[:, None]


def either(condition: Any, yes: float, no: float, other: Any) -> Any:
    """Returns one of two numbers for each entry of a condition [B,T], with the dtype of `other` [B,T]."""
    xp = namespace_of(other)
    return xp.where(condition, xp.full_like(other, yes), xp.full_like(other, no))
