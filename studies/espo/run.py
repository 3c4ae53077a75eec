"""Makes the runs of the study: `python run.py [--pilots] [--at-once 2] [--minutes 60]`, again after any kill.

A run that has made its steps becomes a line of results.jsonl (of pilots.jsonl with `--pilots`), and is never made again; one that
was killed starts anew. Runs begin in the order of `espo_design.py`, each in a process of one thread. No run begins after so many
minutes of processor time, those of stored runs included; what is missing then is said.
"""

from __future__ import annotations

import argparse
import fcntl
import sys
from pathlib import Path
from typing import Any

import espo_results
from espo_design import BATCH, EVERY, MINUTES, PUZZLE, PUZZLE_SETTINGS, STEPS, UPDATES, Planned, pilots, runs

from hicra.artifacts import sha256_file
from hicra.errors import EngineError

sys.path.append(str(Path(__file__).resolve().parents[1]))

from runner import make_all, processor_seconds

WORK = Path(__file__).resolve().parent / "work"


def start_model(pair: int) -> Path:
    """Returns the folder of a pair's start model, which is pre-trained where it is not there yet."""
    from hicra.related.likelihoods.denoiser import Denoiser, save_denoiser
    from hicra.related.likelihoods.pretrain import pretrain
    from hicra.related.likelihoods.puzzle import open_puzzle

    folder = WORK / f"start-{pair}"
    WORK.mkdir(parents=True, exist_ok=True)
    with open(WORK / f"start-{pair}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one process at a time makes it
        if not folder.exists():
            puzzle = open_puzzle(PUZZLE, PUZZLE_SETTINGS)
            model = Denoiser(puzzle.symbols, puzzle.prompt_length + puzzle.response_length, seed=pair)
            pretrain(model, puzzle.texts, updates=UPDATES, batch=BATCH, seed=pair)
            save_denoiser(model, folder)
    return folder


def write(run: Planned) -> None:
    """Trains one run and stores its curve: held-out success and reward at each evaluation."""
    import torch

    from hicra.related.likelihoods.denoiser import WEIGHTS, load_denoiser
    from hicra.related.likelihoods.puzzle import open_puzzle
    from hicra.related.likelihoods.train import ESPO

    torch.set_num_threads(1)
    start = start_model(run.pair)
    training = ESPO(load_denoiser(start), open_puzzle(PUZZLE, PUZZLE_SETTINGS), run.settings)
    curve: list[tuple[float, float, float]] = []
    last: dict[str, float] = {}
    try:
        while True:
            if training.step % EVERY == 0:
                found = training.held_out()
                curve.append((training.step, found["solved"], found["reward"]))
            if training.step == STEPS:
                break
            last = training.take()
    except EngineError as error:  # its numbers are no longer finite: it counts with 0 from here on
        print(f"{run.name}: {error}", file=sys.stderr)
        curve += [(step, 0.0, 0.0) for step in range(0, STEPS + 1, EVERY) if step > curve[-1][0]]
        last = {"broken_at_step": float(training.step)}
    seconds = processor_seconds()
    espo_results.add(run, curve, last, sha256_file(start / WEIGHTS), seconds, espo_results.file_of(run))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=MINUTES, help="no run begins after so much processor time")
    parser.add_argument("--at-once", type=int, default=1, help="runs side by side, each of one thread")
    parser.add_argument("--pilots", action="store_true", help="make the pilots, and no registered run")
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        write(next(run for run in (*runs(), *pilots()) if run.name == options.one))
        return
    planned = list(pilots() if options.pilots else runs())
    file = espo_results.file_of(planned[0])

    def stored() -> dict[str, dict[str, Any]]:
        return espo_results.read(file)

    def left(name: str) -> float:
        return float(options.minutes * 60 - sum(line["seconds"] for line in stored().values()))

    names = [run.name for run in planned]
    make_all(names, __file__, stored, left, at_once=options.at_once, lock=WORK / "lock")


if __name__ == "__main__":
    main()
