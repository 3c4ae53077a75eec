"""Measures one warm start, as `hicra signal` does: where its learning signal is, and what a step of eight methods is worth.

    python -m hicra.demo.meter weak --seed 0 --batches 24 -o weak.json

The task knows its planning tokens, and the measurement asks it: a mined lexicon misses some of them, which would count as
execution tokens, and the figure would tell of the lexicon as much as of the model. So the figure depends on the seed by the
rollouts alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hicra.artifacts import canonical_json, new_dir, read_json, write_text
from hicra.demo.jobs import Reach, Work, side_by_side
from hicra.errors import HicraError
from hicra.lexicon import Lexicon
from hicra.signal.measure import measure_model
from hicra.signal.products import EXECUTION, PLANNING
from hicra.signal.settings import SignalSettings
from hicra.signal.weights import load_model
from hicra.tasks.plan_execute.task import PlanExecute

STARTS = ("weak", "strong")
BATCHES = 24  # of 32 x 8 rollouts: about 60 CPU-seconds for a start
SAID_EVERY = 4  # batches between two lines of progress
METHODS = (
    "none", "hicra", "hicra@alpha=0.8", "hicra_difficulty", "hicra_bonus", "planning_only", "placebo", "entropy_advantage",
)  # fmt: skip


class _Task(PlanExecute):
    """The task without its labels, since each of them would cost a backward pass and say little at so few batches."""

    def labels(self, response: str, row: Mapping[str, Any], ended: bool) -> Any:
        return None


def measure_start(
    start: str, seed: int, batches: int = BATCHES, progress: Callable[[int], None] = lambda done: None
) -> dict[str, Any]:
    """Measures a shipped warm start with one thread.

    Args:
        start: "weak" or "strong".
        seed: of problems and rollouts.
        batches: number of batches, at least three.
        progress: is called with the number of batches that are done.

    Returns:
        The result of `measure.measure_model`, with `cpu_seconds`, those of this process.
    """
    task = _Task()
    settings = SignalSettings(methods=METHODS, batches=batches, seed=seed, threads=1, device="cpu")
    begun = time.process_time()
    result = measure_model(
        *load_model(task.warm_start(start), settings), task, Lexicon.from_phrases(task.phrases, name="exact"), settings,
        progress=lambda done, total, words: progress(done),
    )  # fmt: skip
    return result | {"cpu_seconds": round(time.process_time() - begun, 1)}


def measure_side_by_side(
    folder: Path, seed: int, batches: int, say: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    """Measures both starts, each in a process of its own.

    Args:
        folder: gets NAME.json and NAME.log of each start.
        seed, batches: as for `measure_start`.
        say: is called with one line for the user.

    Returns:
        {start: result}.

    Raises:
        EngineError: a process failed.
        FileError: the folder cannot be written.
    """
    with new_dir(folder):
        pass
    options = ["--seed", str(seed), "--batches", str(batches)]
    commands: dict[str, list[str | Path]] = {
        start: ["hicra.demo.meter", start, *options, "-o", folder / f"{start}.json"] for start in STARTS
    }

    def reach(start: str) -> Reach:
        log = (folder / f"{start}.log").read_text(encoding="utf-8", errors="replace")
        return Reach(sum(line.startswith("batch ") for line in log.split("\n")[:-1]))

    side_by_side(Work("measuring", "batch", batches, SAID_EVERY), commands, folder, reach, say)
    return {start: _read(folder / f"{start}.json") for start in STARTS}


def _read(path: Path) -> dict[str, Any]:
    """Reads a result, kinds and methods in their order, since a file keeps none."""
    found: dict[str, Any] = read_json(path, "run the demo again, with --overwrite")
    return found | {
        "kinds": {name: found["kinds"][name] for name in (PLANNING, EXECUTION)},
        "methods": {name: found["methods"][name] for name in METHODS},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures where the learning signal of a shipped warm start is.")
    parser.add_argument("start", choices=STARTS)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--batches", type=int, default=BATCHES)
    parser.add_argument("-o", "--out", type=Path, required=True)
    given = parser.parse_args()
    said = 0

    def say(done: int) -> None:  # a line a batch: whoever waits counts them
        nonlocal said
        if done > said:
            said = done
            print(f"batch {done} of {given.batches}", flush=True)

    try:
        write_text(given.out, canonical_json(measure_start(given.start, given.seed, given.batches, say)))
    except HicraError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
