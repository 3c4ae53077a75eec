"""Runs on every rank under torchrun (test_trl_train_ranks.py): calls `hicra train` once for each arm, in one process.

24 rollouts a step in groups of eight, twelve a rank, so that the second group lies on both ranks.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch

import problems_hashed  # noqa: F401, before what reads it
from hicra.cli import main as hicra
from hicra.engines.trl.run import TaskTrainer
from train_small import SMALL, grams_file
from trl_tiny import parameters_hash

RANK = int(os.environ.get("RANK", 0))
COMMON = ("task.settings={}", "train.prompts_per_step=3", "train.group_size=8", "train.warmup_steps=0", "train.steps=2")
STRAIGHT = "straight"
# arm: (folder, further settings, further words); the folder of an arm that resumes is that of the arm which it goes on with
ARMS: dict[str, tuple[str, list[str], list[str]]] = {
    "hicra": ("hicra", ["eval.problems=4"], []),
    "none": ("none", ["method.name=none"], []),
    "alpha 0": ("zero", ["method.settings={alpha: 0}"], []),
    "recentred": (
        "recentred",
        ["method.name=hicra_recentred", "method.settings={alpha: 0.3}", "train.micro_batch=6"],
        [],
    ),
    "straight": (STRAIGHT, ["eval.problems=4", "train.steps=4"], []),
    "resumed": ("hicra", ["eval.problems=4", "train.steps=4"], ["--resume"]),
    "stopped": ("stopped", [], []),
    "went on": ("stopped", [], ["--resume"]),
    "other lexicon": ("other", [], []),
    "other seed": ("seed", [], []),
    "odd": ("odd", ["train.group_size=3"], []),
}


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    gc.freeze()  # each training collects garbage, and what was imported is none
    own = folder / f"rank-{RANK}"
    own.mkdir(parents=True)
    hashes: list[str] = []
    train = TaskTrainer.train

    def trained(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = train(self, *args, **kwargs)
        hashes.append(parameters_hash(self))
        return result

    TaskTrainer.train = trained  # type: ignore[method-assign]
    found = {}
    for arm, (name, sets, words) in ARMS.items():
        grams = grams_file(own)
        if arm == "other lexicon" and RANK:
            grams.write_text("words of rank one\n", encoding="utf-8")
        sets = [*SMALL, f"lexicon={grams}", *COMMON, *sets, *(["train.seed=5"] if arm == "other seed" and RANK else [])]
        line = ["train", "-o", str(folder / name), *(word for one in sets for word in ("--set", one)), *words, "--json"]
        hashes.clear()
        if arm == "stopped" and RANK:
            stop_in_the_first_step()
        try:
            hicra(line)
        except SystemExit as stopped:
            found[arm] = {"code": stopped.code, "hashes": list(hashes)}
        print(f"== {arm} of rank {RANK} has ended", file=sys.stderr, flush=True)
        if arm == "hicra" and not RANK:  # as it is before it is resumed
            (folder / "metrics-of-two-steps.jsonl").write_bytes((folder / name / "metrics.jsonl").read_bytes())
    (folder / f"found-{RANK}.json").write_text(json.dumps(found), encoding="utf-8")


def stop_in_the_first_step() -> None:
    """Lets this process, and no other, get a signal while it computes its next loss."""
    compute_loss = TaskTrainer._compute_loss

    def stopping(self: Any, *args: Any) -> Any:
        TaskTrainer._compute_loss = compute_loss
        signal.raise_signal(signal.SIGTERM)
        return compute_loss(self, *args)

    TaskTrainer._compute_loss = stopping


if __name__ == "__main__":
    main(Path(sys.argv[1]))
