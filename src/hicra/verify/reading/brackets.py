"""Finds what stands outside all brackets of a normalised text, and cuts the text there, in time linear in its length.

`1,234` outside brackets is a number (VERIFY-14), also before a unit of measure, a degree sign or a factor: `1,234 dollars`.
"""

from __future__ import annotations

import re

OPENING, CLOSING = ("(", "[", "{", r"\{", r"\langle"), (")", "]", "}", r"\}", r"\rangle")
_PIECE = re.compile(r"\\(?:[A-Za-z]+|.)|[^\\]", re.DOTALL)
# a grouped number at the beginning of a text or of a side of a relation
_GROUPED = re.compile(r"(?:\A|[=<>]|\\(?:le|ge|ne|approx)(?![A-Za-z])) ?[-+]? ?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?![0-9,])")


def levels(text: str) -> list[tuple[int, str]]:
    """Splits a text into single characters and commands, with the depth of the brackets around each."""
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
    """Masks everything inside brackets, so that the positions in the text stay the same."""
    masked = []
    for depth, piece in levels(text):
        masked.append(piece if depth == 0 and piece not in CLOSING else "\x00" * len(piece))
    return "".join(masked)


def cut(text: str, spans: list[tuple[int, int]]) -> tuple[str, ...]:
    """Returns the parts of a text between the spans."""
    starts = [0, *(end for _, end in spans)]
    ends = [*(start for start, _ in spans), len(text)]
    return tuple(text[start:end].strip() for start, end in zip(starts, ends, strict=True))


def comma_spans(outer: str) -> list[tuple[int, int]]:
    """Returns where commas separate: all commas, or only those before a space if the others group digits by three."""
    every = [match.span() for match in re.finditer(",", outer)]
    spaced = [match.span() for match in re.finditer(r",(?= )", outer)]
    grouped = len(re.findall(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))", outer))
    return spaced if spaced and grouped and len(spaced) + grouped == len(every) else every


def only_groups(outer: str) -> bool:
    """Tells whether every comma groups the digits of a number at the beginning of the text or of a side of a relation."""
    return outer.count(",") == sum(match[0].count(",") for match in _GROUPED.finditer(outer))
