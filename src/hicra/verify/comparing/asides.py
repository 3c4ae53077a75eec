"""Separates an answer from what stands beside it: words before it, and the set that a variable of it runs through after it.

Deviations:
    VERIFY-42. `negative 3` and `minus 3` are -3, and `12th` and `12^{\\text{th}}` are 12. `only`, `exactly` and `just` before an
         answer are dropped. Of a gold answer also a sign or a word that says that it is rounded (`\\approx 5`, "about 5") is
         dropped; of an answer it is not.
    VERIFY-43. What says where a variable of an answer runs, as in `\\frac{\\pi}{4} + k\\pi, k \\in \\mathbb{Z}` or "for all x",
         may be missing on one side but must not differ. Such a variable may have another name in the answer. So may the
         argument of a function: `f(t) = t^2` equals `f(x) = x^2`, and `y = x^2` equals both.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from hicra.verify.reading.normalise import compact
from hicra.verify.reading.tokens import FUNCTIONS, GREEK

MAX_TEXT = 400
_SIGNED = re.compile(r"\A(?:negative|minus) ?(?=[0-9.(\\])(?!\\(?:text|in|pm))", re.IGNORECASE)
_ORDINAL = re.compile(r"(?<=[0-9]) ?\^? ?(?:\{ ?(?:st|nd|rd|th) ?\}|(?:st|nd|rd|th)(?![A-Za-z]))")
_ONLY = re.compile(r"\A(?:only|exactly|just|precisely)(?: when)? ?(?=[A-Za-z0-9.(\\\[{$+-])", re.IGNORECASE)
_ROUNDED = re.compile(
    r"\A(?:\\(?:approx|sim|simeq)(?![A-Za-z])|approximately|approx\.?|about|roughly|around|nearly|almost) ?(?=[^ ])",
    re.IGNORECASE,
)
_SETS = {
    "integer": "Z",
    "whole number": "Z",
    "natural number": "N",
    "positive integer": "N",
    "real number": "R",
    "real": "R",
}
_SET_WORDS = "|".join(sorted(_SETS, key=len, reverse=True))
_BEFORE = r"(?:where|with|for|and|some|any|all|every|each|given|such that|\\forall|an?|the|arbitrary|values? of) ?"
_NAME = r"\\?[A-Za-z]+"
_RUNS = re.compile(
    rf"(?:,|;|\(|(?=\b(?:where|for|with)\b|\\forall))(?: ?{_BEFORE})*(?P<kind>{_SET_WORDS})?s? ?(?P<name>{_NAME})"
    rf"(?: ?\\in ?(?P<set>(?:[^,;=<>{{}}]|\{{[^{{}}]*\}})+?)"
    rf"| (?:is |are |being )?(?:an?|any) (?P<other>{_SET_WORDS})s?| (?P<last>{_SET_WORDS})s?)?\)?",
)
_EVERY = re.compile(r"all |any |every |each |some |arbitrary |\\forall")
_PREFIX = re.compile(r"(?:where|for|with|\\forall)\b|\\forall|[,;(]")
_PIECE = re.compile(r"\\[A-Za-z]+|[A-Za-z]+")
_APPLIED = re.compile(rf"([A-Za-z]) ?\( ?({_NAME}) ?\)")


class Beside(NamedTuple):
    """An answer without what stands beside it; `name` is a variable of it, "" if none is given, and `runs` is its set."""

    core: str
    name: str = ""
    runs: str = ""


def beside(text: str, gold: bool) -> Beside:
    """Separates a normalised text from what stands beside it."""
    if len(text) > MAX_TEXT or text.isdecimal():
        return Beside(text)
    text = _ONLY.sub("", _SIGNED.sub("-", _ORDINAL.sub("", text)))
    if gold:
        text = _ROUNDED.sub("", text)
    for match in reversed(list(_PREFIX.finditer(text))):
        found = _RUNS.fullmatch(text, match.start())
        core = text[: match.start()].strip().rstrip(",;").strip()
        if found and core and found["name"] in _letters(core) and _says_where(found):
            kind = _SETS.get(found["kind"] or found["other"] or found["last"] or "", "")
            return Beside(core, found["name"], kind or _set(found["set"] or ""))
    return Beside(text)


def _says_where(match: re.Match[str]) -> bool:
    """Tells whether words say that a name is a variable: a set, or "for" or the like before it."""
    return bool(match["set"] or match["kind"] or match["other"] or match["last"] or _EVERY.search(match[0]))


def _set(text: str) -> str:
    return re.sub(r"\\mathbb ?\{? ?([A-Z]) ?\}?", r"\1", compact(text))


def _letters(text: str) -> set[str]:
    """Returns the letters and commands of a text that may be variables."""
    found: set[str] = set()
    for piece in _PIECE.findall(text):
        found.update([piece] if piece.startswith("\\") or len(piece) > 3 or piece in FUNCTIONS else piece)
    return found


def renamed(text: str, name: str, other: str) -> str | None:
    """Gives a variable another name; None if the other name is in the text already."""
    if name == other:
        return text
    if other in _letters(text):
        return None

    def change(match: re.Match[str]) -> str:
        piece = match[0]
        if piece.startswith("\\") or len(piece) > 3 or piece in FUNCTIONS or piece in GREEK:
            return f" {other} " if piece == name else piece
        return piece.replace(name, f" {other} ")

    return " ".join(_PIECE.sub(change, text).split())


def applied(name: str) -> tuple[str, str] | None:
    """Reads function and argument of `f(x)`."""
    match = _APPLIED.fullmatch(name)
    return (match[1], match[2]) if match else None


def free_letters(text: str) -> set[str]:
    """Returns the single letters of a text that may be variables."""
    return {letter for letter in _letters(text) if len(letter) == 1 and letter not in "ei"}
