r"""Reads the parts of the real line that an answer may mean: intervals, unions, inequalities in one symbol, left-out points.

Deviations:
    VERIFY-24. Inequalities in one symbol joined by "or" are the union of their intervals; joined by "and" or a comma they are the
         intersection. `\mathbb{R}` and "all real numbers" are one interval, and `x \ne 2` is that interval without a point.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from hicra.verify.reading.normalise import compact
from hicra.verify.reading.shapes import Shape, flipped, shape_of

LEAST, MOST = r"-\infty", r"\infty"
REFUSED_NAMES = frozenset([r"\infty", r"\pi", r"\neg", r"\not", r"\sim", "e", "i"])
_SYMBOL = re.compile(r"\\?[A-Za-z](?:_\{?[A-Za-z0-9]\}?)?|\\[a-z]+")
_R = r"(?:\\mathbb ?\{? ?R ?\}?|\\(?:R|reals|Reals)(?![A-Za-z]))"
_LINE = re.compile(
    rf"{_R}|(?:the )?(?:set of )?(?:all )?(?:real numbers|reals)(?: [a-z])?|(?:all|any) real (?:values of )?[a-z]"
    r"|any real number",
    re.IGNORECASE,
)
_WITHOUT = re.compile(
    rf"{_R} ?(?:\\setminus(?![A-Za-z])|\\backslash(?![A-Za-z])|-) ?(?P<set>\\\{{.*\\\}})"
    r"|all (?:real numbers|reals) (?:except|but|other than) (?P<point>[^a-z ][^ ]*)",
    re.DOTALL,
)
_INFINITE = re.compile(r"[-+]? ?\\infty")


class Span(NamedTuple):
    """An interval with its brackets, its bounds, and the points inside it that are left out."""

    low: str
    high: str
    bounds: tuple[str, str]
    holes: tuple[str, ...] = ()


class Region(NamedTuple):
    """Intervals, and the symbol that they are for, or "" if none is named."""

    symbol: str
    spans: tuple[Span, ...]


def region(shape: Shape, joint: str = "") -> Region | None:
    """Returns the region that a shape means, or None; `joint` joins the list that the shape is a part of ("" for no list)."""
    if shape.kind == "list":
        joint = joint if shape.marks == (",",) and joint else shape.marks[0]  # in `A, B or C`, "or" joins all three
        parts = _parts(shape, joint)
        return _union(parts) if joint == "or" else _common(parts)
    if shape.kind == "union":
        return _union([region(shape_of(item), "or") for item in shape.items])
    if shape.kind == "bracket" and len(shape.items) == 2:
        return Region("", (Span(shape.marks[0], shape.marks[1], (shape.items[0], shape.items[1])),))
    if shape.kind != "relation":
        return _line(shape.text)
    if joint and shape.marks == (r"\in",) and is_symbol(shape.items[0]):  # outside a list this is a name and its value
        inner = region(shape_of(shape.items[1]))
        return None if inner is None else Region(shape.items[0], inner.spans)
    return _inequality(shape)


def _parts(shape: Shape, joint: str) -> list[Region | None]:
    """Returns the regions of a list's items; in `x \\ne 1, 2` the bare 2 is a left-out point, too."""
    shapes = [shape_of(item) for item in shape.items]
    symbol = shapes[0].items[0] if shapes[0].kind == "relation" and shapes[0].marks == (r"\ne",) else ""
    return [
        region(_not_equal(symbol, one.text) if symbol and joint != "or" and one.kind == "leaf" else one, joint)
        for one in shapes
    ]


def _not_equal(symbol: str, value: str) -> Shape:
    return Shape("relation", "", (symbol, value), (r"\ne",))


def _union(parts: list[Region | None]) -> Region | None:
    """Returns the union of the parts if they are for one symbol."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or len({part.symbol for part in known}) > 1:
        return None
    return Region(known[0].symbol, tuple(span for part in known for span in part.spans))


def _common(parts: list[Region | None]) -> Region | None:
    """Returns the intersection of the parts if at most one of them is a lower and one an upper bound."""
    known = [part for part in parts if part is not None and part.symbol and len(part.spans) == 1]
    if len(known) < len(parts) or len({part.symbol for part in known}) > 1:
        return None
    spans = [part.spans[0] for part in known]
    lows = [span for span in spans if compact(span.bounds[0]) != LEAST] or spans[:1]
    highs = [span for span in spans if not _INFINITE.fullmatch(span.bounds[1])] or spans[:1]
    if len(lows) > 1 or len(highs) > 1:
        return None
    holes = tuple(hole for span in spans for hole in span.holes)
    return Region(known[0].symbol, (Span(lows[0].low, highs[0].high, (lows[0].bounds[0], highs[0].bounds[1]), holes),))


def _line(text: str) -> Region | None:
    """Reads the real line, as a whole or without points, in words or signs."""
    if _LINE.fullmatch(text):
        return Region("", (Span("(", ")", (LEAST, MOST)),))
    match = _WITHOUT.fullmatch(text)
    if match is None:
        return None
    points = (match["point"],) if match["point"] else shape_of(match["set"]).items
    return Region("", (Span("(", ")", (LEAST, MOST), points),)) if points else None


def _inequality(shape: Shape) -> Region | None:
    marks, items = shape.marks, shape.items
    if marks[0] in (">", r"\ge"):
        marks, items = tuple(map(flipped, marks[::-1])), items[::-1]
    if marks == (r"\ne",) and is_symbol(items[0]) and items[1] and not is_symbol(items[1]):
        points = shape_of(items[1])
        holes = points.items if points.kind == "list" else (items[1],)
        return Region(items[0], (Span("(", ")", (LEAST, MOST), holes),))
    if not all(mark in ("<", r"\le") for mark in marks):
        return None
    low, high = ("(" if marks[0] == "<" else "["), (")" if marks[-1] == "<" else "]")
    if len(items) == 3 and is_symbol(items[1]):
        return Region(items[1], (Span(low, high, (items[0], items[2])),))
    if len(items) == 2 and is_symbol(items[0]) and not is_symbol(items[1]):
        return Region(items[0], (Span("(", high, (LEAST, items[1])),))
    if len(items) == 2 and is_symbol(items[1]) and not is_symbol(items[0]):
        return Region(items[1], (Span(low, ")", (items[0], MOST)),))
    return None


def joined(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Joins spans that meet in one left-out point, as in `(0,1) \\cup (1,2)`, into one span with that point left out."""
    after = {compact(span.bounds[0]): span for span in spans if span.low == "("}
    ends = {compact(span.bounds[1]) for span in spans if span.high == ")"}
    if len(after) < sum(span.low == "(" for span in spans):
        return spans
    found, used = [], 0
    for span in spans:
        if span.low == "(" and compact(span.bounds[0]) in ends:  # it continues another one
            continue
        holes = list(span.holes)
        while span.high == ")" and (follower := after.pop(compact(span.bounds[1]), None)):
            holes += [follower.bounds[0], *follower.holes]
            span = Span(span.low, follower.high, (span.bounds[0], follower.bounds[1]))
            used += 1
        found.append(span._replace(holes=tuple(holes)))
        used += 1
    return tuple(found) if used == len(spans) else spans  # else a span such as (2,2) would be lost


def is_symbol(text: str) -> bool:
    """Tells whether a text is one letter, or the name of one, with or without an index."""
    return bool(_SYMBOL.fullmatch(text)) and text not in REFUSED_NAMES
