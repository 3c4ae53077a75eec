"""Computes exact values of trees by rational arithmetic; every intermediate result is bounded before it is computed.

The bounds are on the work and not on time, so that every machine refuses the same trees: integers have at most `MAX_BITS` bits,
and arguments of factorials and binomials are at most `MAX_FACTORIAL`.
"""

from __future__ import annotations

import math
from fractions import Fraction

from hicra.verify.reading.expr import Tree
from hicra.verify.reading.tokens import TooBig

MAX_BITS = 10_000
MAX_FACTORIAL = 1_000
MAX_EXACT = 10**300  # of a greatest common divisor or least common multiple


class Inexact(ValueError):
    """The tree has a symbol, or its value is no rational number."""


class Undefined(ValueError):
    """The tree has no value, for example because it divides by zero, and so equals nothing."""


def exact(tree: Tree) -> Fraction:
    """Computes the rational value of a tree.

    Raises:
        Inexact: the tree has no rational value, or none that this arithmetic finds.
        Undefined: the tree has no value at all.
        TooBig: an intermediate result would exceed the bounds.
    """
    kind = tree[0]
    if kind == "n":
        value: Fraction = tree[1]
        return value
    if kind == "-":
        return -exact(tree[1])
    if kind == "+":
        total = Fraction(0)
        for part in tree[1:]:
            total = bounded(total + exact(part))
        return total
    if kind == "*":
        product = Fraction(1)
        for factor in [
            exact(part) for part in tree[1:]
        ]:  # all are computed first, so that a zero hides neither a symbol nor too large a number
            product = bounded(product * factor)
        return product
    if kind == "/":
        top, bottom = exact(tree[1]), exact(tree[2])
        if bottom == 0:
            raise Undefined("division by zero")
        return bounded(top / bottom)
    if kind == "^":
        return _power(exact(tree[1]), exact(tree[2]))
    if kind == "f":
        return _function(tree)
    raise Inexact(kind)


def bounded(value: Fraction) -> Fraction:
    """Returns the value if its numerator and denominator are within `MAX_BITS`; else raises TooBig."""
    if value.numerator.bit_length() > MAX_BITS or value.denominator.bit_length() > MAX_BITS:
        raise TooBig(f"a number of more than {MAX_BITS} bits")
    return value


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        if exponent.denominator > 64:
            raise Inexact("root")
        base, exponent = _root(base, exponent.denominator), Fraction(exponent.numerator)
    if base == 0 and exponent <= 0:
        raise Undefined("zero to the power of zero or less")
    if base in (0, 1, -1):
        return base if exponent % 2 else base * base
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if bits * abs(exponent) > MAX_BITS + 64:
        raise TooBig("a power with too many digits")
    return bounded(base ** int(exponent))


def _root(value: Fraction, degree: int) -> Fraction:
    """Computes the exact real root; raises Inexact if it is irrational or not real."""
    if value < 0:
        if degree % 2 == 0:
            raise Inexact("imaginary")
        return -_root(-value, degree)
    return Fraction(_whole_root(value.numerator, degree), _whole_root(value.denominator, degree))


def _whole_root(number: int, degree: int) -> int:
    if degree == 2:
        found = math.isqrt(number)
    else:
        low, high = 0, 1 << (number.bit_length() // degree + 1)
        while low < high:
            middle = (low + high + 1) // 2
            if middle**degree <= number:
                low = middle
            else:
                high = middle - 1
        found = low
    if found**degree != number:
        raise Inexact("irrational root")
    return found


def _function(tree: Tree) -> Fraction:
    name, *arguments = tree[1:]
    if name in ("root", "sqrt"):
        degree = exact(arguments[1]) if len(arguments) > 1 else Fraction(2)
        if degree.denominator != 1 or not 2 <= degree <= 64:
            raise Inexact("degree")
        return _root(exact(arguments[0]), int(degree))
    if name in ("abs", "floor", "ceil"):
        value = exact(arguments[0])
        return abs(value) if name == "abs" else Fraction(math.floor(value) if name == "floor" else math.ceil(value))
    if name in ("max", "min"):
        values = [exact(argument) for argument in arguments]
        return max(values) if name == "max" else min(values)
    if name in ("gcd", "lcm"):
        whole = [_natural(exact(argument), MAX_EXACT) for argument in arguments]
        return bounded(Fraction(math.gcd(*whole) if name == "gcd" else math.lcm(*whole)))
    if name == "factorial":
        return bounded(Fraction(math.factorial(_natural(exact(arguments[0])))))
    if name == "binomial":
        return bounded(Fraction(math.comb(_natural(exact(arguments[0])), _natural(exact(arguments[1])))))
    raise Inexact(name)


def _natural(value: Fraction, most: int = MAX_FACTORIAL) -> int:
    if value.denominator != 1 or value < 0:
        raise Inexact("not a natural number")
    if value > most:
        raise TooBig(f"a factorial, binomial or divisor of a number above {most}")
    return int(value)
