"""Makes the warm starts of the study by the shipped recipe: `python starts.py ENVIRONMENT PAIR`

One warm start serves all arms of a pair: it has imitated a careless expert in the prompts of every kind of agent. Its seed is the
number of the pair.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

from design import RECIPES, UPDATES

from hicra.artifacts import sha256_file

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "work" / "warmstarts"
RECIPE = HERE.parents[1] / "recipes" / "agents" / "warmstart.py"
EPISODES = "32"  # that the recipe plays at the end, to say how often each kind of agent succeeds


def folder(environment: str, pair: int) -> Path:
    """Returns where a warm start lies."""
    return FOLDER / f"{environment}-{pair}"


def digest(environment: str, pair: int) -> str:
    """Returns the hash of the weights of a warm start."""
    return sha256_file(folder(environment, pair) / "model.safetensors")


def make(environment: str, pair: int) -> None:
    """Trains a warm start where it is not there yet; one process at a time makes one."""
    made = folder(environment, pair)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / f"{made.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            command = [
                sys.executable,
                str(RECIPE),
                RECIPES[environment],
                "--seed",
                str(pair),
                "-o",
                str(made),
                "--updates",
                str(UPDATES[environment]),
                "--episodes",
                EPISODES,
            ]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    make(sys.argv[1], int(sys.argv[2]))
