"""What the families of losses share: values that no gradient flows through, and the mean over the tokens of a response."""

from __future__ import annotations

from typing import Any

from hicra.arrays import namespace_of


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
