"""Shows that the loop is the engine without its cost: `python equal.py [--steps 4] [--method hicra] [--seed 7]`

Both train from the shipped strong start under one seed. Printed as JSON: whether every sampled response is the same, the largest
difference between the weights after the last step, and the CPU seconds of a step of both. Exit code 1 where they differ.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import loop
import polars as pl
import torch
import yaml
from network import PADDING, Network
from safetensors.torch import load_file

from hicra.lexicon import Lexicon
from hicra.tagging import Tagger
from hicra.tasks.plan_execute.task import PlanExecute

RATE, CLOSE = 6e-4, 1e-5


def by_engine(folder: Path, steps: int, method: str, seed: int) -> tuple[list[list[list[int]]], dict[str, Any], float]:
    """Trains with `hicra train`: the responses of each step, the weights, and CPU seconds with the start of the process."""
    (folder / "phrases.txt").write_text("".join(f"{phrase}\n" for phrase in PlanExecute().phrases), encoding="utf-8")
    config = {
        "model": {"name": "plan-execute-strong"}, "lexicon": "phrases.txt", "method": {"name": method},
        "train": {"steps": steps, "save_steps": steps, "seed": seed, "learning_rate": RATE, "max_new_tokens": 57},
        "eval": {"problems": 0}, "log": {"rollouts_every": 1},
    }  # fmt: skip
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [sys.executable, "-m", "hicra.cli", "train", "--config", "config.yaml", "-o", "run", "-q"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        command, cwd=folder, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    files = [folder / "run" / "rollouts" / f"step-{step:06d}.parquet" for step in range(1, steps + 1)]
    responses = [pl.read_parquet(file)["token_ids"].to_list() for file in files]
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return responses, load_file(folder / "run" / "final" / "model.safetensors"), used


def by_loop(steps: int, method: str, seed: int) -> tuple[list[list[list[int]]], dict[str, Any], float]:
    """Trains with the loop: the same."""
    task = PlanExecute()
    start = task.warm_start("strong")
    network, responses, sampled = Network.load(start), [], loop.sampled

    def kept(*args: Any) -> loop.Rollouts:
        made = sampled(*args)
        responses.append([[i for i in ids if i != PADDING] for ids in made.out.tolist()])
        return made

    loop.sampled = kept
    begun = time.process_time()
    loop.train(
        network, task, Tagger(Lexicon.from_phrases(task.phrases), start), loop.method(method), steps=steps, rate=RATE,
        seed=seed, log=lambda line: None, held_out=1, every=steps,
    )  # fmt: skip
    loop.sampled = sampled
    return responses[1:-1], network.w, time.process_time() - begun  # without the two evaluations


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--method", default="hicra")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        engine, weights, engine_s = by_engine(Path(folder), options.steps, options.method, options.seed)
    mine, policy, loop_s = by_loop(options.steps, options.method, options.seed)
    equal = [a == b for step, other in zip(engine, mine, strict=True) for a, b in zip(step, other, strict=True)]
    apart = max((weights[name] - w.detach()).abs().max().item() for name, w in policy.items())
    found = {
        "steps": options.steps, "method": options.method, "seed": options.seed, "responses": len(equal),
        "equal_responses": sum(equal), "largest_difference_of_weights": apart,
        "engine_cpu_s_with_its_start": round(engine_s, 1), "loop_cpu_s": round(loop_s, 1),
    }  # fmt: skip
    print(json.dumps(found))
    sys.exit(0 if all(equal) and apart < CLOSE else 1)


if __name__ == "__main__":
    main()
