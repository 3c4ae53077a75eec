"""Tells whether two trees are equal as functions, by their values at fixed points with some digits and with 30 more.

Equal expressions differ only by rounding, so their difference shrinks with more digits; for unequal ones it stays. That tells
1e-30 from 2e-30 times a root, which no tolerance can. There are 60 digits, and as many more as the largest or smallest
intermediate value has, so that `2^1000 + n` is not `2^1000`. The points depend only on the symbols' names (not on random numbers
or a hash seed): seven between 1/4 and 3 with both signs; then whole numbers (where floors differ) and large ones (where absolute
values differ), which can only show that trees are unequal. Every step bounds the size of its result first, so an answer costs the
same work on every machine. This runs in the worker only, since it needs mpmath, which the extra `verify` installs.

Deviations:
    VERIFY-13. Symbols are real. A point at which a side or a part of it is no finite real number is left out, unless the text
         itself has `i` or the root of a negative number. Nothing is decided unless two points remain. So `ln(x^2)` equals
         `2 ln x`, and `sqrt(x^2)` does not equal `x`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath

from hicra.verify.algebra.values import CONTEXT, NoValue, Values
from hicra.verify.reading.expr import LOG_BASE, Tree
from hicra.verify.reading.tokens import TooBig

BASES: tuple[Tree, Tree] = (
    ("n", Fraction(1)),
    ("f", "log", ("n", Fraction(10))),
)  # natural logarithms of e and 10 (VERIFY-12)
POINTS = 7  # number of points that decide
WHOLE, FAR = (1, 4, 12, 60), (149_355, -214_961, 494_197_171, -9_208_101)  # further points: as they are, and over 4003
DIGITS, MORE = 60, 30
MOST, MOST_GAMMA = (
    3_020,
    60,
)  # the most further digits, with fewer for factorials of fractions, which are slow to compute


def symbols(tree: Tree) -> frozenset[str]:
    """Returns the names of the symbols in a tree."""
    if tree[0] == "s":
        return frozenset([tree[1]])
    found: frozenset[str] = frozenset()
    for part in tree[1:]:
        if isinstance(part, tuple):
            found |= symbols(part)
    return found


def point(names: frozenset[str], index: int) -> dict[str, tuple[int, int]]:
    """Returns the fixed rational values of the symbols at a point: `POINTS` near ones, then whole ones, then large ones."""
    found = {}
    for rank, name in enumerate(sorted(names)):
        if index >= POINTS + len(WHOLE):
            found[name] = (FAR[(index + rank) % len(FAR)] * (10 + rank), 40_030)
        elif index >= POINTS:
            found[name] = (WHOLE[index - POINTS] + 7 * rank, 1)
        else:
            digest = hashlib.sha256(f"{index} {name}".encode()).digest()
            size = 1009 + int.from_bytes(digest[:4], "big") % 11_003  # 1009 to 12011 of 4003: 0.25 to 3.0
            found[name] = (-size if index >= 3 and digest[4] % 2 else size, 4003)
    return found


def equal(first: Tree, second: Tree, spend: Callable[[int], None] = lambda digits: None) -> bool | None:
    """Tells whether two trees are equal as functions; None if they cannot be evaluated.

    Args:
        first, second: the trees.
        spend: is called with the number of digits beyond the usual ones, before an evaluation with them.

    Raises:
        TooBig: a value would exceed the bounds.
    """
    names = symbols(first) | symbols(second)
    if LOG_BASE[1] in names:
        found = [equal(_replaced(first, base), _replaced(second, base), spend) for base in BASES]
        return True if True in found else found[0]
    complex_text = _has_i(first) or _has_i(second) or not names
    most = MOST_GAMMA if _has_gamma(first) or _has_gamma(second) else MOST
    agreed = 0
    for index in range(POINTS + len(WHOLE) + len(FAR) if names else 1):
        try:
            same = _same_at(first, second, point(names, index), complex_text, most, spend)
        except TooBig:
            if index < POINTS:
                raise
            continue
        except (NoValue, ZeroDivisionError, OverflowError, ValueError, mpmath.libmp.NoConvergence):
            continue
        if same is False:
            return False
        agreed += same is True and index < POINTS
    return True if agreed >= (2 if names else 1) else None


def _same_at(
    first: Tree,
    second: Tree,
    where: dict[str, tuple[int, int]],
    complex_text: bool,
    most: int,
    spend: Callable[[int], None],
) -> bool | None:
    """Tells whether two trees agree at a point, with at most `most` further digits.

    It is None if one is not real there, or if nothing can be decided.
    """
    digits = DIGITS
    for _ in range(2):
        low, met = _pair(first, second, where, digits)
        needed = int(0.302 * met.peak) if met.peak > 64 else 0
        if digits >= DIGITS + min(needed, most):
            break
        digits = DIGITS + min(needed, most)
        spend(digits - DIGITS)
    if needed > most or (met.imaginary and not complex_text):  # a small part may be lost in a large one
        return None
    gap = abs(low[0] - low[1])
    if gap <= CONTEXT.mpf(10) ** (10 - digits) * max(abs(low[0]), abs(low[1])):
        return True
    high, _ = _pair(first, second, where, digits + MORE)
    return bool(
        abs(high[0] - high[1]) <= gap * CONTEXT.mpf("1e-15")
    )  # a difference by rounding is gone with more digits


def _pair(first: Tree, second: Tree, where: dict[str, tuple[int, int]], digits: int) -> tuple[list[Any], Values]:
    values = Values(where, digits)
    return [values.of(tree) for tree in (first, second)], values


def _replaced(tree: Tree, base: Tree) -> Tree:
    if tree == LOG_BASE:
        return base
    return tuple(_replaced(part, base) if isinstance(part, tuple) else part for part in tree)


def _has_gamma(tree: Tree) -> bool:
    """Tells whether a tree has a factorial or binomial of something that is no whole number."""
    own = tree[0] == "f" and tree[1] in ("factorial", "binomial")
    own = own and any(part[0] != "n" or part[1].denominator > 1 for part in tree[2:])
    return own or any(_has_gamma(part) for part in tree[1:] if isinstance(part, tuple))


def _has_i(tree: Tree) -> bool:
    return tree == ("c", "i") or any(_has_i(part) for part in tree[1:] if isinstance(part, tuple))


def number(tree: Tree) -> Any:
    """Computes the real value of a tree without symbols (90 digits), or None if it has none; raises TooBig."""
    tree = _replaced(tree, BASES[0])
    if symbols(tree):
        return None
    try:
        found = Values({}, DIGITS + MORE).of(tree)
    except TooBig:
        raise
    except (NoValue, ZeroDivisionError, OverflowError, ValueError):
        return None
    if abs(CONTEXT.im(found)) > abs(found) * CONTEXT.mpf("1e-40"):
        return None
    return CONTEXT.re(found)


def proportional(first: Tree, second: Tree, positive: bool) -> bool:
    """Tells whether two trees have the same ratio at all points (a positive one if asked for); raises TooBig."""
    names = symbols(first) | symbols(second)
    if not names or symbols(first) != symbols(second):
        return False
    ratios = []
    for index in range(POINTS):
        try:
            (top, bottom), _ = _pair(first, second, point(names, index), DIGITS + MORE)
        except TooBig:
            raise
        except (NoValue, ZeroDivisionError, OverflowError, ValueError):
            continue
        if bottom == 0 or top == 0:
            return False
        ratios.append(top / bottom)
    if len(ratios) < 3 or any(abs(ratio - ratios[0]) > abs(ratios[0]) * CONTEXT.mpf("1e-60") for ratio in ratios):
        return False
    return not positive or bool(CONTEXT.re(ratios[0]) > 0)


def magnitude(number: Any) -> int:
    """Counts the bits before or after the binary point of a value."""
    return 0 if number == 0 else abs(int(CONTEXT.mag(number)))


def high() -> Any:
    """Returns the mpmath context, set to 90 digits."""
    CONTEXT.dps = DIGITS + MORE
    return CONTEXT
