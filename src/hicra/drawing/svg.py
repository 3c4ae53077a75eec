"""SVG as text: every element of every figure is written here, so that no text stays unescaped and no number is too long.

Attributes are keyword arguments: `stroke_width=2` is written stroke-width="2", `class_` is class; one that is None is left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

Attribute = str | float | None
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")  # control characters, and what XML cannot hold


def tag(element: str, /, *inside: str, **attributes: Attribute) -> str:
    """One element around what is inside, which is SVG already.

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
    """A line of text."""
    return tag("text", escaped(words), x=x, y=y, **attributes)


def line(x0: float, y0: float, x1: float, y1: float, /, **attributes: Attribute) -> str:
    """A straight line; upright and level ones are drawn as such."""
    end = f"V{short(y1)}" if x0 == x1 else f"H{short(x1)}" if y0 == y1 else f"L{short(x1)} {short(y1)}"
    return tag("path", d=f"M{short(x0)} {short(y0)}{end}", **attributes)


def document(
    width: float, height: float, title: str, /, *inside: str, about: str, key: str = "", **attributes: Attribute
) -> str:
    """A whole figure.

    Args:
        title: its name. about: what it shows, for those who cannot see it.
        inside: its elements. key: makes the name known to screen readers that do not look inside; unique in a page.
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
    """Path data through the points; None lifts the pen, a point alone becomes a dot.

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


def escaped(words: str) -> str:
    """Any text as text of an element or value of an attribute; a character that cannot stand there becomes U+FFFD.

    >>> escaped('<b>\\x1b[31m"5\\u00a0%"')
    '&lt;b&gt;\ufffd[31m&quot;5\\xa0%&quot;'
    """
    return escape(_UNSEEN.sub("\ufffd", words))


def short(value: float) -> str:
    """A coordinate to a tenth of a unit, which no eye tells from the exact place.

    >>> [short(2.0), short(2.04), short(-0.01), short(1234.56)]
    ['2', '2', '0', '1234.6']
    """
    written = f"{value:.1f}".removesuffix(".0")
    return "0" if written == "-0" else written
