"""Writes a ReportModel as one HTML file, completely or not at all: chooses what each place of the template holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from hicra.artifacts import write_text
from hicra.drawing import theme
from hicra.drawing.readable import counted, number, shorten
from hicra.errors import ArtifactError
from hicra.report import charts, sections
from hicra.report.answer import answer, spoken
from hicra.report.build import MAX_ROLLOUTS, build_model
from hicra.report.clusters import cluster_table
from hicra.report.dots import dot_chart
from hicra.report.extra import extra_sections
from hicra.report.figures import Figure, Panel, all_figures, others
from hicra.report.mass_figures import mass_bars, mass_curve
from hicra.report.model import ReportModel
from hicra.report.pack import pack
from hicra.report.phase_marks import with_phases
from hicra.report.shell import Served, filled
from hicra.report.signal import signal_section
from hicra.report.signal_curve import signal_curve
from hicra.report.static_rollouts import signature, static_rollouts
from hicra.report.values import LEAST_SEEDS

MAX_BYTES = 2_000_000
_SPARE = 2_000  # bytes that the text about the choice of rollouts may add


def build_report(
    runs: Sequence[Path], out: Path, *, lexicon: Path | None = None, extra: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Writes the report of these runs.

    Args:
        runs: run folders, and folders that `hicra signal` wrote.
        out: the HTML file; an existing one is replaced.
        lexicon: a lexicon folder for cluster information; None takes the one that a run's config names, if it exists.
        extra: further sections, by name: `signal` (results of `hicra signal`, each with a `name`; the page opens with them),
            `lexicon`, `verdict`, `mask_score`, `evaluation`, `next`, or any other.

    Returns:
        {report (path), bytes}.

    Raises:
        ArtifactError: a run is unreadable or has neither metrics nor rollouts, or `out` cannot be a file.
    """
    out = Path(out)
    if out.is_dir():
        raise ArtifactError(f"{out} is a folder", "name a file, for example -o report.html")
    model = build_model([Path(path) for path in runs], lexicon, extra)
    page = render(model)
    write_text(out, page)
    return {"report": str(out), "bytes": len(page.encode())}


def render(model: ReportModel, most: int = MAX_BYTES) -> str:
    """Renders the page as text of at most `most` bytes, if its tables and curves alone are smaller than that."""
    values = _values(model)
    bare = filled(values, "", "")
    data, shown, cut_to = pack(model, most - _SPARE - len(bare.encode()))
    return filled(values, data, _choice(model, len(shown), cut_to))


def render_page(model: ReportModel, data: str, rollouts_text: str, served: Served) -> str:
    """Renders a page that a program serves.

    Args:
        model: the model.
        data: the JSON block of the viewer, already escaped.
        rollouts_text: what the page says of the choice of rollouts.
        served: what such a page has beside the report.
    """
    return filled(_values(model), data, rollouts_text, served)


# ---- values of the template
def _values(model: ReportModel) -> dict[str, Any]:
    drawn, missing = all_figures(model)
    drawn = with_phases(drawn, model)
    drawn[1:1] = signal_curve(model)
    shown_figures = [_figure(entry) for entry in drawn]
    bars = mass_bars(model)
    shown_figures += [*([bars] if bars else []), *(_figure(entry) for entry in mass_curve(model))]
    further, unlisted = others(model)
    curves = any(run.metrics for run in model.runs)
    apart = {"verdict"} if spoken(model.extra.get("verdict")) else set()
    extra = extra_sections(
        {key: value for key, value in model.extra.items() if key not in apart},
        dict(zip(model.arms, model.labels, strict=True)),
    )
    glance = sections.glance(model)
    grams = sections.gram_table(model)
    clusters = cluster_table(model)
    rollouts = static_rollouts(model)
    drawn_rollout = signature(model)
    opening = answer(model, glance)
    glance_table = len(glance["rows"]) > 1 and (glance["several"] or not opening["arms"])  # else the opening has it
    glance_shown = glance_table or bool(drawn_rollout)
    title = _title(model)
    shown = sections.finding_rows(model)
    added = [(f"extra-{i}", section["short"], section["late"]) for i, section in enumerate(extra)]
    links = [
        (anchor, name)
        for anchor, name, there in (
            ("answer", "In short", bool(model.runs)),
            ("signal", "Learning signal", bool(model.signal)),
            ("curves", "Values" if model.one_step else "Curves", bool(shown_figures) or curves),
            ("glance", "At a glance", glance_shown),
            ("findings", "Findings", bool(shown)),
            *((anchor, name, not late) for anchor, name, late in added),
            ("rollouts", "Rollouts", bool(rollouts)),
            ("grams", "Grams", bool(grams["rows"])),
            *((anchor, name, late) for anchor, name, late in added),
            ("runs", "Runs", bool(model.runs)),
        )
        if there
    ]
    return {
        "title": title,
        "lead": _lead(model),
        "sections": links,
        "signal": signal_section(model.signal, unfold=not model.runs),
        "folders": sections.folder_count(model),
        "glance": glance,
        "answer": opening,
        "glance_table": glance_table,
        "findings": shown,
        "notes": model.notes,
        "signature": drawn_rollout,
        "glance_shown": glance_shown,
        "extra": extra,
        "figures": shown_figures,
        "missing": missing if curves else [],
        "others": [_figure(entry) for entry in further],
        "unlisted": unlisted,
        "curves_title": "Values" if model.one_step else "Curves",
        "curves_text": _curves_text(model),
        "rollouts": rollouts,
        "grams": grams,
        "clusters": clusters,
        "runs": sections.run_rows(model),
        "run_parts": sections.parts_shown(model),
        "seeded": bool(model.seeds),
        "colours": theme.ARMS,
    }


def _title(model: ReportModel) -> str:
    if not model.runs:
        return shorten(f"Learning signal: {sections.sentence([one.name for one in model.signal], 3)}", 120)
    if len(model.runs) == 1:
        return shorten(model.runs[0].name, 120)
    if len(model.arms) == 1:
        return shorten(f"{model.labels[0]}, {counted(len(model.runs), 'run')}", 120)
    base, rest = model.labels[0], model.labels[1:]
    joined = (
        f"{sections.sentence(rest, 3)} against {base}"
        if model.arms[0].startswith("none")
        else sections.sentence(model.labels, 4)
    )
    return shorten(joined, 120)


def _lead(model: ReportModel) -> str:
    if not model.runs:
        rollouts = sum(one.rollouts or 0 for one in model.signal)
        return f"{counted(len(model.signal), 'measurement')}, {number(float(rollouts))} rollouts. Nothing was trained."
    steps, seeds = model.steps, model.seeds
    tasks = {
        str(task["name"]) for run in model.runs if isinstance(task := run.config.get("task"), dict) and task.get("name")
    }
    parts = [counted(len(model.runs), "run")]
    if tasks:
        parts.append(f"on {shorten(sections.sentence(sorted(tasks), 3), 100)}")
    text = " ".join(parts)
    if steps:
        text += f", step {steps[0]}" if model.one_step else f", steps {steps[0]} to {steps[-1]}"
    if seeds:
        text += f", seed{'s' if len(seeds) > 1 else ''} {sections.sentence([str(seed) for seed in seeds])}"
    return f"{text}, {number(float(model.total_rollouts))} rollout{'s' * (model.total_rollouts != 1)}."


def _curves_text(model: ReportModel) -> str:
    single = len(model.runs) == len(model.arms)
    if model.one_step:
        text = "A dot is the value of a run" if single else "A large dot is the mean over seeds, a small one a seed"
        if any(run.intervals for run in model.runs):
            text += ", a bar its 95\u00a0% interval over the prompts"
        return f"{text}. There is one step, so there are no curves."
    text = (
        "A bold line is the run, smoothed"
        if single
        else "A faint line is one run, a bold line the mean over seeds, smoothed"
    )
    text += ", and a gap is a step without a value."
    if any(run.intervals for run in model.runs):
        text += " A band is the 95\u00a0% interval over the prompts of a step."
    elif any([run.arm for run in model.runs].count(arm) >= LEAST_SEEDS for arm in range(len(model.arms))):
        text += " A band is the 95\u00a0% interval over seeds."
    return text + " Point at a chart to see its values."


def _choice(model: ReportModel, shown: int, cut_to: int | None) -> str:
    total = model.total_rollouts
    text = f"{shown} of {number(float(total))} rollout{'s are' if total != 1 else ' is'} shown"
    text += ", chosen evenly over arms and steps; hicra view searches all of them." if shown < total else "."
    if shown < min(total, MAX_ROLLOUTS):
        text += " Fewer than usual are shown, so that the page does not become too large."
    if cut_to is not None:
        text += f" Prompts and responses are cut to {number(float(cut_to))} characters; the run folders hold the whole texts."
    return text


def _chart(figure: Figure, panel: Panel) -> str:
    """Draws a panel: curves, or dots where there is one step."""
    return charts.line_chart(figure, panel) if len(panel.x) > 1 else dot_chart(figure, panel)


def _figure(figure: Figure) -> dict[str, Any]:
    columns, series = [], []
    for panel in figure.panels:
        for line in panel.lines:
            name = (line.label or figure.title) + (f" [{panel.name}]" if len(figure.panels) > 1 else "")
            columns.append({"name": name})
            series.append(line.mean)
            if line.low:
                columns += [{"name": f"{name}, {end} end", "band": end} for end in ("lower", "upper")]
                series += [line.low, line.high]
    percent = [panel.percent for panel in figure.panels for line in panel.lines for _ in range(1 + 2 * bool(line.low))]
    x = figure.panels[0].x
    told = [[number(value, share) for value in values] for values, share in zip(series, percent, strict=True)]
    rows = [[number(step), *values] for step, *values in zip(x, *told, strict=True)]
    means = ["the runs of an arm"] * any(line.faint for panel in figure.panels for line in panel.lines)
    means += ["several steps"] * any(not float(step).is_integer() for step in x)
    caption = (
        f"The values are means over {' and over '.join(means)}." if means else "The values are those of the steps."
    )
    return {
        "key": figure.key,
        "title": shorten(figure.title, 80),
        "shows": figure.shows,
        "read": figure.read,
        "notes": figure.notes,
        "charts": [{"name": panel.name, "svg": Markup(_chart(figure, panel))} for panel in figure.panels],
        "table": {"caption": caption, "first": "step", "columns": columns, "rows": rows},
    }
