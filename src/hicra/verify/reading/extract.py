"""Finds the answer in a completion: the last complete, non-empty box, or in the mode "lenient" the last number.

The search is one pass over at most `MAX_INPUT` characters, whatever they are: thousands of empty boxes, unclosed braces and
megabytes of text before the box take no more time than plain text.

Modes (`MODES`):
    boxed     The answer is the last complete, non-empty `\\boxed{...}` (or `\\fbox{...}`), and all steps of the comparison are
              used. Without a box there is no answer.
    strict    The answer is the same box, compared only as normalised text: the exact match that the paper uses.
    lenient   The answer is the same box; in a text without any `\\boxed` it is the last number of the last 65,536 characters,
              or the mathematics in which that number stands.

A gold answer that is a whole solution is read in the same way (`boxed_answer`).

Deviations (the paper says only "strict \\boxed{} matching"):
    VERIFY-1. Of nested boxes, the inner one is the answer, because it begins last.
    VERIFY-2. In a text that holds `\\boxed`, the last number is never the answer, even if every box is empty or unclosed.
    VERIFY-3. Of a text with more than 1,000,000 characters, the last 1,000,000 are read.
    VERIFY-52. The answer of a completion is its last box alone, also if it stands in a part that is marked as thinking. Of a
        gold answer that is a solution, boxes that stand side by side (`\\boxed{1}` and `\\boxed{-2}`, `\\boxed{3}` pens and
        `\\boxed{4}` caps) are one list, because a single one of them would be half of the answer.
    VERIFY-53. In the mode lenient, if the last number stands in mathematics between dollars or LaTeX's brackets, the answer is
        that mathematics, from its last equals sign on: of `$\\sqrt{16}$` it is the root and not 16.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from hicra.verify.reading.normalise import blank
from hicra.verify.reading.spellings import PROSE

Mode = Literal["boxed", "strict", "lenient"]
MODES: tuple[Mode, ...] = ("boxed", "strict", "lenient")
MAX_INPUT = 1_000_000  # characters
MAX_TAIL = 65_536  # characters in which the last number is searched
MAX_SIDE_BY_SIDE = 12  # boxes of a gold answer

_OPEN = re.compile(r"\\(?:boxed|fbox)\s{0,8}\{")
_PIECE = re.compile(r"\\{1,4}(?:boxed|fbox)\s{0,8}\{|\\.|[{}]", re.DOTALL)
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_SPACES = re.compile(r"\s*")
_INTEGER = r"(?:[1-9][0-9]{0,2}(?:,[0-9]{3})+(?![0-9])|[0-9]+)"
_DECIMAL = rf"(?:{_INTEGER}(?:\.[0-9]+)?|\.[0-9]+)"
_FRACTION = r"\\[dt]?frac\{[-+]?[0-9]+\}\{[0-9]+\}"
# a sign counts only if it cannot be the minus of a subtraction; digits inside a word (x2, SmolLM2) are no number
_NUMBER = re.compile(
    rf"(?<![A-Za-z0-9_\\])(?:(?<![)\]}}0-9])[-+])?(?:{_FRACTION}|{_DECIMAL}(?:[eE][-+]?[0-9]+)?(?: ?/ ?[0-9]+)?)"
    r"(?![A-Za-z]*[0-9_])"
)
MAX_DELIMITED = 400  # characters of the mathematics in which the last number stands
_DELIMITERS = ((r"\(", r"\)"), (r"\[", r"\]"), ("$", "$"))
_EQUALS = re.compile(r"(?<![<>!:])=")
_IN_TEXT = re.compile(r"\\(?:text|mathrm|operatorname)[a-z]* ?\{[^{}]*\}")


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


_BETWEEN = re.compile(
    r"(?:[\s$.,;&~]|\\[()\[\],;:! ]|\\q?quad(?![A-Za-z])|\\text|[{}]|(?<![A-Za-z])(?:and|or)(?![A-Za-z]))*"
    r"|(?: [a-z]{3,12}){1,2},? and "  # what the number before it counts
)


def boxed_answer(text: str) -> str:
    """Returns the answer of a gold answer that is a whole solution: its last box, or its last boxes if they stand side by side.

    A text without a complete box, and one that is nothing but an answer, is returned as it is.
    """
    if len(text) > MAX_INPUT or ("\\boxed" not in text and "\\fbox" not in text):
        return text
    last = last_box(text)
    if last is None:
        return text
    found: list[tuple[int, int, str]] = []
    for match in list(_OPEN.finditer(text))[-MAX_SIDE_BY_SIDE:]:
        end = _closing(text, match.end()) if not found or match.start() >= found[-1][1] else -1
        if end >= 0 and not _empty(text, match.end(), end):
            found.append((match.start(), end + 1, text[match.end() : end].strip()))
    side_by_side = found[-1:]
    for before in reversed(found[:-1]):
        if not _BETWEEN.fullmatch(text, before[1], side_by_side[0][0]):
            break
        side_by_side.insert(0, before)
    return ", ".join(content for _, _, content in side_by_side) if len(side_by_side) > 1 else last


def _closing(text: str, start: int) -> int:
    """Returns where the brace that is open at the start of a content closes, or -1."""
    depth = 1
    for match in _BRACE.finditer(text, start, start + MAX_TAIL):
        depth += (match[0] == "{") - (match[0] == "}")
        if depth == 0:
            return match.start()
    return -1


def _empty(text: str, start: int, end: int) -> bool:
    """Tells whether a box from start to end holds nothing, without copying the whole box."""
    spaces = _SPACES.match(text, start, end)
    begin = spaces.end() if spaces else start
    return blank(text[begin : min(end, begin + 4096)])


def last_number(text: str) -> str | None:
    """Returns the last number written in the text (integer, decimal, a/b or \\frac{a}{b}), or None."""
    last = _last_match(text)
    return None if last is None else last[0]


def last_value(text: str) -> str | None:
    """Returns the last number of a text, or the mathematics between delimiters in which it stands (VERIFY-53), or None."""
    number = _last_match(text)
    if number is None:
        return None
    for opening, closing in _DELIMITERS:
        start, end = text.rfind(opening, 0, number.start()), text.find(closing, number.end())
        inside = text[start + len(opening) : end].strip("$ \n")
        if start >= 0 and end >= 0 and closing not in inside and len(inside) <= MAX_DELIMITED:
            value = _EQUALS.split(inside)[-1].strip()
            return number[0] if not value or PROSE.search(_IN_TEXT.sub("", inside)) else value
    return number[0]


def _last_match(text: str) -> re.Match[str] | None:
    last = None
    for match in _NUMBER.finditer(text.replace("\u2212", "-")):
        last = match
    return last


def find(completion: str, mode: Mode) -> Extracted | None:
    """Finds the answer that a completion gives in a mode, or returns None."""
    text = completion[-MAX_INPUT:]
    box = last_box(text)
    if box is not None:
        return Extracted(box, True)
    if mode == "lenient" and "\\boxed" not in text and "\\fbox" not in text:
        number = last_value(text[-MAX_TAIL:])
        return None if number is None else Extracted(number, False)
    return None
