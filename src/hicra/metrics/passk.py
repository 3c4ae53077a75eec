"""The unbiased estimate of pass@k (Chen et al. 2021)."""

from __future__ import annotations

import math

from hicra.errors import ConfigError


def pass_at_k(n: int, c: int, k: int) -> float:
    """Computes the chance that k samples, drawn without replacement from n, hold one of the c right ones.

    It is 1 - C(n-c, k) / C(n, k).

    Args:
        n: number of samples of a question.
        c: number of right ones among them.
        k: number of samples drawn.

    Raises:
        ConfigError: (a ValueError) k > n, k < 1, or c lies outside 0..n.

    >>> pass_at_k(4, 2, 2) == 1 - 1 / 6
    True
    """
    if k < 1 or k > n:
        raise ConfigError(
            f"pass@{k} cannot be had from {n} samples",
            f"draw at least {k} samples per question, or ask for a smaller k",
        )
    if not 0 <= c <= n:
        raise ConfigError(
            f"{c} of {n} samples cannot be right", "give a number of right samples from 0 to the number of samples"
        )
    if n - c < k:
        return 1.0
    # the product neither overflows nor loses digits to cancellation
    return 1.0 - math.prod(1.0 - k / i for i in range(n - c + 1, n + 1))
