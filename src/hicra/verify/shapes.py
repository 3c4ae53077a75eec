"""What kind of thing an answer is: a leaf, a list, a set, a tuple or interval, a union, a matrix, a relation.

Only brackets, commas and relation signs at the outermost level are read here, on normalised text; what is between them
stays text. Linear in the text, which is at most `MAX_SHAPE` characters: longer ones are leaves.

Deviations:
    D14  a bare list (`1, 2` or `1 or 2`, `\\pm 2` for two values) has no order against another bare list or a set, and the
         given order against a tuple; `1,234` outside brackets is a number, inside brackets it is two.
    D15  `(1,2)` is a pair and an open interval alike; `]1,2[` is `(1,2)`; `{1,1,2}` is `{1,2}` as a set, but not as a list.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from hicra.verify.numbers import number_key

MAX_SHAPE = 20_000
MAX_ITEMS = 4_000

_AND_OR = re.compile(r"(?<![A-Za-z\\])(?:,? ?(?:and|or)|\\wedge|\\vee)(?![A-Za-z])")
_RELATION = re.compile(
    r"\\(?:le|ge|ne|approx|in|equiv|sim|simeq|cong|notin|to|rightarrow|Rightarrow|subset|subseteq|propto)(?![A-Za-z])|[<>!:]?=|<=|>=|[<>]"
)
_MATRIX = re.compile(
    r"\\begin ?\{ ?(?P<kind>[pbBvV]?matrix|smallmatrix|array) ?\}(?: ?\{[clr| ]*\})?(?P<body>.*)\\end ?\{ ?(?P=kind) ?\}",
    re.DOTALL,
)
_OPENING, _CLOSING = ("(", "[", "{", r"\{", r"\langle"), (")", "]", "}", r"\}", r"\rangle")
_PIECE = re.compile(r"\\(?:[A-Za-z]+|.)|[^\\]", re.DOTALL)
_OPPOSITE = {"<": ">", ">": "<", r"\le": r"\ge", r"\ge": r"\le"}
_SIGN_NAMES = {"<=": r"\le", ">=": r"\ge", "!=": r"\ne", ":=": "=", "==": "="}


class Shape(NamedTuple):
    """One level of an answer.

    kind: leaf, list, set, bracket (tuple or interval), union, matrix, relation.
    text: the normalised text of the whole.
    items: what is inside, as text (matrix: the cells of all rows; relation: its sides).
    marks: bracket: the two brackets; matrix: kind and number of rows; relation: its signs.
    """

    kind: str
    text: str
    items: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()


def levels(text: str) -> list[tuple[int, str]]:
    """The pieces of a text (single characters and commands) with the depth of brackets around each."""
    depth, found = 0, []
    for match in _PIECE.finditer(text):
        piece = match[0]
        if piece in _CLOSING or piece == r"\end":
            depth -= 1
        found.append((depth, piece))
        if piece in _OPENING or piece == r"\begin":
            depth += 1
    return found


def _outer(text: str) -> str:
    """The text with every piece inside brackets masked by spaces, position by position."""
    masked = []
    for depth, piece in levels(text):
        masked.append(piece if depth == 0 and piece not in _CLOSING else "\x00" * len(piece))
    return "".join(masked)


def _cut(text: str, spans: list[tuple[int, int]]) -> tuple[str, ...]:
    starts = [0, *(end for _, end in spans)]
    ends = [*(start for start, _ in spans), len(text)]
    return tuple(text[start:end].strip() for start, end in zip(starts, ends, strict=True))


def shape_of(text: str, commas: bool = False) -> Shape:
    """The shape of a normalised text; `commas` reads every comma as a separator (several answers are asked for)."""
    leaf = Shape("leaf", text)
    if len(text) > MAX_SHAPE or text.isalnum() or (not commas and number_key(text) is not None):
        return leaf
    outer = _outer(text)
    for found in (
        _list(text, outer),
        _union(text, outer),
        _relation(text, outer),
        _enclosed(text, outer),
        _pm(text, outer),
    ):
        if found is not None:
            return found if len(found.items) <= MAX_ITEMS else leaf
    return leaf


def _list(text: str, outer: str) -> Shape | None:
    for pattern in (";", _AND_OR, None):
        spans = _commas(outer) if pattern is None else [match.span() for match in re.finditer(pattern, outer)]
        if spans:
            items = tuple(item for item in _cut(text, spans) if item)
            return Shape("list", text, items) if len(items) > 1 else None
    return None


def _commas(outer: str) -> list[tuple[int, int]]:
    """Where commas separate: all of them, or only those before a space where others group digits by three."""
    every = [match.span() for match in re.finditer(",", outer)]
    spaced = [match.span() for match in re.finditer(r",(?= )", outer)]
    grouped = len(re.findall(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))", outer))
    return spaced if spaced and grouped and len(spaced) + grouped == len(every) else every


def _union(text: str, outer: str) -> Shape | None:
    spans = [match.span() for match in re.finditer(r"\\cup(?![A-Za-z])", outer)]
    return Shape("union", text, _cut(text, spans)) if spans else None


def _relation(text: str, outer: str) -> Shape | None:
    matches = list(_RELATION.finditer(outer))
    if not matches:
        return None
    signs = tuple(_SIGN_NAMES.get(match[0], match[0]) for match in matches)
    sides = _cut(text, [match.span() for match in matches])
    if sides[0] == "" and signs == ("=",):
        return shape_of(sides[1])
    return Shape("relation", text, sides, signs)


def _enclosed(text: str, outer: str) -> Shape | None:
    if match := _MATRIX.fullmatch(text):
        rows = [row for row in match["body"].split("\\\\") if row.strip()]
        cells = [cell.strip() for row in rows for cell in row.split("&")]
        kind = "v" if match["kind"] in ("vmatrix", "Vmatrix") else "matrix"
        even = len({row.count("&") for row in rows}) == 1
        return Shape("matrix", text, tuple(cells), (kind, str(len(rows)))) if even else None
    pieces = levels(text)
    if len(pieces) < 2:
        return None
    first, last = pieces[0][1], pieces[-1][1]
    if first == "]" and last == "[" and text.count("]") == text.count("[") == 1:
        first, last, inside = "(", ")", text[1:-1]
    elif first in _OPENING and last in _CLOSING and all(depth > 0 for depth, _ in pieces[1:-1]):
        inside = text[len(first) : len(text) - len(last)]
    else:
        return None
    inside = inside.strip()
    if first == r"\{" and last == r"\}":
        items = _cut(inside, _commas(_outer(inside))) if inside else ()
        return Shape("set", text, tuple(item for item in items if item))
    spans = _commas(_outer(inside)) or [match.span() for match in re.finditer(";", _outer(inside))]
    if first in ("(", "[", r"\langle") and spans:
        return Shape(
            "bracket",
            text,
            _cut(inside, spans),
            ("(" if first == r"\langle" else first, ")" if last == r"\rangle" else last),
        )
    return None


def _pm(text: str, outer: str) -> Shape | None:
    if text.count(r"\pm") != 1:
        return None
    plus = text.replace(r"\pm", "+").replace(r"\mp", "-").strip()
    minus = text.replace(r"\pm", "-").replace(r"\mp", "+").strip()
    return Shape("list", text, (plus.removeprefix("+").strip(), minus))


def flipped(sign: str) -> str:
    """The sign of a relation read from right to left."""
    return _OPPOSITE.get(sign, sign)
