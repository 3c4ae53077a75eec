"""Reads label rows strictly: traces cut into units that a person or a model labelled.

A row is one trace by one annotator. It holds `response`, and `units` of {start, end, text, labels}: character offsets in the
response (end exclusive), and a list of label names. `text` may be left out; where it is given it must equal the response from
start to end, since offsets into another text look much like right ones. Optional columns are `doc_id`, `question`,
`annotator`, `human`, `model`, `source` and `domain`.

Deviations (the paper labels nothing; the contract gives the rows and leaves open the rest):
LABEL-1. A unit whose `labels` are an empty list, or only null, counts as a unit and is never positive.
LABEL-2. Units may stand in any order, must not overlap, and need not cover the response.
LABEL-3. Where no `domain` is given, it is what stands before the first underscore of `doc_id` (math_7_QwQ: math), if that is
    letters and digits.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hicra.arrays import Bools, Ints
from hicra.corpus.files import Paths, files_of
from hicra.corpus.lines import shown
from hicra.corpus.records import records
from hicra.drawing.readable import counted
from hicra.errors import ConfigError, DataError, did_you_mean
from hicra.labels.settings import DEFAULT_POSITIVE

_DOMAIN = re.compile(r"[A-Za-z0-9-]+(?=_)")


@dataclass(frozen=True, eq=False)
class LabelledTrace:
    """Holds one trace by one annotator.

    Attributes:
        response: the text.
        start, end: [U] int64 character offsets of its units, sorted, not overlapping, end exclusive.
        positive: [U] bool, whether any label of the unit is one of the positive ones.
        where: file and line, for messages.
        doc_id, question, annotator, model, source, domain: as the row says, None where it says nothing.
        human: whether a person labelled it, None where unknown.
    """

    response: str
    start: Ints
    end: Ints
    positive: Bools
    where: str = ""
    doc_id: str | None = None
    question: str | None = None
    annotator: str | None = None
    model: str | None = None
    source: str | None = None
    domain: str | None = None
    human: bool | None = None

    @property
    def cluster(self) -> str:
        """What this trace shares with others that are not independent of it: its question, else document, else text."""
        if self.question and (folded := re.sub(r"[\W_]", "", self.question.lower())):
            return folded
        return self.doc_id or self.response

    @property
    def label_source(self) -> str:
        """Who labelled it: `human`, `machine`, or where that is unknown the row's source."""
        if self.human is None:
            return self.source or "unknown"
        return "human" if self.human else "machine"


def read_labels(paths: Paths, positive: Sequence[str] | None = None) -> list[LabelledTrace]:
    """Reads label files (.jsonl, .jsonl.gz, .jsonl.zst, .parquet, or folders of them), every row or none.

    Args:
        paths: files or folders; their order is the order of the traces.
        positive: names of the labels that make a unit positive; None takes planning and reflection.

    Raises:
        DataError: a row is bad (the message names file, line and unit), or there is no row, no unit or no positive unit.
        ConfigError: no unit has one of the positive names.
    """
    names = DEFAULT_POSITIVE if positive is None else tuple(name.strip() for name in positive)
    if not names or not all(names):
        raise ConfigError(
            "the list of positive labels is empty or has an empty name",
            "write for example --positive planning,reflection",
        )
    wanted, seen = frozenset(names), set[str]()
    files = files_of(paths)
    traces = [_trace(row, str(place), wanted, seen) for path in files for place, row in records(path)]
    listed = ", ".join(shown(path) for path in files)
    if not traces:
        raise DataError(f"{listed}: no rows", "an empty file cannot be used; check the path")
    if not any(len(trace.start) for trace in traces):
        raise DataError(f"{listed}: no row has a unit", "`units` is a list of {start, end, text, labels}")
    # The default names are always known: a file where nobody happened to reflect is no mistake.
    if unknown := [name for name in names if name not in seen and name not in DEFAULT_POSITIVE]:
        raise ConfigError(
            f"no unit has the label {unknown[0]!r}; the labels here are {', '.join(sorted(seen)) or 'none'}",
            did_you_mean(unknown[0], seen) if seen else "label some units first",
        )
    if not any(trace.positive.any() for trace in traces):
        raise DataError(
            f"{listed}: no unit is labelled {' or '.join(names)}",
            f"--positive takes some of: {', '.join(sorted(seen)) or 'none, there are no labels'}",
        )
    return traces


def _trace(row: Mapping[str, Any], where: str, positive: frozenset[str], seen: set[str]) -> LabelledTrace:
    response = row.get("response")
    if not isinstance(response, str):
        raise DataError(f"{where}: response is {_kind(response)}", "a label row has the text under `response`")
    units = row.get("units")
    if not isinstance(units, list):
        raise DataError(f"{where}: units is {_kind(units)}", "`units` is a list of {start, end, text, labels}")
    read = [_unit(unit, f"{where}: units[{index}]", response, seen) for index, unit in enumerate(units)]
    order = sorted(range(len(read)), key=lambda index: read[index][:2])
    for before, after in itertools.pairwise(order):
        if read[after][0] < read[before][1]:
            raise DataError(
                f"{where}: units[{before}] ({read[before][0]} to {read[before][1]}) and units[{after}] "
                f"({read[after][0]} to {read[after][1]}) overlap",
                "a character belongs to one unit at most",
            )
    rest = {key: _text(row, key, where) for key in ("doc_id", "question", "annotator", "model", "source", "domain")}
    if rest["domain"] is None and rest["doc_id"] and (match := _DOMAIN.match(rest["doc_id"])):
        rest["domain"] = match[0]
    human = row.get("human")
    if human is not None and not isinstance(human, bool):
        raise DataError(f"{where}: human is {_kind(human)}", "write true, false or null")
    return LabelledTrace(
        response,
        np.array([read[index][0] for index in order], np.int64),
        np.array([read[index][1] for index in order], np.int64),
        np.array([not positive.isdisjoint(read[index][2]) for index in order], np.bool_),
        where,
        human=human,
        **rest,
    )


def _unit(unit: Any, where: str, response: str, seen: set[str]) -> tuple[int, int, list[str]]:
    if not isinstance(unit, dict):
        raise DataError(f"{where} is {_kind(unit)}", "a unit is an object {start, end, text, labels}")
    for key in ("start", "end"):
        if type(unit.get(key)) is not int:
            raise DataError(
                f"{where}: {key} is {_kind(unit.get(key))}", "offsets are whole numbers, counted in characters from 0"
            )
    start, end, text = unit["start"], unit["end"], unit.get("text")
    if not 0 <= start <= len(response) or not 0 <= end <= len(response):
        raise DataError(
            f"{where}: {start} to {end} is out of range, the response has {counted(len(response), 'character')}",
            "offsets count characters of this row's `response`, not bytes",
        )
    if start >= end:
        raise DataError(f"{where}: start {start} is not before end {end}", "a unit has at least one character")
    if text is not None and text != response[start:end]:
        if not isinstance(text, str):
            raise DataError(f"{where}: text is {_kind(text)}", "leave it out, or write the unit's text")
        raise DataError(
            f"{where}: text {_short(text)} is not the slice {start} to {end} of the response, {_short(response[start:end])}",
            "the offsets are of another text; leave `text` out only if they are known to be right",
        )
    labels = unit.get("labels")
    if not isinstance(labels, list) or not all(label is None or isinstance(label, str) for label in labels):
        raise DataError(f"{where}: labels is {_kind(labels)}", 'write a list of names, like ["planning"]')
    names = [label for label in labels if label is not None]
    seen.update(names)
    return start, end, names


def _text(row: Mapping[str, Any], key: str, where: str) -> str | None:
    value = row.get(key)
    if value is None or isinstance(value, str):
        return value
    if type(value) is int:
        return str(value)
    raise DataError(f"{where}: {key} is {_kind(value)}", "write a string or null")


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "a list with something else than names"
    return (
        "missing" if value is None else repr(value) if isinstance(value, bool | int | float) else type(value).__name__
    )


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
