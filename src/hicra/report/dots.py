"""Draws a figure of one step, of which there is no curve: a row a curve, with its value as a dot and its interval as a bar."""

from __future__ import annotations

from hicra.drawing import svg, theme
from hicra.drawing.readable import number, shorten
from hicra.drawing.scales import Scale, nice_ticks
from hicra.report.charts import WIDTH, describe
from hicra.report.figures import Curve, Figure, Panel

MAX_ROWS = 24
_LEFT, _RIGHT, _TOP, _ROW, _BOTTOM = 10, 390, 2, 40, 38
_LONGEST, _VALUE = 40, 26  # letters of a name, and of a value with its interval


def dot_chart(figure: Figure, panel: Panel) -> str:
    """Draws one panel as SVG: a name and its value in figures above each dot, on one axis.

    Args:
        figure: the figure that the panel belongs to.
        panel: with one step; curves past `MAX_ROWS` are not drawn, since the table of the figure holds them.
    """
    lines = panel.lines[:MAX_ROWS]
    every = [value for line in lines for value in _values(line)]
    low, high = min((*every, *panel.include)), max((*every, *panel.include))
    ticks = [tick for tick in nice_ticks(low, high, 4) if tick >= 0 or low < 0]
    if panel.percent and low >= 0 and high <= 1:
        ticks = [tick for tick in ticks if tick <= 1]
    at, bottom = Scale(ticks[0], ticks[-1], _LEFT, _RIGHT), _TOP + _ROW * len(lines)
    out = []
    for tick in ticks:
        anchor = None if tick == ticks[0] else "end" if tick == ticks[-1] else "mid"
        out.append(
            svg.text(
                at(tick) if anchor == "mid" else _LEFT if anchor is None else _RIGHT,
                bottom + 17,
                number(tick, panel.percent),
                class_=anchor,
            )
        )
    if panel.unit:
        out.append(svg.text((_LEFT + _RIGHT) / 2, bottom + 34, panel.unit, class_="mid"))
    for place, line in enumerate(lines):
        top, value = _TOP + _ROW * place, _value(line, panel.percent)
        out.append(svg.text(_RIGHT, top + 14, value, class_="end ink"))
        if line.label:
            out.append(
                svg.text(_LEFT, top + 14, shorten(line.label, _LONGEST - max(0, len(value) - _VALUE)), class_="ink")
            )
        for tick in ticks:
            out.append(svg.line(at(tick), top + 20, at(tick), top + _ROW, class_="grid"))
        marks = [
            svg.tag("circle", class_="each", cx=at(seed[0]), cy=top + 30, r=3)
            for seed in line.faint
            if seed[0] is not None
        ]
        ends = (line.low[0], line.high[0]) if line.low else (None, None)
        if ends[0] is not None and ends[1] is not None:
            marks.append(svg.line(at(ends[0]), top + 30, at(ends[1]), top + 30, class_="mean"))
        if line.mean[0] is not None:
            marks.append(svg.tag("circle", cx=at(line.mean[0]), cy=top + 30, r=5.5))
        out.append(svg.tag("g", *marks, class_=f"a{line.arm % theme.ARMS}"))
    height = bottom + _BOTTOM if panel.unit else bottom + _BOTTOM - 16
    key = f"{figure.key}-{figure.panels.index(panel)}"
    return svg.document(WIDTH, height, figure.title, *out, about=describe(figure, panel), key=key, class_="chart")


def _values(line: Curve) -> list[float]:
    """Returns every number of a curve of one step that has a place on the axis."""
    ends = [end[0] for end in (line.low, line.high) if end]
    return [value for value in (line.mean[0], *ends, *(seed[0] for seed in line.faint)) if value is not None]


def _value(line: Curve, percent: bool) -> str:
    ends = (line.low[0], line.high[0]) if line.low else (None, None)
    told = number(line.mean[0], percent)
    return told if None in ends else f"{told} ({number(ends[0], percent)} to {number(ends[1], percent)})"
