"""Whether two trees are equal as functions: their values at fixed points, with 60 and with 90 digits.

Equal expressions differ by rounding alone, so their difference shrinks when the digits double; for unequal ones it stays.
That tells 1e-30 from 2e-30 times a surd, which no tolerance can. The points depend on the symbols' names alone (no random
numbers, no hash seed), lie between 1/4 and 3 with both signs, and every step bounds the size of its result first, so an
answer costs the same on every machine. Runs in the worker only: it needs mpmath, which the extra `verify` brings.

Deviations:
    D13  symbols are real; a point where a side is not a finite real number is left out, unless `i` or a root of a negative
         number stands in the text itself; two points must remain, else nothing is decided. So `ln(x^2)` equals `2 ln x`
         and `sqrt(x^2)` does not equal `x`.
"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from typing import Any

import mpmath

from hicra.verify.expr import LOG_BASE, Tree
from hicra.verify.tokens import TooBig

BASES: tuple[Tree, Tree] = (
    ("n", Fraction(1)),
    ("f", "log", ("n", Fraction(10))),
)  # natural logarithms of e and 10 (D12)
POINTS = 7
MAX_LOG2 = 10_000.0  # bits of magnitude of any value
MAX_GAMMA = 1_000.0
_LOW, _HIGH = mpmath.mp.clone(), mpmath.mp.clone()
_LOW.dps, _HIGH.dps = 60, 90


class NoValue(ValueError):
    """The tree has no finite value at a point."""


def symbols(tree: Tree) -> frozenset[str]:
    """Names of the symbols in a tree."""
    if tree[0] == "s":
        return frozenset([tree[1]])
    found: frozenset[str] = frozenset()
    for part in tree[1:]:
        if isinstance(part, tuple):
            found |= symbols(part)
    return found


def value(tree: Tree, point: dict[str, tuple[int, int]], context: Any) -> Any:
    """The value of a tree at a point, in an mpmath context.

    Raises:
        NoValue: none there (a pole, an infinity).
        TooBig: an intermediate result would pass the bounds.
    """
    kind = tree[0]
    if kind == "n":
        return context.mpf(tree[1].numerator) / tree[1].denominator
    if kind == "s":
        top, bottom = point[tree[1]]
        return context.mpf(top) / bottom
    if kind == "c":
        if tree[1] == "oo":
            raise NoValue("infinity")
        return {"pi": +context.pi, "e": +context.e, "i": context.mpc(0, 1)}[tree[1]]
    parts = [value(part, point, context) for part in tree[1:] if isinstance(part, tuple)]
    if kind == "-":
        return -parts[0]
    if kind == "+":
        return context.fsum(parts) if all(isinstance(part, context.mpf) for part in parts) else sum(parts[1:], parts[0])
    if kind == "*":
        product = parts[0]
        for part in parts[1:]:
            product = _sized(product * part, context)
        return product
    if kind == "/":
        if parts[1] == 0:
            raise NoValue("division by zero")
        return _sized(parts[0] / parts[1], context)
    if kind == "^":
        return _power(parts[0], parts[1], context)
    return _sized(_function(tree[1], parts, context), context)


def _sized(found: Any, context: Any) -> Any:
    if not context.isfinite(found):
        raise NoValue("not finite")
    for part in (context.re(found), context.im(found)):
        if part != 0 and abs(context.mag(part)) > MAX_LOG2:
            raise TooBig("a value of too many digits")
    return found


def _power(base: Any, exponent: Any, context: Any) -> Any:
    if base == 0:
        if context.re(exponent) <= 0:
            raise NoValue("zero to the power of zero or less")
        return context.mpf(0)
    # log2 of the result is exponent * log2(base): a product of two bounded numbers, computed before the power is
    bits = abs(exponent) * (abs(context.log(base)) / 0.6931)
    if not bits < MAX_LOG2:
        raise TooBig("a power of too many digits")
    real = isinstance(base, context.mpf) and isinstance(exponent, context.mpf)
    if real and base < 0 and exponent != int(exponent):
        return context.power(context.mpc(base), exponent)
    return _sized(context.power(base, exponent), context)


def _function(name: str, parts: list[Any], context: Any) -> Any:
    first = parts[0]
    if context.mag(first) > 60 and name not in ("abs", "log", "root", "sqrt"):
        raise TooBig("an argument of too many digits")
    if name in ("root", "sqrt"):
        degree = parts[1] if len(parts) > 1 else context.mpf(2)
        real = isinstance(first, context.mpf) and isinstance(degree, context.mpf)
        if real and first < 0 and degree == int(degree) and int(degree) % 2:
            return -_power(-first, 1 / degree, context)
        if degree == 0:
            raise NoValue("root of degree zero")
        return context.sqrt(first) if degree == 2 else _power(first, 1 / degree, context)
    if name in ("floor", "ceil"):
        return getattr(context, name)(first)
    if name == "abs":
        return abs(first)
    if name == "log":
        if first == 0:
            raise NoValue("log of zero")
        return context.log(first)
    if name == "exp":
        if abs(first) > MAX_LOG2 / 2:
            raise TooBig("an exponential of too many digits")
        return context.exp(first)
    if name in ("factorial", "binomial"):
        if any(abs(part) > MAX_GAMMA for part in parts):
            raise TooBig(f"a factorial or binomial past {MAX_GAMMA:g}")
        return context.factorial(first) if name == "factorial" else context.binomial(first, parts[1])
    if name in ("sinh", "cosh", "tanh") and abs(first) > MAX_LOG2 / 2:
        raise TooBig("an exponential of too many digits")
    try:
        return getattr(context, name)(first)
    except ZeroDivisionError:
        raise NoValue(name) from None


def point(names: frozenset[str], index: int) -> dict[str, tuple[int, int]]:
    """The fixed rational values of the symbols at one of the `POINTS`; from the fourth on with both signs."""
    found = {}
    for name in names:
        digest = hashlib.sha256(f"{index} {name}".encode()).digest()
        size = 1009 + int.from_bytes(digest[:4], "big") % 11_003  # 1009 to 12011 of 4003: 0.25 to 3.0
        found[name] = (-size if index >= 3 and digest[4] % 2 else size, 4003)
    return found


def equal(first: Tree, second: Tree) -> bool | None:
    """True or False where the trees can be told apart or not, None where they cannot be evaluated.

    Raises:
        TooBig: a value would pass the bounds.
    """
    if LOG_BASE[1] in symbols(first) | symbols(second):
        found = [equal(_replaced(first, base), _replaced(second, base)) for base in BASES]
        return True if True in found else found[0]
    names = symbols(first) | symbols(second)
    complex_text = _has_i(first) or _has_i(second) or not names
    agreed = 0
    for index in range(POINTS if names else 1):
        where = point(names, index)
        try:
            low = [value(tree, where, _LOW) for tree in (first, second)]
            close = _close(low)
            high = low if close else [value(tree, where, _HIGH) for tree in (first, second)]
        except NoValue:
            continue
        except (ZeroDivisionError, OverflowError, ValueError, mpmath.libmp.NoConvergence) as error:
            if isinstance(error, TooBig):
                raise
            continue
        if not complex_text and any(abs(_LOW.im(one)) > 1e-40 for one in low):
            continue
        if not close and not _shrinks(low, high):
            return False
        agreed += 1
    return True if agreed >= (2 if names else 1) else None


def _replaced(tree: Tree, base: Tree) -> Tree:
    if tree == LOG_BASE:
        return base
    return tuple(_replaced(part, base) if isinstance(part, tuple) else part for part in tree)


def _close(values: list[Any]) -> bool:
    gap = abs(values[0] - values[1])
    return bool(gap <= _LOW.mpf("1e-50") * max(abs(values[0]), abs(values[1])))


def _shrinks(low: list[Any], high: list[Any]) -> bool:
    """Whether the gap is rounding: with 30 more digits it is gone."""
    return bool(abs(high[0] - high[1]) <= abs(low[0] - low[1]) * _HIGH.mpf("1e-15"))


def _has_i(tree: Tree) -> bool:
    return tree == ("c", "i") or any(_has_i(part) for part in tree[1:] if isinstance(part, tuple))


def number(tree: Tree) -> Any:
    """The real value of a tree without symbols (90 digits), or None where it has none. Raises TooBig."""
    tree = _replaced(tree, BASES[0])
    if symbols(tree):
        return None
    try:
        found = value(tree, {}, _HIGH)
    except TooBig:
        raise
    except (NoValue, ZeroDivisionError, OverflowError, ValueError):
        return None
    if abs(_HIGH.im(found)) > abs(found) * _HIGH.mpf("1e-40"):
        return None
    return _HIGH.re(found)


def proportional(first: Tree, second: Tree, positive: bool) -> bool:
    """Whether two trees have one constant ratio at all points (a positive one where asked for). Raises TooBig."""
    names = symbols(first) | symbols(second)
    if not names or symbols(first) != symbols(second):
        return False
    ratios = []
    for index in range(POINTS):
        where = point(names, index)
        try:
            top, bottom = value(first, where, _HIGH), value(second, where, _HIGH)
        except TooBig:
            raise
        except (NoValue, ZeroDivisionError, OverflowError, ValueError):
            continue
        if bottom == 0 or top == 0:
            return False
        ratios.append(top / bottom)
    if len(ratios) < 3 or any(abs(ratio - ratios[0]) > abs(ratios[0]) * _HIGH.mpf("1e-60") for ratio in ratios):
        return False
    return not positive or bool(_HIGH.re(ratios[0]) > 0)


def magnitude(number: Any) -> int:
    """Bits before or after the binary point of a value."""
    return 0 if number == 0 else abs(int(_HIGH.mag(number)))


def high() -> Any:
    """The context of 90 digits."""
    return _HIGH
