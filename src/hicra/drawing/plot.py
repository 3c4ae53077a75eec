"""Makes a plot for a file of its own, which holds its colours for light and dark screens and loads nothing."""

from __future__ import annotations

from collections.abc import Sequence

from hicra.drawing import svg, theme
from hicra.drawing.readable import number
from hicra.drawing.scales import Scale


def plot(width: float, height: float, title: str, inside: Sequence[str], about: str) -> str:
    """Makes the text of a whole SVG file with its own background.

    Args:
        width, height: size in pixels.
        title: name of the plot.
        inside: its elements, which chart.css styles.
        about: what the plot shows, for readers who cannot see it.
    """
    return svg.document(
        width, height, title, svg.tag("style", theme.css(".chart")),
        svg.tag("rect", class_="back", width=width, height=height), *inside, about=about, key="plot", class_="chart",
        width=width, height=height,
    )  # fmt: skip


def columns(scale: Scale, ticks: Sequence[float], top: float, bottom: float) -> list[str]:
    """Draws the grid of a horizontal scale: a vertical line per tick, with its number below."""
    out = []
    for tick in ticks:
        out.append(svg.line(scale(tick), top, scale(tick), bottom, class_="grid"))
        out.append(svg.text(scale(tick), bottom + 18, number(tick), class_="mid"))
    return out
