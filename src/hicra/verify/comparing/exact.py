"""Exact values of trees: rational arithmetic with every intermediate result bounded before it is computed.

Bounds are on the work, not on the clock, so what is refused is refused on every machine: integers of at most `MAX_BITS`
bits, factorials and binomials of at most `MAX_FACTORIAL`.
"""

from __future__ import annotations

import math
from fractions import Fraction

from hicra.verify.reading.expr import Tree
from hicra.verify.reading.tokens import TooBig

MAX_BITS = 10_000
MAX_FACTORIAL = 1_000


class Inexact(ValueError):
    """The tree has a symbol, or a value that is no rational number."""


class Undefined(ValueError):
    """The tree divides by zero or the like: it has no value and equals nothing."""


def exact(tree: Tree) -> Fraction:
    """The rational value of a tree.

    Raises:
        Inexact: it has none, or none that this arithmetic finds.
        Undefined: it has no value at all.
        TooBig: an intermediate result would pass the bounds.
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
        for factor in [exact(part) for part in tree[1:]]:  # all are read first: a zero never hides a symbol or a bomb
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
    """The value itself, where its numerator and denominator are within `MAX_BITS`; else TooBig."""
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
        raise TooBig("a power of too many digits")
    return bounded(base ** int(exponent))


def _root(value: Fraction, degree: int) -> Fraction:
    """The exact real root; Inexact where it is irrational or not real."""
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
    if name == "factorial":
        return bounded(Fraction(math.factorial(_natural(exact(arguments[0])))))
    if name == "binomial":
        return bounded(Fraction(math.comb(_natural(exact(arguments[0])), _natural(exact(arguments[1])))))
    raise Inexact(name)


def _natural(value: Fraction) -> int:
    if value.denominator != 1 or value < 0:
        raise Inexact("not a natural number")
    if value > MAX_FACTORIAL:
        raise TooBig(f"a factorial or binomial past {MAX_FACTORIAL}")
    return int(value)
