"""Tells whether two trees are equal as functions, by their values at fixed points with some digits and with 30 more.

Equal expressions differ only by rounding, so their difference shrinks with more digits; for unequal ones it stays. That tells
1e-30 from 2e-30 times a root, which no tolerance can. There are 60 digits, and as many more as the largest or smallest
intermediate value has, so that `2^1000 + n` is not `2^1000`. The points (points.py) are seven between 1/4 and 3 with both signs;
if fewer than two of these decide, farther and nearer ones; then whole numbers (where floors differ) and large ones (where
absolute values differ). Every step bounds the size of its result first, so an answer costs the same work on every machine. This
runs in the worker only, since it needs mpmath, which the extra `verify` installs.

Deviations:
    VERIFY-13. Symbols are real. A point at which a side or a part of it is no finite real number is left out, unless the text
         itself has `i` or the root of a negative number. Nothing is decided unless two points remain. So `ln(x^2)` equals
         `2 ln x`, and `sqrt(x^2)` does not equal `x`. But if the gold answer has an absolute value (or the even root of an even
         power), the answer must have a real value wherever the gold answer has one: `ln x` is not `ln|x|`.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Literal

import mpmath

from hicra.verify.algebra.points import (
    A_RING,
    ALL_POINTS,
    POINTS,
    Point,
    point,
    positive_by_meaning,
    symbols,
    whole_symbols,
)
from hicra.verify.algebra.values import CONTEXT, NoValue, Values
from hicra.verify.reading.expr import LOG_BASE, Tree
from hicra.verify.reading.tokens import TooBig

BASES: tuple[Tree, Tree] = (
    ("n", Fraction(1)),
    ("f", "log", ("n", Fraction(10))),
)  # natural logarithms of e and 10 (VERIFY-12)
DIGITS, MORE = 60, 30
MOST, MOST_GAMMA = (
    3_020,
    60,
)  # the most further digits, with fewer for factorials of fractions, which are slow to compute
ENOUGH = 2  # points that must decide if there are symbols
_NO_VALUE = (NoValue, ZeroDivisionError, OverflowError, ValueError, mpmath.libmp.NoConvergence)


def equal(answer: Tree, gold: Tree, spend: Callable[[int], None] = lambda digits: None) -> bool | None:
    """Tells whether two trees are equal as functions; None if they cannot be evaluated.

    Args:
        answer, gold: the trees.
        spend: is called with the number of digits beyond the usual ones, before an evaluation with them.

    Raises:
        TooBig: a value would exceed the bounds.
    """
    if LOG_BASE[1] in symbols(answer) | symbols(gold):
        found = [equal(_replaced(answer, base), _replaced(gold, base), spend) for base in BASES]
        return True if True in found else found[0]
    everywhere = _equal(answer, gold, spend, False)
    if everywhere or not positive_by_meaning(answer, gold):
        return everywhere
    spend(100)
    return _equal(answer, gold, spend, True) or everywhere


def _equal(answer: Tree, gold: Tree, spend: Callable[[int], None], positive: bool) -> bool | None:
    names = symbols(answer) | symbols(gold)
    whole = whole_symbols(answer) | whole_symbols(gold)
    complex_text = _has_i(answer) or _has_i(gold) or not names
    most = MOST_GAMMA if _has_gamma(answer) or _has_gamma(gold) else MOST
    rule = _Rule(complex_text, _has_absolute(gold), most, spend)
    agreed = 0
    for index in range(ALL_POINTS if names else 1):
        ring = index // A_RING
        if 0 < ring < POINTS // A_RING:
            if agreed >= ENOUGH:
                continue
            if index % A_RING == 0:
                spend(50)
        try:
            same = rule.same(answer, gold, point(names, index, whole, positive))
        except TooBig:
            if index < A_RING:
                raise
            continue
        if same == "undefined":  # at whole and far points it may be undefined by accident
            same = False if index < POINTS else None
        if same is False:
            return False
        agreed += same is True
    return True if agreed >= (ENOUGH if names else 1) else None


class _Rule:
    """How two trees are compared at a point.

    Args:
        complex_text: whether values that are not real count.
        absolute: whether the answer must have a value wherever the gold answer has one (VERIFY-13).
        most: the most further digits.
        spend: is called with the number of digits beyond the usual ones.
    """

    def __init__(self, complex_text: bool, absolute: bool, most: int, spend: Callable[[int], None]) -> None:
        self.complex_text, self.absolute, self.most, self.spend = complex_text, absolute, most, spend

    def same(self, answer: Tree, gold: Tree, where: Point) -> bool | Literal["undefined"] | None:
        """Tells whether two trees agree at a point.

        It is "undefined" if only the answer has no real value there and that counts, and None if nothing can be decided.
        """
        digits = DIGITS
        for _ in range(2):
            try:
                right, gold_met = _value(gold, where, digits)
            except TooBig:
                raise
            except _NO_VALUE:
                return None
            if gold_met.imaginary and not self.complex_text:
                return None
            undefined: Literal["undefined"] | None = "undefined" if self.absolute else None
            try:
                mine, met = _value(answer, where, digits)
            except TooBig:
                raise
            except _NO_VALUE:
                return undefined
            if met.imaginary and not self.complex_text:
                return undefined
            peak = max(met.peak, gold_met.peak)
            needed = int(0.302 * peak) if peak > 64 else 0
            if digits >= DIGITS + min(needed, self.most):
                break
            digits = DIGITS + min(needed, self.most)
            self.spend(digits - DIGITS)
        if needed > self.most:  # a small part may be lost in a large one
            return None
        gap = abs(mine - right)
        if gap <= CONTEXT.mpf(10) ** (10 - digits) * max(abs(mine), abs(right)):
            return True
        finer = abs(_value(answer, where, digits + MORE)[0] - _value(gold, where, digits + MORE)[0])
        return bool(finer <= gap * CONTEXT.mpf("1e-15"))  # a difference by rounding is gone with more digits


def _value(tree: Tree, where: Point, digits: int) -> tuple[Any, Values]:
    values = Values(where, digits)
    return values.of(tree), values


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


def _has_absolute(tree: Tree) -> bool:
    """Tells whether a tree has an absolute value of a symbol, or an even root of an even power."""
    own = tree[0] == "f" and tree[1] == "abs" and bool(symbols(tree))
    if tree[0] == "f" and tree[1] == "root" and tree[2][0] == "^":
        own = _even(tree[3]) and _even(tree[2][2]) and bool(symbols(tree))
    return own or any(_has_absolute(part) for part in tree[1:] if isinstance(part, tuple))


def _even(tree: Tree) -> bool:
    return bool(tree[0] == "n" and tree[1] % 2 == 0)


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
    if LOG_BASE[1] in symbols(first) | symbols(second):
        return any(proportional(_replaced(first, base), _replaced(second, base), positive) for base in BASES)
    names = symbols(first) | symbols(second)
    if not names or symbols(first) != symbols(second):
        return False
    whole = whole_symbols(first) | whole_symbols(second)
    ratios: list[Any] = []
    for index in range(POINTS):
        if index >= A_RING and len(ratios) >= 3:
            break
        where = point(names, index, whole)
        try:
            top, bottom = _value(first, where, DIGITS + MORE)[0], _value(second, where, DIGITS + MORE)[0]
        except TooBig:
            raise
        except _NO_VALUE:
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
