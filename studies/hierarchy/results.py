"""Reads the stored results of the study, and finds the runs of an arm and their pairs.

`training.jsonl.gz` holds one run a line; `meter.json`, `quality.json` and `warmstarts.json` may be missing, as may any part of
the study: what is not there is None or an empty list, and the page says that it was not run.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hicra.errors import DataError

Run = Mapping[str, Any]
NEEDED = ("part", "arm", "start", "warm", "seed", "rate", "lexicon", "settings", "steps", "evals", "curves")
PARTS = ("primary", "masks", "alphas", "rates", "bonuses", "demonstrations")
STARTS = ("strong", "weak")


@dataclass(frozen=True, eq=False)
class Results:
    """All stored results; two of them are never equal, so that what was computed from one can be kept.

    Attributes:
        runs: the training runs, in the order of the file.
        checkpoints: the measurements of the meter, each with start, warm, step, accuracy, kinds and methods.
        quality, warmstarts: as stored; None where the file is missing.
        planned: number of runs that the plan has; 0 if nobody asked.
        stored: number of runs that are stored, also of those that are held back.
        waiting: what is held back, since a part is shown only when all of its runs are made: (part, start, made, planned).
    """

    runs: tuple[Run, ...]
    checkpoints: tuple[Mapping[str, Any], ...] = ()
    quality: Mapping[str, Any] | None = None
    warmstarts: Any = None
    planned: int = 0
    stored: int = 0
    waiting: tuple[tuple[str, str, int, int], ...] = ()


@dataclass(frozen=True)
class Cell:
    """Which runs form an arm: all that agree in these; `rate` and `settings` None take any."""

    arm: str
    start: str = "strong"
    part: str = "primary"
    lexicon: str = "exact"
    rate: float | None = None
    settings: Mapping[str, Any] | None = None

    def holds(self, run: Run) -> bool:
        return (
            (run["arm"], run["start"], run["part"], run["lexicon"]) == (self.arm, self.start, self.part, self.lexicon)
            and (self.rate is None or run["rate"] == self.rate)
            and (self.settings is None or run["settings"] == self.settings)
        )


def read_results(folder: Path) -> Results:
    """Reads the folder. Raises DataError for a run that lacks a key, has an unknown part or start, or stands twice."""
    runs: list[Run] = []
    training = folder / "training.jsonl.gz"
    if training.exists():
        with gzip.open(training, "rt", encoding="utf-8") as lines:
            runs = [json.loads(line) for line in lines]
    check(runs, str(training))
    meter = _json(folder / "meter.json")
    return Results(
        tuple(runs),
        tuple(meter["checkpoints"]) if meter else (),
        _json(folder / "quality.json"),
        _json(folder / "warmstarts.json"),
    )


def whole_parts(results: Results, planned: Iterable[tuple[str, str]]) -> Results:
    """Holds back the runs of each part and start that is not whole yet, so that nobody looks at half of it.

    Args:
        results: all that is stored.
        planned: (part, start) of every planned run.
    """
    wanted = Counter(planned)
    made = Counter((run["part"], run["start"]) for run in results.runs)
    waiting = {cell: number for cell, number in wanted.items() if 0 < made[cell] < number}
    return replace(
        results,
        planned=wanted.total(),
        stored=len(results.runs),
        runs=tuple(run for run in results.runs if (run["part"], run["start"]) not in waiting),
        waiting=tuple((*cell, made[cell], number) for cell, number in waiting.items()),
    )


def check(runs: list[Run], name: str) -> None:
    """Raises DataError that names the line and what is wrong with it."""
    seen: dict[str, int] = {}
    for number, run in enumerate(runs, 1):
        where = f"{name}, line {number}"
        lost = [key for key in NEEDED if key not in run]
        if lost:
            raise DataError(f"{where}: the run has no {lost[0]}", "write it with studies/hierarchy/run.py")
        for key, known in (("part", PARTS), ("start", STARTS)):
            if run[key] not in known:
                raise DataError(f"{where}: {key} is {run[key]!r}", f"it is one of {', '.join(known)}")
        steps, accuracy = run["evals"]["step"], run["evals"]["accuracy"]
        if len(steps) != len(accuracy) or len(steps) < 2 or sorted(set(steps)) != steps:
            raise DataError(f"{where}: evals.step does not ascend, or accuracy has another length", "run it again")
        if None in accuracy:
            raise DataError(f"{where}: an evaluation has no accuracy", "run it again")
        key = json.dumps([run[part] for part in NEEDED[:8]], sort_keys=True)
        if key in seen:
            raise DataError(f"{where}: the run stands in line {seen[key]} too", "keep one of them")
        seen[key] = number


def runs_of(results: Results, cell: Cell) -> dict[tuple[int, int], Run]:
    """Returns the runs of an arm by (warm start, seed), sorted.

    Raises:
        DataError: two runs of one (warm start, seed) agree with the cell: it says too little (rate or settings).
    """
    found: dict[tuple[int, int], Run] = {}
    for run in results.runs:
        if cell.holds(run):
            key = (int(run["warm"]), int(run["seed"]))
            if key in found:
                raise DataError(
                    f"two runs of {cell} have warm start {key[0]} and seed {key[1]}", "name rate or settings"
                )
            found[key] = run
    return dict(sorted(found.items()))


def arms_of(results: Results, start: str, part: str = "primary") -> list[str]:
    """Names the arms that have runs, in alphabetical order but for `none`, which is first."""
    names = {str(run["arm"]) for run in results.runs if (run["part"], run["start"]) == (part, start)}
    return sorted(names, key=lambda name: (name != "none", name))


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
