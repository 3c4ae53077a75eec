"""The two phases of the paper: first execution is consolidated, then strategies are explored.

Section 3 of the paper reads them off its curves by eye: execution perplexity and entropy fall and level off (first phase), then
semantic entropy and length rise (second phase). Here the curves are cut into straight pieces where they bend.

Deviations:
FINDING-2. The first phase ends where execution perplexity (or, without it, execution entropy) stops falling: a bend after a piece
    that surely falls, before one that falls at most half as fast or not at all. The second phase begins where semantic
    entropy (rarefied, where there is that) starts to rise: a bend before a piece that surely rises, after one that rises
    at most half as fast or not at all. A piece surely rises or falls when its interval of 95 % does not hold 0 and its change is
    at least a tenth of the range of the fitted line. Both may be missing; the paper saw runs without a first phase.
"""

from __future__ import annotations

import math
from typing import Any

from hicra.drawing.readable import number
from hicra.findings.curves import LEAST_STEPS, curve
from hicra.findings.finding import Evidence, Finding
from hicra.stats import Bend, Changes, StraightPiece, change_points

NAME = "phases"
SLOWER = 0.5  # a piece this much slower than its neighbour, or more, has levelled off
LEAST_PART = 0.1  # of the range of the line: a smaller change is flat
CURVES = (
    ("hicra/ppl_execution", "execution perplexity"),
    ("hicra/entropy_execution", "execution entropy"),
    ("hicra/semantic_entropy_rarefied", "rarefied semantic entropy"),
    ("hicra/semantic_entropy", "semantic entropy"),
    ("hicra/length", "length"),
)
FIRST, SECOND = CURVES[:2], CURVES[2:4]


def phases(evidence: Evidence) -> Finding | None:
    """Describes the courses of five curves; None where fewer than 20 steps have any of them."""
    curves = {name: curve(evidence, name) for name, _ in CURVES}
    most = max(len(steps) for steps, _ in curves.values())
    if most < LEAST_STEPS:
        return None
    found = {name: change_points(*of) for name, of in curves.items() if len(of[0]) >= LEAST_STEPS}
    ends, begins = _end_of_fall(found), _begin_of_rise(found)
    told = set(found) - ({SECOND[1][0]} if SECOND[0][0] in found else set())  # one semantic entropy is enough to read
    courses = [f"{label} {course(found[name])}" for name, label in CURVES if name in told]
    figures = {
        "steps": most, "first_phase_ends": None if ends is None else _bend(ends[1]),
        "second_phase_begins": None if begins is None else _bend(begins[1]),
        "curves": {name: _figures(one) for name, one in found.items()},
    }  # fmt: skip
    return Finding(NAME, f"{_first(ends, found)} {_second(ends, begins, found)} {_sentence(courses)}", figures)


def direction(piece: StraightPiece, changes: Changes) -> str:
    """Returns rises, falls, or stays where its interval holds 0 or its change is small beside the whole line."""
    levels = [value for one in changes.pieces for value in (one.first, one.last)]
    if piece.low <= 0 <= piece.high or abs(piece.change) < LEAST_PART * (max(levels) - min(levels)):
        return "stays"
    return "rises" if piece.change > 0 else "falls"


def course(changes: Changes) -> str:
    """Says piece by piece where a curve goes, as in "falls from 2 to 1.1 until step 30 (95 % 27 to 33), then stays near 1.1"."""
    parts = []
    for index, piece in enumerate(changes.pieces):
        way = direction(piece, changes)
        part = f"stays near {number((piece.first + piece.last) / 2)}" if way == "stays" else (
            f"{way} from {number(piece.first)} to {number(piece.last)}"
        )  # fmt: skip
        if index < len(changes.bends):
            part += f" until {_at(changes.bends[index])}"
        parts.append(part)
    return ", then ".join(parts)


def _end_of_fall(found: dict[str, Changes]) -> tuple[str, Bend] | None:
    """Returns the curve and the bend at which execution stops falling."""
    for name, label in FIRST:
        for bend, before, after in _bends(found.get(name)):
            if direction(before, found[name]) == "falls" and after.slope > SLOWER * before.slope:
                return label, bend
    return None


def _begin_of_rise(found: dict[str, Changes]) -> tuple[str, Bend] | None:
    """Returns the curve and the bend from which strategies become more varied."""
    name, label = next(((name, label) for name, label in SECOND if name in found), ("", ""))
    for bend, before, after in _bends(found.get(name)):
        if direction(after, found[name]) == "rises" and before.slope < SLOWER * after.slope:
            return label, bend
    return None


def _bends(changes: Changes | None) -> list[tuple[Bend, StraightPiece, StraightPiece]]:
    if changes is None:
        return []
    return list(zip(changes.bends, changes.pieces, changes.pieces[1:], strict=False))


def _first(ends: tuple[str, Bend] | None, found: dict[str, Changes]) -> str:
    if ends is not None:
        return f"The first phase ends at {_at(ends[1])}: {ends[0]} stops falling there."
    if not any(name in found for name, _ in FIRST):
        return "Execution perplexity and entropy are not known, so no first phase can be seen."
    return "No end of a first phase seen: execution does not fall and then level off."


def _second(ends: tuple[str, Bend] | None, begins: tuple[str, Bend] | None, found: dict[str, Changes]) -> str:
    name = next((name for name, _ in SECOND if name in found), None)
    if name is None:
        return "Semantic entropy is not known, so no second phase can be seen."
    if begins is None:
        changes = found[name]
        steady = len(changes.pieces) == 1 and direction(changes.pieces[0], changes) == "rises"
        why = "semantic entropy rises from the first step on, without a bend" if steady else (
            "semantic entropy has no bend from which on it rises"
        )  # fmt: skip
        return f"No second phase seen: {why}."
    text = f"A second phase begins at {_at(begins[1])}: {begins[0]} starts to rise there"
    if ends is not None and begins[1].high < ends[1].low:
        text += ", before the first phase has ended"
    return text + "."


def _at(bend: Bend) -> str:
    return f"step {round(bend.at)} (95 % {math.floor(bend.low)} to {math.ceil(bend.high)})"


def _sentence(courses: list[str]) -> str:
    text = "; ".join(courses)
    return text[:1].upper() + text[1:] + "."


def _bend(bend: Bend) -> list[float]:
    return [bend.at, bend.low, bend.high]


def _figures(changes: Changes) -> dict[str, Any]:
    return {
        "bends": [_bend(bend) for bend in changes.bends], "bic": list(changes.criterion),
        "correlation": changes.correlation,
        "pieces": [
            {"steps": [piece.start, piece.stop], "values": [piece.first, piece.last], "change": [piece.low, piece.high],
             "direction": direction(piece, changes)} for piece in changes.pieces
        ],
    }  # fmt: skip
