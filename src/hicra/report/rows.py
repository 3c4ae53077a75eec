"""Rows of rollouts/*.parquet -> Rollout. A column that does not fit its row is left out, and the page says so."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hicra.report.encode import clean, plain
from hicra.report.model import Rollout
from hicra.report.sample import Place, read_columns


def text_of(value: Any) -> str:
    """A prompt as text: a string, or messages with role and content."""
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
    wanted: dict[Path, list[int]] = defaultdict(list)
    for place in chosen:
        wanted[place.file].append(place.row)
    rows: dict[tuple[Path, int], dict[str, Any]] = {}
    for file, numbers in wanted.items():
        for number, row in zip(numbers, read_columns(file)[numbers].to_dicts(), strict=True):
            rows[file, number] = row
    bad: Counter[str] = Counter()
    out = tuple(_rollout(place, arm_of[place.run], rows[place.file, place.row], bad) for place in chosen)
    notes += [
        f"Left out of {number} shown rollout{'s' if number > 1 else ''}: {what}."
        for what, number in sorted(bad.items())
    ]
    return out


def number_of(value: Any) -> float | None:
    number = plain(value)
    return float(number) if isinstance(number, int | float) else None


def _rollout(place: Place, arm: int, row: Mapping[str, Any], bad: Counter[str]) -> Rollout:
    response = text_of(row.get("response"))
    ends = tuple(int(end) for end in row.get("token_ends") or () if isinstance(end, int))
    if ends and not (list(ends) == sorted(ends) and ends[0] >= 0 and ends[-1] <= len(response)):
        bad["token columns, whose token_ends do not rise within the response"] += 1
        ends = ()

    def column(name: str) -> tuple[float | None, ...]:
        values = row.get(name)
        if not isinstance(values, list) or not values or not ends:
            return ()
        if len(values) != len(ends):
            bad[f"{name}, not one a token"] += 1
            return ()
        return tuple(number_of(value) for value in values)

    planning = tuple(bool(value) for value in column("planning_mask"))
    spans = []
    for span in row.get("spans") or ():
        start, end = (span or {}).get("start"), (span or {}).get("end")
        if isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(response):
            spans.append((start, end, text_of(span.get("gram"))))
        else:
            bad["spans outside the response"] += 1
    if planning and not spans:
        spans = _mask_spans(ends, planning)
    elif ends and spans and not planning:
        planning = _span_mask(ends, spans)
    words = response.split()
    labels = tuple(text_of(label) for label in row.get("labels") or ())
    if labels and len(labels) not in (len(ends), len(words)):
        bad["labels, neither one a token nor one a word"] += 1
        labels = ()
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
    )


def _mask_spans(ends: Sequence[int], planning: Sequence[bool]) -> list[tuple[int, int, str]]:
    """Runs of planning tokens as spans without a gram, for rows that carry a mask alone."""
    spans: list[tuple[int, int, str]] = []
    start = 0
    for end, on in zip(ends, planning, strict=True):
        if on and end > start:
            joined = bool(spans) and spans[-1][1] == start
            spans[-1:] = [(spans[-1][0], end, "")] if joined else [*spans[-1:], (start, end, "")]
        start = end
    return spans


def _span_mask(ends: Sequence[int], spans: Sequence[tuple[int, int, str]]) -> tuple[bool, ...]:
    """A token is planning when any of its characters lies in a span (DESIGN: the tagging rule)."""
    starts = (0, *ends[:-1])
    return tuple(
        any(low < end and start < high for low, high, _ in spans) for start, end in zip(starts, ends, strict=True)
    )
