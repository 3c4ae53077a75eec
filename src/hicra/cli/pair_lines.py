"""Writes the comparisons of runs by question that `hicra diagnose` prints below the findings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hicra.drawing.readable import decimal, number, printable


def pair_lines(pairs: Sequence[dict[str, Any]]) -> str:
    """Writes a line a metric below a line of each arm; the empty text without comparisons.

    >>> print(pair_lines([{"arm": "b", "baseline": "a", "metric": "hicra/accuracy", "questions": 20, "unpaired": 3, "mean": 0.5,
    ...     "baseline_mean": 0.25, "difference": 0.25, "difference_ci": [0.05, 0.45], "p_holm": 0.02, "verdict": "higher"}]))
    <BLANKLINE>
    <BLANKLINE>
    b against a, paired by question (3 questions of one alone are left out):
      accuracy 0.5 against 0.25 on 20 questions, difference +0.250 (95 % +0.050 to +0.450), p 0.02 by Holm: higher
    This is of these runs alone; whether a method is better takes several seeds of each (hicra compare).
    """
    lines: list[str] = []
    for before, one in zip([None, *pairs], pairs, strict=False):
        if before is None or before["arm"] != one["arm"]:
            left = f" ({one['unpaired']} questions of one alone are left out)" if one["unpaired"] else ""
            lines.append(f"{printable(one['arm'])} against {printable(one['baseline'])}, paired by question{left}:")
        lines.append(
            f"  {one['metric'].removeprefix('hicra/')} {number(one['mean'])} against {number(one['baseline_mean'])} on "
            f"{one['questions']} questions, difference {_difference(one)}, p {one['p_holm']:.2g} by Holm: {one['verdict']}"
        )
    if lines:
        lines.append(
            "This is of these runs alone; whether a method is better takes several seeds of each (hicra compare)."
        )
    return "\n\n" + "\n".join(lines) if lines else ""


def _difference(one: dict[str, Any]) -> str:
    places = 3 if abs(one["difference"]) < 10 else 1
    own = decimal(one["difference"], places, sign=True)
    if one["difference_ci"] is None:
        return own
    low, high = (decimal(end, places, sign=True) for end in one["difference_ci"])
    return f"{own} (95 % {low} to {high})"
