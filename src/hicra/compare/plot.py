"""Plots a comparison as one SVG file: every seed is a dot, with the differences and their intervals next to the values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hicra.artifacts import write_text
from hicra.compare.text import span, value
from hicra.drawing import svg, theme
from hicra.drawing.plot import columns
from hicra.drawing.plot import plot as plot_file
from hicra.drawing.readable import counted, shorten
from hicra.drawing.scales import Scale, nice_ticks

_PANEL, _GAP, _VERDICT, _PAD = 300, 52, 140, 16
_TOP, _ROW, _BOTTOM = 66, 44, 40
_LETTER, _LONGEST = 8.6, 28  # width of a letter of a name, and how many letters it may have


def save_plot(result: Mapping[str, Any], path: Path | str) -> Path:
    """Writes the plot to `path`, completely or not at all."""
    write_text(Path(path), plot(result) + "\n")
    return Path(path)


def plot(result: Mapping[str, Any]) -> str:
    """Returns the SVG text of a result of `compare`."""
    arms, rows = result["arms"], {row["arm"]: row for row in result["comparisons"]}
    names = [shorten(arm["arm"], _LONGEST) for arm in arms]
    left = _PAD + _LETTER * max(16, *map(len, names)) + 12
    right = left + _PANEL + _GAP
    said, bottom = right + _PANEL + 10, _TOP + _ROW * len(arms)
    levels = [v for arm in arms for v in (*arm["values"], *_known(arm["ci"]))]
    gaps = [v for row in rows.values() for v in (*row["differences"], *_known(row["difference_ci"]))]
    (of_level, levels_grid), (of_gap, gaps_grid) = _panel(left, levels, bottom), _panel(right, [0.0, *gaps], bottom)
    less = "" if result["higher_is_better"] else ", less is better"
    out = [
        svg.text(left, 24, shorten(result["metric"], 44), class_="strong"),
        svg.text(left, 42, f"dot: one seed; tick and bar: mean and {100 * result['confidence']:g} %"),
        svg.text(right, 24, "minus " + shorten(result["baseline"], 36), class_="strong"),
        svg.text(right, 42, f"paired by seed{less}"),
        *levels_grid,
        *gaps_grid,
        svg.line(of_gap(0.0), _TOP - 6, of_gap(0.0), bottom, class_="zero"),
    ]
    for at, (arm, name) in enumerate(zip(arms, names, strict=True)):
        y, row = _TOP + _ROW * (at + 0.5), rows.get(arm["arm"])
        inside = [
            svg.tag("title", svg.escaped(_words(arm, row))),
            svg.text(left - 12, y, name, class_="strong end", dy=4),
        ]
        inside += _mark(of_level, arm["values"], arm["mean"], arm["ci"], y)
        if row:
            inside += _mark(of_gap, row["differences"], row["difference"], row["difference_ci"], y)
            inside.append(svg.text(said, y, f"{row['verdict']}, n = {row['n_seeds']}", class_="ink", dy=4))
        else:
            inside.append(svg.text(said, y, "baseline", dy=4))
        out.append(svg.tag("g", *inside, class_=f"a{at % theme.ARMS}"))
    title = f"{result['metric']}: arms by seed, and differences from {result['baseline']}"
    each = (_words(arm, rows.get(arm["arm"])) for arm in arms)
    about = f"{result['checkpoint_rule']}. {'. '.join(each)}."
    return plot_file(said + _VERDICT - 10 + _PAD, bottom + _BOTTOM, title, out, about)


def _panel(left: float, values: Sequence[float], bottom: float) -> tuple[Scale, list[str]]:
    """Makes the scale of a panel and its grid."""
    ticks = nice_ticks(min(values), max(values), 4)
    scale = Scale(ticks[0], ticks[-1], left, left + _PANEL)
    return scale, columns(scale, ticks, _TOP - 6, bottom)


def _mark(scale: Scale, dots: Sequence[float], mean: float, ci: Sequence[float | None], y: float) -> list[str]:
    """Draws the dots above and the mean with its interval below; an unbounded interval is not drawn."""
    out = [svg.tag("circle", class_="each", cx=scale(dot), cy=y - 6, r=4) for dot in dots]
    if ci[0] is not None and ci[1] is not None:
        out.append(svg.line(scale(ci[0]), y + 8, scale(ci[1]), y + 8, class_="mean"))
    return [*out, svg.line(scale(mean), y + 2, scale(mean), y + 14, class_="mean")]


def _known(ci: Sequence[float | None]) -> list[float]:
    return [edge for edge in ci if edge is not None]


def _words(arm: Mapping[str, Any], row: Mapping[str, Any] | None) -> str:
    said = f"{arm['arm']}: mean {value(arm['mean'])} {span(arm['ci'])}, {counted(arm['n_seeds'], 'seed')}"
    if row is None:
        return said
    return f"{said}; difference {value(row['difference'], True)} {span(row['difference_ci'], True)}, {row['verdict']}"
