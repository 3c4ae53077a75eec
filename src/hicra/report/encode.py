"""Packs rollouts into few bytes and escapes text, for the page's JSON block.

Numbers per token are packed into strings over 64 characters, none of which JSON or HTML has to escape:
- counts (token lengths, span offsets, lengths of the stretches of a mask) are written as base-32 groups, the lowest first; 32 is
  added to a group if another follows;
- numbers with few different values are written as one character per token, which points into a list of values;
- other numbers are written as two characters per token, on 4095 even levels between the smallest and the largest (shown values
  are rounded).
`static/packed.js` unpacks them; offsets are in UTF-16 code units, as in its strings.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_LEVELS = 64 * 64 - 1  # the last code, "__", stands for null
MAX_DEPTH = 60  # objects and lists inside each other; what lies deeper is cut, long before Python's own stack ends
_UNSAFE = re.compile("[<>&\u2028\u2029]")
_UNPAIRED = re.compile("[\ud800-\udfff\x00]")


def clean(text: str) -> str:
    """Replaces what a UTF-8 page cannot hold (lone surrogates, NUL) by U+FFFD; offsets stay the same."""
    return _UNPAIRED.sub("\ufffd", text)


def plain(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Makes a JSON value with clean strings; what JSON does not know becomes its text, NaN and infinities become null.

    Args:
        value: the value.
        depth: how many objects and lists may lie inside each other; an ellipsis stands for what lies deeper.
    """
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict | list | tuple) and not depth:
        return "\u2026"
    if isinstance(value, dict):
        return {clean(str(key)): plain(inner, depth - 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner, depth - 1) for inner in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int) else clean(str(value))


def script_json(value: Any) -> str:
    """Writes JSON that is safe inside a script element: `< > &` and the two line separators are escaped.

    >>> script_json({"a": "</script>"})
    '{"a":"\\\\u003c/script\\\\u003e"}'
    """
    text = json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def utf16(text: str, offsets: Sequence[int]) -> list[int]:
    """Turns character offsets in `text` into offsets in UTF-16 code units.

    >>> utf16("a\\U0001f600b", [0, 1, 2, 3])
    [0, 1, 3, 4]
    """
    if text.isascii() or max(text, default="") <= "\uffff":
        return list(offsets)
    points = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    units = np.concatenate([[0], np.cumsum(1 + (points > 0xFFFF))])
    return [int(units[offset]) for offset in offsets]


def counts(values: Iterable[int]) -> str:
    """Packs non-negative integers as base-32 groups.

    >>> counts([0, 31, 32])
    'AfgB'
    """
    out = []
    for value in values:
        while value > 31:
            out.append(ALPHABET[32 + value % 32])
            value //= 32
        out.append(ALPHABET[value])
    return "".join(out)


def levels(values: Sequence[float | None]) -> dict[str, Any]:
    """Packs numbers, None among them: {values, codes: one character each} or {range: [lowest, highest], codes: two each}."""
    numbers = np.array([np.nan if value is None else value for value in values], dtype=float)
    there = np.isfinite(numbers)
    raw = sorted(set(numbers[there].tolist()))
    if len(raw) < 64:
        place = {value: ALPHABET[i] for i, value in enumerate(raw)}
        code = "".join(place[value] if known else "_" for value, known in zip(numbers.tolist(), there, strict=True))
        return {"values": [float(f"{value:.4g}") for value in raw], "codes": code}
    low, high = raw[0], raw[-1]
    steps = np.full(len(numbers), _LEVELS)
    steps[there] = np.rint((numbers[there] - low) / (high - low) * (_LEVELS - 1)).astype(int)
    letters = np.frombuffer(ALPHABET.encode(), dtype=np.uint8)
    pairs = np.stack([letters[steps // 64], letters[steps % 64]], axis=1)
    return {"range": [float(f"{low:.6g}"), float(f"{high:.6g}")], "codes": pairs.tobytes().decode()}


def runs(mask: Sequence[bool]) -> str:
    """Packs a mask as the lengths of its stretches of equal values; the first stretch is of False and may have length 0.

    >>> runs([True, True, False]) == counts([0, 2, 1])
    True
    """
    lengths, current = [0], False
    for value in mask:
        if bool(value) != current:
            lengths.append(0)
            current = bool(value)
        lengths[-1] += 1
    return counts(lengths)
