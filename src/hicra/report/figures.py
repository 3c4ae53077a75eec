"""Turns metrics into the data of figures: which curves share axes, how ratios are formed, how curves are thinned and smoothed.

Deviations (the paper draws raw curves faint and smoothed ones bold, section 3 and figure 3, and says no more):
REPORT-2. The bold line is the mean over the seeds that have a value at that step; every seed is a faint line.
REPORT-4. Curves of many steps are thinned: a point is then the mean of several steps, and the figure says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hicra.metrics import describe
from hicra.report.model import ReportModel
from hicra.report.values import Values, average, band_of_intervals, band_of_seeds, relative, smooth

MAX_POINTS, MAX_FAINT, MAX_OTHERS = 160, 40, 40


@dataclass(frozen=True)
class Curve:
    """One curve: `mean` over runs, its smoothed form `bold`, and one curve per run in `faint`, all as long as the panel's `x`.

    `kind` numbers the metrics of one panel (planning 0, execution 1 ...) and chooses the dash pattern. `arm_label` is empty if
    there is one arm, `kind_label` if there is one metric; `first` is the value that a ratio is divided by.
    """

    arm: int
    kind: int
    arm_label: str
    kind_label: str
    mean: Values
    bold: Values
    faint: tuple[Values, ...] = ()
    first: float | None = None
    low: Values = ()
    high: Values = ()

    @property
    def label(self) -> str:
        """The arm and the metric, as the legend names the curve."""
        return " · ".join(part for part in (self.arm_label, self.kind_label) if part)


@dataclass(frozen=True)
class Mark:
    """A step that is marked in a panel, with its interval: where a phase of an arm ends or begins."""

    arm: int
    at: float
    low: float
    high: float
    label: str


@dataclass(frozen=True)
class Panel:
    """One pair of axes; `include` has values that the axis must show, and `rule` is a value that a line marks.

    With `points`, the curves of runs are drawn as single points. With `limits`, what lies beyond them is drawn at the edge, each
    such point as an arrowhead.
    """

    name: str
    unit: str
    x: tuple[float, ...]
    lines: tuple[Curve, ...]
    include: tuple[float, ...] = ()
    rule: float | None = None
    percent: bool = False
    points: bool = False
    limits: tuple[float, float] | None = None
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class Figure:
    """One figure: the same curves on one or more scales (`panels`), with what they mean and how to read them."""

    key: str
    title: str
    panels: tuple[Panel, ...]
    shows: str
    read: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Missing:
    """A figure that is left out, with the metrics that no run has."""

    title: str
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Kind:
    """A metric of a figure, with its name in the legend."""

    metric: str
    label: str


# ---- the table of metrics
def meaning(metric: str) -> str:
    """Returns the sentence of the table of metrics, or the name of a metric that the table does not know."""
    row = describe(f"hicra/{metric}")
    return row.meaning if row else f"hicra/{metric}."


def direction(metric: str) -> str:
    """Says which direction is better; empty if neither is, or if the table does not know the metric."""
    row = describe(f"hicra/{metric}")
    return {"up": "Higher is better.", "down": "Lower is better."}.get(row.direction, "") if row else ""


def meaning_in(metric: str, counted: str) -> str:
    """Returns the sentence of the table of metrics; where words were counted, and not tokens, it says so."""
    told = meaning(metric)
    if counted == "tokens":
        return told
    return told.replace("policy tokens", counted).replace("tokens", counted).replace(", including the end token", "")


# ---- values of runs at the points of a curve
def grid(model: ReportModel) -> list[list[int]]:
    """Groups the steps of all runs, in order; each group becomes one point (REPORT-4)."""
    steps = sorted({step for run in model.runs for step in run.steps})
    most = max(40, min(MAX_POINTS, 1600 // max(1, len(model.runs))))
    size = -(-len(steps) // most) if steps else 1
    return [steps[i : i + size] for i in range(0, len(steps), size)]


def values_of(model: ReportModel, run: int, metric: str, groups: Sequence[Sequence[int]], ratio: bool) -> Values:
    """Returns one run's metric, or its ratio to the first value, for each group of steps."""
    chosen = model.runs[run]
    raw = tuple(row.get(metric) for row in chosen.metrics)
    by_step = dict(zip(chosen.steps, relative(raw) if ratio else raw, strict=True))
    return tuple(average([by_step.get(step) for step in group]) for group in groups)


def _intervals_of(
    model: ReportModel, run: int, metric: str, groups: Sequence[Sequence[int]]
) -> list[tuple[float, float] | None]:
    """Returns the interval of a diagnosed run's metric for each group of steps: the mean of its ends; None without any."""
    of_steps, out = model.runs[run].intervals, list[tuple[float, float] | None]()
    for group in groups:
        low, high = (
            average([of_steps.get(step, {}).get(metric, (None, None))[end] for step in group]) for end in (0, 1)
        )
        out.append(None if low is None or high is None else (low, high))
    return out


# ---- panels
def panel(
    model: ReportModel,
    kinds: Sequence[Kind],
    name: str = "",
    unit: str = "",
    *,
    ratio: bool = False,
    include: tuple[float, ...] = (),
    percent: bool = False,
) -> Panel | None:
    """Makes the curves of these metrics for every arm, in one pair of axes; None if no run has any of them.

    There is no ratio to the first step where there is no other.
    """
    groups = grid(model)
    if ratio and len(groups) < 2:
        return None
    lines = []
    for arm, title in enumerate(model.labels):
        members = [number for number, run in enumerate(model.runs) if run.arm == arm]
        for number, kind in enumerate(kinds):
            curves = [values_of(model, run, kind.metric, groups, ratio) for run in members]
            curves = [values for values in curves if any(value is not None for value in values)]
            if not curves:
                continue
            mean = tuple(average(column) for column in zip(*curves, strict=True))
            bold = smooth(mean)
            faint = tuple(curves) if len(model.runs) <= MAX_FAINT and (len(curves) > 1 or bold != mean) else ()
            start = None
            if ratio:
                raw = [[row.get(kind.metric) for row in model.runs[run].metrics] for run in members]
                start = average([next((value for value in values if value is not None), None) for values in raw])
            arm_label = title if len(model.arms) > 1 else ""
            kind_label = kind.label if len(kinds) > 1 or not arm_label else ""
            low, high = band_of_seeds(curves)
            if len(members) == 1 and not ratio:
                low, high = band_of_intervals(_intervals_of(model, members[0], kind.metric, groups))
            lines.append(Curve(arm, number, arm_label, kind_label, mean, bold, faint, start, low, high))
    x = tuple(sum(group) / len(group) for group in groups)
    return Panel(name, unit, x, tuple(lines), include, 1.0 if ratio else None, percent) if lines else None


def _figure(
    key: str, title: str, panels: Sequence[Panel | None], kinds: Sequence[Kind], read: str, counted: str = "tokens"
) -> Figure | Missing:
    there = tuple(entry for entry in panels if entry)
    if not there:
        return Missing(title, tuple(kind.metric for kind in kinds))
    drawn = {line.kind for entry in there for line in entry.lines}
    meanings = [meaning_in(kind.metric, counted) for number, kind in enumerate(kinds) if number in drawn]
    shows = " ".join(dict.fromkeys(meanings))
    absent = [f"hicra/{kind.metric}" for number, kind in enumerate(kinds) if number not in drawn]
    notes: tuple[str, ...] = ()
    if any(entry.rule == 1.0 for entry in there):
        notes += ("The number in brackets is the first value, by which the ratio divides.",)
    notes += (f"There are no values of {', '.join(absent)}.",) if absent else ()
    return Figure(key, title, there, shows, read, notes)


def accuracy(model: ReportModel) -> Figure | Missing:
    """Shows accuracy, and reward if it differs."""
    kinds = [Kind("accuracy", "accuracy"), Kind("reward", "reward")]
    same = all(row.get("reward") in (None, row.get("accuracy")) for run in model.runs for row in run.metrics)
    kinds = kinds[:1] if same else kinds
    read = direction("accuracy")
    if not model.one_step:
        read += " A difference within the band, or within the spread of the faint lines, is no result."
    return _figure("accuracy", "Accuracy", [panel(model, kinds, include=(0.0,), percent=same)], kinds, read)


def entropy(model: ReportModel) -> Figure | Missing:
    """Shows the token entropy of planning and of execution tokens (paper figure 3, second column)."""
    kinds = [Kind("entropy_planning", "planning"), Kind("entropy_execution", "execution")]
    panels = [
        panel(model, kinds, "nats", "nats", include=(0.0,)),
        panel(model, kinds, "ratio", "ratio to the first step", ratio=True),
    ]
    read = "In the paper, the entropy of execution tokens falls early, while that of planning tokens stays high for longer."
    read = "" if model.one_step else read
    return _figure("entropy", "Token entropy", panels, kinds, read)


def perplexity(model: ReportModel) -> Figure | Missing:
    """Shows the perplexity of planning and of execution tokens, relative to the first step (paper figure 3, first column)."""
    kinds = [Kind("ppl_planning", "planning"), Kind("ppl_execution", "execution")]
    panels = [
        panel(model, kinds, "ratio", "ratio to the first step", ratio=True),
        panel(model, kinds, "perplexity", "perplexity"),
    ]
    read = "" if model.one_step else "Below 1, the policy is more certain of its own tokens than at the first step. "
    read += "The tokens are its own samples, so this shows nearly the same as token entropy."
    return _figure("perplexity", "Perplexity", panels, kinds, read)


def semantic(model: ReportModel) -> Figure | Missing:
    """Shows the semantic entropy of strategic grams and conditional entropy of what follows (paper figure 3, third column)."""
    kinds = [
        Kind("semantic_entropy", "semantic"),
        Kind("semantic_entropy_rarefied", "rarefied"),
        Kind("conditional_entropy", "conditional"),
    ]
    panels = [
        panel(model, kinds, "nats", "nats"),
        panel(model, kinds, "ratio", "ratio to the first step", ratio=True),
    ]
    read = (
        "Higher means more varied strategies. Semantic entropy also grows with the number of occurrences; the rarefied one, "
        "for a fixed number of them, does not."
    )
    return _figure("semantic", "Semantic entropy", panels, kinds, read)


def length(model: ReportModel) -> Figure | Missing:
    """Shows the response length."""
    kinds = [Kind("length", "length")]
    read = "Compare it with semantic entropy: longer responses contain more grams."
    unit = counted_in(model)
    return _figure("length", "Response length", [panel(model, kinds, unit=unit, include=(0.0,))], kinds, read, unit)


def counted_in(model: ReportModel) -> str:
    """Says what lengths and shares are counted in: `hicra diagnose` without a tokenizer counts words."""
    return " or ".join(sorted({str(run.config.get("counts", "tokens")) for run in model.runs})) or "tokens"


def share(model: ReportModel) -> Figure | Missing:
    """Shows the shares of planning tokens and of tokens whose advantage was changed: whether a method does anything."""
    kinds = [Kind("planning_share", "planning")]
    read = "" if model.one_step else "Beside the length it says whether the policy plans more, or only writes more."
    if model.has("changed_share"):
        kinds.append(Kind("changed_share", "changed"))
        read = "The changed share is at most the planning share for HICRA; at 0 the method changes nothing."
    counted = counted_in(model)
    return _figure("share", "Planning share", [panel(model, kinds, include=(0.0,), percent=True)], kinds, read, counted)


def advantage(model: ReportModel) -> Figure | Missing:
    """Shows the mean advantage before and after shaping."""
    kinds = [Kind("advantage_mean_before", "before"), Kind("advantage_mean_after", "after")]
    read = "The difference between the two is what shaping adds on average, whatever the outcome; it is 0 for none."
    found = panel(model, kinds, include=(0.0,))
    zero = Panel(found.name, found.unit, found.x, found.lines, found.include, 0.0) if found else None
    return _figure("advantage", "Mean advantage", [zero], kinds, read)


def pass_at_k(model: ReportModel) -> Figure | Missing:
    """Shows pass@k for every k that a run has."""
    found = {
        int(m[1])
        for run in model.runs
        for row in run.metrics
        for name in row
        if (m := re.fullmatch(r"pass_at_(\d{1,6})", name))
    }
    kinds = [Kind(f"pass_at_{k}", f"k = {k}") for k in sorted(found) if model.has(f"pass_at_{k}")] or [
        Kind("pass_at_K", "")
    ]
    read = "At 100 % it can no longer tell arms apart."
    return _figure("pass_at_k", "Pass@k", [panel(model, kinds, include=(0.0,), percent=True)], kinds, read)


FIGURES: tuple[Callable[[ReportModel], Figure | Missing], ...] = (
    accuracy,
    entropy,
    perplexity,
    semantic,
    length,
    share,
    advantage,
    pass_at_k,
)
_DRAWN = re.compile(
    "accuracy|reward|(entropy|ppl)_(planning|execution)|semantic_entropy(_rarefied)?|conditional_entropy|length"
    r"|(planning|changed)_share|advantage_mean_(before|after)|pass_at_\d{1,6}"
)


def others(model: ReportModel) -> tuple[list[Figure], list[str]]:
    """Makes a small figure for every further metric, and returns the names of those past MAX_OTHERS."""
    names = sorted({name for run in model.runs for row in run.metrics for name in row if not _DRAWN.fullmatch(name)})
    names = [name for name in names if model.has(name)]
    figures = []
    for number, name in enumerate(names[:MAX_OTHERS]):
        found = panel(model, [Kind(name, "")])
        assert found
        figures.append(Figure(f"other-{number}", name, (found,), meaning(name), direction(name)))
    return figures, names[MAX_OTHERS:]


def all_figures(model: ReportModel) -> tuple[list[Figure], list[Missing]]:
    """Makes the figures of the page in order, and lists those left out."""
    made = [make(model) for make in FIGURES]
    return [entry for entry in made if isinstance(entry, Figure)], [
        entry for entry in made if isinstance(entry, Missing)
    ]
