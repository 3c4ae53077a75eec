"""Writes docs/evidence/exits.md and its picture from results.jsonl: `python page.py`; the same bytes for the same numbers.

Before the study has ended, by its stop rule, the page says how many trials are stored, and no figure of any of them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import exits_outcome
import numpy as np
from exits_design import ARMS, EPISODES, POINTS, SIDES, TRAINING, trials
from exits_outcome import Stored
from exits_stored import stored

from hicra.drawing.readable import counted, decimal, interval_end

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "hierarchy"))  # whose panels are drawn here too

from charts import Line, panels

PAGE, PICTURE = HERE.parents[1] / "docs" / "evidence" / "exits.md", HERE / "exits.svg"
NAMES = {"flat": "UCBVI", "inside": "UCBVI that knows the inside", "graph": "from exit to exit"}


def page(found: Stored) -> str:
    """The whole page."""
    hours = sum(line["seconds"] for line in found.values()) / 3600
    made = f"{len(found)} of {counted(sum(1 for _ in trials()), 'trial')} are stored, {hours:.2f} hours of one core"
    said = (
        figures(found)
        if exits_outcome.ended(found)
        else "**The study is under way.** Nothing is looked at before it ends.\n"
    )
    return f"""# What does a recovered hierarchy save on a new task?

Written by `studies/exits/page.py` from its results; no number is typed by hand. Question, arms, metric, contrasts and stop rule
were [registered](../../studies/exits/PREREGISTRATION.md) before the runs. {made}.

[Exits](../methods/exits.md) and clusters of four rooms are recovered from five training tasks of {TRAINING:,} episodes each.
Then a new task is learned in {EPISODES:,} episodes, by UCBVI that knows nothing, by UCBVI that knows the dynamics inside of
clusters, and by planning from exit to exit. *Regret* is the sum over episodes of what the best policy would have succeeded more,
exactly. The bonus is the one that suits UCBVI best.

{said}
    python studies/exits/run.py
    python studies/exits/page.py
"""


def figures(found: Stored) -> str:
    """What the page says of a study that has ended."""
    sides = [side for side in SIDES if exits_outcome.seeds_of(found, side)]
    left = [side for side in SIDES if side not in sides]
    parts = [contrasts(found)]
    if left:
        parts.append(
            f"Side {' and '.join(map(str, left))}: too few seeds within the hour, so nothing is tested there, as registered."
        )
    parts += [arms(found, sides), "![Regret over episodes](../../studies/exits/exits.svg)"]
    return "\n\n".join(parts) + "\n"


def contrasts(found: Stored) -> str:
    """The table of the registered contrasts."""
    lines = [
        "| contrast | seeds | difference in regret | 95 % interval | p (Holm) | verdict |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for one in exits_outcome.contrasts(found):
        low, high = (interval_end(end, 1) for end in one["interval"])
        difference = decimal(one["difference"], 1, sign=True)
        lines.append(
            f"| {one['contrast']} | {one['n']} | {difference} | {low} to {high} | {one['p_holm']:.2g} | **{one['verdict']}** |"
        )
    return "\n".join(lines)


def arms(found: Stored, sides: list[int]) -> str:
    """The table of arms, and what training recovered."""
    lines = ["| side | arm | regret | 95 % interval | CPU-seconds |", "| --- | --- | --- | --- | --- |"]
    said = []
    for side in sides:
        of_side = exits_outcome.of_side(found, side)
        for arm in ARMS:
            one = of_side["arms"][arm]
            low, high = one["interval"]
            lines.append(
                f"| {side} | {NAMES[arm]} | {one['regret']:.1f} | {low:.1f} to {high:.1f} | {one['seconds']:.1f} |"
            )
        low, high = (interval_end(end, 1) for end in of_side["less_interval"])
        said.append(
            f"- Side {side}: all exits and nothing else in {of_side['whole']} of {of_side['seeds']} seeds (precision "
            f"{of_side['precision']:.3f}, recall {of_side['recall']:.3f}). From exit to exit less UCBVI that knows the inside: "
            f"{decimal(of_side['less'], 1, sign=True)} ({low} to {high}), not tested."
        )
    return "\n".join(lines) + "\n\n" + "\n".join(said)


def picture(found: Stored) -> str:
    """Mean regret so far over episodes, a panel a side, with the interval of the mean."""
    across = [EPISODES // POINTS * (number + 1) for number in range(POINTS)]
    row, top = [], 0.0
    for side in SIDES:
        seeds = exits_outcome.seeds_of(found, side)
        if not seeds:
            continue
        lines = []
        for number, arm in enumerate(ARMS):
            values = np.array([found[f"{side}/{seed}"]["arms"][arm]["regret"] for seed in seeds])
            mean, half = values.mean(axis=0), 1.96 * values.std(axis=0, ddof=1) / np.sqrt(len(seeds))
            top = max(top, float((mean + half).max()))
            lines.append(Line(NAMES[arm], across, list(mean), list(mean - half), list(mean + half), f"a{number}"))
        row.append((f"side {side}", lines))
    return panels("Regret on a new task of four rooms", [row], ("episodes", "regret so far"), top)


if __name__ == "__main__":
    results = stored()
    PAGE.write_text(page(results), encoding="utf-8")
    if exits_outcome.ended(results):
        PICTURE.write_text(picture(results), encoding="utf-8")
