"""Parses one line of bytes as one JSON object, and refuses everything that JSON readers disagree about.

It refuses bytes that are not UTF-8, duplicate keys, NaN and infinities (also as an overflowing number), lone surrogates,
nesting deeper than `MAX_DEPTH`, and anything but an object. Integers of any length stay exact. Some writers put NaN into their
dumps: `JsonParser` gives null in its place, and what was wrong, so that the reader of a known dump may let it pass.
"""

from __future__ import annotations

import json
import math
import re
import sys
from typing import Any

MAX_DEPTH = 100
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
BOM = b"\xef\xbb\xbf"
EMPTY = "empty line"  # a reason that a reader may ignore
BLANK = " \t\r"


class BadRow(ValueError):
    """A line is no row, for `reason`; `at` is the byte offset of the fault within the line, `fix` what to do about it.

    `field` is the canonical field whose value is wrong, where it is that.
    """

    field = ""

    def __init__(self, reason: str, at: int = 0, fix: str = "") -> None:
        super().__init__(reason)
        self.reason, self.at, self.fix = reason, at, fix


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise BadRow(f"duplicate key {twice!r}: it occurs twice in one object")
    return row


class JsonParser:
    """Parses the rows of one file, one after the other.

    Args:
        half_surrogates: let lone surrogates through.
    """

    def __init__(self, half_surrogates: bool = False) -> None:
        self._half_surrogates = half_surrogates
        self._odd: BadRow | None = None
        # `raw_decode` and not `decode`, which looks for white space with a pattern and takes two thirds longer for a short line
        self._decode = json.JSONDecoder(
            object_pairs_hook=_unique, parse_float=self._float, parse_constant=self._constant
        ).raw_decode

    def parse(self, data: bytes) -> tuple[dict[str, Any], BadRow | None]:
        """Returns the object that one line holds, and what is wrong with it where it holds a number that is not finite.

        Such a number is null in the object.

        Raises:
            BadRow: the line is not one strict JSON object; `at` points to the fault.
        """
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadRow(f"byte 0x{data[error.start]:02x} is not UTF-8", error.start) from None
        rest = text.lstrip(BLANK)
        if not rest:
            raise BadRow(EMPTY)
        try:
            row, end = self.value(rest, 0)
            if end < len(rest) and (more := rest[end:].lstrip(BLANK)):
                raise json.JSONDecodeError("Extra data", rest, len(rest) - len(more))
        except json.JSONDecodeError as error:
            at = len(text) - len(rest) + error.pos
            what = error.msg.removesuffix(" at")  # as in "Invalid control character at"
            raise BadRow(f"not JSON: {what} at character {at}", len(text[:at].encode())) from None
        return self.checked(row, data)

    def value(self, text: str, at: int) -> tuple[Any, int]:
        """Returns the value that begins at a character of a text, and where it ends.

        Raises:
            BadRow: a key that is there twice, nesting that Python cannot follow, or an integer that is too long.
            JSONDecodeError: it is no JSON value.
        """
        self._odd = None
        try:
            return self._decode(text, at)
        except (BadRow, json.JSONDecodeError):
            raise
        except RecursionError:
            raise BadRow(f"nested deeper than {MAX_DEPTH}") from None
        except ValueError:  # Python limits the digits of an integer
            raise BadRow(f"not readable: an integer has more than {sys.get_int_max_str_digits()} digits") from None

    def checked(self, row: Any, data: bytes) -> tuple[dict[str, Any], BadRow | None]:
        """Returns the value that `value` gave last as `parse` does; `data` is its text as bytes."""
        if not isinstance(row, dict):
            raise BadRow(f"a row is a JSON object, not {type(row).__name__}")
        if data.count(b"[") + data.count(b"{") > MAX_DEPTH and _deeper(row, MAX_DEPTH):
            raise BadRow(f"nested deeper than {MAX_DEPTH}")
        if not self._half_surrogates and b"\\u" in data and _ESCAPED_SURROGATE.search(data):
            try:
                json.dumps(row, ensure_ascii=False).encode("utf-8")
            except UnicodeEncodeError as error:
                raise BadRow(f"lone surrogate \\u{ord(error.object[error.start]):04x} is not text") from None
        return row, self._odd

    def _constant(self, name: str) -> None:
        self._odd = self._odd or BadRow(f"{name} is not JSON; write null")

    def _float(self, digits: str) -> float | None:
        number = float(digits)
        if math.isinf(number):
            self._odd = self._odd or BadRow(f"{digits[:40]} is too large for a float")
            return None
        return number


def parse_object(data: bytes, half_surrogates: bool = False) -> dict[str, Any]:
    """Returns the object that one line holds.

    Args:
        half_surrogates: let lone surrogates through.

    Raises:
        BadRow: the line is not one strict JSON object; `at` points to the fault.
    """
    row, odd = JsonParser(half_surrogates).parse(data)
    if odd is not None:
        raise odd
    return row


def _deeper(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        inner: list[Any] = []
        for node in level:
            children = node.values() if type(node) is dict else node
            inner.extend(child for child in children if type(child) is dict or type(child) is list)
        if not inner:
            return False
        level = inner
    return True
