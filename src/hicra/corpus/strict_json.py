"""Parses one line of bytes as one JSON object, and refuses everything that JSON readers disagree about.

It refuses bytes that are not UTF-8, duplicate keys, NaN and infinities (also as an overflowing number), lone surrogates,
nesting deeper than `MAX_DEPTH`, and anything but an object. Integers of any length stay exact.
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
_BLANK = " \t\r"


class BadRow(ValueError):
    """A line is no row, for `reason`; `at` is the byte offset of the fault within the line."""

    def __init__(self, reason: str, at: int = 0) -> None:
        super().__init__(reason)
        self.reason, self.at = reason, at


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise BadRow(f"duplicate key {twice!r}: it occurs twice in one object")
    return row


def _no_constant(name: str) -> Any:
    raise BadRow(f"{name} is not JSON; write null")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise BadRow(f"{digits[:40]} is too large for a float")
    return number


# `raw_decode` and not `decode`, which looks for white space with a pattern and takes two thirds longer for a short line
_decode = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_no_constant).raw_decode


def parse_object(data: bytes, half_surrogates: bool = False) -> dict[str, Any]:
    """Returns the object that one line holds.

    Args:
        half_surrogates: let lone surrogates through.

    Raises:
        BadRow: the line is not one strict JSON object; `at` points to the fault.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRow(f"byte 0x{data[error.start]:02x} is not UTF-8", error.start) from None
    rest = text.lstrip(_BLANK)
    if not rest:
        raise BadRow(EMPTY)
    try:
        row, end = _decode(rest)
        if end < len(rest) and (more := rest[end:].lstrip(_BLANK)):
            raise json.JSONDecodeError("Extra data", rest, len(rest) - len(more))
    except BadRow:
        raise
    except json.JSONDecodeError as error:
        at = len(text) - len(rest) + error.pos
        what = error.msg.removesuffix(" at")  # as in "Invalid control character at"
        raise BadRow(f"not JSON: {what} at character {at}", len(text[:at].encode())) from None
    except RecursionError:
        raise BadRow(f"nested deeper than {MAX_DEPTH}") from None
    except ValueError:  # Python limits the digits of an integer
        raise BadRow(f"not readable: an integer has more than {sys.get_int_max_str_digits()} digits") from None
    if not isinstance(row, dict):
        raise BadRow(f"a row is a JSON object, not {type(row).__name__}")
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and _deeper(row, MAX_DEPTH):
        raise BadRow(f"nested deeper than {MAX_DEPTH}")
    if not half_surrogates and b"\\u" in data and _ESCAPED_SURROGATE.search(data):
        try:
            json.dumps(row, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError as error:
            raise BadRow(f"lone surrogate \\u{ord(error.object[error.start]):04x} is not text") from None
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
