"""The kinds of pictures that the study draws: small panels of curves, rows with intervals, points with crosses, stacked curves.

Each takes plain numbers and returns the text of an SVG file, the same bytes for the same numbers. Arms differ by their place and
label as well as by colour, so that no reader needs the colours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hicra.drawing import svg
from hicra.drawing.plot import columns, plot
from hicra.drawing.readable import number
from hicra.drawing.scales import Scale, nice_ticks

Numbers = Sequence[float]
_BAND = "fill:currentColor;fill-opacity:.16;stroke:none"


@dataclass(frozen=True)
class Line:
    """A curve: x [N], y [N], the band around it, and the class of its colour."""

    name: str
    x: Numbers
    y: Sequence[float | None]
    low: Numbers = ()
    high: Numbers = ()
    look: str = "a0"


@dataclass(frozen=True)
class Row:
    """A line of a table of intervals."""

    name: str
    value: float
    low: float
    high: float
    marked: bool = False


def panels(
    title: str, grid: Sequence[Sequence[tuple[str, Sequence[Line]]]], axes: tuple[str, str], top_value: float
) -> str:
    """Draws a grid of small panels: rows of (panel title, lines); a row has one scale of steps."""
    width, height, left, head, gap = 190, 130, 44, 30, 34
    inside, told = [], []
    for i, row in enumerate(grid):
        most = max(line.x[-1] for _, lines in row for line in lines)
        for j, (name, lines) in enumerate(row):
            x0, y0 = left + j * (width + gap), head + i * (height + gap + 22)
            across, up = Scale(0, most, x0, x0 + width), Scale(0, top_value, y0 + height, y0)
            inside.append(svg.text(x0, y0 - 8, name, class_="ink"))
            for tick in nice_ticks(0, top_value, 4):
                if tick <= top_value:
                    inside.append(svg.line(x0, up(tick), x0 + width, up(tick), class_="grid"))
                    inside.append(svg.text(x0 - 6, up(tick) + 4, number(tick), class_="end"))
            for tick in nice_ticks(0, most, 4):
                if tick <= most:
                    inside.append(svg.text(across(tick), y0 + height + 16, number(tick), class_="mid"))
            for line in lines:
                inside.append(_drawn(line, across, up))
                end = next((value for value in reversed(line.y) if value is not None), None)
                told.append(f"{name}, {line.name}: {number(end)} at the end")
    bottom = head + len(grid) * (height + gap + 22) - 16
    wide = left + max(len(row) for row in grid) * (width + gap)
    inside.append(svg.text(wide / 2, bottom + 4, f"{axes[0]}; upwards: {axes[1]}", class_="mid"))
    return plot(wide, bottom + 18, title, inside, "; ".join(told) + ".")


def _drawn(line: Line, across: Scale, up: Scale) -> str:
    """One curve with its band."""
    xs = [across(x) for x in line.x]
    ys = [None if y is None else up(y) for y in line.y]
    parts = []
    if len(line.low):
        edge = [*zip(xs, (up(v) for v in line.high), strict=True)]
        back = [*zip(xs, (up(v) for v in line.low), strict=True)][::-1]
        shape = "M" + "L".join(f"{svg.short(x)} {svg.short(y)}" for x, y in edge + back) + "Z"
        parts.append(svg.tag("path", d=shape, style=_BAND))
    parts.append(svg.tag("path", d=svg.curve(xs, ys), class_="bold"))
    return svg.tag("g", *parts, class_=line.look)


def rows(title: str, table: Sequence[Row], axis: str, zero: float | None = 0.0, margin: float | None = None) -> str:
    """Draws one interval a line; dashed: zero, and the margin on both sides of it."""
    low, high = min(row.low for row in table), max(row.high for row in table)
    edges = [low, high, *([] if zero is None else [zero])]
    ticks = nice_ticks(min(edges), max(edges))
    left, width, top, step = 270, 420, 14, 22
    bottom = top + step * len(table)
    scale = Scale(ticks[0], ticks[-1], left, left + width)
    inside = columns(scale, ticks, top, bottom)
    if zero is not None:
        inside.append(svg.line(scale(zero), top, scale(zero), bottom, class_="zero"))
        for side in () if margin is None else (zero - margin, zero + margin):
            if scale.low < side < scale.high:
                inside.append(svg.line(scale(side), top, scale(side), bottom, class_="rule"))
    for index, row in enumerate(table):
        y = top + step * (index + 0.5)
        name = svg.text(left - 10, y + 4, row.name, class_="strong end" if row.marked else "ink end")
        span = svg.line(scale(row.low), y, scale(row.high), y, class_="span")
        dot = svg.tag("circle", cx=scale(row.value), cy=y, r=4)
        inside.append(svg.tag("g", name, span, dot, class_="a1" if row.marked else "plain"))
    inside.append(svg.text(left + width / 2, bottom + 38, axis, class_="mid"))
    told = "; ".join(f"{row.name}: {number(row.value)}, {number(row.low)} to {number(row.high)}" for row in table)
    return plot(left + width + 24, bottom + 50, title, inside, told + ".")


def points(
    title: str,
    groups: Mapping[str, Sequence[Mapping[str, Any]]],
    axes: tuple[str, str],
    half: bool = False,
    joined: bool = False,
) -> str:
    """Draws points with crosses, a panel a group: each with name, x, x_low, x_high, y, y_low, y_high, and a colour or none.

    `half` marks y = 1/2 in place of 0; `joined` joins the points of one colour in their order.
    """
    size, left, top, gap = 330, 60, 50, 80
    inside, told = [], []
    for index, (group, found) in enumerate(groups.items()):
        x0 = left + index * (size + gap)
        x_ticks = nice_ticks(min(one["x_low"] for one in found), max(one["x_high"] for one in found))
        y_ticks = nice_ticks(min(one["y_low"] for one in found), max(one["y_high"] for one in found))
        across, up = Scale(x_ticks[0], x_ticks[-1], x0, x0 + size), Scale(y_ticks[0], y_ticks[-1], top + size, top)
        inside.append(svg.tag("rect", class_="frame", x=x0, y=top, width=size, height=size))
        inside.append(svg.text(x0 + size / 2, 20, group, class_="ink mid"))
        inside += [svg.text(across(tick), top + size + 16, number(tick), class_="mid") for tick in x_ticks]
        inside += [svg.text(x0 - 6, up(tick) + 4, number(tick), class_="end") for tick in y_ticks]
        if x_ticks[0] < 0 < x_ticks[-1]:
            inside.append(svg.line(across(0), top, across(0), top + size, class_="zero"))
        level = 0.5 if half else 0.0
        if y_ticks[0] < level < y_ticks[-1]:
            inside.append(svg.line(x0, up(level), x0 + size, up(level), class_="zero"))
        inside.append(svg.text(x0 + size / 2, top + size + 34, axes[0], class_="mid"))
        inside.append(svg.text(x0, top - 8, axes[1]))
        for colour in sorted({one["colour"] for one in found}) if joined else ():
            xs, ys = zip(*((across(one["x"]), up(one["y"])) for one in found if one["colour"] == colour), strict=True)
            inside.append(svg.tag("path", d=svg.curve(xs, ys), class_=f"faint a{colour % 7}"))
        boxes: list[tuple[float, float, float]] = []
        for place, one in enumerate(found):
            x, y = across(one["x"]), up(one["y"])
            right = x > x0 + 0.6 * size
            cross = (
                svg.line(across(one["x_low"]), y, across(one["x_high"]), y, class_="span"),
                svg.line(x, up(one["y_low"]), x, up(one["y_high"]), class_="span"),
                svg.tag("circle", cx=x, cy=y, r=4),
                svg.text(
                    x - 7 if right else x + 7,
                    _free(boxes, x, y, one["name"], right),
                    one["name"],
                    class_="end" if right else None,
                    style="fill:currentColor",
                ),
            )
            inside.append(svg.tag("g", *cross, class_=f"a{one.get('colour', place) % 7}"))
            told.append(f"{group}, {one['name']}: {number(one['x'])}, {number(one['y'])}")
    wide = left + len(groups) * (size + gap) - gap + 40
    return plot(wide, top + size + 46, title, inside, "; ".join(told) + ".")


def _free(boxes: list[tuple[float, float, float]], x: float, y: float, name: str, right: bool) -> float:
    """Finds a height for a label at which it lies on none of the labels (start, end, height) before it, and notes it there."""
    start, end = (x - 7 - 6.6 * len(name), x - 7) if right else (x + 7, x + 7 + 6.6 * len(name))
    for shift in (-6, 15, -20, 29, -34, 43, -48):
        at = y + shift
        if all(end < first or start > last or abs(at - other) >= 13 for first, last, other in boxes):
            break
    boxes.append((start, end, at))
    return at


def stack(
    title: str, strips: Sequence[tuple[str, Sequence[Line]]], marks: Sequence[tuple[float, str]], axis: str
) -> str:
    """Draws strips of curves under each other on one horizontal axis, each with its own vertical scale.

    Args:
        title: of the picture.
        strips: (what the strip shows, its lines).
        marks: (place on the axis, name): dashed lines through all strips, numbered in a key below.
        axis: the name of the horizontal axis.
    """
    left, width, height, gap, head = 60, 640, 92, 30, 48
    most = max(line.x[-1] for _, lines in strips for line in lines)
    ticks = [tick for tick in nice_ticks(0, most, 8) if tick <= most]
    across = Scale(0, most, left, left + width)
    bottom = head + len(strips) * (height + gap) - gap
    inside = columns(across, ticks, head, bottom)
    told = []
    for index, (name, lines) in enumerate(strips):
        y0 = head + index * (height + gap)
        values = [value for line in lines for value in (*line.y, *line.low, *line.high) if value is not None]
        levels = nice_ticks(min(values), max(values), 3)
        up = Scale(levels[0], levels[-1], y0 + height, y0)
        inside.append(svg.tag("rect", class_="frame", x=left, y=y0, width=width, height=height))
        inside.append(svg.text(left, y0 - 5, name, class_="ink"))
        inside += [svg.text(left - 6, up(level) + 4, number(level), class_="end") for level in levels]
        for place, line in enumerate(lines):
            inside.append(_drawn(line, across, up))
            if len(lines) > 1:
                inside.append(
                    svg.tag("g", svg.text(left + width - 130 * (len(lines) - place - 1), y0 - 7, line.name, class_="end",
                                          style="fill:currentColor"), class_=line.look)
                )  # fmt: skip
            first, last = (next(v for v in side if v is not None) for side in (line.y, line.y[::-1]))
            told.append(f"{name}, {line.name}: {number(first)} to {number(last)}")
    for place, (at, name) in enumerate(marks, 1):
        inside.append(svg.line(across(at), head - 14, across(at), bottom, class_="zero"))
        inside.append(svg.text(across(at), 18 + 12 * (place % 2), str(place), class_="strong mid"))
        inside.append(svg.text(left, bottom + 54 + 16 * place, f"{place}: {name}", class_="ink"))
        told.append(f"{name}: {axis} {number(at)}")
    inside.append(svg.text(left + width / 2, bottom + 38, axis, class_="mid"))
    return plot(left + width + 24, bottom + 66 + 16 * len(marks), title, inside, "; ".join(told) + ".")
