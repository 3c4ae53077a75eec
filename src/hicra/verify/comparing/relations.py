"""Reads what relations and lists mean, as texts: a name and its value, or the values of a list.

Deviation:
    VERIFY-31. The name of a value may also be an angle, a length, an area, a modulus, a trigonometric function of one angle,
         or, in an answer, a sum of single letters: `m + n = 7` is 7. So may a quotient or ratio of two names (`AP/PB = 2`, `S:T
         = 2`). `x^2 = 9`, `2x = 3`, `x - y = 3` and `|x| = 3` name no value.
"""

from __future__ import annotations

import functools
import re

from hicra.verify.comparing.regions import REFUSED_NAMES, is_symbol
from hicra.verify.reading.normalise import compact
from hicra.verify.reading.numbers import number_key
from hicra.verify.reading.shapes import Shape, shape_of
from hicra.verify.reading.spellings import PROSE

_GREEK = r"\\(?:alpha|beta|gamma|delta|epsilon|theta|phi|psi|omega)(?![A-Za-z])"
_ANGLE = rf"(?:{_GREEK}|(?:\\angle ?)?[A-Za-z]{{1,3}}(?![A-Za-z]))"
_NO_NAME = (
    "not?|never|wrong|incorrect|false|neither|isnt|aint|except|unless|minus|plus|negative|half|twice|double|triple|about|approx|over"
    "|under|below|above|abs|sqrt|log|ln|lg|exp|floor|ceil|sinh|cosh|tanh"
)
_NAME = re.compile(
    rf"(?!\\?(?:{_NO_NAME})(?![A-Za-z]))"
    r"\\?[A-Za-z]{1,14}(?:_(?:\{[^{}]{1,20}\}|[A-Za-z0-9]))?'{0,2}"
    r"(?: ?\([^()]{1,20}\))?|\( ?[A-Za-z](?: ?, ?[A-Za-z]){1,4} ?\)|\|[A-Z]{1,3}\||\[[A-Z]{3,6}\]"
    r"|(?:m ?)?(?:\\(?:angle|measuredangle|triangle|vec|odot)|∠|△) ?(?:[A-Za-z]{1,6}|[0-9])'{0,2}"
    r"|\\(?:overline|overrightarrow|overleftrightarrow|widehat|hat|bar|vec|angle|triangle) ?\{ ?[A-Za-z]{1,3}'? ?\}"
    rf"|\\(?:sin|cos|tan|cot|sec|csc) ?(?:[2-9] ?)?(?:{_ANGLE}|\( ?{_ANGLE}(?: ?[-+] ?{_ANGLE})? ?\)|\{{ ?{_ANGLE} ?\}})"
    r"|\| ?(?:[A-Za-wz](?:_[A-Za-z0-9])?|\\(?:vec|overline|overrightarrow) ?\{ ?[A-Za-z]{1,3} ?\}) ?\|"
)
_PART = r"[A-Za-z]{1,4}(?:_(?:\{[^{}]{1,20}\}|[A-Za-z0-9]))?'?"
_QUOTIENT = re.compile(
    rf"\\frac ?\{{ ?{_PART} ?\}} ?\{{ ?{_PART} ?\}}|\\frac ?[A-Za-z] ?[A-Za-z]|{_PART} ?/ ?{_PART}|{_PART}(?: ?: ?{_PART}){{1,3}}"
)
_TERM = rf"(?:[A-Za-hj-z]|{_GREEK})"  # `m + i` is a number
_SUM = re.compile(rf"{_TERM}(?: ?\+ ?{_TERM}){{1,25}}")
_BRACED = re.compile(r"\A\{ ?([A-Za-z]) ?\}\Z")  # what a font leaves of `\mathbf{v}`
_VALUED = ("=", r"\in")


def is_name(text: str) -> bool:
    """Tells whether a text names a value."""
    return bool(_NAME.fullmatch(text) or _QUOTIENT.fullmatch(text)) and text not in REFUSED_NAMES


def assignment(shape: Shape, gold: bool = False) -> tuple[str, str] | None:
    """Reads name and value of `x = 3`, `3 = x`, `f(x) = 3`, `x \\in S`, `x = a = b` or `m + n = 3`; else returns None.

    With `gold`, `p = q` of two symbols names no value.
    """
    if shape.kind != "relation" or any(mark not in _VALUED for mark in shape.marks):
        return None
    name, value = _BRACED.sub(r"\1", shape.items[0]), shape.items[-1]
    numbers = {number_key(side) for side in shape.items[1:]} - {None}
    if len(numbers) > 1:  # x = 43 = 42 contradicts itself
        return None
    if any(map(PROSE.search, shape.items[1:-1])):  # a side of a sentence
        return None
    if r"\in" in shape.marks and shape_of(value).kind == "leaf" and number_key(value) is not None:
        return None
    if gold and shape.marks == ("=",) and is_symbol(name) and is_symbol(value) and "_" not in name:
        return None
    if (is_name(name) or _SUM.fullmatch(name)) and value:
        return name, value
    if len(shape.items) == 2 and shape.marks == ("=",) and is_symbol(value):
        return value, name
    return None


def is_sum(name: str) -> bool:
    """Tells whether a name is a sum; in a gold answer, `x + y = 3` is an equation and not 3."""
    return bool(_SUM.fullmatch(name))


@functools.lru_cache(maxsize=8)  # the items of a list are needed several times
def _inner(shape: Shape) -> tuple[Shape, ...]:
    return tuple(map(shape_of, shape.items))


@functools.lru_cache(maxsize=8)
def _assignments(shape: Shape) -> tuple[tuple[str, str] | None, ...]:
    return tuple(map(assignment, _inner(shape)))


def assigned(shape: Shape) -> dict[str, str] | None:
    """Returns {name: value} of a list of assignments to different names, or None."""
    found = _assignments(shape)
    named = {compact(one[0]): one[1] for one in found if one}
    return named if found and len(named) == len(found) else None


def names(shape: Shape) -> set[str]:
    """Returns the names to which the items of a list or set assign values."""
    return {compact(one[0]) for one in _assignments(shape) if one}


def values(shape: Shape) -> tuple[str, ...]:
    """Returns the items of a list or set without nesting, with `\\pm` written out and without a name that all items share."""
    if shape.kind not in ("list", "set"):
        found = assignment(shape)
        if found is None:
            return (shape.text,)
        inner = shape_of(found[1], True)
        return values(inner) if inner.kind in ("list", "set") else (found[1],)
    if len(names(shape)) > 1:
        return shape.items
    flat: list[str] = []
    for inner, named in zip(_inner(shape), _assignments(shape), strict=True):
        flat.extend(one.text for one in _flat(shape_of(named[1]) if named else inner, 3))
    return tuple(flat)


def _flat(shape: Shape, depth: int) -> tuple[Shape, ...]:
    if shape.kind != "list" or not depth:
        return (shape,)
    return tuple(one for inner in _inner(shape) for one in _flat(inner, depth - 1))


def connective(shape: Shape) -> str:
    """Returns how a list with an inequality is joined, "or" or "and" (also for a comma); "" if it has no inequality."""
    signs = ("<", ">", r"\le", r"\ge", r"\ne")
    flat = _flat(shape, 3) if shape.kind == "list" else _inner(shape)
    if not any(mark in signs for one in flat for mark in one.marks):
        return ""
    return "or" if shape.marks == ("or",) else "and"
