"""Compares numbers that are only known up to a factor or a modulus: ratios, such as `3:4`, and congruences.

Deviations:
    VERIFY-44. Ratios are equal if they are proportional, and a ratio of two numbers is also their quotient: `6:8` is `3:4` and
         `\\frac34`, and `2:1` is 2. Two texts that may both be times of the day (`4:30`, `2:15`) are equal only if they are the
         same. `S:T = 7:32` names a ratio.
    VERIFY-45. Two congruences are equal if their residues are congruent and what is before the sign is the same; `3 \\pmod 7`
         without a left side equals both. A congruence equals no number.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from hicra.verify.reading.normalise import compact
from hicra.verify.reading.shapes import Shape

_CLOCK = re.compile(r"[0-9]{1,2} ?: ?[0-5][0-9](?: ?: ?[0-5][0-9])?")
_CONGRUENCE = re.compile(
    r"(?:(?P<left>.{1,80}?) ?(?:\\equiv|=) ?)?(?P<residue>-?[0-9]{1,18}) ?\(? ?"
    r"(?:\\(?:pmod|mod|bmod|pod)(?![A-Za-z])|mod(?:ulo)?(?![A-Za-z])) ?[({]? ?(?P<modulus>[1-9][0-9]{0,17}) ?[)}]? ?\)?"
)
Same = Callable[[str, str], bool]


def same_ratios(answer: Shape, gold: Shape, same: Same) -> bool:
    """Compares two ratios, given how to compare two values."""
    if len(answer.items) != len(gold.items):
        return False
    if all(same(mine, right) for mine, right in zip(answer.items, gold.items, strict=True)):
        return True
    if _CLOCK.fullmatch(answer.text) and _CLOCK.fullmatch(gold.text):
        return False
    (mine, *others), (right, *rights) = answer.items, gold.items
    return (
        not same(mine, "0")
        and not same(right, "0")
        and all(same(f"({one})*({right})", f"({two})*({mine})") for one, two in zip(others, rights, strict=True))
    )


def same_as_quotient(ratio: Shape, value: str, same: Same) -> bool:
    """Compares a ratio of two numbers with a value; the order of the sides does not matter."""
    return len(ratio.items) == 2 and same(f"({ratio.items[0]})/({ratio.items[1]})", value)


def same_congruence(answer: str, gold: str) -> bool | None:
    """Tells whether two congruences are equal; None if one of the texts is none."""
    mine, right = _CONGRUENCE.fullmatch(answer), _CONGRUENCE.fullmatch(gold)
    if mine is None or right is None:
        return None
    if mine["left"] and right["left"] and compact(mine["left"]) != compact(right["left"]):
        return False
    modulus = int(right["modulus"])
    return int(mine["modulus"]) == modulus and (int(mine["residue"]) - int(right["residue"])) % modulus == 0
