"""Shows runs that were compared by question: sentences on planning and accuracy, a forest plot of shares, the whole as a table.

A share of a question is that of its own responses, and the mean is over questions, as in the comparison of the terminal; the
summary of the arms counts all responses together, so a long response counts more there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hicra.drawing.readable import counted, decimal, interval_end, number, shorten
from hicra.report.extra import words_of
from hicra.report.figures import counted_in
from hicra.report.forest import MAX_ROWS, Difference, forest
from hicra.report.model import Pair, ReportModel
from hicra.report.verdict import OpeningLine

SHARES = ("planning_share", "accuracy", "reflection_rate", "repetition")  # drawn on one axis, in points
SPOKEN = ("planning_share", "accuracy", "reward")
OF_THESE_RUNS = "It holds for these runs; whether a method is better takes several seeds of each."
_LEADS = {
    "planning_share": ("plans more than", "plans less than"),
    "accuracy": ("is right more often than", "is right less often than"),
    "reward": ("has more reward than", "has less reward than"),
}


def pair_sentences(model: ReportModel) -> list[OpeningLine]:
    """Makes the sentences on planning (with the length) and on accuracy, or on reward where there is no accuracy, of each arm."""
    out = []
    for rows in _by_arm(model.pairs):
        metrics = {row.metric: row for row in rows}
        spoken = [name for name in SPOKEN if name in metrics and not (name == "reward" and "accuracy" in metrics)]
        for name in spoken:
            row, (more, less) = metrics[name], _LEADS[name]
            arm, base = model.labels[row.arm], model.labels[row.baseline]
            lead = {"higher": f"{arm} {more} {base}.", "lower": f"{arm} {less} {base}."}.get(
                row.verdict, f"Whether {arm} {more} {base} cannot be told."
            )
            text = f"On the {counted(row.questions, 'question')} that both answered, {_said(row)}."
            if name == "planning_share" and "length" in metrics:
                length = metrics["length"]
                text += (
                    f" Responses have {number(length.mean)} against {number(length.baseline_mean)} {counted_in(model)}: "
                    f"{_difference(length)}."
                )
            out.append(OpeningLine(lead, text, link="by-question"))
    return out


def pair_figure(model: ReportModel) -> dict[str, Any] | None:
    """Makes the forest plot of the shares, with what it draws as a table; None where no share was compared."""
    one_arm = len({(row.arm, row.baseline) for row in model.pairs}) == 1
    wanted = SHARES if one_arm else SPOKEN
    drawn = [
        row for rows in _by_arm(model.pairs) for name in SHARES for row in rows if row.metric == name and name in wanted
    ]
    drawn = drawn[:MAX_ROWS]
    if not drawn:
        return None
    bases = list(dict.fromkeys(model.labels[row.baseline] for row in drawn))
    title = shorten(f"{model.labels[drawn[0].arm]} minus {bases[0]}" if one_arm else f"Minus {', '.join(bases)}", 80)
    marks = []
    for row in drawn:
        low, high = row.ends or (None, None)
        name = words_of(row.metric) if one_arm else f"{model.labels[row.arm]}: {words_of(row.metric)}"
        low, high = (None if end is None else 100 * end for end in (low, high))
        marks.append(Difference(row.arm, name, 100 * row.difference, low, high, (), row.verdict, "one question"))
    shows = "A long bar is the 95\u00a0% interval of the difference, question by question, a short one its middle."
    if not any(row.ends for row in drawn):
        shows = "A bar is the difference. One question was compared, so it has no interval."
    return {
        "key": "verdict",
        "title": title,
        "svg": forest(marks, title, "points"),
        "read": "",
        "shows": f"{shows} {OF_THESE_RUNS}",
        "table": {
            "caption": "The differences that are drawn, in points",
            "first": "metric",
            "columns": [{"name": name} for name in ("difference", "lower end", "upper end", "verdict")],
            "rows": [
                [
                    mark.name, decimal(mark.mean, 1, sign=True),
                    *("\u2013" if end is None else interval_end(end, 1) for end in (mark.low, mark.high)), mark.verdict,
                ]
                for mark in marks
            ],
        },
        "notes": [],
    }  # fmt: skip


def pair_table(model: ReportModel) -> dict[str, Any] | None:
    """Makes the table of every metric that was compared, a row a metric and arm; None where nothing was."""
    if not model.pairs:
        return None
    rows = []
    for row in model.pairs:
        share = row.metric in SHARES
        scale, places = (100, 1) if share else (1, _places(row))
        ends = None if row.ends is None else [interval_end(scale * end, places) for end in row.ends]
        name = words_of(row.metric) + (f" ({counted_in(model)})" if row.metric == "length" else "")
        difference = decimal(scale * row.difference, places, sign=True) + (" points" if share else "")
        rows.append(
            {
                "metric": name, "arm": row.arm, "baseline": row.baseline, "questions": str(row.questions),
                "mean": number(row.mean, share), "baseline_mean": number(row.baseline_mean, share),
                "difference": difference, "interval": " to ".join(ends) if ends else "\u2013", "p": f"{row.p:.2g}",
                "verdict": row.verdict,
            }
        )  # fmt: skip
    several = len({(row.arm, row.baseline) for row in model.pairs}) > 1
    left = max(row.unpaired for row in model.pairs)
    text = "Compared by question: each value is the mean over the questions that both answered. p is Holm's, over all rows."
    if left:
        text += f" Up to {counted(left, 'question')} that one alone answered {'is' if left == 1 else 'are'} left out."
    first = model.pairs[0]
    heads = ("the arm", "the other") if several else (model.labels[first.arm], model.labels[first.baseline])
    return {"text": text, "several": several, "heads": heads, "rows": rows, "labels": model.labels}


def _by_arm(pairs: Sequence[Pair]) -> list[list[Pair]]:
    found: dict[tuple[int, int], list[Pair]] = {}
    for row in pairs:
        found.setdefault((row.arm, row.baseline), []).append(row)
    return list(found.values())


def _said(row: Pair) -> str:
    """Writes the means and their difference.

    >>> row = Pair(1, 0, "accuracy", 20, 0, 0.5, 0.25, 0.25, (0.05, 0.45), 0.02, "higher")
    >>> _said(row).replace("\\u00a0", " ")
    'the accuracy is 50 % against 25 %: +25.0 points (95 % interval +5.0 to +45.0), p 0.02 by Holm'
    """
    share = row.metric in SHARES
    means = f"{number(row.mean, share)} against {number(row.baseline_mean, share)}"
    return f"the {words_of(row.metric)} is {means}: {_difference(row, True)}, p {row.p:.2g} by Holm"


def _difference(row: Pair, named: bool = False) -> str:
    share = row.metric in SHARES
    scale, places, unit = (100, 1, " points") if share else (1, _places(row), "")
    told = decimal(scale * row.difference, places, sign=True) + unit
    if row.ends is None:
        return f"{told} (no interval)"
    low, high = (interval_end(scale * end, places) for end in row.ends)
    interval = "95\u00a0% interval " if named else ""
    return f"{told} ({interval}{low} to {high})"


def _places(row: Pair) -> int:
    """How many decimal places the terminal shows of a difference."""
    return 3 if abs(row.difference) < 10 else 1
