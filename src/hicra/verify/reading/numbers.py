"""Reads plain numbers as exact keys: signs, digits, thousands separators, decimals, scientific notation, of any length.

A key is (negative, digits without zeros at either end, power of ten), so two numbers are equal exactly if their keys are. No
integer is made from the digits, so a number of a million digits takes one pass over it. `2` is `2.0`, and `1,234` is `1234`.
There is no tolerance: 1e-30 is not 2e-30.

Deviation:
    VERIFY-34. No group of thousands begins with a 0, so the comma of `0,125` is a decimal comma: it is 0.125, and never 125.
         Where the other side is a list, `0,5` may also be the list of 0 and 5. Any other comma is no decimal comma.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

MAX_EXPONENT = 100_000  # the largest power of ten in scientific notation; with a larger one a text is no number

_UNSIGNED = r"(?:0,[0-9]+|(?:[1-9][0-9]{0,2}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]*)?|\.[0-9]+)"
_PLAIN = re.compile(rf"([-+]?) ?({_UNSIGNED})(?:[eE]([-+]?[0-9]{{1,6}}))?")
_TIMES_TEN = re.compile(
    rf"([-+]?) ?({_UNSIGNED}) ?(?:\\times|\\cdot|\*|x) ?10 ?(?:\^|\*\*) ?(?:\{{ ?([-+]? ?[0-9]{{1,6}}) ?\}}|([-+]?[0-9]{{1,6}}))"
)


class Key(NamedTuple):
    """The exact value of a plain number, (-1)^negative * 0.digits * 10^power; zero is (False, "", 0)."""

    negative: bool
    digits: str
    power: int


def number_key(text: str) -> Key | None:
    """Returns the key of a normalised text that is one plain number, or None."""
    match = _PLAIN.fullmatch(text)
    if match:
        sign, body, exponent = match.groups()
    else:
        match = _TIMES_TEN.fullmatch(text)
        if not match:
            return None
        sign, body, braced, bare = match.groups()
        exponent = (braced or bare).replace(" ", "")
    shift = int(exponent) if exponent else 0
    if abs(shift) > MAX_EXPONENT:
        return None
    if body.startswith("0,"):
        body = body.replace(",", ".")
    whole, _, decimals = body.replace(",", "").partition(".")
    digits = (whole + decimals).lstrip("0")
    power = len(digits) - len(decimals) + shift
    digits = digits.rstrip("0")
    return Key(sign == "-", digits, power) if digits else Key(False, "", 0)


def fraction_of(key: Key) -> Fraction:
    """Returns the value of a short key; the caller must have bounded its digits and power."""
    shift = key.power - len(key.digits)
    value = Fraction(int(key.digits or "0"))
    value = value * Fraction(10) ** shift
    return -value if key.negative else value
