"""Makes tables from JSON values of any shape: the sections that are handed over beside the runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hicra.drawing.readable import number, shorten

MAX_ROWS = 200
MAX_CELL = 600  # characters


@dataclass(frozen=True)
class Cell:
    """One cell of a table."""

    text: str
    numeric: bool = False


def cell(value: Any) -> Cell:
    """Writes any JSON value as one cell, of a bounded length."""
    if value is None:
        return Cell("\u2013")
    if isinstance(value, bool):
        return Cell("yes" if value else "no")
    if isinstance(value, int | float):
        return Cell(shorten(str(value), MAX_CELL) if isinstance(value, int) else number(value), True)
    if isinstance(value, list | tuple):
        pair = len(value) == 2 and all(isinstance(entry, int | float) for entry in value)
        return Cell(shorten((" to " if pair else ", ").join(cell(entry).text for entry in value), MAX_CELL), pair)
    if isinstance(value, Mapping):
        return Cell(shorten("; ".join(f"{key}: {cell(inner).text}" for key, inner in value.items()), MAX_CELL))
    return Cell(shorten(str(value), MAX_CELL))


def words_of(key: str) -> str:
    """Writes a key as words."""
    return key.replace("_", " ")


@dataclass(frozen=True)
class CellLook:
    """How the values of a known section are written: which keys are shares, and what arms are called."""

    shares: frozenset[str] = frozenset()
    arms: Mapping[str, str] = field(default_factory=dict)

    def cell(self, key: str, value: Any) -> Cell:
        """Writes the value of a key."""
        if key == "arm" and isinstance(value, str):
            return Cell(self.arms.get(value, value))
        if key in self.shares and isinstance(value, int | float):
            return Cell(number(float(value), True), True)
        if key in self.shares and isinstance(value, list) and all(isinstance(end, int | float) for end in value):
            return Cell(" to ".join(number(float(end), True) for end in value), True)
        return cell(value)


_COLUMNS = {"ci": "95 % interval"}
_SHARES = {
    "evaluation": frozenset({"accuracy", "ci", "first_plan_right", "equations_right"}),
    "mask_score": frozenset({"precision", "recall", "base_rate", "mask_share"}),
}


def tables(value: Any, caption: str = "", reading: CellLook | None = None) -> list[dict[str, Any]]:
    """Turns a JSON value into tables: one for a list of objects; for an object, one of its plain values and one per list."""
    reading = reading or CellLook()
    if isinstance(value, list | tuple) and value and all(isinstance(row, Mapping) for row in value):
        keys = list(dict.fromkeys(key for row in value for key in row))
        rows = [[reading.cell(key, row.get(key)) for key in keys] for row in value[:MAX_ROWS]]
        rest = f" (the first {MAX_ROWS} of {len(value)})" if len(value) > MAX_ROWS else ""
        return [
            {"caption": caption + rest, "columns": [_COLUMNS.get(key, words_of(key)) for key in keys], "rows": rows}
        ]
    if isinstance(value, Mapping):
        nested = {
            key: inner
            for key, inner in value.items()
            if isinstance(inner, list) and inner and all(isinstance(row, Mapping) for row in inner)
        }
        flat = [
            [Cell(_COLUMNS.get(key, words_of(key))), reading.cell(key, inner)]
            for key, inner in value.items()
            if key not in nested
        ]
        out = [{"caption": caption, "columns": [], "rows": flat}] if flat else []
        return out + [table for key, inner in nested.items() for table in tables(inner, words_of(key), reading)]
    entries = value if isinstance(value, list | tuple) else [value]
    return [{"caption": caption, "columns": ["value"], "rows": [[cell(entry)] for entry in entries[:MAX_ROWS]]}]


_EXTRA = {
    "verdict": (
        "Verdict",
        "Arms are compared by seed. With fewer than six paired seeds, no arm is called better.",
        False,
    ),
    "evaluation": (
        "Evaluation",
        "The final models are evaluated on problems that they were not trained on, with intervals.",
        False,
    ),
    "mask_score": (
        "Planning mask against exact labels",
        "The table says how much of the tagged text is planning, and how much of the planning is tagged.",
        False,
    ),
    "lexicon": (
        "Lexicon",
        "The table has the mined strategic grams, each with its cluster and the number of solutions that hold it.",
        True,
    ),
    "next": ("What to do next", "", True),
}


_SHORT = {"mask_score": "Mask", "next": "Next"}  # names in the line of links


def extra_sections(extra: Mapping[str, Any], arms: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Makes the added sections, the known ones first; those with `late` are put near the end of the page.

    Args:
        extra: the sections as JSON values.
        arms: how the page calls an arm, by its name.
    """
    out = []
    for key in [*(key for key in _EXTRA if key in extra), *(key for key in extra if key not in _EXTRA)]:
        value = extra[key]
        if value in (None, [], {}):
            continue
        title, text, late = _EXTRA.get(key, (words_of(key), "", True))
        steps = [cell(step).text for step in value] if key == "next" and isinstance(value, list) else []
        out.append(
            {
                "title": title,
                "short": _SHORT.get(key, title),
                "text": text,
                "late": late,
                "steps": steps,
                "tables": [] if steps else tables(value, "", CellLook(_SHARES.get(key, frozenset()), arms or {})),
            }
        )
    return out
