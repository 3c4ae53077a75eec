"""Writes docs/evidence/classic.md and its picture from results.jsonl: `python page.py`; the same bytes for the same numbers.

Before a study has ended, by its stop rule, the page says how many of its runs are stored, and no figure of any of them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import classic_outcome
import numpy as np
from classic_design import (
    ENOUGH,
    EVALUATIONS,
    HOURS,
    OPARL_ARMS,
    OPARL_SEEDS,
    OPARL_STEPS,
    PEAR_ARMS,
    PEAR_SEEDS,
    PEAR_STEPS,
    runs,
)  # fmt: skip
from classic_outcome import Stored
from classic_stored import hours, stored

from hicra.drawing.readable import counted, decimal, interval_end

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "hierarchy"))  # whose panels are drawn here too

from charts import Line, panels

PAGE, PICTURE = HERE.parents[1] / "docs" / "evidence" / "classic.md", HERE / "classic.svg"
NAMES = {"pear": "PEAR", "fixed": "equal distances", "plain": "two-level SAC", "oparl": "OPARL", "td3": "TD3"}
WAIT = "**The study is under way.** Nothing is looked at before it ends."


def page(found: Stored) -> str:
    """The whole page."""
    pear = pear_figures(found) if classic_outcome.ended(found, "pear") else WAIT
    oparl = oparl_figures(found) if classic_outcome.ended(found, "oparl") else WAIT
    return f"""# Classic learners: PEAR and OPARL

Written by `studies/classic/page.py` from its results; no number is typed by hand. Questions, arms, metrics and stop rules were
[registered](../../studies/classic/PREREGISTRATION.md) before the runs. [The methods](../methods/classic.md).

## PEAR in a point maze

{made(found, "pear")} {PEAR_STEPS:,} steps of the world, {len(PEAR_SEEDS)} pairs. The metric is the mean success over
{EVALUATIONS} evaluations. Changed on 2026-11-29, after four runs and for their processor time alone: the budget is
{HOURS["pear"]:g} hours in place of 1.

{pear}

## OPARL on Pendulum and MountainCarContinuous

{made(found, "oparl")} {OPARL_STEPS:,} steps, {len(OPARL_SEEDS)} seeds.

{oparl}

    python studies/classic/run.py
    python studies/classic/page.py
"""


def made(found: Stored, system: str) -> str:
    """How many runs of a study are stored."""
    total = sum(run.system == system for run in runs())
    there = sum(name.startswith(f"{system}/") for name in found)
    return f"{there} of {counted(total, 'run')} are stored, {hours(dict(found), system):.2f} hours of one core."


def pear_figures(found: Stored) -> str:
    """What the page says of PEAR when its study has ended."""
    said = classic_outcome.pear(found)
    if not said["pairs"]:
        return "No pair is complete, and nothing can be said."
    lines = ["| arm | mean success | at the end |", "| --- | --- | --- |"]
    lines += [f"| {NAMES[arm]} | {one['mean']:.3f} | {one['end']:.3f} |" for arm, one in said["arms"].items()]
    parts = ["\n".join(lines)]
    if said["contrasts"]:
        table = ["| contrast | difference | 95 % interval | p (Holm) | verdict |", "| --- | --- | --- | --- | --- |"]
        for one in said["contrasts"]:
            low, high = (interval_end(end, 3) for end in one["interval"])
            difference = decimal(one["difference"], 3, sign=True)
            table.append(
                f"| {one['contrast']} | {difference} | {low} to {high} | {one['p_holm']:.2g} | **{one['verdict']}** |"
            )
        parts.insert(0, "\n".join(table))
    elif said["pairs"] < len(PEAR_SEEDS):
        parts.append(f"Only {counted(said['pairs'], 'pair')} are complete, so no contrast is tested, as registered.")
    else:
        parts.append(
            "No arm succeeds in a tenth of the episodes at the end: nothing was learned, and no contrast is read."
        )
    return "\n\n".join([*parts, "![Success over steps](../../studies/classic/classic.svg)"])


def oparl_figures(found: Stored) -> str:
    """What the page says of OPARL when its study has ended."""
    if not all(run.name in found for run in runs() if run.system == "oparl"):
        return "Runs are missing, and nothing can be said."
    said = classic_outcome.oparl(found)
    lines = [
        "| arm | seed | return on Pendulum | share of the cells of MountainCarContinuous |",
        "| --- | --- | --- | --- |",
    ]
    for arm in OPARL_ARMS:
        for seed, back, share in zip(OPARL_SEEDS, said["returns"][arm], said["coverage"][arm], strict=True):
            lines.append(f"| {NAMES[arm]} | {seed} | {decimal(back, 1)} | {share:.4f} |")
    verdict = f"That OPARL is better than {ENOUGH:.0f} on Pendulum in each run **{said['verdict']}**."
    return "\n".join(lines) + f"\n\n{verdict} Coverage is not tested."


def picture(found: Stored) -> str:
    """A panel an arm: mean success over steps, with its quartiles over pairs."""
    said, row = classic_outcome.pear(found), []
    across = [PEAR_STEPS / EVALUATIONS * (number + 1) / 1000 for number in range(EVALUATIONS)]
    for number, arm in enumerate(PEAR_ARMS):
        values = said["success"][arm]
        low, high = (list(np.quantile(values, share, axis=0)) for share in (0.25, 0.75))
        row.append((NAMES[arm], [Line(NAMES[arm], across, list(values.mean(axis=0)), low, high, f"a{number}")]))
    return panels("Success in the point maze", [row], ("thousands of steps", "success; band: quartiles"), 1.0)


if __name__ == "__main__":
    results = stored()
    PAGE.write_text(page(results), encoding="utf-8")
    if classic_outcome.ended(results, "pear") and classic_outcome.pairs(results):
        PICTURE.write_text(picture(results), encoding="utf-8")
