"""Makes the section of the page on the learning signal: what it says in words, its charts, its warnings and its tables.

Deviations (the paper argues from entropy curves and does not measure the gradient):
REPORT-5. A kind is said to hold the signal only where the 95 % interval of its share lies above one half; a method's step is said
    to be better or worse only where the interval of its difference lies off 0. No interval is widened for the number of methods.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from hicra.drawing import svg
from hicra.drawing.readable import counted, number, shorten
from hicra.drawing.signal import (
    KINDS,
    WIDTH,
    Chart,
    ModelShares,
    Share,
    Step,
    in_order,
    percent,
    reach,
    shares_chart,
    steps_chart,
    told_apart,
)
from hicra.report.measured import Measurement, SignalOfKind
from hicra.report.sections import MAX_CONFIG, Cell, cell

TITLE = "Where the learning signal is"
_TEXT = (
    "The gradient that trains a model is a sum over its tokens, so it splits into a part of planning tokens and one of execution "
    "tokens. The signal of a part is the squared length of its expectation; what differs from batch to batch is noise and is "
    "taken out. Nothing was trained for this."
)
_NO_RUN = "A better step is not yet a better run: this says what can be gained in one step, and not what can be lost over many."
_KIND_COLUMNS = (
    "kind of token", "share", "interval", "signal", "interval", "noise", "signal / noise", "batches to tell",
)  # fmt: skip
_METHOD_COLUMNS = (
    "method", "cosine", "interval", "difference", "interval", "batches to tell", "cosine of means", "interval",
    "signal / noise",
)  # fmt: skip
_ABOUT_KINDS = (
    "The share of the signal, signal and noise by kind of token, with 95 % intervals. Where a share cannot be told from one "
    "half, the last column has how many batches would do."
)
_ABOUT_METHODS = (
    "The cosine of one batch\u2019s step with the unshaped gradient of the others, its difference to that of none and, where "
    "that cannot be told from 0, how many batches would do; and the cosine of the mean steps, without their noise (1: no bias)."
)
_MANY = 3  # measurements whose tables are unfolded, and warnings of one that are
_MOST_WARNINGS = 60  # of a measurement


def signal_section(found: Sequence[Measurement], unfold: bool = True) -> dict[str, Any] | None:
    """Makes the values of the section; None where nothing was measured.

    Args:
        found: the measurements.
        unfold: whether the tables of a few measurements are shown at once, as on a page that has nothing else.
    """
    if not found:
        return None
    all_steps = [step for one in found for step in steps_of(one)]
    figures = [
        _figure(
            "kinds",
            "Signal by kind of token",
            shares_chart([model_of(one) for one in found]),
            "The share of the signal, with 95 % intervals over batches. The dashed line is one half."
            + (" A share below 0 or above 100 % is noise." if _outside(found) else "")
            + (
                " The small rows are the task\u2019s exact labels, as shares of the same sum." if _labels(found) else ""
            ),
        )
    ]
    figures += [
        _figure(
            f"steps-{at}",
            f"Step quality: {one.name}",
            steps_chart(steps_of(one), reach(all_steps)),
            "How close the step of one batch comes to the unshaped gradient of all other batches, minus the same for GRPO. A "
            "filled dot has an interval off 0, a hollow one cannot be told from GRPO.",
        )
        for at, one in enumerate(found)
        if len(one.methods) > 1
    ]
    return {
        "title": TITLE,
        "text": _TEXT,
        "sentences": [
            {"name": one.name, "text": f"{kind_sentence(one)} {step_sentence(one)}".strip()} for one in found
        ],
        "no_run": _NO_RUN if any(len(one.methods) > 1 for one in found) else "",
        "figures": figures,
        "notes": [
            {
                "name": one.name,
                "notes": _notes(one.warnings),
                "open": len(one.warnings) <= _MANY,
            }
            for one in found
            if one.warnings
        ],
        "open": unfold and len(found) <= _MANY,
        "tables": [{"name": one.name, "tables": _tables(one), "config": _config(one)} for one in found],
    }


def _notes(warnings: Sequence[str]) -> list[str]:
    further = len(warnings) - _MOST_WARNINGS
    shown = [shorten(said, 600) for said in warnings[:_MOST_WARNINGS]]
    return [*shown, f"and {counted(further, 'further warning')}"] if further > 0 else shown


# ---- in words
def kind_sentence(one: Measurement) -> str:
    """Says which kind of token holds the signal, if its interval tells."""
    planning, execution = (one.kind(name) for name in KINDS)
    if planning.share is None or execution.share is None:
        return "The signal is too small for these batches: its shares cannot be told."
    top = planning if planning.share >= 0.5 else execution
    share = _held(top.share or 0.0)
    if top.ci is None:
        return f"{percent(share)}\u00a0% of the signal lies on {top.name} tokens; this has no interval."
    low, high = (_held(end) for end in top.ci)
    span = f"({percent(low)} to {percent(high)}\u00a0%)"
    if low <= 0.5:
        return (
            f"Which kind of token holds more of the signal cannot be told from {_batches(one)}: the share of {top.name} tokens "
            f"is {percent(share)}\u00a0% {span}."
        )
    if share >= 0.98:
        return f"Nearly all of the signal lies on {top.name} tokens {span}."
    if share < 0.6:
        return f"{percent(share)}\u00a0% of the signal lies on {top.name} tokens {span}."
    return f"{round(10 * share)} of 10 parts of the signal lie on {top.name} tokens {span}."


def step_sentence(one: Measurement) -> str:
    """Counts the methods whose step is better or worse than GRPO's, and those that cannot be told; "" without methods."""
    sides = [told_apart(step) for step in steps_of(one) if step.method != "none"]
    if not sides:
        return ""
    better, worse, untold = (sides.count(side) for side in (1, -1, 0))
    parts = [
        f"{better} {_have(better)} a better step than GRPO" if better else "",
        f"{worse} {_have(worse)} a worse step than GRPO" if worse else "",
        f"{untold} cannot be told from GRPO" if untold else "",
    ]
    *first, last = filter(None, parts)
    return f"Of {counted(len(sides), 'method')}, {' and '.join(filter(None, (', '.join(first), last)))}."


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def _batches(one: Measurement) -> str:
    return "these batches" if one.batches is None else counted(one.batches, "batch", "batches")


def _held(share: float) -> float:
    """Holds a share in [0, 1], where the true one lies."""
    return max(0.0, min(1.0, share))


# ---- charts
def model_of(one: Measurement) -> ModelShares:
    """Returns what the chart of shares needs of a measurement."""
    about = [
        f"{percent(one.accuracy)}\u00a0% right" if one.accuracy is not None else "",
        _batches(one) if one.batches is not None else "",
    ]
    return ModelShares(one.name, ", ".join(filter(None, about)), tuple(_share(kind) for kind in one.kinds))


def _share(kind: SignalOfKind) -> Share:
    return Share(kind.name, kind.share, *(kind.ci or (None, None)))


def steps_of(one: Measurement) -> list[Step]:
    """Returns what the chart of steps needs of a measurement."""
    return [
        Step(method.name, method.cosine, method.difference, *(method.difference_ci or (None, None)))
        for method in one.methods
    ]


def _outside(found: Sequence[Measurement]) -> bool:
    ends = [end for one in found for kind in one.kinds for end in (kind.share, *(kind.ci or ())) if end is not None]
    return any(end < -0.005 or end > 1.005 for end in ends)


def _labels(found: Sequence[Measurement]) -> bool:
    return any(kind.name not in KINDS for one in found for kind in one.kinds)


def _figure(key: str, title: str, chart: Chart, shows: str) -> dict[str, Any]:
    drawn = svg.document(
        WIDTH, chart.height, title, *chart.inside, about=chart.about, key=f"signal-{key}", class_="chart"
    )
    return {"title": shorten(title, 80), "svg": Markup(drawn), "shows": shows}


# ---- tables
def _cell(value: float | None, share: bool = False) -> Cell:
    return Cell(number(value, share), True)


def _between(ends: tuple[float, float] | None, share: bool = False) -> Cell:
    return Cell("\u2013" if ends is None else " to ".join(number(end, share) for end in ends), True)


def _tables(one: Measurement) -> list[dict[str, Any]]:
    """Makes the tables with every figure of a measurement: its kinds, its methods, and how it was made."""
    kinds = [
        [
            Cell(shorten(kind.name, 120)), _cell(kind.share, True), _between(kind.ci, True), _cell(kind.signal),
            _between(kind.signal_ci), _cell(kind.noise), _cell(kind.snr), _cell(kind.batches_needed),
        ]
        for kind in one.kinds
    ]  # fmt: skip
    place = {step.method: at for at, step in enumerate(in_order(steps_of(one)))}
    methods = [
        [
            Cell(shorten(method.name, 120)), _cell(method.cosine), _between(method.cosine_ci), _cell(method.difference),
            _between(method.difference_ci), _cell(method.batches_needed), _cell(method.bias_cosine),
            _between(method.bias_cosine_ci), _cell(method.snr),
        ]
        for method in sorted(one.methods, key=lambda method: place[method.name])
    ]  # fmt: skip
    facts = {key: getattr(one, key) for key in ("batches", "rollouts", "accuracy", "seconds")} | dict(one.facts)
    made = [[Cell(shorten(key.replace("_", " "), 120)), Cell(cell(value).text)] for key, value in facts.items()]
    name = shorten(one.name, 60)
    return [
        {"caption": "", "about": about, "label": f"{label} of {name}", "columns": columns, "rows": rows}
        for about, label, columns, rows in (
            (_ABOUT_KINDS, "kinds of token", _KIND_COLUMNS, kinds),
            (_ABOUT_METHODS, "methods", _METHOD_COLUMNS, methods),
            ("How it was measured.", "settings and cost", (), made),
        )
    ]


def _config(one: Measurement) -> str:
    return shorten(json.dumps(one.config, indent=2, ensure_ascii=False), MAX_CONFIG) if one.config else ""
