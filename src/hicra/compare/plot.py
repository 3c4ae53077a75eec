"""The comparison as one SVG file: every seed as a dot, the differences with their intervals beside them.

Stands alone: colours, light and dark, are those of the report (report/static/page.css), and nothing is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from hicra.artifacts import write_text
from hicra.compare.text import printable, span, value
from hicra.report.charts import COLOURS
from hicra.report.scales import nice_ticks, number, shorten

_NAMES, _PANEL, _GAP, _VERDICT, _PAD = 150, 300, 52, 140, 16
_TOP, _ROW, _BOTTOM = 66, 44, 40
WIDTH = _NAMES + 2 * _PANEL + _GAP + _VERDICT + 2 * _PAD
Scale = Callable[[float], float]


def save_plot(result: Mapping[str, Any], path: Path | str) -> Path:
    """Writes the SVG, whole or not at all."""
    write_text(Path(path), plot(result) + "\n")
    return Path(path)


def plot(result: Mapping[str, Any]) -> str:
    """SVG text of what `compare` returned."""
    arms, rows = result["arms"], {row["arm"]: row for row in result["comparisons"]}
    height = _TOP + _ROW * len(arms) + _BOTTOM
    left, right = _PAD + _NAMES, _PAD + _NAMES + _PANEL + _GAP
    levels = [v for arm in arms for v in (*arm["values"], *_known(arm["ci"]))]
    gaps = [v for row in rows.values() for v in (*row["differences"], *_known(row["difference_ci"]))]
    title = f"{result['metric']}: arms by seed, and differences from {result['baseline']}"
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="compare" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-labelledby="compare-title compare-desc">',
        f'<title id="compare-title">{_text(title)}</title>',
        f'<desc id="compare-desc">{_text(_in_words(result))}</desc>',
        f"<style>{_style()}</style>",
        f'<rect class="back" width="{WIDTH}" height="{height}"/>',
        f'<text class="head" x="{left}" y="24">{_text(shorten(result["metric"], 44))}</text>',
        f'<text class="soft" x="{left}" y="42">each dot a seed, tick and bar: mean and {100 * result["confidence"]:g} %</text>',
        f'<text class="head" x="{right}" y="24">{_text("minus " + shorten(result["baseline"], 36))}</text>',
        f'<text class="soft" x="{right}" y="42">paired by seed{"" if result["higher_is_better"] else ", less is better"}</text>',
    ]
    of_level, axis = _axis(left, levels, height)
    out += axis
    of_gap, axis = _axis(right, [0.0, *gaps], height)
    out += [*axis, f'<path class="zero" d="M{of_gap(0.0):.5g} {_TOP - 6}V{height - _BOTTOM}"/>']
    for at, arm in enumerate(arms):
        y = _TOP + _ROW * (at + 0.5)
        name = shorten(arm["arm"], 20)
        out.append(f'<g class="a{at % COLOURS}"><title>{_text(_words(arm, rows.get(arm["arm"])))}</title>')
        out.append(f'<text class="name" x="{left - 12}" y="{y:.5g}" dy="4">{_text(name)}</text>')
        out += _mark(of_level, arm["values"], arm["mean"], arm["ci"], y)
        if row := rows.get(arm["arm"]):
            out += _mark(of_gap, row["differences"], row["difference"], row["difference_ci"], y)
            said = f"{row['verdict']}, n = {row['n_seeds']}"
            out.append(f'<text class="said" x="{right + _PANEL + 10}" y="{y:.5g}" dy="4">{_text(said)}</text>')
        else:
            out.append(f'<text class="soft" x="{right + _PANEL + 10}" y="{y:.5g}" dy="4">baseline</text>')
        out.append("</g>")
    return "".join(out) + "</svg>"


def _mark(scale: Scale, dots: Sequence[float], mean: float, ci: Sequence[float | None], y: float) -> list[str]:
    """Dots above, the mean and its interval below; an interval that is unbounded is not drawn."""
    out = [f'<circle cx="{scale(dot):.5g}" cy="{y - 6:.5g}" r="4"/>' for dot in dots]
    if ci[0] is not None and ci[1] is not None:
        out.append(f'<path class="ci" d="M{scale(ci[0]):.5g} {y + 8:.5g}H{scale(ci[1]):.5g}"/>')
    return [*out, f'<path class="mean" d="M{scale(mean):.5g} {y + 2:.5g}v12"/>']


def _axis(left: float, values: Sequence[float], height: int) -> tuple[Scale, list[str]]:
    """The scale of a panel and its grid."""
    ticks = nice_ticks(min(values), max(values), 4)

    def scale(x: float) -> float:
        return left + _PANEL * (x - ticks[0]) / (ticks[-1] - ticks[0])

    bottom = height - _BOTTOM
    out = []
    for tick in ticks:
        out.append(f'<path class="grid" d="M{scale(tick):.5g} {_TOP - 6}V{bottom}"/>')
        out.append(f'<text class="tick" x="{scale(tick):.5g}" y="{bottom + 18}">{number(tick)}</text>')
    return scale, out


def _known(ci: Sequence[float | None]) -> list[float]:
    return [edge for edge in ci if edge is not None]


def _text(given: str) -> str:
    """Escaped, and without the characters that XML cannot hold."""
    return escape(printable(given))


def _words(arm: Mapping[str, Any], row: Mapping[str, Any] | None) -> str:
    said = f"{arm['arm']}: mean {value(arm['mean'])} {span(arm['ci'])}, {arm['n_seeds']} seeds"
    return said + (
        f"; difference {value(row['difference'], True)} {span(row['difference_ci'], True)}, {row['verdict']}"
        if row
        else ""
    )


def _in_words(result: Mapping[str, Any]) -> str:
    rows = {row["arm"]: row for row in result["comparisons"]}
    return (
        f"{result['checkpoint_rule']}. " + ". ".join(_words(arm, rows.get(arm["arm"])) for arm in result["arms"]) + "."
    )


def _style() -> str:
    """The report's colours for light and dark, and the looks of this figure."""
    css = files("hicra.report").joinpath("static/page.css").read_text(encoding="utf-8")
    light, dark = (
        " ".join(re.findall(r"--(?:bg|card|ink|soft|rule|a\d): #[0-9a-f]{6};", part)) for part in _themes(css)
    )
    colours = "".join(f".compare .a{i}{{color:var(--a{i})}}" for i in range(COLOURS))
    return (
        f".compare{{{light}color-scheme:light dark;font:13px system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif}}"
        f"@media(prefers-color-scheme:dark){{.compare{{{dark}}}}}{colours}"
        ".compare .back{fill:var(--card)}.compare text{fill:var(--ink)}.compare .head{font-weight:600}"
        ".compare .soft,.compare .tick{fill:var(--soft);font-size:12px}.compare .tick{text-anchor:middle}"
        ".compare .name{text-anchor:end;font-weight:600;fill:currentColor}.compare .said{font-size:12px}"
        ".compare path{fill:none}.compare .grid{stroke:var(--rule)}.compare .zero{stroke:var(--soft);stroke-dasharray:4 3}"
        ".compare circle{fill:currentColor;fill-opacity:.55}"
        ".compare .ci{stroke:currentColor;stroke-width:3}.compare .mean{stroke:currentColor;stroke-width:3}"
    )


def _themes(css: str) -> tuple[str, str]:
    """The blocks of variables: light, and dark by preference."""
    light, dark = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]
    return light, dark
