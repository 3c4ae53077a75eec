"""Cohen's kappa: how much more often two judges agree than two would that name classes at random (Cohen 1960)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from hicra.errors import DataError


def raw_agreement(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Returns the share of items to which both judges gave the same class; None of no item.

    Raises:
        DataError: (a ValueError) the judges name the classes of different numbers of items.
    """
    if len(first) != len(second):
        raise DataError(
            f"one judge names {len(first)} classes and the other {len(second)}", "give both for the same items"
        )
    return sum(a == b for a, b in zip(first, second, strict=True)) / len(first) if first else None


def cohen_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Computes kappa = (o - e) / (1 - e).

    o is the share of items on which the judges agree, and e the share that chance gives: the sum over classes of the product
    of the two judges' shares of that class. 1 is full agreement, 0 is that of chance.

    Args:
        first, second: [N] the class that each judge gave to the same items.

    Returns:
        kappa, or None where it is not defined: there is no item, or both judges name one and the same class throughout.

    Raises:
        DataError: (a ValueError) the judges name the classes of different numbers of items.

    >>> cohen_kappa(["a", "a", "b", "b"], ["a", "b", "b", "b"])  # o = 3/4, e = 1/2 * 1/4 + 1/2 * 3/4 = 1/2
    0.5
    """
    observed = raw_agreement(first, second)
    if observed is None:
        return None
    n, one, other = len(first), Counter(first), Counter(second)
    by_chance = sum(one[name] * other[name] for name in one)  # n^2 times the share, whole numbers
    return None if by_chance == n * n else (observed - by_chance / n**2) / (1 - by_chance / n**2)
