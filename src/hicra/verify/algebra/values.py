"""Computes values of trees at a point in mpmath, with every intermediate result bounded before it is computed; for workers only.

Deviation:
    VERIFY-25. A function without a definition, such as `f(x)`, is a fixed function that depends on its name: `f(2)` is not `2f`,
         and `f(x+1)` equals `f(1+x)`. So are sums, integrals and limits (VERIFY-35), and gcd and lcm of what is no number.
"""

from __future__ import annotations

import hashlib
from typing import Any

import mpmath

from hicra.verify.reading.expr import Tree
from hicra.verify.reading.tokens import TooBig

MAX_LOG2 = 10_000.0  # the most bits of the magnitude of any value
MAX_GAMMA = 1_000.0
CONTEXT: Any = mpmath.mp.clone()


class NoValue(ValueError):
    """The tree has no finite value at a point."""


class Values:
    """Values of trees at a point, with a number of digits.

    Attributes:
        peak: bits before or after the binary point of the largest or smallest value so far.
        imaginary: whether any value so far was not real.
    """

    def __init__(self, point: dict[str, tuple[int, int]], digits: int) -> None:
        self.context = CONTEXT
        self.context.dps = digits
        self.point, self.peak, self.imaginary = point, 0, False

    def of(self, tree: Tree) -> Any:
        """Computes the value of a tree.

        Raises:
            NoValue: the tree has no value at the point (a pole, an infinity).
            TooBig: an intermediate result would exceed the bounds.
        """
        found = self._of(tree)
        if found != 0:
            self.peak = max(self.peak, abs(self.context.mag(found)))
            self.imaginary |= bool(self.context.im(found) != 0)
        return found

    def _of(self, tree: Tree) -> Any:
        kind, context = tree[0], self.context
        if kind == "n":
            return context.mpf(tree[1].numerator) / tree[1].denominator
        if kind == "s":
            top, bottom = self.point[tree[1]]
            return context.mpf(top) / bottom
        if kind == "c":
            if tree[1] == "oo":
                raise NoValue("infinity")
            return {"pi": +context.pi, "e": +context.e, "i": context.mpc(0, 1)}[tree[1]]
        parts = [self.of(part) for part in tree[1:] if isinstance(part, tuple)]
        if kind == "-":
            return -parts[0]
        if kind == "+":
            real = all(isinstance(part, context.mpf) for part in parts)
            return context.fsum(parts) if real else sum(parts[1:], parts[0])
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
        if tree[1] in ("sinh", "cosh", "tanh"):  # the exponentials inside are intermediate values, too
            self.peak = max(self.peak, int(3 * min(abs(parts[0]), MAX_LOG2)))
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
        raise TooBig("a power with too many digits")
    real = isinstance(base, context.mpf) and isinstance(exponent, context.mpf)
    if real and base < 0 and exponent != int(exponent):
        return context.power(context.mpc(base), exponent)
    return _sized(context.power(base, exponent), context)


def _function(name: str, parts: list[Any], context: Any) -> Any:
    first = parts[0]
    if name in ("max", "min"):
        if not all(isinstance(part, context.mpf) for part in parts):
            raise NoValue("the largest of numbers that are not real")
        return max(parts) if name == "max" else min(parts)
    if name in ("gcd", "lcm"):  # symmetrical in its arguments
        return _unknown(name, sum(_unknown(f"{name} of", part, context) for part in parts), context)
    if context.mag(first) > 60 and name not in ("abs", "log", "root", "sqrt"):
        raise TooBig("an argument with too many digits")
    if name in ("root", "sqrt"):
        degree = parts[1] if len(parts) > 1 else context.mpf(2)
        real = isinstance(first, context.mpf) and isinstance(degree, context.mpf)
        if real and first < 0 and degree == int(degree) and int(degree) % 2:
            return -_power(-first, 1 / degree, context)
        if degree == 0:
            raise NoValue("root of degree zero")
        return context.sqrt(first) if degree == 2 else _power(first, 1 / degree, context)
    if name in ("floor", "ceil"):
        return _whole(first, name, context)
    if name.startswith("@"):
        return _nested(name, parts, context)
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
            raise TooBig(f"a factorial or binomial above {MAX_GAMMA:g}")
        return context.factorial(first) if name == "factorial" else _binomial(first, parts[1], context)
    if name in ("sinh", "cosh", "tanh") and abs(first) > MAX_LOG2 / 2:
        raise TooBig("an exponential of too many digits")
    try:
        return getattr(context, name)(first)
    except ZeroDivisionError:
        raise NoValue(name) from None


def _binomial(n: Any, k: Any, context: Any) -> Any:
    """Computes a binomial, for a small whole k as a product, which is fast for any number of digits."""
    if not isinstance(k, context.mpf) or k != context.nint(k) or not 0 <= k <= 64:
        return context.binomial(n, k)
    found = context.mpf(1)
    for step in range(int(k)):
        found = found * (n - step) / (step + 1)
    return found


def _whole(found: Any, name: str, context: Any) -> Any:
    """Computes a floor or ceiling so that log2(8) is 3, although it is computed as 2.99..."""
    nearest = context.nint(found)
    near = abs(found - nearest) <= context.mpf(10) ** (15 - context.dps) * max(1, abs(nearest))
    return nearest if near else getattr(context, name)(found)


def _nested(name: str, parts: list[Any], context: Any) -> Any:
    """Computes an unknown function of several values, so that exchanging two of them, or parts of them, shows."""
    found = context.mpf(0)
    for at, part in reversed(list(enumerate(parts))):
        found = _unknown(f"{name}{at or ''}", part + found, context)
    return found


def _unknown(name: str, first: Any, context: Any) -> Any:
    """Computes an unknown function (VERIFY-25): a rational function, cubic over quadratic, with coefficients from its name."""
    digest = hashlib.sha256(name.encode()).digest()
    a, b, c, d = (context.mpf(1009 + int.from_bytes(digest[at : at + 4], "big") % 9001) / 4001 for at in (0, 4, 8, 12))
    return (a * first**3 + b * first + c) / (first**2 + d)
