"""GRPO against HICRA on plan_execute, paired over seeds: `python studies/first-comparison/run.py -o DIR`.

Fixed before the first run: the recipe's config with 80 steps, lexicon = all planning phrases of the task, arms `none` and
`hicra` (alpha 0.2), seeds 0 to 5. Primary: held-out accuracy after the last step (1,024 problems, one sample each).
Secondary: mean training reward over all steps. Nothing was tuned on either. Finished runs in DIR are kept, so the script can
be started again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from hicra import stats
from hicra.artifacts import canonical_json, write_text
from hicra.engines.held_out import read_evaluation
from hicra.runs import RunFolder

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "recipes" / "plan-execute" / "config.yaml"
ARMS, SEEDS, STEPS = ("none", "hicra"), range(6), 80


def train(job: tuple[str, int, Path]) -> None:
    """One run, unless it is finished."""
    arm, seed, out = job
    if not (out / "final").exists():
        command = [
            sys.executable,
            "-m",
            "hicra.cli",
            "train",
            "--config",
            CONFIG,
            "--method",
            arm,
            "--seed",
            seed,
            "-o",
            out,
        ]
        command += ["--set", f"train.steps={STEPS}", "--set", f"train.save_steps={STEPS}", "--resume", "-q"]
        subprocess.run([str(word) for word in command], check=True, cwd=ROOT)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-o", "--output", type=Path, required=True)
    options.add_argument("--jobs", type=int, default=2, help="runs at the same time, one thread each")
    given = options.parse_args()
    jobs = [(arm, seed, given.output.resolve() / f"{arm}-{seed}") for seed in SEEDS for arm in ARMS]
    with ThreadPoolExecutor(given.jobs) as pool:
        list(pool.map(train, jobs))
    runs = {(arm, seed): RunFolder.open(out) for arm, seed, out in jobs}
    values: dict[str, dict[str, list[float]]] = {"held_out_accuracy": {}, "mean_reward": {}, "first_plan_right": {}}
    for arm in ARMS:
        finals = [read_evaluation(runs[arm, seed])["final"] for seed in SEEDS]
        values["held_out_accuracy"][arm] = [final["accuracy"] for final in finals]
        values["first_plan_right"][arm] = [final["first_plan_right"] for final in finals]
        values["mean_reward"][arm] = [
            float(np.mean([row["hicra/reward"] for row in runs[arm, seed].metrics()])) for seed in SEEDS
        ]
    compared = {name: vars(stats.paired_comparison(arms["hicra"], arms["none"])) for name, arms in values.items()}
    result = {"seeds": list(SEEDS), "steps": STEPS, "values": values, "hicra_minus_none": compared}
    write_text(Path(__file__).with_name("results.json"), canonical_json(result))
    print(json.dumps(compared, indent=2))


if __name__ == "__main__":
    main()
