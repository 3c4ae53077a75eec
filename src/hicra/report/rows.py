"""Reads rollouts from the rows of rollouts/*.parquet; a column that does not fit its row is left out, and the page says so.

Deviations (the paper shows no page):
REPORT-7. Where a row does not hold the answer that was found (`extracted`), it is read from the response as `hicra verify` does
    in the mode lenient: the last box, or the last number where there is no box. It is shown to be read; no score comes from it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hicra.report.encode import clean, plain
from hicra.report.model import Rollout
from hicra.report.sample import Place, read_columns
from hicra.report.trees import read_subgoals, read_tree
from hicra.verify.reading.extract import find

GOLD, FOUND = ("answer", "gold"), ("extracted", "found")  # columns, the first that a row has


def text_of(value: Any) -> str:
    """Writes a prompt as text, from a string or from messages with role and content."""
    if value is None:
        return ""
    if isinstance(value, list):
        parts = [
            f"{item.get('role', '')}: {item.get('content', '')}" if isinstance(item, dict) else str(item)
            for item in value
        ]
        return clean("\n\n".join(parts))
    return clean(str(value))


def read_rollouts(chosen: Sequence[Place], arm_of: Sequence[int], notes: list[str]) -> tuple[Rollout, ...]:
    """Reads the chosen rollouts in order, and adds to `notes` what was left out of them."""
    wanted: dict[Path, list[int]] = defaultdict(list)
    for place in chosen:
        wanted[place.file].append(place.row)
    rows: dict[tuple[Path, int], dict[str, Any]] = {}
    for file, numbers in wanted.items():
        for number, row in zip(numbers, read_columns(file)[numbers].to_dicts(), strict=True):
            rows[file, number] = row
    bad: Counter[str] = Counter()
    out = tuple(read_row(place, arm_of[place.run], rows[place.file, place.row], bad) for place in chosen)
    notes += [f"In {number} shown rollout{'s' if number > 1 else ''} {what}." for what, number in sorted(bad.items())]
    return out


def number_of(value: Any) -> float | None:
    """Returns a value as a finite float, or None if it is none."""
    number = plain(value)
    return float(number) if isinstance(number, int | float) else None


def read_row(place: Place, arm: int, row: Mapping[str, Any], bad: Counter[str]) -> Rollout:
    """Makes a rollout from its row, and counts in `bad` what was left out of it."""
    response = text_of(row.get("response"))

    def listed(name: str) -> list[Any]:
        value = row.get(name)
        if value is not None and not isinstance(value, list):
            bad[f"{name} is left out, because it is no list"] += 1
        return value if isinstance(value, list) else []

    ends = tuple(int(end) for end in listed("token_ends") if isinstance(end, int))
    if ends and not (list(ends) == sorted(ends) and ends[0] >= 0 and ends[-1] <= len(response)):
        bad["the token columns are left out, because token_ends do not increase within the response"] += 1
        ends = ()

    def column(name: str) -> tuple[float | None, ...]:
        values = row.get(name)
        if not isinstance(values, list) or not values or not ends:
            return ()
        if len(values) != len(ends):
            bad[f"{name} is left out, because it does not have one value per token"] += 1
            return ()
        return tuple(number_of(value) for value in values)

    planning = tuple(bool(value) for value in column("planning_mask"))
    spans = []
    for span in listed("spans"):
        start, end = (span.get("start"), span.get("end")) if isinstance(span, dict) else (None, None)
        if isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(response):
            spans.append((start, end, text_of(span.get("gram"))))
        else:
            bad["spans outside the response are left out"] += 1
    if planning and not spans:
        spans = _mask_spans(ends, planning)
    elif ends and spans and not planning:
        planning = _span_mask(ends, spans)
    tools = []
    for output in listed("tool_outputs"):
        at, returned = (output.get("at"), output.get("text")) if isinstance(output, dict) else (None, None)
        if isinstance(at, int) and 0 <= at <= len(response):
            tools.append((at, text_of(returned)))
        else:
            bad["outputs of tools that stand outside the response are left out"] += 1
    words = response.split()
    labels = tuple(text_of(label) for label in listed("labels"))
    if labels and len(labels) not in (len(ends), len(words)):
        bad["the labels are left out, because they are neither one per token nor one per word"] += 1
        labels = ()
    labels = labels or tuple("critical" if value else "other" for value in column("critical_mask"))
    correct = row.get("correct")
    return Rollout(
        place.run,
        arm,
        place.step,
        text_of(row.get("id")),
        text_of(row.get("group_id")),
        text_of(row.get("prompt")),
        response,
        number_of(row.get("reward")),
        correct if isinstance(correct, bool) else None,
        number_of(row.get("advantage")),
        tuple(sorted(spans)),
        ends,
        planning,
        column("advantages"),
        column("entropies"),
        column("logprobs"),
        labels,
        tuple(sorted(tools, key=lambda one: one[0])),
        read_tree(row, bad),
        read_subgoals(row),
        _first(row, GOLD),
        _first(row, FOUND) or answer_in(response),
        images_of(row),
    )


def images_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the names of a row's images, () where there are none."""
    given = row.get("images")
    return tuple(text_of(name) for name in given if name is not None) if isinstance(given, list) else ()


def _first(row: Mapping[str, Any], names: Sequence[str]) -> str:
    return next((text_of(row[name]) for name in names if row.get(name) is not None), "")


def answer_in(response: str) -> str:
    """Returns the answer that a response gives: its last box, or its last number where it has none; "" without either."""
    found = find(response, "lenient")
    return clean(found.text) if found else ""


def _mask_spans(ends: Sequence[int], planning: Sequence[bool]) -> list[tuple[int, int, str]]:
    """Turns stretches of planning tokens into spans without a gram, for rows that have only a mask."""
    spans: list[tuple[int, int, str]] = []
    start = 0
    for end, on in zip(ends, planning, strict=True):
        if on and end > start:
            joined = bool(spans) and spans[-1][1] == start
            spans[-1:] = [(spans[-1][0], end, "")] if joined else [*spans[-1:], (start, end, "")]
        start = end
    return spans


def _span_mask(ends: Sequence[int], spans: Sequence[tuple[int, int, str]]) -> tuple[bool, ...]:
    """Makes the planning mask from spans: a token is planning if any of its characters lies in a span."""
    starts = (0, *ends[:-1])
    return tuple(
        any(low < end and start < high for low, high, _ in spans) for start, end in zip(starts, ends, strict=True)
    )
