"""Draws the differences of arms from the baseline arm as a forest plot: a row an arm, its interval, its seeds, its verdict.

It is narrow, so that a telephone shows it at a size that can be read, and every value stands beside its mark in figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hicra.drawing import svg, theme
from hicra.drawing.readable import decimal, interval_end, shorten
from hicra.drawing.scales import Scale, nice_ticks

WIDTH, MAX_ROWS = 400, 12
_LEFT, _RIGHT, _TOP, _ROW, _BOTTOM = 8, 252, 8, 54, 42
_LONGEST = 34  # letters of a name


@dataclass(frozen=True)
class Difference:
    """One arm minus the baseline arm, in the unit of the axis.

    Attributes:
        arm: the number of the arm, which chooses its colour.
        name: how the page calls it.
        mean: the difference.
        low, high: its 95 % interval; None where there is one seed, or one question.
        seeds: the difference of every seed.
        verdict: better, worse or inconclusive; higher, lower or inconclusive.
        alone: what stands in place of an interval.
    """

    arm: int
    name: str
    mean: float
    low: float | None
    high: float | None
    seeds: tuple[float, ...]
    verdict: str
    alone: str = "one seed"

    def value(self) -> str:
        """Writes the difference with its interval.

        >>> Difference(1, "HICRA", 2.71, -1.2, 6.6, (2.71,), "inconclusive").value()
        '+2.7 (-1.2 to +6.6)'
        """
        if self.low is None or self.high is None:
            return f"{decimal(self.mean, 1, sign=True)} ({self.alone})"
        return f"{decimal(self.mean, 1, sign=True)} ({interval_end(self.low, 1)} to {interval_end(self.high, 1)})"


def forest(rows: Sequence[Difference], title: str, unit: str) -> str:
    """Draws the differences.

    Args:
        rows: one an arm; those past `MAX_ROWS` are not drawn, since the table holds them.
        title: what is compared, for readers who cannot see it.
        unit: of the axis, for example "points of accuracy".
    """
    rows = rows[:MAX_ROWS]
    ends = [0.0, *(end for row in rows for end in (row.mean, row.low, row.high, *row.seeds) if end is not None)]
    reach = max(max(ends), -min(ends)) or 1.0
    ticks = nice_ticks(-reach, reach, 4)  # 0 stands in the middle, so that the side of an interval is seen at once
    at, bottom = Scale(ticks[0], ticks[-1], _LEFT, _RIGHT), _TOP + _ROW * len(rows)
    out = []
    for tick in ticks:
        anchor = "" if tick == ticks[0] else "end" if tick == ticks[-1] else "mid"
        out.append(svg.text(at(tick), bottom + 17, _minus(f"{tick:+g}" if tick else "0"), class_=anchor or None))
    out.append(svg.text((_LEFT + _RIGHT) / 2, bottom + 36, unit, class_="mid"))
    for number, row in enumerate(rows):
        top = _TOP + _ROW * number
        out += [
            svg.text(_LEFT, top + 14, shorten(row.name, _LONGEST), class_="strong"),
            svg.text(WIDTH - 2, top + 14, row.verdict, class_="end ink"),
            svg.text(WIDTH - 2, top + 38, _minus(row.value()), class_="end ink"),
        ]
        for tick in ticks:  # not across the names
            out.append(svg.line(at(tick), top + 22, at(tick), top + 46, class_="grid" if tick else "zero"))
        marks = [svg.tag("circle", class_="each", cx=at(seed), cy=top + 33, r=3) for seed in row.seeds]
        if row.low is not None and row.high is not None:
            marks.append(svg.line(at(row.low), top + 34, at(row.high), top + 34, class_="mean"))
        marks.append(svg.line(at(row.mean), top + 26, at(row.mean), top + 42, class_="mean"))
        out.append(svg.tag("g", *marks, class_=f"a{row.arm % theme.ARMS}"))
    about = ". ".join(f"{row.name}: {row.value()}, {row.verdict}" for row in rows)
    return svg.document(WIDTH, bottom + _BOTTOM, title, *out, about=f"{about}.", key="forest", class_="chart")


def _minus(text: str) -> str:
    return text.replace("-", "\u2212")
