"""Makes the curve of where the signal is while a model is trained, from what `signal_every` logged.

Deviations (the paper has no such curve):
REPORT-6. The bold line of a run is the share of sums over its last 10 measured steps, and not a mean of shares: the signal of one
    step is unbiased but may be below 0, and a ratio of two such numbers is not. It begins where 10 measured steps stand behind
    it; a run of fewer has its points alone. A share outside 0 to 100 % is drawn at the edge, as an arrowhead.
"""

from __future__ import annotations

from collections.abc import Sequence

from hicra.drawing.readable import counted
from hicra.metrics.signal_window import WINDOW, share
from hicra.report.figures import MAX_FAINT, Curve, Figure, Panel
from hicra.report.model import ReportModel, Run
from hicra.report.values import Values, average

PLANNING, EXECUTION = "signal_planning", "signal_execution"
_MOST = 400  # points of the curve


def signal_curve(model: ReportModel) -> list[Figure]:
    """Returns the figure of the planning share of the signal over steps; none where no run has measured it."""
    by_run = [measured_steps(run) for run in model.runs]
    every = sorted({step for points in by_run for step, _, _ in points})
    if not every:
        return []
    steps = every[:: -(-len(every) // _MOST)]
    lines = []
    for arm, title in enumerate(model.labels):
        mine = [points for points, run in zip(by_run, model.runs, strict=True) if run.arm == arm and points]
        if not mine:
            continue
        running = [_at(steps, running_share(points)) for points in mine if len(points) >= WINDOW]
        bold = tuple(average(column) for column in zip(*running, strict=True)) if running else (None,) * len(steps)
        raw = [_raw(steps, points) for points in mine] if len(model.runs) <= MAX_FAINT or not running else []
        mean = bold if running else tuple(average(column) for column in zip(*raw, strict=True))
        several = len(model.arms) > 1
        lines.append(Curve(arm, 0, title if several else "", "" if several else "planning", mean, bold, tuple(raw)))
    limits = (0.0, 1.0)
    drawn = Panel("", "", tuple(map(float, steps)), tuple(lines), limits, 0.5, percent=True, points=True, limits=limits)
    return [
        Figure(
            "signal",
            "Signal on planning tokens",
            (drawn,),
            "The share of the learning signal on planning tokens; the rest is on execution tokens. The dashed line is one half.",
            "In the paper, learning moves from execution to planning. Faint points are single steps, which are mostly noise.",
            (
                f"The line is the share of sums over the last {WINDOW} measured steps of a run, from its measured step {WINDOW} "
                "on, and the mean over runs. A share below 0 or above 100 % is noise: an arrowhead at the edge stands for it.",
                _behind([points for points in by_run if points]),
            ),
        )
    ]


def _behind(by_run: Sequence[Sequence[tuple[int, float, float]]]) -> str:
    """Says how many measured steps there are, how many more a line takes, and how many of them show nothing."""
    counts = sorted(len(points) for points in by_run)
    of = f"{counts[0]} to {counts[-1]}" if counts[0] != counts[-1] else f"{counts[0]}"
    said = f"Measured steps of a run: {of}" + (f" ({counted(len(counts), 'run')})." if len(counts) > 1 else ".")
    short = sum(count < WINDOW for count in counts)
    if short:
        more = WINDOW - counts[0]
        whose = "" if len(counts) == 1 else f" {short} of the runs {'have' if short > 1 else 'has'} no line:"
        said += f"{whose} {'A' if not whose else 'a'} line takes {'up to ' if short > 1 else ''}{more} more."
    empty = sum(planning + execution <= 0 for points in by_run for _, planning, execution in points)
    if empty:
        said += f" In {counted(empty, 'measured step')} both kinds together show no signal, so there is no point."
    return said


def measured_steps(run: Run) -> list[tuple[int, float, float]]:
    """Returns (step, signal on planning, signal on execution) of the steps that were measured."""
    return [
        (step, planning, execution)
        for step, row in zip(run.steps, run.metrics, strict=True)
        if (planning := row.get(PLANNING)) is not None and (execution := row.get(EXECUTION)) is not None
    ]


def running_share(points: Sequence[tuple[int, float, float]]) -> dict[int, float | None]:
    """Returns the planning share after each measured step (REPORT-6).

    It is None before the measured step 10, and where the sum of both signals is not above 0.
    """
    out: dict[int, float | None] = {}
    for at, (step, _, _) in enumerate(points):
        if at + 1 < WINDOW:
            out[step] = None
            continue
        window = points[max(0, at + 1 - WINDOW) : at + 1]
        out[step] = share(sum(one for _, one, _ in window), sum(one for _, _, one in window))
    return out


def _at(steps: Sequence[int], known: dict[int, float | None]) -> Values:
    """Returns the value at each step, or the last one before it, since it holds until the next step is measured."""
    out, value, last = list[float | None](), None, max(known)
    for step in steps:
        value = known.get(step, value)
        out.append(value if step <= last else None)
    return tuple(out)


def _raw(steps: Sequence[int], points: Sequence[tuple[int, float, float]]) -> Values:
    found = {step: share(planning, execution) for step, planning, execution in points}
    return tuple(found.get(step) for step in steps)
