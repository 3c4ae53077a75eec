"""Writes SVG as text; every element of every figure is written here, so that all text is escaped and all numbers are short.

Attributes are keyword arguments: `stroke_width=2` is written stroke-width="2", `class_` is class; an attribute None is left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

Attribute = str | float | None
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")  # control characters, and what XML cannot hold


def tag(element: str, /, *inside: str, **attributes: Attribute) -> str:
    """Writes one element around what is inside, which must be SVG already.

    >>> tag("g", tag("circle", r=4.0, cx=1 / 3), class_="dot", id=None)
    '<g class="dot"><circle r="4" cx="0.3"/></g>'
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escaped(value) if isinstance(value, str) else short(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{element}{written}>{''.join(inside)}</{element}>" if inside else f"<{element}{written}/>"


def text(x: float, y: float, words: str, /, **attributes: Attribute) -> str:
    """Writes a line of text."""
    return tag("text", escaped(words), x=x, y=y, **attributes)


def line(x0: float, y0: float, x1: float, y1: float, /, **attributes: Attribute) -> str:
    """Draws a straight line, in the short form if it is vertical or horizontal."""
    end = f"V{short(y1)}" if x0 == x1 else f"H{short(x1)}" if y0 == y1 else f"L{short(x1)} {short(y1)}"
    return tag("path", d=f"M{short(x0)} {short(y0)}{end}", **attributes)


def document(
    width: float, height: float, title: str, /, *inside: str, about: str, key: str = "", **attributes: Attribute
) -> str:
    """Writes a whole figure.

    Args:
        width, height: size in pixels.
        title: its name.
        inside: its elements.
        about: what it shows, for readers who cannot see it.
        key: start of the ids of title and description, unique in a page; with it, screen readers find both.
        attributes: further attributes of the figure.
    """
    names = [f"{key}-title", f"{key}-about"] if key else [None, None]
    return tag(
        "svg",
        tag("title", escaped(title), id=names[0]),
        tag("desc", escaped(about), id=names[1]),
        *inside,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {short(width)} {short(height)}",
        role="img",
        aria_labelledby=" ".join(name for name in names if name) or None,
        **attributes,
    )


def curve(xs: Sequence[float], ys: Sequence[float | None]) -> str:
    """Returns path data through the points; None leaves a gap, and a point between gaps becomes a dot.

    >>> curve([0, 1, 2, 3], [5, None, 6, 7])
    'M0 5h0M2 6L3 7'
    """
    out, pen = [], False
    for i, (x, y) in enumerate(zip(xs, ys, strict=True)):
        if y is None:
            pen = False
            continue
        out.append(f"{'L' if pen else 'M'}{short(x)} {short(y)}")
        if not pen and (i + 1 == len(ys) or ys[i + 1] is None):
            out.append("h0")
        pen = True
    return "".join(out)


def area(xs: Sequence[float], lows: Sequence[float | None], highs: Sequence[float | None]) -> str:
    """Returns path data of the area between two curves; None in either leaves a gap, and a point between gaps becomes a bar.

    >>> area([0, 1, 2, 3], [5, None, 6, 7], [4, 3, 2, 1])
    'M0 5V4M2 6L3 7L3 1L2 2z'
    """
    out: list[str] = []
    run: list[tuple[float, float, float]] = []
    for x, low, high in [*zip(xs, lows, highs, strict=True), (0.0, None, None)]:
        if low is not None and high is not None:
            run.append((x, low, high))
            continue
        if len(run) == 1:
            out.append(f"M{short(run[0][0])} {short(run[0][1])}V{short(run[0][2])}")
        elif run:
            around = [*((x, low) for x, low, _ in run), *((x, high) for x, _, high in reversed(run))]
            out.append("M" + "L".join(f"{short(x)} {short(y)}" for x, y in around) + "z")
        run = []
    return "".join(out)


def escaped(words: str) -> str:
    """Escapes a text for an element or an attribute; a character that is not allowed there becomes U+FFFD.

    >>> escaped('<b>\\x1b[31m"5\\u00a0%"')
    '&lt;b&gt;\ufffd[31m&quot;5\\xa0%&quot;'
    """
    return escape(_UNSEEN.sub("\ufffd", words))


def short(value: float) -> str:
    """Rounds a coordinate to a tenth of a pixel, which nobody can tell from the exact position.

    >>> [short(2.0), short(2.04), short(-0.01), short(1234.56)]
    ['2', '2', '0', '1234.6']
    """
    written = f"{value:.1f}".removesuffix(".0")
    return "0" if written == "-0" else written
