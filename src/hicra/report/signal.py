"""Makes the section of the page on the learning signal: its charts, its notes and its tables.

What it says in sentences is `findings/measured_signal.py`, which the terminal says too.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from hicra.drawing import svg
from hicra.drawing.readable import counted, number, shorten
from hicra.drawing.signal import (
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
)
from hicra.findings import measured_signal as words
from hicra.report.extra import Cell, cell
from hicra.report.measured import Measurement, SignalOfKind
from hicra.report.sections import MAX_CONFIG

TITLE = "Where the learning signal is"
_TEXT = (
    "The gradient that trains a model is a sum over its tokens, so it splits into a part of planning tokens and one of execution "
    "tokens. The signal of a part is the squared length of its expectation; what differs from batch to batch is noise and is "
    "taken out. Nothing was trained for this."
)
_KIND_COLUMNS = (
    "kind of token", "share of the signal", "95 % interval", "signal", "95 % interval", "noise", "signal/noise",
    "batches to tell",
)  # fmt: skip
_METHOD_COLUMNS = (
    "method", "cosine", "95 % interval", "minus none", "95 % interval", "batches to tell", "direction", "95 % interval",
    "signal/noise",
)  # fmt: skip
_ROUGHLY = (
    "batches to tell: a rough guess of how many{} would do where that cannot be told, which takes the figure here for the true "
    "one."
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
            + _labels(found),
            ["model and kind of token", "share of the signal", "lower end", "upper end"],
            [
                [
                    f"{one.name}: {kind.name}",
                    *(number(value, True) for value in (kind.share, *(kind.ci or (None, None)))),
                ]
                for one in found
                for kind in one.kinds
            ],
        )
    ]
    figures += [
        _figure(
            f"steps-{at}",
            f"Step quality: {one.name}",
            steps_chart(steps_of(one), reach(all_steps)),
            "The cosine of one batch\u2019s step with the mean unshaped gradient of the other batches, minus that of none, "
            "GRPO\u2019s step. A filled dot has an interval off 0, a hollow one has not.",
            ["method", "cosine", "minus none", "lower end", "upper end"],
            [
                [step.method, *map(number, (step.cosine, step.difference, step.low, step.high))]
                for step in in_order(steps_of(one))
            ],
        )
        for at, one in enumerate(found)
        if len(one.methods) > 1
    ]
    return {
        "title": TITLE,
        "text": _TEXT,
        "sentences": [_said(one) for one in found],
        "chance": words.chance_sentence(max(words.compared(one.found()) for one in found)),
        "no_run": words.NO_RUN if any(len(one.methods) > 1 for one in found) else "",
        "figures": figures,
        "notes": [
            {
                "name": one.name,
                "notes": _notes(notes),
                "open": len(notes) <= _MANY,
            }
            for one in found
            if (notes := words.notes(one.found()))
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
    return words.kind_sentence(one.found()).replace(" %", "\u00a0%")


def _said(one: Measurement) -> dict[str, Any]:
    """Returns the sentences on one measurement, with the list of methods that cannot be told."""
    found = one.found()
    head, names = words.untold(found)
    text = " ".join(filter(None, [kind_sentence(one), *words.step_sentences(found), head]))
    return {"name": one.name, "text": text, "names": names}


def _batches(one: Measurement) -> str:
    return "these batches" if one.batches is None else counted(one.batches, "batch", "batches")


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


def _labels(found: Sequence[Measurement]) -> str:
    said = next(filter(None, (words.labels_note(one.found()) for one in found)), "")
    return said and f" The small rows are {said.removeprefix('label:NAME: ')}"


def _figure(
    key: str, title: str, chart: Chart, shows: str, columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> dict[str, Any]:
    drawn = svg.document(
        WIDTH, chart.height, title, *chart.inside, about=chart.about, key=f"signal-{key}", class_="chart"
    )
    table = {"caption": "", "first": columns[0], "columns": [{"name": name} for name in columns[1:]], "rows": rows}
    return {
        "title": shorten(title, 80), "svg": Markup(drawn), "shows": shows, "read": "", "notes": [], "table": table,
    }  # fmt: skip


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
    roughly = _ROUGHLY.format(words.size(one.found()))
    about_kinds = " ".join(filter(None, [words.NOISE, words.labels_note(one.found()), roughly]))
    return [
        {"caption": "", "about": about, "label": f"{label} of {name}", "columns": columns, "rows": rows}
        for about, label, columns, rows in (
            (about_kinds, "kinds of token", _KIND_COLUMNS, kinds),
            (f"{words.COSINE} {words.DIRECTION}", "methods", _METHOD_COLUMNS, methods),
            ("How it was measured.", "settings and cost", (), made),
        )
    ]


def _config(one: Measurement) -> str:
    return shorten(json.dumps(one.config, indent=2, ensure_ascii=False), MAX_CONFIG) if one.config else ""
