"""Writes numbers and names for people to read."""

from __future__ import annotations


def number(value: float | None, percent: bool = False) -> str:
    """Writes a value with three or four digits, no trailing zeros, and a thin space between thousands.

    >>> [number(0.123456), number(12.345), number(1e-9)]
    ['0.123', '12.35', '1.0e−09']
    """
    if value is None:
        return "\u2013"
    if percent:
        return number(round(100 * value, 1 if abs(value) >= 0.01 else 2)) + "\u00a0%"
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", "\u2009").replace("-", "\u2212")
    if value and abs(value) < 0.0005:
        return f"{value:.1e}".replace("-", "\u2212")
    text = f"{value:.{1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 3}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text.replace("-", "\u2212")


def shorten(text: str, most: int) -> str:
    """Cuts a text to at most `most` characters; an ellipsis shows the cut."""
    return text if len(text) <= most else text[: most - 1] + "\u2026"


def printable(text: str) -> str:
    """Replaces line ends, control characters and what XML cannot hold by U+FFFD, so that the text is safe in one line."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
