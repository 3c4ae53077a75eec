"""The signature figure: a tagged rollout with the advantage under it, before and after shaping.

Self-contained SVG with a card and colours of its own, so that it stands alone on white and on dark pages (README); in
the report, static/page.css recolours it for dark mode through its classes.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence
from html import escape

from hicra.report.encode import clean
from hicra.report.scales import number, shorten

INK, MUTED, CARD, EDGE = "#23262b", "#62676f", "#fdfcf9", "#dedbd3"
PLAN, PLAN_TINT, EXECUTION = "#d55e00", "#ffe3bf", "#9fb1bf"
_MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
_SANS = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
_CHAR, _SIZE, _PAD, _GAP = 7.8, 13, 5, 3
_SKY, _BARS = 26, 54  # heights: token row, bars on each side that is used


def _columns(text: str) -> int:
    """Width in characters of a fixed-width font: wide ones count twice, combining ones not at all."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _shown(token: str) -> str:
    """A token as one line of text: white space at its ends goes, a line end becomes a sign."""
    text = clean(token).replace("\r", "").replace("\t", " ").strip(" ")
    text = text.replace("\n", "\u21b5") or "\u2423"
    return shorten("".join(c if c.isprintable() else "\ufffd" for c in text), 24)


def _rows(widths: Sequence[float], most: float) -> list[list[int]]:
    """Indices in rows that are at most `most` wide, filled from the left."""
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
    """As few rows as fit, of about equal width: no last row of one token."""
    low, high, number_of_rows = max(widths), most, len(_rows(widths, most))
    while high - low > 1:
        middle = (low + high) / 2
        low, high = (low, middle) if len(_rows(widths, middle)) == number_of_rows else (middle, high)
    return _rows(widths, high)


def _values(x: float, zero: float, before: float, after: float | None, bar: Callable[[float], float]) -> str:
    """The values at the left of a row: before shaping in ink, on planning tokens in their colour, never overlapping."""
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
        sizes = f"{len(tokens)} tokens, {len(planning)} planning, {len(before)} before, {len(after)} after"
        raise ValueError(f"one entry a token, and at least one: {sizes}")
    shown = [_shown(token) for token in tokens[:most]]
    widths = [max(1, _columns(text)) * _CHAR + 2 * _PAD for text in shown]
    margin, left = 24, 66
    rows = _balanced(widths, width - margin - left)
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
        f'<rect class="rf-card" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="10" '
        f'fill="{CARD}" stroke="{EDGE}"/>',
        f'<g class="rf-key" fill="{MUTED}" font-size="12.5">',
        f'<rect class="rf-tint" x="{margin}" y="20" width="28" height="18" rx="4" fill="{PLAN_TINT}"/>'
        f'<path d="M{margin} 37.5h28" stroke="{PLAN}" stroke-width="2"/>'
        f'<text x="{margin + 36}" y="33">planning token</text>',
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
        line: list[str] = []
        for i in row:
            w = widths[i]
            tall = bar(after[i])
            if planning[i]:
                out.append(
                    f'<rect class="rf-tint" x="{x:.1f}" y="{top}" width="{w:.1f}" height="{_SKY - 3}" rx="4" '
                    f'fill="{PLAN_TINT}"/>'
                    f'<path d="M{x:.1f} {top + _SKY - 3.5}h{w:.1f}" stroke="{PLAN}" stroke-width="2"/>'
                )
            out.append(
                f'<text class="rf-ink" x="{x + _PAD:.1f}" y="{top + 16}" fill="{INK}" font-family="{_MONO}" '
                f'textLength="{w - 2 * _PAD:.1f}" lengthAdjust="spacingAndGlyphs">{escape(shown[i])}</text>'
            )
            if tall:
                kind = f'fill="{PLAN}"' if planning[i] else f'class="rf-exec" fill="{EXECUTION}"'
                out.append(
                    f'<rect {kind} x="{x:.1f}" y="{min(zero, zero - tall):.1f}" width="{w:.1f}" '
                    f'height="{abs(tall):.1f}" rx="1.5"/>'
                )
            level = zero - bar(before[i])
            line.append(f"{'M' if not line else 'L'}{x - _GAP / 2:.1f} {level:.1f}H{x + w + _GAP / 2:.1f}")
            x += w + _GAP
        out.append(
            f'<path class="rf-edge" d="M{left} {zero}H{end:.1f}" stroke="{MUTED}" stroke-width="1" opacity=".7"/>'
        )
        out.append(
            f'<path class="rf-line" d="{"".join(line)}" fill="none" stroke="{INK}" stroke-width="1.5" '
            'stroke-dasharray="4 3"/>'
        )
        plan = next((i for i in row if planning[i] and abs(bar(after[i]) - bar(before[i])) > 0.5), None)
        out.append(_values(left - 8, zero, before[row[0]], None if plan is None else after[plan], bar))
    if len(tokens) > most:
        out.append(
            f'<text class="rf-key" x="{margin}" y="{height - 14}" fill="{MUTED}" font-size="12.5">'
            f"{len(tokens) - most} more tokens are not drawn</text>"
        )
    return "".join(out) + "</svg>"
