"""Writes a ReportModel as one HTML file, completely or not at all.

The page has its own security policy: nothing may be loaded (`default-src 'none'`), and only the style and the script whose
hashes it names are used. Text from runs is escaped in HTML by jinja2, in SVG by drawing/svg.py, and in JSON by encode.py.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from hicra.artifacts import write_text
from hicra.drawing import theme
from hicra.drawing.readable import counted, number, shorten
from hicra.drawing.signal import looks as signal_looks
from hicra.errors import ArtifactError
from hicra.report import charts, sections
from hicra.report.answer import answer, spoken
from hicra.report.build import MAX_ROLLOUTS, build_model
from hicra.report.clusters import cluster_table
from hicra.report.encode import clean
from hicra.report.figures import Figure, all_figures, others
from hicra.report.model import ReportModel, Rollout
from hicra.report.pack import cut, pack
from hicra.report.phase_marks import with_phases
from hicra.report.signal import signal_section
from hicra.report.signal_curve import signal_curve
from hicra.version import __version__

MAX_BYTES = 2_000_000
_SPARE = 2_000  # bytes that the text about the choice of rollouts may add
_ONE_FILE = "This page is one file, which loads nothing and sends nothing."
_STATIC_CHARACTERS = 20_000  # the most characters of a rollout that is shown without JavaScript


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


@dataclass(frozen=True)
class Served:
    """What a page has that a program serves: further functions of its script, and what its last line says."""

    script: str
    footer: str


def render(model: ReportModel, most: int = MAX_BYTES) -> str:
    """Renders the page as text of at most `most` bytes, if its tables and curves alone are smaller than that."""
    values = _values(model)
    bare = _filled(values, "", "")
    data, shown, cut_to = pack(model, most - _SPARE - len(bare.encode()))
    return _filled(values, data, _choice(model, len(shown), cut_to))


def render_page(model: ReportModel, data: str, rollouts_text: str, served: Served) -> str:
    """Renders a page that a program serves.

    Args:
        model: the model.
        data: the JSON block of the viewer, already escaped.
        rollouts_text: what the page says of the choice of rollouts.
        served: what such a page has beside the report.
    """
    return _filled(_values(model), data, rollouts_text, served)


def _filled(values: dict[str, Any], data: str, rollouts_text: str, served: Served | None = None) -> str:
    css, js = style(), script(served.script if served else "")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hicra.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        **values,
        css=Markup(css),
        js=Markup(js),
        csp=Markup(policy(css, js, served is not None)),
        version=__version__,
        data=Markup(data),
        rollouts_text=rollouts_text,
        footer=served.footer if served else f"Made from {values['folders']}. {_ONE_FILE}",
    )


SCRIPTS = (
    "dom", "tip", "packed", "saving", "tables", "curves", "differences", "response", "card", "source", "viewer",
)  # fmt: skip


def style() -> str:
    """Returns the style sheet of a page."""
    return theme.css(":root") + signal_looks() + static_file("page.css")


def script(further: str = "") -> str:
    """Returns the script of a page as one function, so that nothing of it is a name of the window.

    Args:
        further: more functions, which stand before the start.
    """
    parts = [*(static_file(f"{name}.js") for name in SCRIPTS), further, static_file("start.js")]
    return '"use strict";\n(() => {\n' + "\n".join(parts) + "})();\n"


def static_file(name: str) -> str:
    """Reads a file of the page's own style and script."""
    return (files("hicra.report") / "static" / name).read_text(encoding="utf-8")


def policy(css: str, js: str, served: bool = False) -> str:
    """Makes the Content-Security-Policy: nothing may be loaded, and only this style and this script are used.

    Args:
        css, js: the style and the script.
        served: whether the script may ask the program that serves the page.
    """
    of_style, of_script = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (css, js))
    return (
        f"default-src 'none'; script-src 'sha256-{of_script}'; style-src 'sha256-{of_style}'; img-src data:; "
        + "connect-src 'self'; " * served
        + "base-uri 'none'; form-action 'none'"
    )


# ---- values of the template
def _values(model: ReportModel) -> dict[str, Any]:
    drawn, missing = all_figures(model)
    drawn = with_phases(drawn, model)
    drawn[1:1] = signal_curve(model)
    further, unlisted = others(model)
    curves = any(run.metrics for run in model.runs)
    apart = {"verdict"} if spoken(model.extra.get("verdict")) else set()
    extra = sections.extra_sections(
        {key: value for key, value in model.extra.items() if key not in apart},
        dict(zip(model.arms, model.labels, strict=True)),
    )
    glance = sections.glance(model)
    grams = sections.gram_table(model)
    clusters = cluster_table(model)
    rollouts = _static_rollouts(model)
    signature = _signature(model)
    glance_shown = len(glance["rows"]) > 1 or bool(signature or model.notes)
    title = _title(model)
    shown = sections.finding_rows(model)
    added = [(f"extra-{i}", section["short"], section["late"]) for i, section in enumerate(extra)]
    links = [
        (anchor, name)
        for anchor, name, there in (
            ("answer", "In short", bool(model.runs)),
            ("signal", "Learning signal", bool(model.signal)),
            ("glance", "At a glance", glance_shown),
            ("findings", "Findings", bool(shown)),
            *((anchor, name, not late) for anchor, name, late in added),
            ("curves", "Curves", curves),
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
        "answer": answer(model, glance),
        "findings": shown,
        "notes": model.notes,
        "signature": signature,
        "glance_shown": glance_shown,
        "extra": extra,
        "figures": [_figure(entry) for entry in drawn],
        "missing": missing if curves else [],
        "others": [_figure(entry) for entry in further],
        "unlisted": unlisted,
        "curves_text": _curves_text(model),
        "rollouts": rollouts,
        "grams": grams,
        "clusters": clusters,
        "runs": sections.run_rows(model),
        "run_parts": sections.parts_shown(model),
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
    steps = [step for run in model.runs for step in run.steps]
    seeds = sorted({run.seed for run in model.runs})
    tasks = {
        str(task["name"]) for run in model.runs if isinstance(task := run.config.get("task"), dict) and task.get("name")
    }
    parts = [counted(len(model.runs), "run")]
    if tasks:
        parts.append(f"on {shorten(sections.sentence(sorted(tasks), 3), 100)}")
    text = " ".join(parts) + (f", steps {min(steps)} to {max(steps)}" if steps else "")
    text += f", seed{'s' if len(seeds) > 1 else ''} {sections.sentence([str(seed) for seed in seeds])}"
    return f"{text}, {number(float(model.total_rollouts))} rollout{'s' * (model.total_rollouts != 1)}."


def _curves_text(model: ReportModel) -> str:
    text = "A faint line is one run. A bold line is the mean over seeds, smoothed. A gap is a step without a value."
    colours = " Each arm has its colour. " if len(model.arms) > 1 else " "
    return text + colours + "Point at a chart to see its values at a step."


def _choice(model: ReportModel, shown: int, cut_to: int | None) -> str:
    total = model.total_rollouts
    text = f"{shown} of {number(float(total))} rollout{'s are' if total != 1 else ' is'} shown"
    text += ", chosen evenly over arms and steps." if shown < total else "."
    if shown < min(total, MAX_ROLLOUTS):
        text += " Fewer than usual are shown, so that the page does not become too large."
    if cut_to is not None:
        text += f" Prompts and responses are cut to {number(float(cut_to))} characters; the run folders hold the whole texts."
    return text


def _figure(figure: Figure) -> dict[str, Any]:
    columns, series = [], []
    for panel in figure.panels:
        for line in panel.lines:
            columns.append(line.label + (f" [{panel.name}]" if len(figure.panels) > 1 else ""))
            series.append([number(value, panel.percent) for value in line.mean])
    x = figure.panels[0].x
    rows = [[number(step), *values] for step, *values in zip(x, *series, strict=True)]
    caption = (
        "The values are means over the runs of an arm."
        if all(float(step).is_integer() for step in x)
        else "The values are means over the runs of an arm and over several steps."
    )
    return {
        "key": figure.key,
        "title": shorten(figure.title, 80),
        "shows": figure.shows,
        "read": figure.read,
        "notes": figure.notes,
        "charts": [{"name": panel.name, "svg": Markup(charts.line_chart(figure, panel))} for panel in figure.panels],
        "table": {"caption": caption, "columns": columns, "rows": rows},
    }


def _verdict(rollout: Rollout) -> str:
    return {True: "correct", False: "wrong", None: "correctness unknown"}[rollout.correct]


def _signature(model: ReportModel) -> dict[str, Any] | None:
    """Draws the rollout that best shows what shaping does: it is short and right, and some of its tokens are changed."""
    best: tuple[tuple[float, ...], Rollout] | None = None
    for rollout in model.rollouts:
        if rollout.before and rollout.after and any(rollout.planning):
            changed = sum(value is not None and abs(value - rollout.before) > 1e-9 for value in rollout.after)
            length = len(rollout.ends)
            rank = (changed > 0, rollout.before > 0, 12 <= length <= 70, -abs(length - 40), float(rollout.step))
            if best is None or rank > best[0]:
                best = (rank, rollout)
    if best is None:
        return None
    shaped, rollout = bool(best[0][0]), best[1]
    before = rollout.before or 0.0
    kept = [i for i, token in enumerate(rollout.tokens()) if token.strip()]
    if not kept:
        return None
    tokens = rollout.tokens()
    after = [before if value is None else value for value in rollout.after]
    svg = charts.rollout_figure(
        [tokens[i] for i in kept], [rollout.planning[i] for i in kept], [before] * len(kept), [after[i] for i in kept]
    )
    text = f"This is one rollout of {model.labels[rollout.arm]} at step {rollout.step} ({_verdict(rollout)}). "
    text += f"Before shaping, every token has the same advantage, {before:+.3g}. "
    text += "The bars show the advantages trained on." if shaped else "Shaping changed it on no token."
    return {"svg": Markup(svg), "caption": text}


def _static_rollouts(model: ReportModel) -> list[dict[str, Any]]:
    """Returns the first rollout of each arm, which the page shows without JavaScript."""
    out = []
    for arm, name in enumerate(model.labels):
        rollout = next((rollout for rollout in model.rollouts if rollout.arm == arm), None)
        if rollout is None:
            continue
        short = cut(rollout, _STATIC_CHARACTERS)
        missing = len(rollout.response) - len(short.response)
        out.append(
            {
                "arm": arm,
                "arm_name": name,
                "step": rollout.step,
                "verdict": _verdict(rollout),
                "reward": "" if rollout.reward is None else number(rollout.reward),
                "id": shorten(rollout.id, 200),
                "prompt": short.prompt,
                "pieces": pieces(short),
                "cut": f"{missing} more characters are not shown." if missing else "",
            }
        )
    return out


def pieces(rollout: Rollout) -> list[dict[str, str | None]]:
    """Splits the response into parts {text, gram}: `gram` is None outside spans, else the grams of that part.

    Between them stand what tools returned, as {tool}.
    """
    out: list[dict[str, str | None]] = []
    begin, tools = 0, list(rollout.tools)
    for piece in _marked(rollout):
        text, gram = piece["text"] or "", piece["gram"]
        done = 0
        while tools and tools[0][0] < begin + len(text):
            at, returned = tools.pop(0)
            out += [{"text": text[done : at - begin], "gram": gram}] if at - begin > done else []
            out.append({"tool": returned})
            done = at - begin
        out.append({"text": text[done:], "gram": gram})
        begin += len(text)
    return out + [{"tool": returned} for _, returned in tools]


def _marked(rollout: Rollout) -> list[dict[str, str | None]]:
    out: list[dict[str, str | None]] = []
    at = 0
    merged: list[tuple[int, int, list[str]]] = []
    for start, end, gram in rollout.spans:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]), [*merged[-1][2], gram])
        else:
            merged.append((start, end, [gram]))
    for start, end, grams in merged:
        if start > at:
            out.append({"text": rollout.response[at:start], "gram": None})
        out.append({"text": rollout.response[start:end], "gram": clean(", ".join(dict.fromkeys(grams)))})
        at = end
    if at < len(rollout.response):
        out.append({"text": rollout.response[at:], "gram": None})
    return out
