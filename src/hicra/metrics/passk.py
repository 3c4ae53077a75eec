"""pass@k, unbiased (Chen et al. 2021)."""

from __future__ import annotations

import math

from hicra.errors import ConfigError


def pass_at_k(n: int, c: int, k: int) -> float:
    """Chance that k of n samples, drawn without return, hold one of the c right ones: 1 - C(n-c, k) / C(n, k).

    Raises:
        ConfigError: (a ValueError) k > n, k < 1, or c outside 0..n.

    >>> pass_at_k(4, 2, 2) == 1 - 1 / 6
    True
    """
    if k < 1 or k > n:
        raise ConfigError(
            f"pass@{k} cannot be had from {n} samples", f"sample at least {k} a question, or ask for a smaller k"
        )
    if not 0 <= c <= n:
        raise ConfigError(f"{c} of {n} samples cannot be right")
    if n - c < k:
        return 1.0
    # the product form neither overflows nor cancels
    return 1.0 - math.prod(1.0 - k / i for i in range(n - c + 1, n + 1))
