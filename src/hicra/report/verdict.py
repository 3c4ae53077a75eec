"""Says what a comparison of the arms found, in sentences, in a forest plot and in a table.

The numbers are those of `hicra compare` on the same run folders, so the page and the verb say the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hicra.compare.compare import compare
from hicra.drawing.readable import counted, decimal, interval_end, number, shorten
from hicra.errors import ArtifactError, ConfigError, DataError
from hicra.report.encode import clean
from hicra.report.forest import Difference, forest
from hicra.report.model import Compared, ReportModel

_SHARES = ("accuracy", "pass_at_", "planning_share", "changed_share")
_HELD_OUT = "eval/"


@dataclass(frozen=True)
class OpeningLine:
    """A sentence at the top of the page: its beginning in bold, the rest, and the section (`link`) that says more.

    `details` are folded away behind it.
    """

    lead: str
    text: str
    alarm: bool = False
    link: str = ""
    details: tuple[str, ...] = ()


def compare_runs(paths: Sequence[Path], arms: Sequence[str]) -> Compared:
    """Compares the arms of a page with GRPO, or with the first arm where there is no arm `none`.

    Args:
        paths: the run folders.
        arms: their arms as `name_arms` gives them, in the order of the page.
    """
    if len(set(arms)) < 2:
        return Compared()
    base = next((arm for arm in arms if arm.partition("(")[0] == "none"), arms[0])
    try:
        return Compared(compare(paths, base))
    except (DataError, ConfigError, ArtifactError) as error:
        return Compared(why_not=clean(error.message))


def metric_words(metric: str) -> str:
    """Names a metric in words.

    >>> [metric_words("eval/accuracy"), metric_words("hicra/pass_at_4")]
    ['held-out accuracy', 'pass at 4']
    """
    name = metric.rpartition(":")[2]
    words = name.partition("/")[2].replace("_", " ") or name
    return f"held-out {words}" if name.startswith(_HELD_OUT) else words


def _is_share(metric: str) -> bool:
    return metric.rpartition(":")[2].partition("/")[2].startswith(_SHARES)


def label_of(model: ReportModel, arm: str) -> str:
    """Returns the name by which the page calls an arm of the comparison."""
    return model.labels[model.arms.index(clean(arm))]


def verdict_sentences(model: ReportModel, compared: Compared) -> list[OpeningLine]:
    """Makes a sentence for each arm that was compared, or one that says why none was."""
    if compared.why_not:
        what, differs, _ = compared.why_not.partition(" differs: ")
        if not differs:
            return [OpeningLine("The arms are not compared.", f"{compared.why_not}.")]
        text = f"They were not made alike ({shorten(what, 60)} differs), so their figures are shown side by side."
        return [OpeningLine("The arms are not compared.", text, details=(compared.why_not,))]
    result = compared.result
    if not result:
        return []
    share, base = _is_share(result["metric"]), label_of(model, result["baseline"])
    scale, unit, places = (100, " points", 1) if share else (1, "", 3)
    out = []
    for row in result["comparisons"]:
        name, verdict = label_of(model, row["arm"]), row["verdict"]
        lead = (
            f"{name} is {verdict} than {base}."
            if verdict != "inconclusive"
            else f"Whether {name} differs from {base} cannot be told."
        )
        low, high = row["difference_ci"]
        difference = decimal(scale * row["difference"], places, sign=True) + unit
        interval = (
            f"95 % interval {interval_end(scale * low, places)} to {interval_end(scale * high, places)} over "
            f"{counted(row['n_seeds'], 'paired seed')}"
            if low is not None and high is not None
            else "no interval"
        )
        means = f"{number(row['mean'], share)} against {number(row['baseline_mean'], share)}"
        why = row["why"][0].upper() + row["why"][1:]
        said = f"{metric_words(result['metric']).capitalize()} {means}: {difference} ({interval}). {why}."
        out.append(OpeningLine(lead, said))
    return out


def verdict_figure(model: ReportModel, compared: Compared) -> dict[str, Any] | None:
    """Makes the forest plot with its table; None where nothing was compared."""
    result = compared.result
    if not result:
        return None
    share, base = _is_share(result["metric"]), label_of(model, result["baseline"])
    scale, words = 100 if share else 1, metric_words(result["metric"])
    rows = []
    for row in result["comparisons"]:
        low, high = (None if end is None else scale * end for end in row["difference_ci"])
        rows.append(
            Difference(
                model.arms.index(clean(row["arm"])), label_of(model, row["arm"]), scale * row["difference"], low, high,
                tuple(scale * one for one in row["differences"]), row["verdict"],
            )
        )  # fmt: skip
    title = shorten(f"{words.capitalize()}, minus {base}", 80)
    power = {row["arm"]: row["line"] for row in result["power"]["comparisons"]}
    return {
        "key": "verdict",
        "title": title,
        "svg": forest(rows, title, f"points of {words}" if share else words),
        "read": "",
        "shows": f"{_marks(rows)} Measured: {result['checkpoint_rule']}.",
        "table": {
            "caption": f"Differences from {base}",
            "first": "arm",
            "columns": [
                {"name": name}
                for name in ("paired seeds", "mean", base, "difference", "95 % interval", "p (Holm)", "verdict", "power")
            ],
            "rows": [
                [
                    one.name, str(row["n_seeds"]), number(row["mean"], share), number(row["baseline_mean"], share),
                    number(row["difference"], share), _between(row["difference_ci"], share), number(row["p_holm"]),
                    row["verdict"], power.get(row["arm"], ""),
                ]
                for one, row in zip(rows, result["comparisons"], strict=True)
            ],
        },
        "notes": [clean(str(one)) for one in result["warnings"]],
    }  # fmt: skip


def _marks(rows: Sequence[Difference]) -> str:
    """Says what the marks of the plot are."""
    if any(row.low is not None for row in rows):
        return "A dot is a seed, a bar the mean with its 95\u00a0% interval."
    return "A dot is a seed, a bar the mean. One seed has no interval."


def _between(ends: Sequence[float | None], share: bool) -> str:
    return "\u2013" if ends[0] is None or ends[1] is None else f"{number(ends[0], share)} to {number(ends[1], share)}"
