"""Reads scores from run folders: one number per run by a checkpoint rule, arms by method and settings, seeds from hicra.json.

Deviations:
COMPARE-4. With `train.iterations` above 1, a metric of the rollouts has a value only at the first step on a generation; the other
    steps on it count with that value, and a warning says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hicra.artifacts import read_json
from hicra.compare.arms import refuse_unlike, remarks
from hicra.compare.metric import CheckpointRule, parse_metric
from hicra.compare.scores import Scores
from hicra.drawing.readable import counted
from hicra.errors import ArtifactError, DataError, did_you_mean
from hicra.runs import RunFolder
from hicra.runs.arms import name_arms

DEFAULTS = ("eval/accuracy", "hicra/accuracy")
_HELD_OUT = "eval/"


@dataclass(frozen=True)
class FromRuns:
    """What was read from run folders: the values, the metric and rule that were used, and warnings."""

    scores: Scores
    metric: str
    rule: str
    lower_is_better: bool
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Run:
    folder: RunFolder
    rows: list[dict[str, Any]]
    final: dict[str, float]  # "eval/NAME" -> value of the final model's evaluation

    @property
    def names(self) -> set[str]:
        return {name for row in self.rows for name in row if name != "step"} | set(self.final)

    @property
    def steps(self) -> list[int]:
        return [row["step"] for row in self.rows]

    def first_of_generation(self, index: int) -> int:
        """Returns the index of the row whose step made the rollouts that the step of the row `index` trains on."""
        train = (self.folder.manifest.get("config") or {}).get("train")
        uses = train.get("iterations") if isinstance(train, dict) else 1
        return index - index % uses if isinstance(uses, int) and uses > 0 else index


def read_runs(paths: Sequence[Path], metric: str | None) -> FromRuns:
    """Reads one number per run.

    Args:
        paths: the run folders.
        metric: a metric as in metric.py; None takes eval/accuracy if every run has it, else hicra/accuracy.

    Raises:
        DataError, ArtifactError, ConfigError: a folder is damaged, differs in its data, is too short or is given twice, or there
            is no such metric.
    """
    runs = [_read(path) for path in paths]
    if metric is None:
        metric = next((name for name in DEFAULTS if all(name in run.final for run in runs)), DEFAULTS[-1])
    rule = parse_metric(metric)
    evaluated = rule.kind == "final" and all(rule.name in run.final for run in runs)
    folders = [run.folder for run in runs]
    refuse_unlike(folders, evaluated)
    arms = name_arms(folders)
    for run in runs:
        there = rule.name in (run.final if evaluated else {name for row in run.rows for name in row})
        if not there or rule.name == "step":
            common = set.intersection(*(each.names for each in runs))
            raise DataError(
                f"{run.folder.path} has no metric {rule.name!r}"
                + (f" at every step (rule {rule.kind})" if rule.name in run.final else ""),
                did_you_mean(rule.name, common or run.names),
            )
    warnings = remarks(folders, arms)
    if evaluated:
        numbers = [(run.final[rule.name], False) for run in runs]
        text = "the final model on held-out problems (evaluation.json), fixed in advance"
        warnings += _unscorable(runs, arms)
    else:
        _same_steps(runs, rule)
        curves = [_curve(run, rule.name) for run in runs]
        if rule.kind == "final":
            curves, said = _to_the_last_value(runs, curves, rule)
            warnings += said
        numbers = [
            rule.of(curve, str(run.folder.path), run.steps[: len(curve)])
            for run, curve in zip(runs, curves, strict=True)
        ]
        last = runs[0].steps[: len(curves[0])][-1:]
        at = f" ({last[0]})" if last and rule.kind in ("final", "last") else ""
        text = f"{rule.text}{at}, fixed in advance"
        warnings += _unfinished(runs) + _reused(runs, rule.name)
    censored = [run.folder.path.name for run, (_, late) in zip(runs, numbers, strict=True) if late]
    if censored:
        warnings.append(
            f"{len(censored)} of {len(runs)} runs never got to {rule.threshold:g} and count with their last step, so the "
            f"difference may be larger than shown: {', '.join(censored)}"
        )
    _refuse_twice(folders, arms)
    scores = Scores.from_rows(
        arms, [folder.seed for folder in folders], None, [value for value, _ in numbers],
        lambda index: str(folders[index].path),
    )  # fmt: skip
    return FromRuns(scores, metric, text, rule.kind == "steps_to", tuple(warnings))


def _refuse_twice(folders: Sequence[RunFolder], arms: Sequence[str]) -> None:
    first: dict[tuple[str, Any], RunFolder] = {}
    for folder, arm in zip(folders, arms, strict=True):
        other = first.setdefault((arm, folder.seed), folder)
        if other is not folder:
            raise DataError(
                f"{folder.path}: arm {arm!r}, seed {folder.seed!r} was given before, {other.path}",
                "leave one of them out; runs of one arm differ in their seed",
            )


def _read(path: Path) -> _Run:
    folder = RunFolder.open(path)
    for key in ("method", "seed"):
        if key not in folder.manifest:
            raise ArtifactError(
                f"{path / 'hicra.json'} has no {key!r}, so hicra did not write it",
                f"leave out {path}, or train it again",
            )
    if type(folder.manifest["seed"]) is not int:
        raise ArtifactError(
            f"{path / 'hicra.json'}: seed is {folder.manifest['seed']!r}, no integer", "set it to the seed of the run"
        )
    for key in ("config", "inputs", "versions"):
        if not isinstance(folder.manifest.get(key) or {}, dict):
            raise ArtifactError(
                f"{path / 'hicra.json'}: {key} is no object, so hicra did not write it",
                f"leave out {path}, or train it again",
            )
    rows = folder.metrics()
    # the steps of a diagnosed run are those of its data
    trained = bool((folder.manifest.get("config") or {}).get("train"))
    before = 0
    for row in rows:
        step = row.get("step") if isinstance(row, dict) else row
        if type(step) is not int or (step != before + 1 if trained else 0 < before >= step):
            belongs = f"step {before + 1} belongs" if trained else f"a step after {before} belongs"
            raise ArtifactError(
                f"{path / 'metrics.jsonl'} has step {step!r} where {belongs}",
                "`hicra train --resume` repairs an interrupted run" if trained else "diagnose the rollouts again",
            )
        before = step
    return _Run(folder, rows, _final(path / "evaluation.json"))


def _final(path: Path) -> dict[str, float]:
    """Reads the numbers of the final evaluation, by `eval/NAME`; there are none if the run was not evaluated."""
    if not path.exists():
        return {}
    fix = "train the run again, or remove the file"
    whole = read_json(path, fix)
    found = (whole.get("final") or {}) if isinstance(whole, dict) else None
    if not isinstance(found, dict):
        raise ArtifactError(f"{path} is not readable: it is no object of evaluations", fix)
    return {f"{_HELD_OUT}{name}": float(value) for name, value in found.items() if isinstance(value, int | float)}


def _curve(run: _Run, name: str) -> list[float | None]:
    """Returns the value of each step; what is counted once a generation counts for every step that trains on it."""
    curve: list[float | None] = []
    for row in run.rows:
        value = row.get(name)
        if value is not None and (
            isinstance(value, bool | str) or not isinstance(value, int | float) or not math.isfinite(value)
        ):
            raise DataError(
                f"{run.folder.path / 'metrics.jsonl'} step {row['step']}: {name} is {value!r}, no finite number",
                "write null for a step without a value",
            )
        first = run.first_of_generation(len(curve))
        curve.append(curve[first] if value is None and first < len(curve) else None if value is None else float(value))
    return curve


def _same_steps(runs: Sequence[_Run], rule: CheckpointRule) -> None:
    """Refuses curves of different steps, unless they are compared at one step that all have."""
    if rule.kind == "at":
        return
    first = runs[0]
    for other in runs[1:]:
        short, long = sorted((first, other), key=lambda run: len(run.rows))
        if len(short.rows) < len(long.rows):
            raise DataError(
                f"{short.folder.path} has {counted(len(short.rows), 'step')}, {long.folder.path} has {len(long.rows)}",
                f"finish it with `hicra train --resume`, or compare with --metric at{short.steps[-1]}:{rule.name}"
                if short.rows
                else "finish it with `hicra train --resume`, or leave it out",
            )
        if first.steps != other.steps:
            step, its = next(pair for pair in zip(first.steps, other.steps, strict=True) if pair[0] != pair[1])
            raise DataError(
                f"{first.folder.path} has step {step} where {other.folder.path} has step {its}",
                f"compare at a step that both have, with --metric atN:{rule.name}",
            )


def _to_the_last_value(
    runs: Sequence[_Run], curves: Sequence[list[float | None]], rule: CheckpointRule
) -> tuple[list[list[float | None]], list[str]]:
    """Cuts off the steps at the end that have no value, such as those that reuse a generation; says where the curves end now."""
    cut = [curve[: max((at for at, value in enumerate(curve, 1) if value is not None), default=0)] for curve in curves]
    if not all(cut) or len(cut[0]) == len(curves[0]) == max(map(len, cut)) == min(map(len, cut)):
        return list(curves), []  # a run without any value is refused where its value is taken
    ends = [run.steps[len(curve) - 1] for run, curve in zip(runs, cut, strict=True)]
    if len(set(ends)) > 1:
        early, late = ends.index(min(ends)), ends.index(max(ends))
        raise DataError(
            f"the last value of {rule.name} is at step {min(ends)} in {runs[early].folder.path}, and at step {max(ends)} in "
            f"{runs[late].folder.path}",
            f"compare with --metric at{min(ends)}:{rule.name}",
        )
    return cut, [f"the last step ({runs[0].steps[-1]}) has no value of {rule.name}: compared at step {ends[0]}"]


def _unfinished(runs: Sequence[_Run]) -> list[str]:
    found = []
    for run in runs:
        train = (run.folder.manifest.get("config") or {}).get("train")
        steps = train.get("steps") if isinstance(train, dict) else None
        if isinstance(steps, int) and len(run.rows) < steps:
            found.append(f"{run.folder.path.name} has {len(run.rows)} of its {steps} steps")
    return found


def _reused(runs: Sequence[_Run], name: str) -> list[str]:
    """Says where steps have no value of their own, since they train once more on the rollouts of a step before."""
    found = [
        run.folder.path.name for run in runs
        if any(row.get(name) is None and run.first_of_generation(at) < at for at, row in enumerate(run.rows))
    ]  # fmt: skip
    if not found:
        return []
    return [
        f"a step that trains on the rollouts of an earlier one counts with that one's {name} (train.iterations is above 1): "
        + ", ".join(found)
    ]


def _unscorable(runs: Sequence[_Run], arms: Sequence[str]) -> list[str]:
    """Warns of unscorable answers (their reward is null): an arm that has more of them looks worse than it is."""
    found = []
    for arm in sorted(set(arms)):
        mine = [run.final for run, name in zip(runs, arms, strict=True) if name == arm]
        lost, asked = (sum(final.get(f"{_HELD_OUT}{key}", 0.0) for final in mine) for key in ("unscorable", "problems"))
        if lost:
            found.append(
                f"arm {arm!r}: {lost:.0f} of {asked:.0f} held-out answers could not be scored and count as wrong"
            )
    return found
