"""Finds the answer in a completion: the last complete, non-empty box, or in the mode "lenient" the last number.

The search is one pass over at most `MAX_INPUT` characters, whatever they are: thousands of empty boxes, unclosed braces and
megabytes of text before the box take no more time than plain text.

Modes (`MODES`):
    boxed     The answer is the last complete, non-empty `\\boxed{...}` (or `\\fbox{...}`), and all steps of the comparison are
              used. Without a box there is no answer.
    strict    The answer is the same box, compared only as normalised text: the exact match that the paper uses.
    lenient   The answer is the same box; in a text without any `\\boxed` it is the last number of the last 65,536 characters.

Deviations (the paper says only "strict \\boxed{} matching"):
    VERIFY-1. Of nested boxes, the inner one is the answer, because it begins last.
    VERIFY-2. In a text that holds `\\boxed`, the last number is never the answer, even if every box is empty or unclosed.
    VERIFY-3. Of a text with more than 1,000,000 characters, the last 1,000,000 are read.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from hicra.verify.reading.normalise import blank

Mode = Literal["boxed", "strict", "lenient"]
MODES: tuple[Mode, ...] = ("boxed", "strict", "lenient")
MAX_INPUT = 1_000_000  # characters
MAX_TAIL = 65_536  # characters in which the last number is searched

_OPEN = re.compile(r"\\(?:boxed|fbox)\s{0,8}\{")
_PIECE = re.compile(r"\\{1,4}(?:boxed|fbox)\s{0,8}\{|\\.|[{}]", re.DOTALL)
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_SPACES = re.compile(r"\s*")
_INTEGER = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)"
_DECIMAL = rf"(?:{_INTEGER}(?:\.[0-9]+)?|\.[0-9]+)"
_FRACTION = r"\\[dt]?frac\{[-+]?[0-9]+\}\{[0-9]+\}"
# a sign counts only if it cannot be the minus of a subtraction; digits inside a word (x2, SmolLM2) are no number
_NUMBER = re.compile(
    rf"(?<![A-Za-z0-9_\\])(?:(?<![)\]}}0-9])[-+])?(?:{_FRACTION}|{_DECIMAL}(?:[eE][-+]?[0-9]+)?(?: ?/ ?[0-9]+)?)"
    r"(?![A-Za-z]*[0-9_])"
)


class Extracted(NamedTuple):
    """An answer that was found: its text, and whether it was in a box."""

    text: str
    boxed: bool


def last_box(text: str) -> str | None:
    """Returns the stripped content of the last complete box that is not blank, or None, in time linear in the text."""
    quick = _quick(text)
    if quick is not None:
        return quick
    stack: list[int] = []  # for each open brace, where the content starts if it is a box, else -1
    best = -1
    content: str | None = None
    for match in _PIECE.finditer(text):
        piece = match[0]
        if piece[-1] == "{" and (len(piece) == 1 or piece[-2] != "\\"):
            stack.append(match.end() if len(piece) > 1 else -1)
        elif piece == "}" and stack:
            start = stack.pop()
            if start > best and not _empty(text, start, match.start()):
                best, content = start, text[start : match.start()].strip()
    return content


def _quick(text: str) -> str | None:
    """Returns the last box if it is complete, not blank and of ordinary size; else None, and the whole text must be read."""
    at = max(text.rfind("\\boxed"), text.rfind("\\fbox"))
    opened = _OPEN.match(text, at) if at >= 0 else None
    if opened is None:
        return None
    depth, start = 1, opened.end()
    for match in _BRACE.finditer(text, start, start + MAX_TAIL):
        depth += (match[0] == "{") - (match[0] == "}")
        if depth == 0:
            return None if _empty(text, start, match.start()) else text[start : match.start()].strip()
    return None


def _empty(text: str, start: int, end: int) -> bool:
    """Tells whether a box from start to end holds nothing, without copying the whole box."""
    spaces = _SPACES.match(text, start, end)
    begin = spaces.end() if spaces else start
    return blank(text[begin : min(end, begin + 4096)])


def last_number(text: str) -> str | None:
    """Returns the last number written in the text (integer, decimal, a/b or \\frac{a}{b}), or None."""
    last = None
    for match in _NUMBER.finditer(text.replace("\u2212", "-")):
        last = match[0]
    return last


def find(completion: str, mode: Mode) -> Extracted | None:
    """Finds the answer that a completion gives in a mode, or returns None."""
    text = completion[-MAX_INPUT:]
    box = last_box(text)
    if box is not None:
        return Extracted(box, True)
    if mode == "lenient" and "\\boxed" not in text and "\\fbox" not in text:
        number = last_number(text[-MAX_TAIL:])
        return None if number is None else Extracted(number, False)
    return None
