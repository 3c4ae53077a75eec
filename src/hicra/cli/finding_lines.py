"""Writes the findings that `hicra diagnose` prints below its table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def finding_lines(seen: Sequence[dict[str, Any]], not_seen: Sequence[dict[str, Any]]) -> str:
    """Writes a line per finding, alarms with an exclamation mark, and one line of names for what was not seen.

    Args:
        seen, not_seen: {name, text, alarm}, with several arms also {arm}.

    >>> finding_lines([{"name": "no_gradient", "text": "All groups.", "alarm": True}], [{"name": "truncation"}])
    '\\n\\n! no_gradient: All groups.\\nlooked for and not seen: truncation (--json says why)'
    """
    lines = [f"{'! ' if one['alarm'] else '  '}{_arm(one)}{one['name']}: {one['text']}" for one in seen]
    names = ", ".join(f"{_arm(one)}{one['name']}" for one in not_seen)
    lines += [f"looked for and not seen: {names} (--json says why)"] if names else []
    return "\n\n" + "\n".join(lines) if lines else ""


def _arm(one: dict[str, Any]) -> str:
    return f"{one['arm']}, " if "arm" in one else ""
