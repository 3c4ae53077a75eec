"""A plot that stands alone in a file: it carries its colours for light and dark, and loads nothing."""

from __future__ import annotations

from collections.abc import Sequence

from hicra.drawing import svg, theme
from hicra.drawing.readable import number
from hicra.drawing.scales import Scale


def plot(width: float, height: float, title: str, inside: Sequence[str], about: str) -> str:
    """A whole file of SVG, on a ground of its own.

    Args:
        title, about: what it is called and shows, for those who cannot see it.
        inside: its elements, in the looks of chart.css.
    """
    return svg.document(
        width, height, title, svg.tag("style", theme.css(".chart")),
        svg.tag("rect", class_="back", width=width, height=height), *inside, about=about, key="plot", class_="chart",
        width=width, height=height,
    )  # fmt: skip


def columns(scale: Scale, ticks: Sequence[float], top: float, bottom: float) -> list[str]:
    """The grid of a level scale: an upright line a tick, with its number below."""
    out = []
    for tick in ticks:
        out.append(svg.line(scale(tick), top, scale(tick), bottom, class_="grid"))
        out.append(svg.text(scale(tick), bottom + 18, number(tick), class_="mid"))
    return out
