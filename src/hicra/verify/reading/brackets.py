"""Brackets and commas of a normalised text: what stands at the outermost level, and where it is cut. Linear in the text.

`1,234` outside brackets is a number (VERIFY-14), and so it is before a unit, a degree sign or a factor: `1,234 dollars`.
"""

from __future__ import annotations

import re

OPENING, CLOSING = ("(", "[", "{", r"\{", r"\langle"), (")", "]", "}", r"\}", r"\rangle")
_PIECE = re.compile(r"\\(?:[A-Za-z]+|.)|[^\\]", re.DOTALL)
# a grouped number at the beginning of a text or of a side of a relation
_GROUPED = re.compile(r"(?:\A|[=<>]|\\(?:le|ge|ne|approx)(?![A-Za-z])) ?[-+]? ?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?![0-9,])")


def levels(text: str) -> list[tuple[int, str]]:
    """The pieces of a text (single characters and commands) with the depth of brackets around each."""
    depth, found = 0, []
    for match in _PIECE.finditer(text):
        piece = match[0]
        if piece in CLOSING or piece == r"\end":
            depth -= 1
        found.append((depth, piece))
        if piece in OPENING or piece == r"\begin":
            depth += 1
    return found


def outer_of(text: str) -> str:
    """The text with every piece inside brackets masked, position by position."""
    masked = []
    for depth, piece in levels(text):
        masked.append(piece if depth == 0 and piece not in CLOSING else "\x00" * len(piece))
    return "".join(masked)


def cut(text: str, spans: list[tuple[int, int]]) -> tuple[str, ...]:
    """What is left of a text between the spans."""
    starts = [0, *(end for _, end in spans)]
    ends = [*(start for start, _ in spans), len(text)]
    return tuple(text[start:end].strip() for start, end in zip(starts, ends, strict=True))


def comma_spans(outer: str) -> list[tuple[int, int]]:
    """Where commas separate: all of them, or only those before a space where others group digits by three."""
    every = [match.span() for match in re.finditer(",", outer)]
    spaced = [match.span() for match in re.finditer(r",(?= )", outer)]
    grouped = len(re.findall(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))", outer))
    return spaced if spaced and grouped and len(spaced) + grouped == len(every) else every


def only_groups(outer: str) -> bool:
    """Whether every comma groups the digits of a number that begins the text or a side of a relation."""
    return outer.count(",") == sum(match[0].count(",") for match in _GROUPED.finditer(outer))
