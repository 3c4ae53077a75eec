"""Writes out short notations: `\\pm`, sums of unit vectors, and a quantity in several units.

Deviations:
    VERIFY-39. With `\\mp` beside `\\pm`, both change together (`1 \\pm \\sqrt2 \\mp x` has two values); `\\mp` alone is `\\pm`.
         Several `\\pm` without `\\mp` change independently: `(\\pm 1, \\pm 2)` is four pairs. At most 4 signs are written out.
    VERIFY-40. Two or three numbers, each with a unit of the same dimension and each unit smaller than the one before, are one
         quantity, also with "and" or a comma between them: `2 h 15 min` is `135 minutes`, and `5 ft 3 in` is `63 inches`.
    VERIFY-41. A vector may be written as a tuple, in angle brackets, as a matrix of one column or one row, or as a sum of at
         least two of the unit vectors i, j, k in bold type or with a hat. A list of lists of one length is a matrix.
"""

from __future__ import annotations

import itertools
import re

from hicra.verify.reading.brackets import outer_of
from hicra.verify.reading.unit_table import UNITS

MAX_SIGNS = 4
_SIGN = re.compile(r"\\(pm|mp)(?![A-Za-z])")
_BOTH = {"pm": "+-", "mp": "-+"}
_PLUS = re.compile(r"(?<![^(\[{,;=&]) ?\+ ?(?=[^ +])")  # a plus that begins a value


def variants(text: str) -> tuple[str, ...]:
    """Returns the texts that a text with such signs stands for, each once; () if it has none or too many."""
    signs = [match[1] for match in _SIGN.finditer(text)]
    if not signs or len(signs) > MAX_SIGNS:
        return ()
    if set(signs) == {"pm", "mp"}:
        choices = [tuple(_BOTH[sign][at] for sign in signs) for at in (0, 1)]
    else:
        choices = list(itertools.product("+-", repeat=len(signs)))
    found = []
    pieces = _SIGN.split(text)[::2]
    for choice in choices:
        written = pieces[0] + "".join(sign + piece for sign, piece in zip(choice, pieces[1:], strict=True))
        found.append(_PLUS.sub("", written).strip())
    return tuple(dict.fromkeys(found))


MAX_QUANTITY = 80
_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,6})?"
_NUMBER_AND_UNIT = re.compile(rf"({_NUMBER}) ?([A-Za-z]{{1,8}})\.?")
_SEVERAL = re.compile(
    rf"(-?) ?((?:{_NUMBER}) ?[A-Za-z]{{1,8}}\.?(?:(?:,? and|,)? ?(?:{_NUMBER}) ?[A-Za-z]{{1,8}}\.?){{1,2}})"
)


def one_quantity(text: str) -> str:
    """Returns a quantity in several units as one in the smallest; any other text stays as it is."""
    match = _SEVERAL.fullmatch(text) if len(text) <= MAX_QUANTITY else None
    if match is None:
        return text
    parts = [(number, UNITS.get(name), name) for number, name in _NUMBER_AND_UNIT.findall(match[2])]
    units = [unit for _, unit, _ in parts if unit is not None]
    same = len(units) == len(parts) and len({unit.dimension for unit in units}) == 1
    sizes = [unit.factor for unit in units]
    if not same or sizes != sorted(set(sizes), reverse=True):
        return text
    total = " + ".join(f"{number}*({size / sizes[-1]})" for (number, _, _), size in zip(parts, sizes, strict=True))
    return f"{match[1]}({total}) {_long_name(parts[-1][2])}"


def _long_name(name: str) -> str:
    """Returns the longest name of a unit, which needs no text command to be one."""
    return max((other for other, unit in UNITS.items() if unit == UNITS[name] and other.isalpha()), key=len)


# what a font leaves of `\mathbf{i}`, or a hat
_UNIT = r"(?:\{ ?([ijk]) ?\}|\\(?:hat|widehat) ?\{ ?\{? ?\\?([ijk])(?:math)? ?\}? ?\})"
_TERM = re.compile(rf"(?P<factor>.*?)(?<![\^_]) ?(?:\\cdot|\*)? ?{_UNIT}", re.DOTALL)
MAX_VECTOR = 300


def components(text: str) -> tuple[str, ...] | None:
    """Returns the components of a sum of unit vectors, two or three of them, or None if the text is none."""
    if len(text) > MAX_VECTOR or "{" not in text:
        return None
    outer = outer_of(text)
    starts = [match.start() for match in re.finditer(r"(?<!\A)[-+]", outer)]
    found: dict[str, str] = {}
    for start, end in zip([0, *starts], [*starts, len(text)], strict=True):
        term = text[start:end].strip()
        sign = term[:1] if term[:1] in ("+", "-") else ""
        match = _TERM.fullmatch(term[len(sign) :].strip())
        if match is None or (name := match[2] or match[3]) in found:
            return None
        found[name] = f"{sign}({match['factor']})" if match["factor"] else f"{sign}1"
    if len(found) < 2:
        return None
    return tuple(found.get(name, "0") for name in ("i", "j", "k")[: 3 if "k" in found else 2])
