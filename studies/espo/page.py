"""Writes docs/evidence/espo.md and its picture from results.jsonl: `python page.py`; the same bytes for the same numbers.

Before the study has ended, by its stop rule, the page says how many runs are stored, and no figure of any of them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import espo_outcome
import espo_results
import numpy as np
from espo_design import ARMS, DENOISING, MINUTES, PAIRS, PUZZLE_SETTINGS, RATES, STEPS, runs

from hicra.drawing.readable import counted, decimal, interval_end

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "hierarchy"))  # whose panels are drawn here too

from charts import Line, panels

PAGE, PICTURE = HERE.parents[1] / "docs" / "evidence" / "espo.md", HERE / "espo.svg"
EMPTY = f"{PUZZLE_SETTINGS['fewest']} to {PUZZLE_SETTINGS['most']}"
NAMES = {
    "espo": "ESPO (sequence, ELBO)", "token_elbo": "token, ELBO", "sequence_mean_field": "sequence, mean field",
    "token_mean_field": "token, mean field", "espo_k3": "ESPO with k3",
}  # fmt: skip

Stored = Mapping[str, Mapping[str, Any]]


def minutes(stored: Stored) -> float:
    """Returns the processor time of the stored runs, start models included."""
    return sum(line["seconds"] for line in stored.values()) / 60


def ended(stored: Stored) -> bool:
    """Says whether the stop rule has ended the study: every run is made, or the time is spent."""
    return all(run.name in stored for run in runs()) or minutes(stored) >= MINUTES


def page(stored: Stored) -> str:
    """The whole page."""
    made = f"{len(stored)} of {counted(sum(1 for _ in runs()), 'run')} are stored, {minutes(stored):.0f} minutes of one core"
    said = figures(stored) if ended(stored) else "**No registered run is looked at before the study ends.**\n"
    return f"""# Does a ratio of whole responses train a diffusion model where stand-ins do not?

Written by `studies/espo/page.py` from its results; no number is typed by hand. Question, arms, metric, contrasts and stop rule
were [registered](../../studies/espo/PREREGISTRATION.md) before the runs. {made}.

ESPO ([likelihoods](../methods/likelihoods.md)) takes the ELBO of a whole response for its log-likelihood, with one ratio and one
advantage. Others give each token a ratio of its own, made of its part of the ELBO or of its probability behind a wholly hidden
response (mean field). On Sudoku with a model of 8 billion weights the paper saw only the first learn and stay. Here a model of
0.15 million weights learns 4x4 grids with {EMPTY} empty cells in {STEPS} steps of 32 responses, each uncovered in {DENOISING}
steps. The metric is the share of held-out grids that it solves, mean over the run.

{said}
    python studies/espo/run.py
    python studies/espo/page.py
"""


def figures(stored: Stored) -> str:
    """What the page says of a study that has ended."""
    found = espo_outcome.contrasts(stored)
    if not found["contrasts"]:
        return f"Fewer than {espo_outcome.LEAST} pairs are complete, so no contrast is tested, as the registration has it.\n"
    return "\n\n".join([
        f"{counted(len(found['pairs']), 'pair')} of {len(PAIRS)} count.", contrasts(found["contrasts"]), arms(found["arms"]),
        "That token ratios with the ELBO collapse, as the paper says, is "
        f"{'seen' if espo_outcome.collapse_seen(found['arms']) else 'not seen'} here.",
        "![Share of solved grids over the steps](../../studies/espo/espo.svg)",
    ]) + "\n"  # fmt: skip


def contrasts(made: Sequence[Mapping[str, Any]]) -> str:
    """The table of the contrasts."""
    lines = [
        "| contrast | difference, share of grids | 95 % | p (Holm) | verdict |",
        "| --- | --- | --- | --- | --- |",
    ]
    for one in made:
        low, high = (interval_end(end, 2) for end in one["interval"])
        names = " minus ".join(NAMES[arm] for arm in one["contrast"].split(" minus "))
        p = "" if one["p_holm"] is None else decimal(one["p_holm"], 3)
        lines.append(
            f"| {names} | {decimal(one['difference'], 2, sign=True)} | {low} to {high} | {p} | {one['verdict']} |"
        )
    return "\n".join(lines)


def arms(found: Mapping[str, Mapping[str, float]]) -> str:
    """The table of all arms: means over the pairs."""
    lines = [
        "| arm | learning rate | solved over the run, % | at the start, % | at the end, % | runs that collapsed | CPU-seconds |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for arm in ARMS:
        mine = found[arm]
        shares = " | ".join(decimal(100 * mine[name], 1) for name in ("mean", "start", "end"))
        lines.append(
            f"| {NAMES[arm]} | {RATES[arm]:g} | {shares} | {mine['collapsed']} | {decimal(mine['seconds'], 0)} |"
        )
    first = f"The seconds of {NAMES['espo']} hold the pre-training of the start models, since its run is the first of each pair."
    return "\n".join([*lines, "", first])


def picture(stored: Stored) -> str:
    """A panel an arm: the mean over the pairs, with the lowest and the highest as a band."""
    row, pairs = [], espo_outcome.complete(stored)
    for number, arm in enumerate(ARMS):
        curves = [stored[f"{arm}/{pair}"]["curve"] for pair in pairs]
        values = np.array([[one[1] for one in curve] for curve in curves])
        band = values.min(axis=0).tolist(), values.max(axis=0).tolist()
        steps = [float(one[0]) for one in curves[0]]
        row.append((NAMES[arm], [Line(NAMES[arm], steps, values.mean(axis=0).tolist(), *band, look=f"a{number}")]))
    return panels("Solved grids over steps", [row], ("steps", "share of held-out grids"), 1.0) + "\n"


if __name__ == "__main__":
    lines = espo_results.read(espo_results.RESULTS)
    PAGE.write_text(page(lines), encoding="utf-8")
    if ended(lines) and espo_outcome.contrasts(lines)["contrasts"]:
        PICTURE.write_text(picture(lines), encoding="utf-8")
