"""Cuts a text at its spans, for whoever shows spans lit: a terminal, a page of a tracker, a line of Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def pieces(text: str, spans: Iterable[Any]) -> list[tuple[str, bool]]:
    """Returns the text in pieces (text, whether it is lit); spans that touch or overlap are one piece.

    Args:
        text: the response.
        spans: mappings with `start` and `end`, character offsets, end exclusive; what is no span of the text is passed over.

    >>> pieces("Let us see", [{"start": 0, "end": 6}, {"start": 4, "end": 6}])
    [('Let us', True), (' see', False)]
    """
    out: list[tuple[str, bool]] = []
    at = 0
    for start, end in _joined(text, spans):
        out += [(text[at:start], False)] if start > at else []
        out.append((text[start:end], True))
        at = end
    return out + ([(text[at:], False)] if at < len(text) else [])


def _joined(text: str, spans: Iterable[Any]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(filter(None, (_offsets(one, len(text)) for one in spans))):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _offsets(span: Any, length: int) -> tuple[int, int] | None:
    if not isinstance(span, dict):
        return None
    start, end = span.get("start"), span.get("end")
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end <= length:
        return None
    return start, end
