"""What relations, lists and brackets stand for: intervals, a name and its value, the values of a list. Texts only.

Deviation:
    D24  a list of inequalities joined by "or" is the union of their intervals; `\\mathbb{R}` is one interval.
"""

from __future__ import annotations

import re

from hicra.verify.normalise import compact
from hicra.verify.numbers import number_key
from hicra.verify.shapes import Shape, flipped, shape_of

_NAME = re.compile(
    r"(?!(?:not?|never|wrong|incorrect|false|neither)(?![A-Za-z]))\\?[A-Za-z]{1,14}(?:_(?:\{[^{}]{1,20}\}|[A-Za-z0-9]))?'{0,2}"
    r"(?: ?\([^()]{1,20}\))?|\( ?[A-Za-z](?: ?, ?[A-Za-z]){1,4} ?\)|\|[A-Z]{1,3}\|"
)
_REFUSED_NAMES = frozenset([r"\infty", r"\pi", r"\neg", r"\not", r"\sim", "e", "i"])
_OR = re.compile(r"(?<![A-Za-z])or(?![A-Za-z])|\\vee")

Span = tuple[str, str, tuple[str, ...]]


def intervals(shape: Shape) -> list[Span] | None:
    """The intervals that a bracket, a union or an inequality in one symbol stands for, or None."""
    if shape.kind == "union":
        parts = [intervals(shape_of(item)) for item in shape.items]
        if any(part is None for part in parts):
            return None
        return [span for part in parts for span in part or []]
    if shape.text == r"\mathbb{R}":
        return [("(", ")", (r"-\infty", r"\infty"))]
    if shape.kind == "list" and _OR.search(shape.text) and "," not in shape.text:
        return intervals(Shape("union", shape.text, shape.items))
    if shape.kind == "bracket" and len(shape.items) == 2:
        return [(shape.marks[0], shape.marks[1], shape.items)]
    if shape.kind != "relation":
        return None
    marks, items = shape.marks, shape.items
    if marks[0] in (">", r"\ge"):
        marks, items = tuple(map(flipped, marks[::-1])), items[::-1]
    if not all(mark in ("<", r"\le") for mark in marks):
        return None
    low, high = ("(" if marks[0] == "<" else "["), (")" if marks[-1] == "<" else "]")
    if len(items) == 3 and is_symbol(items[1]):
        return [(low, high, (items[0], items[2]))]
    if len(items) == 2 and is_symbol(items[0]) and not is_symbol(items[1]):
        return [("(", high, (r"-\infty", items[1]))]
    if len(items) == 2 and is_symbol(items[1]) and not is_symbol(items[0]):
        return [(low, ")", (items[0], r"\infty"))]
    return None


def without_about(shape: Shape) -> str | None:
    """What stands for the answer in `a \\approx b`: b where a is a name, else a, the exact form. None without the sign."""
    if shape.kind != "relation" or shape.marks[-1] != r"\approx" or not all(shape.items):
        return None
    if len(shape.items) == 2 and _NAME.fullmatch(shape.items[0]):
        return shape.items[1]
    return shape.text[: shape.text.rindex(r"\approx")].strip()


def is_symbol(text: str) -> bool:
    return bool(re.fullmatch(r"\\?[A-Za-z](?:_\{?[A-Za-z0-9]\}?)?|\\[a-z]+", text)) and text not in _REFUSED_NAMES


def assignment(shape: Shape) -> tuple[str, str] | None:
    """Name and value of `x = 3`, `3 = x`, `f(x) = 3`, `x \\in S` or `x = a = b`, or None."""
    if shape.kind != "relation" or any(mark not in ("=", r"\in") for mark in shape.marks):
        return None
    name, value = shape.items[0], shape.items[-1]
    numbers = {number_key(side) for side in shape.items[1:]} - {None}
    if len(numbers) > 1:  # x = 43 = 42 says nothing
        return None
    if _NAME.fullmatch(name) and value and name not in _REFUSED_NAMES:
        return name, value
    if len(shape.items) == 2 and shape.marks == ("=",) and is_symbol(value):
        return value, name
    return None


def assigned(shape: Shape) -> dict[str, str] | None:
    """Values by name of a list of assignments to different names, or None."""
    found = [assignment(shape_of(item)) for item in shape.items]
    named = {compact(one[0]): one[1] for one in found if one}
    return named if found and len(named) == len(found) else None


def values(shape: Shape) -> tuple[str, ...]:
    """The items of a list or set, flat, `\\pm` written out; `x = 1 or x = 2` without the one name that they share."""
    if shape.kind not in ("list", "set"):
        found = assignment(shape)
        if found is None:
            return (shape.text,)
        inner = shape_of(found[1], True)
        return values(inner) if inner.kind in ("list", "set") else (found[1],)
    flat: list[str] = []
    names = set()
    for item in shape.items:
        inner = shape_of(item)
        found = assignment(inner)
        if found:
            names.add(compact(found[0]))
            inner = shape_of(found[1])
        flat.extend(inner.items if inner.kind == "list" else (inner.text,))
    return tuple(flat) if len(names) <= 1 else shape.items
