"""Figures -> inline SVG text. Pure functions; every text from a run is escaped here.

Colours, dashes and fonts of curves are classes of static/page.css (dark and light). `rollout_figure` carries its own, so
that the same picture also stands alone, on white and on dark pages.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence
from html import escape

from hicra.report.encode import clean
from hicra.report.figures import Figure, Panel, Values

WIDTH, PLOT_HEIGHT = 440, 190
_LEFT, _RIGHT, _TOP, _BOTTOM, _ROW = 46, 12, 10, 34, 18
COLOURS = 7


# ---- numbers on axes
def nice_ticks(low: float, high: float, number: int = 5) -> list[float]:
    """Ticks at multiples of 1, 2 or 5 times a power of ten that span [low, high].

    >>> nice_ticks(0.0, 0.83)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    if not high > low:
        low, high = low - (abs(low) * 0.1 or 0.5), high + (abs(high) * 0.1 or 0.5)
    rough = (high - low) / number
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{i * step:.12g}") for i in range(first, last + 1)]


def number(value: float | None, percent: bool = False) -> str:
    """A value as people read it: three or four figures, no trailing zeros, thousands with a thin space.

    >>> number(0.123456), number(12345.6), number(0.5, percent=True), number(None)
    ('0.123', '12\\u2009346', '50 %', '\\u2013')
    """
    if value is None:
        return "\u2013"
    if percent:
        return f"{number(100 * value)}\u00a0%" if value else "0\u00a0%"
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", "\u2009").replace("-", "\u2212")
    if value and abs(value) < 0.0005:
        return f"{value:.1e}".replace("-", "\u2212")
    text = f"{value:.{1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 3}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text.replace("-", "\u2212")


def shorten(text: str, most: int) -> str:
    """At most `most` characters, the cut shown by an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "\u2026"


# ---- line charts
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
        parts.append(
            f"{line.label}: {number(y0, panel.percent)} at step {number(x0)}, {number(y1, panel.percent)} at step {number(x1)}"
        )
    return f"{figure.title}{f', {panel.name}' if panel.name else ''}. " + "; ".join(parts) + "."


def legend(panel: Panel) -> tuple[list[tuple[float, int, str]], int]:
    """Legend entries as (x, row, label), flowing from left to right, and the number of rows."""
    out, x, row = [], 0.0, 0
    for line in panel.lines:
        label = shorten(line.label, 40)
        width = 46 + 6.1 * len(label)
        if x and x + width > WIDTH:
            x, row = 0.0, row + 1
        out.append((x, row, label))
        x += width
    return out, row + 1


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
        f'data-x="{_LEFT} {right} {x0:.10g} {x1:.10g}" data-y="{top} {top + PLOT_HEIGHT}">',
        f'<title id="t-{name}">{escape(figure.title)}</title><desc id="d-{name}">{escape(describe(figure, panel))}</desc>',
    ]
    for number_, ((x, row, label), line) in enumerate(zip(entries, panel.lines, strict=True)):
        y = _TOP + row * _ROW
        out.append(
            f'<g class="key" data-line="{number_}"><path class="bold a{line.arm % COLOURS} k{line.kind % 4}" d="M{x + 1:.4g} {y}h24"/>'
            f'<text x="{x + 31:.4g}" y="{y + 4}">{escape(label)}</text></g>'
        )
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


# ---- the signature figure: a tagged rollout with the advantage under it
INK, MUTED, CARD, EDGE = "#23262b", "#62676f", "#fdfcf9", "#dedbd3"
PLAN, PLAN_TINT, EXECUTION = "#d55e00", "#ffe3bf", "#9fb1bf"
_MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
_SANS = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
_CHAR, _SIZE, _PAD, _GAP = 7.8, 13, 5, 3
_SKY, _BARS = 26, 46  # heights: token row, bars on each side that is used


def _columns(text: str) -> int:
    """Width in characters of a fixed-width font: wide ones count twice, combining ones not at all."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _shown(token: str) -> str:
    """A token as one line of text: white space at its ends goes, a line end becomes a sign."""
    text = clean(token).replace("\r", "").replace("\t", " ").strip(" ")
    text = text.replace("\n", "\u21b5") or "\u2423"
    return shorten("".join(c if c.isprintable() else "\ufffd" for c in text), 24)


def _values(x: float, zero: float, before: float, after: float | None, bar: Callable[[float], float]) -> str:
    """The two values of a row at its left: before shaping in ink, on planning tokens in their colour, never overlapping."""
    spots = [(zero - bar(before), before, f'class="rf-ink" fill="{INK}"')]
    if after is not None:
        spots.append((zero - bar(after), after, f'class="rf-plan" fill="{PLAN}"'))
        spots.sort()
        lack = max(0.0, 13 - (spots[1][0] - spots[0][0])) / 2
        spots = [(y + sign * lack, value, look) for sign, (y, value, look) in zip((-1, 1), spots, strict=True)]
    return "".join(
        f'<text {look} x="{x}" y="{y + 4:.1f}" font-size="12" text-anchor="end">{_signed(value)}</text>'
        for y, value, look in spots
    )


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "\u2212") if value else "0"


def rollout_figure(
    tokens: list[str],
    planning: list[bool],
    before: list[float],
    after: list[float],
    *,
    width: int = 880,
    most: int = 90,
) -> str:
    """A tagged rollout with the advantage under each token: the dashed line is before shaping, the bars after it.

    Args:
        tokens: text of each token, at most `most` of which are drawn.
        planning: the planning mask. before, after: advantage of each token before and after shaping.
        width: of the picture in its own units; its height follows from the number of rows.

    Returns:
        A self-contained SVG with its own background and colours. Tokens are escaped.

    Raises:
        ValueError: no tokens, or lists of unequal lengths.
    """
    if not tokens or not len(tokens) == len(planning) == len(before) == len(after):
        raise ValueError(
            f"one entry a token: {len(tokens)} tokens, {len(planning)} planning, {len(before)} before, {len(after)} after"
        )
    shown = [_shown(token) for token in tokens[:most]]
    widths = [max(1, _columns(text)) * _CHAR + 2 * _PAD for text in shown]
    rows: list[list[int]] = [[]]
    x, margin, left = 0.0, 24, 66
    for i, each in enumerate(widths):
        if rows[-1] and x + each > width - margin - left:
            rows.append([])
            x = 0.0
        rows[-1].append(i)
        x += each + _GAP
    values = [v for v in (*before[: len(shown)], *after[: len(shown)]) if math.isfinite(v)]
    peak = max((abs(v) for v in values), default=0.0) or 1.0
    up = _BARS if any(v > 0 for v in values) or not any(values) else 0
    down = _BARS if any(v < 0 for v in values) else 0
    head, row_height = 58, _SKY + 10 + up + down + 22
    foot = 24 if len(tokens) > most else 4
    height = head + len(rows) * row_height + foot

    def bar(value: float) -> float:
        return (_BARS - 4) * value / peak if math.isfinite(value) else 0.0

    marked = [i for i in range(len(shown)) if planning[i]]
    words = f"{len(shown)} tokens, {len(marked)} of them planning. "
    if marked:
        i = marked[0]
        words += f"First planning token {shown[i]!r}: advantage {before[i]:+.3g} before, {after[i]:+.3g} after shaping."
    out = [
        f'<svg class="rollout-figure" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'font-family="{_SANS}" font-size="{_SIZE}">',
        f"<title>A tagged rollout with the advantage under each token</title><desc>{escape(words)}</desc>",
        f'<rect class="rf-card" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="10" fill="{CARD}" stroke="{EDGE}"/>',
        f'<g class="rf-key" fill="{MUTED}" font-size="12.5">',
        f'<rect class="rf-tint" x="{margin}" y="20" width="28" height="18" rx="4" fill="{PLAN_TINT}"/>'
        f'<path d="M{margin} 37.5h28" stroke="{PLAN}" stroke-width="2"/><text x="{margin + 36}" y="33">planning token</text>',
        f'<rect x="{margin + 150}" y="22" width="14" height="14" rx="2" fill="{PLAN}"/>'
        f'<rect class="rf-exec" x="{margin + 167}" y="22" width="14" height="14" rx="2" fill="{EXECUTION}"/>'
        f'<text x="{margin + 189}" y="33">advantage trained on</text>',
        f'<path class="rf-line" d="M{margin + 340} 29h30" stroke="{INK}" stroke-width="1.5" stroke-dasharray="4 3"/>'
        f'<text x="{margin + 378}" y="33">GRPO advantage, before shaping</text></g>',
    ]
    for r, row in enumerate(rows):
        top = head + r * row_height
        zero = top + _SKY + 10 + up
        x = float(left)
        end = x + sum(widths[i] + _GAP for i in row) - _GAP
        line = []
        for i in row:
            w = widths[i]
            tall = bar(after[i])
            if planning[i]:
                out.append(
                    f'<rect class="rf-tint" x="{x:.1f}" y="{top}" width="{w:.1f}" height="{_SKY - 3}" rx="4" fill="{PLAN_TINT}"/>'
                    f'<path d="M{x:.1f} {top + _SKY - 3.5}h{w:.1f}" stroke="{PLAN}" stroke-width="2"/>'
                )
            out.append(
                f'<text class="rf-ink" x="{x + _PAD:.1f}" y="{top + 16}" fill="{INK}" font-family="{_MONO}" '
                f'textLength="{w - 2 * _PAD:.1f}" lengthAdjust="spacingAndGlyphs">{escape(shown[i])}</text>'
            )
            if tall:
                kind = f'fill="{PLAN}"' if planning[i] else f'class="rf-exec" fill="{EXECUTION}"'
                out.append(
                    f'<rect {kind} x="{x:.1f}" y="{min(zero, zero - tall):.1f}" width="{w:.1f}" height="{abs(tall):.1f}" rx="1.5"/>'
                )
            level = zero - bar(before[i])
            line.append(f"{'M' if not line else 'L'}{x - _GAP / 2:.1f} {level:.1f}H{x + w + _GAP / 2:.1f}")
            x += w + _GAP
        out.append(
            f'<path class="rf-edge" d="M{left} {zero}H{end:.1f}" stroke="{MUTED}" stroke-width="1" opacity=".7"/>'
        )
        out.append(
            f'<path class="rf-line" d="{"".join(line)}" fill="none" stroke="{INK}" stroke-width="1.5" stroke-dasharray="4 3"/>'
        )
        plan = next((i for i in row if planning[i] and abs(bar(after[i]) - bar(before[i])) > 0.5), None)
        out.append(_values(left - 8, zero, before[row[0]], None if plan is None else after[plan], bar))
    if len(tokens) > most:
        out.append(
            f'<text class="rf-key" x="{margin}" y="{height - 14}" fill="{MUTED}" font-size="12.5">'
            f"{len(tokens) - most} more tokens are not drawn</text>"
        )
    return "".join(out) + "</svg>"
