"""What `hicra diagnose --model` prints below the findings: what was scored, and where the learning signal is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def score_text(result: Mapping[str, Any]) -> str:
    """Writes the scores and the measurements of a diagnosis; "" where no model was asked."""
    if "scores" not in result:
        return ""
    from hicra.diagnose.attention import attention_lines
    from hicra.diagnose.score_words import score_lines
    from hicra.signal.result import text_of

    told = [score_lines(result["scores"])]
    told += [f"  {line}" for line in attention_lines(result.get("attention", ()))]
    for one in result.get("signal", ()):
        of = f" of {one['arm']}" if "arm" in one else ""
        told += ["", f"Learning signal{of}, at {result['scores']['model']}", *_indented(text_of(one))]
    return "\n" + "\n".join(told)


def _indented(text: str) -> list[str]:
    return [f"  {line}".rstrip() for line in text.splitlines()]
