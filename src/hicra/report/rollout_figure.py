"""Draws the main figure: a tagged rollout with the advantage under it, before and after shaping.

It is a self-contained SVG with its own background and the light colours of the theme as attributes, so that it can be put on
white and on dark pages (README). In the report, static/page.css recolours it for dark mode through its classes.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence

from hicra.drawing import svg
from hicra.drawing.readable import number, printable, shorten
from hicra.drawing.theme import LIGHT, MONO, SANS
from hicra.report.encode import clean

_CHAR, _SIZE, _PAD, _GAP = 7.8, 13, 5, 3
_SKY, _BARS = 26, 54  # height of the row of tokens, and of the bars on each side that is used
_MARGIN, _LEFT, _HEAD = 24, 66, 58
Look = dict[str, svg.Attribute]
_CARD: Look = {"class_": "rf-card", "fill": LIGHT.card, "stroke": LIGHT.rule}
_INK: Look = {"class_": "rf-ink", "fill": LIGHT.ink}
_SOFT: Look = {"class_": "rf-key", "fill": LIGHT.soft, "font_size": 12.5}
_PLAN: Look = {"class_": "rf-plan", "fill": LIGHT.mark_edge}
_EXECUTION: Look = {"class_": "rf-exec", "fill": LIGHT.execution}
_TINT: Look = {"class_": "rf-tint", "fill": LIGHT.mark}
_UNDER: Look = {"class_": "rf-under", "stroke": LIGHT.mark_edge, "stroke_width": 2}
_ZERO: Look = {"class_": "rf-edge", "stroke": LIGHT.soft, "stroke_width": 1, "opacity": ".7"}
_DASHED: Look = {
    "class_": "rf-line", "fill": "none", "stroke": LIGHT.ink, "stroke_width": 1.5, "stroke_dasharray": "4 3"
}  # fmt: skip


def _columns(text: str) -> int:
    """Returns the width in characters of a fixed-width font: wide ones count twice, combining ones not at all."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _shown(token: str) -> str:
    """Writes a token as one line of text, without white space at its ends and with a sign for a line end."""
    text = clean(token).replace("\r", "").replace("\t", " ").strip(" ")
    text = text.replace("\n", "\u21b5") or "\u2423"
    return shorten(printable(text), 24)


def _rows(widths: Sequence[float], most: float) -> list[list[int]]:
    """Puts the indices into rows that are at most `most` wide, filled from the left."""
    rows: list[list[int]] = [[]]
    x = 0.0
    for i, each in enumerate(widths):
        if rows[-1] and x + each > most:
            rows.append([])
            x = 0.0
        rows[-1].append(i)
        x += each + _GAP
    return rows


def _balanced(widths: Sequence[float], most: float) -> list[list[int]]:
    """Makes as few rows as possible, of about equal width, so that the last row is not one token."""
    low, high, number_of_rows = max(widths), most, len(_rows(widths, most))
    while high - low > 1:
        middle = (low + high) / 2
        low, high = (low, middle) if len(_rows(widths, middle)) == number_of_rows else (middle, high)
    return _rows(widths, high)


def _values(zero: float, before: float, after: float | None, bar: Callable[[float], float]) -> list[str]:
    """Writes the values at the left of a row, before shaping and after it on planning tokens, so that they do not overlap."""
    spots = [(zero - bar(before), before, _INK)]
    if after is not None:
        spots.append((zero - bar(after), after, _PLAN))
        spots.sort(key=lambda spot: spot[0])
        lack = max(0.0, 13 - (spots[1][0] - spots[0][0])) / 2
        spots = [(y + sign * lack, value, look) for sign, (y, value, look) in zip((-1, 1), spots, strict=True)]
    return [
        svg.text(_LEFT - 8, y + 4, _signed(value), **look, font_size=12, text_anchor="end") for y, value, look in spots
    ]


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + number(value)


def rollout_figure(
    tokens: list[str],
    planning: list[bool],
    before: list[float],
    after: list[float],
    *,
    width: int = 880,
    most: int = 90,
) -> str:
    """Draws a tagged rollout with the advantage under each token: a dashed line before shaping, bars after it.

    Args:
        tokens: the text of each token.
        planning: the planning mask.
        before, after: the advantage of each token before and after shaping.
        width: width of the picture in pixels; its height follows from the number of rows.
        most: the most tokens that are drawn.

    Returns:
        A self-contained SVG with its own background and colours, in which the tokens are escaped.

    Raises:
        ValueError: there are no tokens, or the lists have different lengths.
    """
    if not tokens or not len(tokens) == len(planning) == len(before) == len(after):
        sizes = f"{len(tokens)} tokens, {len(planning)} planning, {len(before)} before, {len(after)} after"
        raise ValueError(f"one entry a token, and at least one: {sizes}")
    shown = [_shown(token) for token in tokens[:most]]
    widths = [max(1, _columns(text)) * _CHAR + 2 * _PAD for text in shown]
    rows = _balanced(widths, width - _MARGIN - _LEFT)
    values = [v for v in (*before[: len(shown)], *after[: len(shown)]) if math.isfinite(v)]
    peak = max((abs(v) for v in values), default=0.0) or 1.0
    up = _BARS if any(v > 0 for v in values) or not any(values) else 0
    down = _BARS if any(v < 0 for v in values) else 0
    row_height = _SKY + 10 + up + down + 22
    height = _HEAD + len(rows) * row_height + (24 if len(tokens) > most else 4)

    def bar(value: float) -> float:
        return (_BARS - 4) * value / peak if math.isfinite(value) else 0.0

    marked = [i for i in range(len(shown)) if planning[i]]
    words = f"{len(shown)} tokens, {len(marked)} of them planning. "
    if marked:
        i = marked[0]
        words += f"First planning token {shown[i]!r}: advantage {before[i]:+.3g} before, {after[i]:+.3g} after shaping."
    card = svg.tag("rect", **_CARD, x=0.5, y=0.5, width=width - 1, height=height - 1, rx=10)
    out = [card, _legend()]
    for number_of_row, row in enumerate(rows):
        top = _HEAD + number_of_row * row_height
        zero = top + _SKY + 10 + up
        x, end = float(_LEFT), _LEFT + sum(widths[i] + _GAP for i in row) - _GAP
        level: list[str] = []
        for i in row:
            w, tall = widths[i], bar(after[i])
            if planning[i]:
                out += _planning(x, top, w, _SKY - 3)
            out.append(
                svg.text(
                    x + _PAD, top + 16, shown[i], **_INK, font_family=MONO, textLength=w - 2 * _PAD,
                    lengthAdjust="spacingAndGlyphs",
                )
            )  # fmt: skip
            if tall:
                out.append(_bar(planning[i], x=x, y=min(zero, zero - tall), width=w, height=abs(tall), rx=1.5))
            y = zero - bar(before[i])
            level.append(f"{'L' if level else 'M'}{x - _GAP / 2:.1f} {y:.1f}H{x + w + _GAP / 2:.1f}")
            x += w + _GAP
        out.append(svg.line(_LEFT, zero, end, zero, **_ZERO))
        out.append(svg.tag("path", d="".join(level), **_DASHED))
        plan = next((i for i in row if planning[i] and abs(bar(after[i]) - bar(before[i])) > 0.5), None)
        out += _values(zero, before[row[0]], None if plan is None else after[plan], bar)
    if len(tokens) > most:
        out.append(svg.text(_MARGIN, height - 14, f"{len(tokens) - most} more tokens are not drawn", **_SOFT))
    return svg.document(
        width, height, "A tagged rollout with the advantage under each token", *out, about=words, class_="rollout-figure",
        font_family=SANS, font_size=_SIZE,
    )  # fmt: skip


def _planning(x: float, y: float, width: float, height: float) -> list[str]:
    """Draws the background and the underline of a planning token."""
    edge = y + height - 0.5
    return [
        svg.tag("rect", **_TINT, x=x, y=y, width=width, height=height, rx=4),
        svg.line(x, edge, x + width, edge, **_UNDER),
    ]


def _bar(planning: bool, **place: float) -> str:
    return svg.tag("rect", **(_PLAN if planning else _EXECUTION), **place)


def _legend() -> str:
    x = _MARGIN
    return svg.tag(
        "g",
        *_planning(x, 20, 28, 18), svg.text(x + 36, 33, "planning token"),
        _bar(True, x=x + 150, y=22, width=14, height=14, rx=2), _bar(False, x=x + 167, y=22, width=14, height=14, rx=2),
        svg.text(x + 189, 33, "advantage trained on"),
        svg.line(x + 340, 29, x + 370, 29, **_DASHED), svg.text(x + 378, 33, "advantage before shaping"),
        **_SOFT,
    )  # fmt: skip
