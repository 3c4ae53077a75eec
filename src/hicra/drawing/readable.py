"""Writes numbers and names for people to read."""

from __future__ import annotations

_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"


def number(value: float | None, percent: bool = False) -> str:
    """Writes a value with three or four digits, no trailing zeros, and a narrow space between thousands, at which no line
    is broken.

    >>> [number(0.123456), number(12.345), number(1e-9)]
    ['0.123', '12.35', '1e−9']
    """
    if value is None:
        return "\u2013"
    if percent:
        return number(round(100 * value, 1 if abs(value) >= 0.01 else 2)) + "\u00a0%"
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", "\u202f").replace("-", "\u2212")
    if value and abs(value) < 0.0005:
        digits, power = f"{value:.1e}".split("e")
        return f"{digits.removesuffix('.0')}e{int(power)}".replace("-", "\u2212")
    text = f"{value:.{1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 3}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text.replace("-", "\u2212")


def decimal(value: float, places: int, sign: bool = False) -> str:
    """Writes a value with so many decimal places; what rounds to 0 has no sign.

    >>> [decimal(0.0105, 3, sign=True), decimal(-0.0004, 3, sign=True), decimal(-0.0, 1)]
    ['+0.011', '0.000', '0.0']
    """
    rounded = round(value, places)
    return f"{rounded:+.{places}f}" if sign and rounded else f"{rounded + 0.0:.{places}f}"


def interval_end(value: float, places: int) -> str:
    """Writes an end of an interval of a difference, with its sign; one off 0 never looks like 0, however small it is.

    >>> [interval_end(0.0214, 3), interval_end(-0.00012, 3), interval_end(0.0, 3), interval_end(2e-9, 3)]
    ['+0.021', '-0.0001', '0.000', '+2e-09']
    """
    if value and not round(value, places):
        return decimal(value, places + 1, sign=True) if round(value, places + 1) else f"{value:+.0e}"
    return decimal(value, places, sign=True)


def counted(number: int, noun: str, plural: str = "") -> str:
    """Writes a number of things; the plural of the noun has an s at its end, or is given.

    >>> [counted(1, "step"), counted(0, "step"), counted(12_000, "copy", "copies")]
    ['1 step', '0 steps', '12000 copies']
    """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """Writes a time in seconds, or from 90 seconds on in minutes.

    >>> [duration(4.4), duration(89), duration(150)]
    ['4 s', '89 s', '2 min']
    """
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def shorten(text: str, most: int) -> str:
    """Cuts a text to at most `most` characters; an ellipsis shows the cut."""
    return text if len(text) <= most else text[: most - 1] + "\u2026"


def printable(text: str) -> str:
    """Replaces line ends, control characters and what XML cannot hold by U+FFFD, so that the text is safe in one line."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def harmless(text: str) -> str:
    """Replaces what a terminal or a page may act on by U+FFFD, character by character, so that offsets in the text still hold.

    Line ends and spaces of every width stay, and a tab becomes a space; control characters, marks of writing direction and
    halves of characters go.

    >>> harmless("a\\tb\\x1b[31m")
    'a b\ufffd[31m'
    """
    kept = "\n" + _SPACES
    return "".join(c if c.isprintable() or c in kept else " " if c == "\t" else "\ufffd" for c in text)


def argument(path: object) -> str:
    """Returns a path as a word of a command, with ./ before one that begins with a dash and would be taken for an option.

    >>> argument("-d.jsonl"), argument("d.jsonl")
    ('./-d.jsonl', 'd.jsonl')
    """
    return f"./{path}" if str(path).startswith("-") else str(path)
