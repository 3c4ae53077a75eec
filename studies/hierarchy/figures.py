"""The figures of the study: what each shows, from the stored results, and its drawing.

Every figure is an SVG with its numbers as JSON beside it. A figure whose results are missing is None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from analysis import SMOOTH, onset, running_mean
from charts import Line, Row, panels, points, rows, stack
from contrasts import MARGIN, contrast, primary_contrasts
from hypotheses import by_warm_start, step_qualities, training_gains
from results import STARTS, Cell, Results, Run, arms_of, runs_of

from hicra import stats
from hicra.arrays import Floats
from hicra.drawing.readable import decimal
from hicra.stats.paired import t_interval

Data = dict[str, Any]
NAMES = {
    "none": "GRPO", "hicra": "HICRA", "hicra_difficulty": "difficulty part", "hicra_bonus": "bonus part", "placebo": "placebo",
    "entropy_advantage": "entropy advantage", "hicra_adaptive": "adaptive", "planning_only": "planning only",
    "planning_x3": "planning x 3", "difficulty_all": "difficulty on all tokens", "hicra_recentred": "re-centred",
}  # fmt: skip


def named(arm: str) -> str:
    """The name of an arm on figures and in tables."""
    return NAMES.get(arm, arm)


def learning_data(results: Results) -> Data | None:
    """Mean held-out accuracy by arm and start at each evaluated step, with Student's interval over runs."""
    found: Data = {}
    for start in STARTS:
        for arm in arms_of(results, start):
            runs = [*runs_of(results, Cell(arm, start)).values()]
            steps = runs[0]["evals"]["step"]
            kept = np.array([run["evals"]["accuracy"] for run in runs if run["evals"]["step"] == steps])
            spans = [t_interval(column) if len(column) > 1 else (float(column[0]),) * 2 for column in kept.T]
            found.setdefault(start, {})[arm] = {
                "runs": len(kept), "step": steps, "mean": kept.mean(axis=0).tolist(),
                "low": [max(0.0, low) for low, _ in spans], "high": [min(1.0, high) for _, high in spans],
            }  # fmt: skip
    return found or None


def learning(data: Data) -> str:
    """A panel an arm, GRPO in grey in each."""
    grid = []
    for start, arms in data.items():
        row = []
        for place, (arm, found) in enumerate((arm, found) for arm, found in arms.items() if arm != "none"):
            lines = [_line(found, named(arm), f"a{place % 6}")]
            if "none" in arms:
                lines.insert(0, _line(arms["none"], "GRPO", "plain"))
            row.append((f"{named(arm)}, {start}", lines))
        grid.append(row or [(f"GRPO, {start}", [_line(arms["none"], "GRPO", "plain")])])
    return panels("Held-out accuracy by arm", grid, ("step; grey: GRPO; bands: 95 %", "accuracy"), 1.0)


def _line(found: Data, name: str, look: str) -> Line:
    return Line(name, found["step"], found["mean"], found["low"], found["high"], look)


def contrasts_data(results: Results) -> Data | None:
    """The primary contrasts of area."""
    found = primary_contrasts(results)
    table = [
        {
            "name": f"{named(treatment)} - {named(baseline)}, {start}",
            **_span(one.estimate, one.low, one.high),
            "n": one.n,
        }
        for (treatment, baseline, start), one in found.items()
    ]
    return {"rows": table} if table else None


def _span(value: float | None, low: float | None, high: float | None) -> Data:
    return {"value": value, "low": low, "high": high}


def contrasts_drawn(data: Data) -> str:
    """The forest."""
    table = [
        Row(one["name"], one["value"], one["low"], one["high"], one["low"] > 0 or one["high"] < 0)
        for one in data["rows"]
    ]
    axis = f"difference of mean accuracy (95 %); dotted: the margin {MARGIN}"
    return rows("Primary contrasts", table, axis, margin=MARGIN)


def quality_data(results: Results) -> Data | None:
    """Step quality at the start against the gain in training, an arm a point."""
    found: Data = {}
    for start in STARTS:
        quality, gains = step_qualities(results, start), training_gains(results, start)
        for arm in sorted(set(quality) & set(gains)):
            x, y = _mean(quality[arm]), _mean(gains[arm])
            point = {
                "name": named(arm),
                "x": x[0],
                "x_low": x[1],
                "x_high": x[2],
                "y": y[0],
                "y_low": y[1],
                "y_high": y[2],
            }
            found.setdefault(start, []).append(point)
    return {"starts": found} if found else None


def _mean(values: Floats) -> tuple[float, float, float]:
    """The mean and Student's interval; the mean alone for a single value."""
    middle = float(values.mean())
    return (middle, *t_interval(values)) if len(values) > 1 else (middle, middle, middle)


def quality_drawn(data: Data) -> str:
    """The scatter."""
    groups = {f"{start} start": found for start, found in data["starts"].items()}
    axes = ("step quality minus GRPO's (cosine)", "gain in area over GRPO")
    return points("A better step and a better run", groups, axes)


def share_data(results: Results) -> Data | None:
    """Planning share of the signal against accuracy, along GRPO runs from the weak starts."""
    table = []
    weak = by_warm_start(results, "weak")
    for warm, checkpoints in weak.items():
        for one in sorted(checkpoints, key=lambda each: each["step"]):
            kind = one["kinds"]["planning"]
            if kind["share"] is not None:
                ends = kind["ci"] or (0.0, 1.0)  # without one batch the signal may not be above 0: nothing is known
                low, high = (min(1.0, max(0.0, edge)) for edge in ends)
                table.append({
                    "name": str(one["step"]) if warm == min(weak) else "", "warm": warm, "colour": warm, "x": one["accuracy"],
                    "x_low": one["accuracy"], "x_high": one["accuracy"], "y": kind["share"], "y_low": low, "y_high": high,
                })  # fmt: skip
    return {"points": table} if table else None


def share_drawn(data: Data) -> str:
    """The points, labelled by step."""
    axes = ("held-out accuracy; a line a warm start, with steps", "planning share of the signal (95 %)")
    return points(
        "Where the signal lies as accuracy grows", {"from the weak start": data["points"]}, axes, half=True, joined=True
    )


def masks_data(results: Results) -> Data | None:
    """Area minus GRPO's of the runs with other masks and other strengths, and of the same arms with the exact mask."""
    cells: dict[tuple[str, ...], Cell] = {}
    for run in results.runs:
        if run["part"] in ("masks", "alphas", "bonuses") and run["start"] == "strong":
            settings = ", ".join(f"{key} {value}" for key, value in sorted(run["settings"].items()))
            what = run["lexicon"] if run["part"] == "masks" else settings
            cell = Cell(run["arm"], part=run["part"], lexicon=run["lexicon"], settings=run["settings"])
            cells[run["part"], run["arm"], what] = cell
    if not cells:
        return None
    for arm in sorted({arm for _, arm, _ in cells if arm != "none"}):
        cells["primary", arm, "exact"] = Cell(arm)
    table = []
    for (_, arm, what), cell in sorted(cells.items(), key=lambda item: (item[0][1], item[0][0] != "primary", item[0])):
        one = contrast(results, cell, Cell("none"))
        if one is not None and one.told:
            table.append({"name": f"{named(arm)}, {what}", **_span(one.estimate, one.low, one.high), "n": one.n})
    return {"rows": table} if table else None


def masks_drawn(data: Data) -> str:
    """The rows; the exact mask is marked."""
    table = [Row(one["name"], one["value"], one["low"], one["high"], "exact" in one["name"]) for one in data["rows"]]
    return rows("Masks and strengths", table, "area minus GRPO's, strong start (95 %)", margin=MARGIN)


def one_run_data(results: Results) -> Data | None:
    """One GRPO run from the weak start: the one with the most checkpoints of the meter, then the smallest numbers."""
    runs = runs_of(results, Cell("none", "weak"))
    if not runs:
        return None
    meter = by_warm_start(results, "weak")
    key = min(runs, key=lambda each: (-len(meter.get(each[0], ())), each))
    run = runs[key]
    curves = {name: values for name, values in run["curves"].items() if any(value is not None for value in values)}
    shares = [
        {"step": one["step"], "share": one["kinds"]["planning"]["share"], "accuracy": one["accuracy"]}
        for one in sorted(meter.get(key[0], ()), key=lambda each: each["step"])
    ]
    return {
        "warm": key[0], "seed": key[1], "steps": run["steps"], "curves": curves, "evals": run["evals"], "meter": shares,
        "marks": _marks(run, curves),
    }  # fmt: skip


def _marks(run: Run, curves: Mapping[str, Sequence[float | None]]) -> list[list[Any]]:
    """Onsets and bends of a run: (step, name), in the order of steps."""
    marks: list[list[Any]] = []
    for name, words in (("retry_share", "retries after failure"), ("semantic_entropy_rarefied", "semantic entropy")):
        if name in curves and None not in curves[name]:
            values = np.array(curves[name], np.float64)
            first = values[: max(2, len(values) // 10)]
            threshold = float(first.mean() + 3 * first.std(ddof=1))
            at = onset(np.arange(1.0, len(values) + 1), running_mean(values), threshold)
            if at is not None:
                marks.append([at, f"{words}: first above the first tenth (mean of {SMOOTH} steps, 3 deviations)"])
    for name, words in (("ppl_execution", "execution perplexity"), ("length", "length")):
        steps = curves.get(name, ())
        if len(steps) >= 2 * stats.changes.LEAST_PIECE and None not in steps:
            bends = stats.change_points(np.arange(1, len(steps) + 1), np.array(steps, np.float64)).bends
            marks += [
                [bend.at, f"{words} bends (95 %: {decimal(bend.low, 0)} to {decimal(bend.high, 0)})"] for bend in bends
            ]
    return sorted(marks)


def one_run_drawn(data: Data) -> str:
    """Strips under each other on the axis of steps."""
    curves = data["curves"]
    x = list(range(1, data["steps"] + 1))
    strips = []
    for name, words, key in (
        ("Reflection: share of responses with a retry", ("retries",), ("retry_share",)),
        ("Length, tokens", ("length",), ("length",)),
        ("Planning share of tokens", ("planning share",), ("planning_share",)),
        ("Token entropy, nats", ("planning", "execution"), ("entropy_planning", "entropy_execution")),
        ("Semantic entropy, rarefied, nats", ("semantic entropy",), ("semantic_entropy_rarefied",)),
    ):
        lines = [
            Line(word, x, curves[one], look=f"a{i}")
            for i, (word, one) in enumerate(zip(words, key, strict=True))
            if one in curves
        ]
        if lines:
            strips.append((name, lines))
    accuracy = Line("accuracy", data["evals"]["step"], data["evals"]["accuracy"], look="a0")
    if data["meter"]:
        steps, shares = zip(*((one["step"], one["share"]) for one in data["meter"]), strict=True)
        strips.append(
            ("Accuracy, and the planning share of the signal", [accuracy, Line("signal", steps, shares, look="a1")])
        )
    else:
        strips.append(("Accuracy", [accuracy]))
    marks = [(at, name) for at, name in data["marks"]]
    return stack("One GRPO run from the weak start", strips, marks, "step")


@dataclass(frozen=True)
class Figure:
    """A figure: the name of its files, its caption, and the functions that find and draw its data."""

    name: str
    caption: str
    data: Callable[[Results], Data | None]
    draw: Callable[[Data], str]


FIGURES = (
    Figure("learning-curves", "Held-out accuracy by arm, mean and 95 % interval over runs; GRPO in grey.", learning_data,
           learning),
    Figure(
        "contrasts",
        "The primary contrasts with their intervals; bold where an interval lies off 0. Holm's p is in the table above.",
        contrasts_data,
        contrasts_drawn,
    ),
    Figure("step-and-gain", "Step quality at the start of training against the gain in training.", quality_data, quality_drawn),
    Figure(
        "signal-share",
        "The planning share of the signal as accuracy grows; an interval over the whole height means that it cannot be told.",
        share_data,
        share_drawn,
    ),
    Figure("masks", "Partial masks, mined masks and other strengths, against GRPO.", masks_data, masks_drawn),
    Figure("one-run", "Reflection, length and entropies of one run on one axis, with bends and the meter.", one_run_data,
           one_run_drawn),
)  # fmt: skip
