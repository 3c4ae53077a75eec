"""Figures -> inline SVG text. Pure functions; every text from a run is escaped here.

Colours, dashes and fonts are classes of static/page.css, for dark and light. `rollout_figure` carries its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from hicra.report.figures import Figure, Panel, Values
from hicra.report.rollout_figure import rollout_figure
from hicra.report.scales import nice_ticks, number, shorten

__all__ = ["COLOURS", "describe", "legend", "line_chart", "path", "rollout_figure"]

WIDTH, PLOT_HEIGHT = 400, 180
_LEFT, _RIGHT, _TOP, _BOTTOM, _ROW = 46, 12, 10, 34, 18
COLOURS = 7


def path(xs: Sequence[float], ys: Sequence[float | None]) -> str:
    """SVG path through the points; None lifts the pen, a point alone becomes a dot.

    >>> path([0, 1, 2, 3], [5, None, 6, 7])
    'M0 5h0M2 6L3 7'
    """
    out, pen = [], False
    for i, (x, y) in enumerate(zip(xs, ys, strict=True)):
        if y is None:
            pen = False
            continue
        out.append(f"{'L' if pen else 'M'}{x:.4g} {y:.4g}")
        if not pen and (i + 1 == len(ys) or ys[i + 1] is None):
            out.append("h0")
        pen = True
    return "".join(out)


def describe(figure: Figure, panel: Panel) -> str:
    """The chart in words: first and last value of every curve."""
    parts = []
    for line in panel.lines:
        there = [(x, value) for x, value in zip(panel.x, line.mean, strict=True) if value is not None]
        (x0, y0), (x1, y1) = there[0], there[-1]
        start, end = number(y0, panel.percent), number(y1, panel.percent)
        parts.append(f"{line.label}: {start} at step {number(x0)}, {end} at step {number(x1)}")
    return f"{figure.title}{f', {panel.name}' if panel.name else ''}. " + "; ".join(parts) + "."


def legend(panel: Panel) -> tuple[list[str], int]:
    """Legend as SVG pieces and its number of rows: arms in one row, or a row an arm (its name, then its kinds)."""
    by_kind = any(line.kind_label for line in panel.lines) and any(line.arm_label for line in panel.lines)
    out: list[str] = []
    x, row, arm = 0.0, 0, None
    name_width = max(1.2 * _width(shorten(line.arm_label, 24)) for line in panel.lines) + 12 if by_kind else 0.0
    for line in panel.lines:
        first = f" ({line.first:.3g})" if line.first is not None else ""
        label = shorten(line.kind_label if by_kind else line.label, 34) + first
        if by_kind and line.arm != arm:
            row, x, arm = row + (arm is not None), name_width, line.arm
            out.append(
                f'<text class="arm" x="0" y="{_TOP + row * _ROW + 4}">{escape(shorten(line.arm_label, 24))}</text>'
            )
        width = 44 + _width(label)
        if x > name_width and x + width > WIDTH + 8:
            x, row = name_width, row + 1
        y = _TOP + row * _ROW
        look = f"bold a{line.arm % COLOURS} k{line.kind % 4}"
        out.append(
            f'<path class="{look}" d="M{x + 1:.4g} {y}h24"/><text x="{x + 31:.4g}" y="{y + 4}">{escape(label)}</text>'
        )
        x += width
    return out, row + 1


def _width(text: str) -> float:
    """About how wide a text of the legend is, in the chart's units."""
    return 6.3 * len(text)


def line_chart(figure: Figure, panel: Panel) -> str:
    """One panel as SVG: legend, axes with ticks, a faint curve a run, a bold smoothed mean an arm."""
    entries, rows = legend(panel)
    top = _TOP + rows * _ROW
    height = top + PLOT_HEIGHT + _BOTTOM
    every = [v for line in panel.lines for values in (line.mean, *line.faint) for v in values if v is not None]
    ticks = nice_ticks(min((*every, *panel.include)), max((*every, *panel.include)))
    if panel.percent and min(every) >= 0 and ticks[-1] > 1 >= max(every):
        ticks = [tick for tick in ticks if tick <= 1]
    x0, x1 = panel.x[0], panel.x[-1]
    span = (x1 - x0) or 1.0
    right = WIDTH - _RIGHT

    def px(x: float) -> float:
        return _LEFT + (right - _LEFT) * ((x - x0) / span if x1 > x0 else 0.5)

    def py(y: float | None) -> float | None:
        return None if y is None else top + PLOT_HEIGHT * (1 - (y - ticks[0]) / (ticks[-1] - ticks[0]))

    xs = [px(x) for x in panel.x]

    def curve(values: Values) -> str:
        return path(xs, [py(value) for value in values])

    name = f"{figure.key}-{figure.panels.index(panel)}"
    out = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="t-{name} d-{name}" '
        f'data-x="{_LEFT} {right} {x0:.10g} {x1:.10g}" data-y="{top} {top + PLOT_HEIGHT}" '
        f'data-lines="{len(panel.lines)}">',
        f'<title id="t-{name}">{escape(figure.title)}</title>',
        f'<desc id="d-{name}">{escape(describe(figure, panel))}</desc>',
    ]
    out += ['<g class="key">', *entries, "</g>"]
    for tick in ticks:
        y_tick = py(tick)
        out.append(
            f'<path class="grid" d="M{_LEFT} {y_tick:.4g}H{right}"/>'
            f'<text class="tick end" x="{_LEFT - 7}" y="{y_tick:.4g}" dy="4">{number(tick, panel.percent)}</text>'
        )
    x_ticks = [x for x in nice_ticks(x0, x1, 6) if x0 <= x <= x1 and x == int(x)] or [x0]
    if x_ticks[0] != x0 and px(x_ticks[0]) - px(x0) > 40:
        x_ticks.insert(0, x0)
    for tick in x_ticks:
        out.append(
            f'<path class="axis" d="M{px(tick):.4g} {top + PLOT_HEIGHT}v4"/>'
            f'<text class="tick mid" x="{px(tick):.4g}" y="{top + PLOT_HEIGHT + 17}">{number(tick)}</text>'
        )
    out.append(f'<path class="axis" d="M{_LEFT} {top + PLOT_HEIGHT}H{right}"/>')
    out.append(f'<text class="tick end" x="{right}" y="{height - 3}">step</text>')
    if panel.unit:
        out.append(f'<text class="tick" x="{_LEFT}" y="{height - 3}">{escape(panel.unit)}</text>')
    if panel.rule is not None and ticks[0] <= panel.rule <= ticks[-1]:
        out.append(f'<path class="rule" d="M{_LEFT} {py(panel.rule):.4g}H{right}"/>')
    for line in panel.lines:
        out += [f'<path class="faint a{line.arm % COLOURS}" d="{curve(values)}"/>' for values in line.faint]
    for line in panel.lines:
        out.append(f'<path class="bold a{line.arm % COLOURS} k{line.kind % 4}" d="{curve(line.bold)}"/>')
    return "".join(out) + "</svg>"
