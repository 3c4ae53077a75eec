"""Recognises the outer structure of an answer: a single value, list, set, tuple or interval, union, matrix, or relation.

Only brackets, commas and relation signs outside all brackets are read, in normalised text; what is between them stays text. It
takes time linear in the text, of at most `MAX_SHAPE` characters; a longer text counts as a single value ("leaf").

Deviations:
    VERIFY-14. A list without brackets (`1, 2` or `1 or 2`, `\\pm 2` for two values) is compared without order with another such
         list or a set, and in order with a tuple. `1,234` outside brackets is a number, also before a unit of measure or a
         factor; inside brackets it is two numbers.
    VERIFY-15. `(1,2)` is both a pair and an open interval. `]1,2[` is `(1,2)`. `{1,1,2}` equals `{1,2}` as a set, but not as a
         list.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from hicra.verify.reading.brackets import CLOSING, OPENING, comma_spans, cut, levels, only_groups, outer_of
from hicra.verify.reading.matrices import matrix_of
from hicra.verify.reading.notations import components, variants
from hicra.verify.reading.numbers import number_key
from hicra.verify.reading.spellings import PROSE

MAX_SHAPE = 20_000
MAX_ITEMS = 4_000

_JOINTS = {  # a text is cut at ";" first, then at "or", then at "and"
    ";": re.compile(";"),
    "or": re.compile(r"(?<![A-Za-z\\])(?:,? ?or|\\vee)(?![A-Za-z])"),
    "and": re.compile(r"(?<![A-Za-z\\])(?:,? ?and|\\wedge)(?![A-Za-z])"),
}
_COMMANDS = """le ge ne approx in notin ni equiv sim simeq cong propto subset subseteq subsetneq supset supseteq supsetneq
    to gets leftarrow mapsto longmapsto Rightarrow Longrightarrow Leftarrow leftrightarrow
    Leftrightarrow iff parallel perp"""
_RELATION = re.compile(rf"(?<!\^)\\(?:{'|'.join(_COMMANDS.split())})(?![A-Za-z])|[<>!:]?=|<=|>=|[<>]")
_OPPOSITE = {"<": ">", r"\le": r"\ge", r"\in": r"\ni", r"\subset": r"\supset", r"\subseteq": r"\supseteq",
             r"\subsetneq": r"\supsetneq", r"\Rightarrow": r"\Leftarrow", r"\to": r"\gets"}  # fmt: skip
_OPPOSITE |= {other: sign for sign, other in _OPPOSITE.items()}
_ONE_WAY = frozenset([r"\notin", r"\mapsto"])
_SIGN_NAMES = {"<=": r"\le", ">=": r"\ge", "!=": r"\ne", ":=": "=", "==": "=", r"\leftarrow": r"\gets",
               r"\longmapsto": r"\mapsto", r"\iff": r"\Leftrightarrow", r"\Longrightarrow": r"\Rightarrow"}  # fmt: skip


class Shape(NamedTuple):
    """One level of the structure of an answer.

    Attributes:
        kind: leaf (a single value), list, set, bracket (tuple or interval), union, matrix, ratio, or relation.
        text: the normalised text of the whole.
        items: what is inside, as text (of a matrix the entries of all rows, of a relation its sides).
        marks: of a list what joins it (`;`, `or`, `and`, `,`), of a bracket the two brackets, of a matrix "matrix" or
            "determinant" and the number of rows, of a relation its signs.
    """

    kind: str
    text: str
    items: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()


def shape_of(text: str, commas: bool = False) -> Shape:
    """Recognises the shape of a normalised text; with `commas`, every comma is a separator (several answers are asked for)."""
    leaf = Shape("leaf", text)
    if len(text) > MAX_SHAPE or text.isalnum() or (not commas and number_key(text) is not None):
        return leaf
    outer = outer_of(text)
    for found in (
        _list(text, outer, commas),
        _union(text, outer),
        _relation(text, outer),
        _ratio(text, outer),
        _matrix(text),
        _signed(text),
        _vector(text),
        _enclosed(text),
    ):
        if found is not None:
            return found if len(found.items) <= MAX_ITEMS else leaf
    return leaf


def _list(text: str, outer: str, commas: bool) -> Shape | None:
    for name, pattern in _JOINTS.items():
        if spans := [match.span() for match in pattern.finditer(outer)]:
            return _listed(text, spans, name)
    if "," not in outer or (not commas and only_groups(outer)):
        return None
    return _listed(text, comma_spans(outer), ",")


def _listed(text: str, spans: list[tuple[int, int]], name: str) -> Shape | None:
    items = tuple(item for item in cut(text, spans) if item)
    return Shape("list", text, items, (name,)) if len(items) > 1 else None


def _union(text: str, outer: str) -> Shape | None:
    """Recognises a union, unless it is a side of a relation, as in `x \\in A \\cup B`."""
    spans = [match.span() for match in re.finditer(r"\\cup(?![A-Za-z])", outer)]
    if not spans or (_RELATION.search(outer) and not all(map(_RELATION.search, cut(outer, spans)))):
        return None
    return Shape("union", text, cut(text, spans))


def _relation(text: str, outer: str) -> Shape | None:
    matches = list(_RELATION.finditer(outer))
    if not matches:
        return None
    signs = tuple(_SIGN_NAMES.get(match[0], match[0]) for match in matches)
    sides = cut(text, [match.span() for match in matches])
    if sides[0] == "" and signs == ("=",):
        return shape_of(sides[1])
    return Shape("relation", text, sides, signs)


def _ratio(text: str, outer: str) -> Shape | None:
    if ":" not in outer or PROSE.search(outer):
        return None
    items = cut(text, [match.span() for match in re.finditer(":", outer)])
    return Shape("ratio", text, items) if all(items) else None


def _matrix(text: str) -> Shape | None:
    matrix = matrix_of(text)
    if matrix is None:
        return None
    kind = "determinant" if matrix.determinant else "matrix"
    return Shape("matrix", text, matrix.cells, (kind, str(matrix.rows)))


def _vector(text: str) -> Shape | None:
    found = components(text)
    return None if found is None else Shape("bracket", text, found, ("(", ")"))


def _enclosed(text: str) -> Shape | None:
    pieces = levels(text)
    if len(pieces) < 2:
        return None
    first, last = pieces[0][1], pieces[-1][1]
    if first == "]" and last == "[" and text.count("]") == text.count("[") == 1:
        first, last, inside = "(", ")", text[1:-1]
    elif first in OPENING and last in CLOSING and all(depth > 0 for depth, _ in pieces[1:-1]):
        inside = text[len(first) : len(text) - len(last)]
    else:
        return None
    return _inside(text, inside.strip(), first, last)


def _inside(text: str, inside: str, first: str, last: str) -> Shape | None:
    outer = outer_of(inside)
    spans = comma_spans(outer)
    if first == r"\{" and last == r"\}":
        items = cut(inside, spans) if inside else ()
        return Shape("set", text, tuple(item for item in items if item))
    spans = spans or [match.span() for match in re.finditer(";", outer)]
    if first not in ("(", "[", r"\langle") or not spans:
        return None
    marks = "(" if first == r"\langle" else first, ")" if last == r"\rangle" else last
    return Shape("bracket", text, cut(inside, spans), marks)


def _signed(text: str) -> Shape | None:
    """Recognises what `\\pm` stands for (VERIFY-39), but not in a set, whose items are written out one by one."""
    found = () if text.startswith(r"\{") else variants(text)
    return Shape("list", text, found, ("or",)) if len(found) > 1 else None


def flipped(sign: str) -> str:
    """Returns the sign of a relation read from right to left; a sign without an opposite gets one that equals no other."""
    return f"turned {sign}" if sign in _ONE_WAY else _OPPOSITE.get(sign, sign)
