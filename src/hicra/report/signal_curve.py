"""Makes the curve of where the signal is while a model is trained, from what `signal_every` logged.

Deviations (the paper has no such curve):
REPORT-6. The bold line of a run is the share of sums over its last 10 measured steps, and not a mean of shares: the signal of one
    step is unbiased but may be below 0, and a ratio of two such numbers is not. A share outside 0 to 100 % is drawn at the edge.
"""

from __future__ import annotations

from collections.abc import Sequence

from hicra.report.figures import MAX_FAINT, Curve, Figure, Panel, Values, average
from hicra.report.model import ReportModel, Run

WINDOW = 10
PLANNING, EXECUTION = "signal_planning", "signal_execution"
_MOST = 400  # points of the curve


def signal_curve(model: ReportModel) -> list[Figure]:
    """Returns the figure of the planning share of the signal over steps; none where no run has measured one above 0."""
    by_run = [measured_steps(run) for run in model.runs]
    steps = sorted({step for points in by_run for step, _, _ in points})
    if not steps:
        return []
    steps = steps[:: -(-len(steps) // _MOST)]
    lines = []
    for arm, title in enumerate(model.arms):
        mine = [points for points, run in zip(by_run, model.runs, strict=True) if run.arm == arm and points]
        if not mine:
            continue
        running = [_at(steps, running_share(points)) for points in mine]
        raw = [_raw(steps, points) for points in mine] if len(model.runs) <= MAX_FAINT else []
        mean = tuple(average(column) for column in zip(*running, strict=True))
        several = len(model.arms) > 1
        lines.append(Curve(arm, 0, title if several else "", "" if several else "planning", mean, mean, tuple(raw)))
    if all(share is None for line in lines for curve in (line.mean, *line.faint) for share in curve):
        return []  # measured, and no step saw a signal
    drawn = Panel("", "", tuple(map(float, steps)), tuple(lines), (0.0, 1.0), 0.5, percent=True, points=True)
    return [
        Figure(
            "signal",
            "Signal on planning tokens",
            (drawn,),
            "The share of the learning signal on planning tokens; the rest is on execution tokens. The dashed line is one half.",
            "In the paper, learning moves from execution to planning. Faint points are single steps, which are mostly noise.",
            (
                f"The line is the share of sums over the last {WINDOW} measured steps of a run, and the mean over runs. A share "
                "below 0 or above 100 % is noise and is drawn at the edge.",
            ),
        )
    ]


def measured_steps(run: Run) -> list[tuple[int, float, float]]:
    """Returns (step, signal on planning, signal on execution) of the steps that were measured."""
    return [
        (step, planning, execution)
        for step, row in zip(run.steps, run.metrics, strict=True)
        if (planning := row.get(PLANNING)) is not None and (execution := row.get(EXECUTION)) is not None
    ]


def running_share(points: Sequence[tuple[int, float, float]]) -> dict[int, float | None]:
    """Returns the planning share after each measured step (REPORT-6); None where the sum of both signals is not above 0.

    >>> running_share([(5, 1.0, 3.0), (10, -0.5, 0.5), (15, -2.0, -3.0)])
    {5: 0.25, 10: 0.125, 15: None}
    """
    out: dict[int, float | None] = {}
    for at, (step, _, _) in enumerate(points):
        window = points[max(0, at + 1 - WINDOW) : at + 1]
        out[step] = _share(sum(one for _, one, _ in window), sum(one for _, _, one in window))
    return out


def _share(planning: float, execution: float) -> float | None:
    both = planning + execution
    return max(0.0, min(1.0, planning / both)) if both > 0 else None


def _at(steps: Sequence[int], known: dict[int, float | None]) -> Values:
    """Returns the value at each step, or the last one before it, since it holds until the next step is measured."""
    out, value, last = list[float | None](), None, max(known)
    for step in steps:
        value = known.get(step, value)
        out.append(value if step <= last else None)
    return tuple(out)


def _raw(steps: Sequence[int], points: Sequence[tuple[int, float, float]]) -> Values:
    found = {step: _share(planning, execution) for step, planning, execution in points}
    return tuple(found.get(step) for step in steps)
