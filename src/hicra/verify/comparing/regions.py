r"""Reads the parts of the real line that an answer may mean: intervals, unions, inequalities in one symbol, left-out points.

Deviations:
    VERIFY-24. Inequalities in one symbol joined by "or" are the union of their intervals; joined by "and" or a comma they are the
         intersection. `\mathbb{R}` and "all real numbers" are one interval, and `x \ne 2` is that interval without a point.
    VERIFY-38. `x \in [1,2)` and `\{x \mid 1 \le x < 2\}` are the interval, `0 < f(x) < 1` is the interval of the values, and
         `1 \le |x| \le 2` the two intervals of x. Beside an interval, `x = 5` and `\{5\}` are a point. Intervals that touch or
         overlap are one.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from hicra.verify.comparing.spans import LEAST, MOST, Span
from hicra.verify.reading.normalise import compact
from hicra.verify.reading.shapes import Shape, flipped, shape_of

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
_APPLIED = re.compile(r"[A-Za-z] ?\( ?[A-Za-z] ?\)")
_MODULUS = re.compile(r"\| ?(?P<symbol>\\?[A-Za-z]+(?:_\{?[A-Za-z0-9]\}?)?) ?\|")
_BUILDER = re.compile(rf"\\\{{ ?(?P<symbol>\\?[A-Za-z]+)(?: ?\\in ?{_R})? ?[|:] ?(?P<condition>.+)\\\}}", re.DOTALL)


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
    if shape.kind == "set":
        return _of_set(shape, joint)
    if shape.kind != "relation":
        return _line(shape.text)
    if joint == "or" and shape.marks == ("=",) and is_symbol(shape.items[0]):
        return Region(shape.items[0], (_point(shape.items[1]),))
    if shape.marks == (r"\in",) and is_symbol(shape.items[0]):
        inner = region(shape_of(shape.items[1]))
        return None if inner is None else Region(shape.items[0], inner.spans)
    return _inequality(shape)


def _of_set(shape: Shape, joint: str) -> Region | None:
    """Reads a set of all symbols with a condition, or, in a union, a set of values."""
    if (match := _BUILDER.fullmatch(shape.text)) and is_symbol(match["symbol"]):
        found = region(shape_of(match["condition"].strip()), "")
        return found._replace(symbol="") if found is not None and found.symbol == match["symbol"] else None
    if joint != "or" or not shape.items:
        return None
    return Region("", tuple(map(_point, shape.items)))


def _point(value: str) -> Span:
    return Span("[", "]", (value, value))


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
    """Returns the union of the parts if they are for one symbol, and not all of them are points."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or len({part.symbol for part in known}) > 1:
        return None
    if all(span.bounds[0] == span.bounds[1] for part in known for span in part.spans):
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
    if len(items) == 3 and (is_symbol(items[1]) or _APPLIED.fullmatch(items[1])):
        return Region(items[1], (Span(low, high, (items[0], items[2])),))
    if found := _of_modulus(items, low, high):
        return found
    if len(items) == 2 and is_symbol(items[0]) and not is_symbol(items[1]):
        return Region(items[0], (Span("(", high, (LEAST, items[1])),))
    if len(items) == 2 and is_symbol(items[1]) and not is_symbol(items[0]):
        return Region(items[1], (Span(low, ")", (items[0], MOST)),))
    return None


def _of_modulus(items: tuple[str, ...], low: str, high: str) -> Region | None:
    """Reads `|x| \\le b`, `a \\le |x|` or `a \\le |x| \\le b`; `low` and `high` are the brackets of `[a,b]`."""
    at = 1 if len(items) == 3 or _MODULUS.fullmatch(items[-1]) else 0
    match = _MODULUS.fullmatch(items[at])
    if match is None or not is_symbol(match["symbol"]):
        return None
    least, most = items[0] if at else None, items[at + 1] if at + 1 < len(items) else None
    turned = {"(": ")", "[": "]", ")": "(", "]": "["}
    spans: tuple[Span, ...]
    if most is None:
        spans = Span("(", turned[low], (LEAST, f"-({least})")), Span(low, ")", (f"{least}", MOST))
    elif least is None:
        spans = (Span(turned[high], high, (f"-({most})", most)),)
    else:
        spans = Span(turned[high], turned[low], (f"-({most})", f"-({least})")), Span(low, high, (least, most))
    return Region(match["symbol"], spans)


def is_symbol(text: str) -> bool:
    """Tells whether a text is one letter, or the name of one, with or without an index."""
    return bool(_SYMBOL.fullmatch(text)) and text not in REFUSED_NAMES
