"""`hicra train` on the embedded task, small: four problems of four rollouts a step, a checkpoint every second step.

The task is the one of six nouns and one attempt, whose rollouts are half as long; the shipped warm starts know it too.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import polars as pl

from hicra.engines.train import train
from hicra.runs import RunFolder
from hicra.runs.config import load_config

GRAMS = ("let us", "we can", "i will", "try another way", "that works")
TASK = {"attempts": 1, "nouns": 6}
SMALL = (
    "task.settings={attempts: 1, nouns: 6}", "train.save_steps=2", "train.prompts_per_step=4", "train.group_size=4",
    "train.learning_rate=1e-3", "eval.problems=0", "log.rollouts_every=1",
)  # fmt: skip
APART = ("step_time", "epoch")  # a clock, and a share of the planned steps, which may grow


def grams_file(folder: Path) -> Path:
    path = folder / "grams.txt"
    path.write_text("\n".join(GRAMS) + "\n", encoding="utf-8")
    return path


def run(
    out: Path, grams: Path, *sets: str, method: str | None = None, resume: bool = False, said: list[str] | None = None,
    progress: Any = lambda step, values: None,
) -> dict[str, Any]:  # fmt: skip
    """Trains, and returns what `train` returns; `sets` are `--set` overrides after those of SMALL."""
    config, _ = load_config(None, [*SMALL, f"lexicon={grams}", *sets], method)
    say = (said if said is not None else []).append
    return train(config, out, resume=resume, say=say, progress=progress)


def command(out: Path, grams: Path, *sets: str, resume: bool = False) -> list[str]:
    """The command line of the same training, for a process of its own."""
    words = [word for key in (*SMALL, f"lexicon={grams}", *sets) for word in ("--set", key)]
    begin = [sys.executable, "-m", "hicra.cli", "train", "-o", str(out)]
    return [*begin, *words, "--json", *(["--resume"] if resume else [])]


def weights(path: Path) -> str:
    """Hash of the weights in a folder: `final`, or a checkpoint."""
    return hashlib.sha256((path / "model.safetensors").read_bytes()).hexdigest()


def same_run(one: Path, other: Path) -> None:
    """Asserts that two run folders hold the same: weights to the bit, every metric but a clock, every rollout."""
    assert weights(one / "final") == weights(other / "final")
    first, second = RunFolder.open(one).metrics(), RunFolder.open(other).metrics()
    assert [row["step"] for row in first] == [row["step"] for row in second] == list(range(1, len(first) + 1))
    for mine, theirs in zip(first, second, strict=True):
        assert mine.keys() == theirs.keys()
        other_than = {name: (mine[name], theirs[name]) for name in mine if mine[name] != theirs[name]}
        assert not {name: pair for name, pair in other_than.items() if name not in APART}, (
            f"step {mine['step']}: {other_than}"
        )
    assert [file.name for file in RunFolder.open(one).rollout_files()] == [
        file.name for file in RunFolder.open(other).rollout_files()
    ]
    for mine, theirs in zip(RunFolder.open(one).rollouts(), RunFolder.open(other).rollouts(), strict=True):
        assert mine.equals(theirs, null_equal=True)


def groups(path: Path) -> dict[int, set[str]]:
    """The group ids of the rollouts by step."""
    frames = list(RunFolder.open(path).rollouts())
    return {frame["step"][0]: set(frame["group_id"]) for frame in frames if isinstance(frame, pl.DataFrame)}
