"""Draws figures as inline SVG text; drawing/svg.py escapes every text from a run.

Colours, dashes and fonts are classes of drawing/chart.css, for dark and light screens. `rollout_figure` has its own.
"""

from __future__ import annotations

import math
import re

from hicra.drawing import svg, theme
from hicra.drawing.readable import number, shorten
from hicra.drawing.scales import Scale, nice_ticks
from hicra.report.figures import Curve, Figure, Panel
from hicra.report.rollout_figure import rollout_figure
from hicra.report.values import Values

__all__ = ["describe", "legend", "line_chart", "rollout_figure"]

WIDTH, PLOT_HEIGHT = 400, 180
_NAME_ROWS = 4
_PIECES = re.compile(r"[^(,+ ]*[(,+ ]*")
_LEFT, _RIGHT, _TOP, _BOTTOM, _ROW = 46, 12, 10, 40, 18


def describe(figure: Figure, panel: Panel) -> str:
    """Describes a chart in words: the first and the last value of every curve."""
    parts = []
    for line in panel.lines:
        there = [(x, value) for x, value in zip(panel.x, line.mean, strict=True) if value is not None]
        if not there:
            continue
        (x0, y0), (x1, y1) = there[0], there[-1]
        start, end = number(y0, panel.percent), number(y1, panel.percent)
        parts.append(f"{line.label}: {start} at step {number(x0)}, {end} at step {number(x1)}")
    return f"{figure.title}{f', {panel.name}' if panel.name else ''}. " + "; ".join(parts) + "."


def _bold(line: Curve, data: str) -> str:
    return svg.tag("path", class_=f"bold a{line.arm % theme.ARMS} k{line.kind % 4}", d=data)


def legend(panel: Panel) -> tuple[list[str], int]:
    """Draws the legend as SVG elements and counts its rows: all arms in one row, or one row per arm with several metrics.

    A long name has rows of its own, as many as it takes, up to `_NAME_ROWS`.
    """
    by_kind = any(line.kind_label for line in panel.lines) and any(line.arm_label for line in panel.lines)
    out: list[str] = []
    x, row, arm = 0.0, 0, None
    longest = max(1.2 * _width(line.arm_label) for line in panel.lines)
    name_width = longest + 12 if by_kind and longest <= WIDTH / 3 else 0.0  # long names stand above their metrics
    for line in panel.lines:
        first = f" ({line.first:.3g})" if line.first is not None else ""
        if by_kind and line.arm != arm:
            row, x, arm = row + (arm is not None), name_width, line.arm
            if not name_width:
                parts = _in_rows(line.arm_label, WIDTH / 1.2)
                out += [svg.text(0, _TOP + (row + at) * _ROW + 4, part, class_="arm") for at, part in enumerate(parts)]
                row += len(parts)
            else:
                out.append(svg.text(0, _TOP + row * _ROW + 4, line.arm_label, class_="arm"))
        parts = _in_rows((line.kind_label if by_kind else line.label) + first, WIDTH - 36)
        width = 44 + max(map(_width, parts))
        if x > name_width and x + width > WIDTH + 8:
            x, row = name_width, row + 1
        y = _TOP + row * _ROW
        out.append(_bold(line, f"M{svg.short(x + 1)} {y}h24"))
        out += [svg.text(x + 31, y + at * _ROW + 4, part) for at, part in enumerate(parts)]
        row += len(parts) - 1
        x += width
    return out, row + 1


def _in_rows(text: str, width: float) -> list[str]:
    """Cuts a name into rows of about `width` pixels, at brackets, commas and points between words where it can be."""
    most = max(8, int(width / _width("x")))
    rows = [""]
    for piece in _PIECES.findall(text):
        if rows[-1] and len(rows[-1]) + len(piece.rstrip()) > most:
            rows.append("")
        while len(piece) > most:  # nowhere to break
            rows[-1:] = [rows[-1] + piece[:most], ""]
            piece = piece[most:]
        rows[-1] += piece
    kept = [row.rstrip() for row in rows if row.strip()] or [""]
    return (
        kept
        if len(kept) <= _NAME_ROWS
        else [*kept[: _NAME_ROWS - 1], shorten(kept[_NAME_ROWS - 1], most - 1) + "\u2026"]
    )


def _width(text: str) -> float:
    """Estimates how wide a text of the legend is, in pixels of the chart."""
    return 6.3 * len(text)


def line_chart(figure: Figure, panel: Panel) -> str:
    """Draws one panel as SVG: legend, axes with ticks, a faint curve per run, a band and a bold smoothed mean per arm."""
    entries, rows = legend(panel) if len(panel.lines) > 1 or panel.lines[0].first is not None else ([], 0)
    top = _TOP + rows * _ROW + (_ROW if panel.unit else 0)  # the unit has a row of its own above the axis
    bottom, right = top + PLOT_HEIGHT, WIDTH - _RIGHT
    every = [v for line in panel.lines for values in (line.mean, *line.faint) for v in values if v is not None]
    lowest, highest = panel.limits or (-math.inf, math.inf)
    floor = 0.0 if all(value >= 0 for value in every) else -math.inf  # a band goes nowhere where no value can be
    ceiling = 1.0 if panel.percent and all(value <= 1 for value in every) else math.inf
    bands = [
        [
            tuple(None if end is None else max(floor, min(ceiling, end)) for end in ends)
            for ends in (line.low, line.high)
        ]
        for line in panel.lines
    ]
    every += [end for band in bands for ends in band for end in ends if end is not None]

    def held(value: float) -> float:
        return max(lowest, min(highest, value))

    every = [held(value) for value in every]
    low, high = min((*every, *panel.include)), max((*every, *panel.include))
    ticks = [tick for tick in nice_ticks(low, high) if tick >= 0 or low < 0]  # what stays at 0 may never be below it
    if panel.percent and every and min(every) >= 0 and ticks[-1] > 1 >= max(every):
        ticks = [tick for tick in ticks if tick <= 1]
    left = max(_LEFT, 9 + max(_width(number(tick, panel.percent)) for tick in ticks))
    px = Scale(panel.x[0], panel.x[-1], left, right)
    py = Scale(ticks[0], ticks[-1], bottom, top)

    def curve(values: Values, apart: bool = False) -> str:
        xs, ys = [px(x) for x in panel.x], [None if value is None else py(held(value)) for value in values]
        if apart:
            return "".join(svg.curve([x], [y]) for x, y in zip(xs, ys, strict=True))
        return svg.curve(xs, ys)

    out = [svg.tag("g", *entries, class_="key"), *_marked(panel, px, top, bottom)]
    for tick in ticks:
        out.append(svg.line(left, py(tick), right, py(tick), class_="grid"))
        out.append(svg.text(left - 7, py(tick), number(tick, panel.percent), class_="end", dy=4))
    for tick in _steps(px):
        out.append(svg.line(px(tick), bottom, px(tick), bottom + 4, class_="axis"))
        words = number(tick)
        inside = px(tick) + _width(words) / 2 <= WIDTH  # the last one ends at the edge where it would be cut
        out.append(svg.text(px(tick) if inside else WIDTH, bottom + 17, words, class_="mid" if inside else "end"))
    out.append(svg.line(left, bottom, right, bottom, class_="axis"))
    out.append(svg.text((left + right) / 2, bottom + _BOTTOM - 4, "step", class_="mid"))
    if panel.unit:
        out.append(svg.text(0, top - _ROW + 6, panel.unit))
    if panel.rule is not None and ticks[0] <= panel.rule <= ticks[-1]:
        out.append(svg.line(left, py(panel.rule), right, py(panel.rule), class_="rule"))
    for line, (lows, highs) in zip(panel.lines, bands, strict=True):
        if lows:
            ends = [[None if end is None else py(held(end)) for end in side] for side in (lows, highs)]
            data = svg.area([px(x) for x in panel.x], *ends)
            out.append(svg.tag("path", class_=f"band a{line.arm % theme.ARMS}", d=data))
    for line in panel.lines:
        look = f"{'points' if panel.points else 'faint'} a{line.arm % theme.ARMS}"
        out += [svg.tag("path", class_=look, d=curve(values, panel.points)) for values in line.faint]
    out += [_bold(line, curve(line.bold)) for line in panel.lines]
    out += [_dot(px(panel.x[at]), py(held(value)), line.arm) for line in panel.lines for at, value in _lone(line.bold)]
    out += [
        _arrowhead(px(x), py(held(value)), value > highest, line.arm)
        for line in panel.lines
        for values in (*line.faint, line.bold)
        for x, value in zip(panel.x, values, strict=True)
        if value is not None and value != held(value)
    ]
    return svg.document(
        WIDTH, bottom + _BOTTOM, figure.title, *out, about=describe(figure, panel),
        key=f"{figure.key}-{figure.panels.index(panel)}", class_="chart",
        data_x=f"{svg.short(left)} {right} {px.low:.10g} {px.high:.10g}",
        data_y=f"{top} {bottom}", data_columns=str(sum(1 + 2 * bool(line.low) for line in panel.lines)),
    )  # fmt: skip


def _marked(panel: Panel, px: Scale, top: float, bottom: float) -> list[str]:
    """Draws the band and the middle of each mark, with its words beside it, which stand on the side with more room."""
    out = []
    for number_of_mark, mark in enumerate(panel.marks):
        low, at, high = (px(max(px.low, min(px.high, step))) for step in (mark.low, mark.at, mark.high))
        y, left = top + 12 + 14 * number_of_mark, at < (px.start + px.end) / 2
        words = svg.text(at + (4 if left else -4), y, mark.label, class_=None if left else "end")
        out.append(
            svg.tag(
                "g",
                svg.tag("rect", class_="phase", x=low, y=top, width=max(1.0, high - low), height=bottom - top),
                svg.line(at, top, at, bottom, class_="middle"),
                words,
                class_=f"a{mark.arm % theme.ARMS}",
            )
        )
    return out


def _lone(values: Values) -> list[tuple[int, float]]:
    """Returns the points that no line joins to another, with their numbers."""
    there = [None, *values, None]
    return [
        (at, value)
        for at, value in enumerate(values)
        if value is not None and there[at] is None and there[at + 2] is None
    ]


def _dot(x: float, y: float, arm: int) -> str:
    return svg.tag("g", svg.tag("circle", cx=x, cy=y, r=3.5), class_=f"a{arm % theme.ARMS}")


def _arrowhead(x: float, y: float, up: bool, arm: int) -> str:
    """Draws the mark of a point that lies beyond the edge at which it stands."""
    away = -1 if up else 1
    data = f"M{svg.short(x - 4)} {svg.short(y - 4 * away)}l4 {6 * away}l4 {-6 * away}"
    return svg.tag("path", class_=f"beyond a{arm % theme.ARMS}", d=data)


def _steps(px: Scale) -> list[float]:
    """Returns ticks at whole steps, with the first step among them if there is room."""
    ticks = [x for x in nice_ticks(px.low, px.high, 6) if px.low <= x <= px.high and x == int(x)] or [px.low]
    return [px.low, *ticks] if ticks[0] != px.low and px(ticks[0]) - px.start > 40 else ticks
