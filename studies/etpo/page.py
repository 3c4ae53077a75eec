"""Writes docs/evidence/etpo.md and its picture from results.jsonl: `python page.py`; the same bytes for the same numbers.

Before the study has ended, by its stop rule, the page says how many runs are stored, and no figure of any of them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import judged
import kept
import numpy as np
from arms import ARMS, BUDGET, EVALUATIONS, HELD_OUT, HOURS, PAIRS, TARGET, trials

from hicra.drawing.readable import counted, decimal, interval_end

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "hierarchy"))  # whose panels are drawn here too

from charts import Line, panels

PAGE, PICTURE = HERE.parents[1] / "docs" / "evidence" / "etpo.md", HERE / "etpo.svg"
NAMES = {
    "etpo": "ETPO", "grpo": "GRPO", "grpo_kl": "GRPO with a KL term", "grpo_updates": "GRPO with a KL term and 8 updates",
}  # fmt: skip

Stored = Mapping[str, Mapping[str, Any]]


def hours(stored: Stored) -> float:
    """Returns the processor time of the stored runs, start models included."""
    return sum(line["seconds"] for line in stored.values()) / 3600


def ended(stored: Stored) -> bool:
    """Says whether the stop rule has ended the study: every run is made, or the hours are spent."""
    return all(run.name in stored for run in trials()) or hours(stored) >= HOURS


def page(stored: Stored) -> str:
    """The whole page."""
    made = (
        f"{len(stored)} of {counted(sum(1 for _ in trials()), 'run')} are stored, {hours(stored):.1f} hours of one core"
    )
    said = figures(stored) if ended(stored) else "**The study is under way.** Nothing is looked at before it ends.\n"
    return f"""# Does a critic of tokens save interactions?

Written by `studies/etpo/page.py` from its results; no number is typed by hand. Question, arms, metric, contrasts and stop rule
were [registered](../../studies/etpo/PREREGISTRATION.md) before the runs. {made}.

[ETPO](../methods/critics.md) learns a value for each token of an action, where GRPO gives all tokens of an episode one advantage.
In the world [`strings`](../reference/environments.md#strings) one letter of five counts, so the credit belongs to one token in
six. An *interaction* is an action that an environment takes in training. The metric is how many it takes until
{100 * TARGET:.0f} % of {HELD_OUT} held-out episodes succeed; a run that never gets there counts with its whole budget,
{BUDGET:,}.

{said}
    python studies/etpo/run.py
    python studies/etpo/page.py
"""


def figures(stored: Stored) -> str:
    """What the page says of a study that has ended."""
    curves = judged.read(stored)
    found = judged.contrasts(curves)
    if not found["contrasts"]:
        return f"Fewer than {judged.LEAST} pairs are complete, so no contrast is tested, as the registration has it.\n"
    counts = f"{counted(len(found['pairs']), 'pair')} of {len(PAIRS)} count."
    shown = "![Success over interactions](../../studies/etpo/etpo.svg)"
    return "\n\n".join([counts, contrasts(found), arms(found), shown]) + "\n"


def contrasts(found: Mapping[str, Any]) -> str:
    """The table of the registered contrasts."""
    lines = [
        "| ETPO minus | difference, share of the budget | 95 % | p (Holm) | saves interactions |",
        "| --- | --- | --- | --- | --- |",
    ]
    for one in found["contrasts"]:
        low, high = (interval_end(end, 2) for end in one["interval"])
        difference, p = decimal(one["difference"], 2, sign=True), decimal(one["p_holm"], 3)
        lines.append(f"| {NAMES[one['other']]} | {difference} | {low} to {high} | {p} | {one['verdict']} |")
    return "A difference below 0 is a saving.\n\n" + "\n".join(lines)


def arms(found: Mapping[str, Any]) -> str:
    """The table of all arms: means over the pairs."""
    lines = [
        f"| arm | interactions to {100 * TARGET:.0f} % | runs that got there | success over the budget, % | at the start, % "
        "| at the end, % |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for arm, name in NAMES.items():
        mine = found["arms"][arm]
        shares = " | ".join(decimal(100 * mine[key], 1) for key in ("area", "begin", "end"))
        reached = f"{mine['reached']} of {len(found['pairs'])}"
        lines.append(f"| {name} | {mine['interactions'] * BUDGET:,.0f} | {reached} | {shares} |")
    return "\n".join(lines)


def picture(stored: Stored) -> str:
    """A panel an arm: mean success of the pairs, with the lowest and the highest as a band."""
    curves, row = judged.read(stored), []
    pairs, places = judged.complete(curves), np.linspace(0, BUDGET, EVALUATIONS + 1)
    for number, arm in enumerate(ARMS):
        values = np.array([np.interp(places, *zip(*curves[arm, pair], strict=True)) for pair in pairs])
        band = values.min(axis=0).tolist(), values.max(axis=0).tolist()
        line = Line(NAMES[arm], (places / 1000).tolist(), values.mean(axis=0).tolist(), *band, look=f"a{number}")
        row.append((NAMES[arm], [line]))
    axes = ("thousands of interactions", "share of held-out episodes")
    return panels("Success over interactions", [row], axes, 1.0) + "\n"


if __name__ == "__main__":
    lines = kept.read()
    PAGE.write_text(page(lines), encoding="utf-8")
    if ended(lines) and judged.contrasts(judged.read(lines))["contrasts"]:
        PICTURE.write_text(picture(lines), encoding="utf-8")
