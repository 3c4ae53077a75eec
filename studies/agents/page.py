"""Writes docs/evidence/agents.md and its picture from results.jsonl: `python page.py`; the same bytes for the same numbers.

Before the study has ended, by its stop rule, the page says how many runs are stored, and no figure of any of them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import made_runs
import numpy as np
import outcome
from curve import interactions_to
from design import ARMS, BUDGET, EVALUATIONS, HOURS, PAIRS, TARGET, runs

from hicra.drawing.readable import counted, decimal, interval_end

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "hierarchy"))  # whose panels are drawn here too

from charts import Line, panels

PAGE, PICTURE = HERE.parents[1] / "docs" / "evidence" / "agents.md", HERE / "agents.svg"
NAMES = {"himac": "HiMAC", "grpo": "flat GRPO", "gigpo": "GiGPO", "no_alternation": "HiMAC without alternation"}
WORLDS = {"hcraft": "workshop", "minigrid": "DoorKey"}

Stored = Mapping[str, Mapping[str, Any]]


def hours(stored: Stored) -> float:
    """Returns the processor time of the stored runs, warm starts included."""
    return sum(line["seconds"] for line in stored.values()) / 3600


def ended(stored: Stored) -> bool:
    """Says whether the stop rule has ended the study: every run is made, or the hours are spent."""
    return all(run.name in stored for run in runs()) or hours(stored) >= HOURS


def page(stored: Stored) -> str:
    """The whole page."""
    made = (
        f"{len(stored)} of {counted(sum(1 for _ in runs()), 'run')} are stored, {hours(stored):.1f} hours of one core"
    )
    said = figures(stored) if ended(stored) else "**The study is under way.** Nothing is looked at before it ends.\n"
    return f"""# Does a hierarchy in the rollout save interactions?

Written by `studies/agents/page.py` from its results; no number is typed by hand. Question, arms, metric, contrasts and stop rule
were [registered](../../studies/agents/PREREGISTRATION.md) before the runs. {made}.

HiMAC writes a blueprint and executes it. It is said to reach a given success with fewer interactions than an agent without a
plan, and to need the turns of its two phases for it. Here a network of 0.35 million weights plays in two small worlds, from warm
starts that are the same for every arm of a pair. An *interaction* is an action that an environment takes in training. The metric
is how many it takes until {100 * TARGET:.0f} % of held-out episodes succeed; a run that never gets there counts with its whole
budget, {" and ".join(f"{BUDGET[world]:,} in {name}" for world, name in WORLDS.items())}.

{said}
    python studies/agents/run.py
    python studies/agents/page.py
"""


def figures(stored: Stored) -> str:
    """What the page says of a study that has ended."""
    curves = outcome.read(stored)
    found = outcome.contrasts(curves)
    worlds, pairs = found["worlds"], found["pairs"]
    parts = [counted_in(worlds, pairs)]
    if found["contrasts"]:
        parts += [contrasts(found["contrasts"]), order(found), arms(curves, worlds, pairs)]
        parts.append("![Success over interactions](../../studies/agents/agents.svg)")
    return "\n\n".join(parts) + "\n"


def counted_in(worlds: Sequence[str], pairs: Sequence[int]) -> str:
    """Says which worlds and pairs count."""
    if len(pairs) < outcome.LEAST:
        return f"Fewer than {outcome.LEAST} pairs are complete in a world, so no contrast is tested, as the registration has it."
    left = [name for world, name in WORLDS.items() if world not in worlds]
    out = f" {' and '.join(left)} had too few complete pairs within the hours, and does not count." if left else ""
    return (
        f"{counted(len(pairs), 'pair')} of {len(PAIRS)} count, in {' and '.join(WORLDS[one] for one in worlds)}.{out}"
    )


def contrasts(made: Sequence[Mapping[str, Any]]) -> str:
    """The table of the registered contrasts."""
    lines = [
        "| contrast | difference, share of the budget | 95 % | p (Holm) | verdict |",
        "| --- | --- | --- | --- | --- |",
    ]
    for one in made:
        low, high = (interval_end(end, 2) for end in one["interval"])
        names = " minus ".join(NAMES[arm] for arm in one["contrast"].split(" minus "))
        difference, p = decimal(one["difference"], 2, sign=True), decimal(one["p_holm"], 3)
        lines.append(f"| {names} | {difference} | {low} to {high} | {p} | {one['verdict']} |")
    return "A difference below 0 is a saving.\n\n" + "\n".join(lines)


def order(found: Mapping[str, Any]) -> str:
    """Says whether the order of the descriptions holds: flat, without alternation, HiMAC."""
    verdicts = {one["contrast"]: one["verdict"] for one in found["contrasts"]}
    spent = {arm: found["arms"][arm]["interactions"] for arm in ("no_alternation", "grpo")}
    told = [verdicts[f"himac minus {other}"] for other in ("grpo", "no_alternation")]
    holds = told == ["holds", "holds"] and spent["no_alternation"] < spent["grpo"]
    return (
        "The order that descriptions of the paper give (flat, without alternation, HiMAC) "
        f"{'holds' if holds else 'is not shown'} here. HiMAC without alternation needs "
        f"{decimal(spent['no_alternation'] - spent['grpo'], 2, sign=True)} of the budget against flat GRPO (exploratory)."
    )


def arms(curves: outcome.Curves, worlds: Sequence[str], pairs: Sequence[int]) -> str:
    """The table of all arms in each world: means over the pairs."""
    lines = [
        f"| world | arm | interactions to {100 * TARGET:.0f} % | runs that got there | success over the budget, % "
        "| at the start, % | at the end, % |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for world in worlds:
        for arm in ARMS:
            mine = [curves[world, arm, pair] for pair in pairs]
            rest = outcome.of_arm(curves, arm, [world], list(pairs))
            spent = np.mean([interactions_to(TARGET, one, BUDGET[world]) for one in mine])
            begun = np.mean([one[0][1] for one in mine])
            shares = " | ".join(decimal(100 * value, 1) for value in (rest["area"], begun, rest["end"]))
            reached = f"{round(rest['reached'] * len(mine))} of {len(mine)}"
            lines.append(f"| {WORLDS[world]} | {NAMES[arm]} | {spent:,.0f} | {reached} | {shares} |")
    return "\n".join(lines)


def picture(stored: Stored) -> str:
    """A row of panels a world, a panel an arm: mean success of the pairs, with the lowest and the highest as a band."""
    curves = outcome.read(stored)
    worlds, pairs = outcome.worlds_and_pairs(curves)
    grid = []
    for world in worlds:
        row, places = [], np.linspace(0, BUDGET[world], EVALUATIONS + 1)
        for number, arm in enumerate(ARMS):
            values = np.array([np.interp(places, *zip(*curves[world, arm, pair], strict=True)) for pair in pairs])
            band = values.min(axis=0).tolist(), values.max(axis=0).tolist()
            line = Line(NAMES[arm], (places / 1000).tolist(), values.mean(axis=0).tolist(), *band, look=f"a{number}")
            row.append((f"{NAMES[arm]}, {WORLDS[world]}", [line]))
        grid.append(row)
    return (
        panels("Success over interactions", grid, ("thousands of interactions", "share of held-out episodes"), 1.0)
        + "\n"
    )


if __name__ == "__main__":
    lines = made_runs.read()
    PAGE.write_text(page(lines), encoding="utf-8")
    if ended(lines) and outcome.worlds_and_pairs(outcome.read(lines))[1]:
        PICTURE.write_text(picture(lines), encoding="utf-8")
