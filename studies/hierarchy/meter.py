"""Measures where the signal is at the warm starts and at policies on the way: `python meter.py`, again after any kill.

The policies on the way are those that the first GRPO runs from four warm starts kept. Every shaper of the table is judged by its
step at the warm starts and half way; elsewhere a few that share their gradients, since the question there is where the signal
is.
Each measurement has a folder under work/meter; results/meter.json holds all that have ended.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import warm
from plan import FOUR, STEPS, WARM, Planned, runs
from run import KEPT_EVERY, WORK
from safetensors.torch import load_file, save_file

from hicra.artifacts import canonical_json, write_text
from hicra.credit import METHODS
from hicra.lexicon import Lexicon
from hicra.signal.measure import measure
from hicra.signal.settings import SignalSettings
from hicra.tasks.base import make_task
from hicra.tasks.plan_execute.task import PlanExecute

HERE = Path(__file__).resolve().parent
FOLDER, STORED = HERE / "work" / "meter", HERE / "results" / "meter.json"
BATCHES, SEED = 16, 2000
NOT_AT_A_FIXED_POLICY = ("hicra_adaptive",)  # what it does depends on what a run has measured before
FURTHER = (
    "hicra@alpha=0.1", "hicra@alpha=0.4", "hicra@alpha=0.8", "hicra_difficulty@alpha=0.8", "difficulty_all@alpha=0.8",
    "forking_tokens@normalise=selected",
)  # fmt: skip
FEW = ("none", "hicra", "hicra_difficulty", "hicra_bonus", "planning_only", "execution_only")
KEPT = ("batches", "rollouts", "accuracy", "kinds", "methods", "mixed_groups", "groups", "tokens", "seconds")


def points() -> Iterator[tuple[str, int, int]]:
    """Yields (start, warm start, step) of each measurement."""
    for start in warm.STARTS:
        for number in WARM[start]:
            later = range(KEPT_EVERY[start], STEPS[start] + 1, KEPT_EVERY[start]) if number <= FOUR else ()
            yield from ((start, number, step) for step in (0, *later))


def policy(start: str, number: int, step: int) -> Path | None:
    """Returns a folder that transformers loads; None while its run has not ended."""
    origin = warm.folder(start, number)
    if not step:
        return origin
    run: Planned = next(
        one
        for one in runs()
        if (one.part, one.arm, one.start, one.warm) == ("primary", "none", start, number) and one.seed % 50 == 0
    )
    file = WORK / run.name / f"step-{step:03d}.safetensors"
    if not file.exists():
        return None
    folder = FOLDER / f"{start}-{number}-{step}-model"
    if not folder.exists():
        shutil.copytree(origin, folder)
        save_file(load_file(file), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def measured(start: str, number: int, step: int, folder: Path) -> dict[str, Any]:
    """Measures one policy, or reads what was measured."""
    out = FOLDER / f"{start}-{number}-{step}"
    every = (*(name for name in METHODS if name not in NOT_AT_A_FIXED_POLICY), *FURTHER)
    methods = every if step in (0, STEPS[start] // 2) else FEW
    found = measure(
        SignalSettings(methods=methods, batches=BATCHES, seed=SEED + 10 * number + step % 7, threads=1), model=str(folder),
        task=make_task("plan_execute"), lexicon=Lexicon.from_phrases(PlanExecute().phrases), out=out, resume=out.exists(),
    )  # fmt: skip
    return {"start": start, "warm": number, "step": step} | {name: found[name] for name in KEPT}


def main() -> None:
    argparse.ArgumentParser(description=__doc__.split("\n")[0]).parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    found, missing = [], 0
    for point in points():
        folder = policy(*point)
        if folder is None:
            missing += 1
            continue
        found.append(measured(*point, folder))
        print(json.dumps({"point": point, "accuracy": found[-1]["accuracy"]}), flush=True)
        write_text(STORED, canonical_json({"checkpoints": found}))
    print(f"{len(found)} measured, {missing} not yet trained")


if __name__ == "__main__":
    main()
