"""What studies share that make their runs one by one: stored lines, one a run, and the loop that makes what is missing.

A run becomes a line of a JSON Lines file and is never made again. Each is made by the study's own script, called with
`--one NAME`, in a process of one thread.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

Lines = dict[str, dict[str, Any]]  # stored lines by the names of their runs


def read(file: Path, key: str = "run") -> Lines:
    """Returns the stored lines by the names of their runs, which stand under `key`."""
    if not file.exists():
        return {}
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return {line[key]: line for line in lines}


def append(file: Path, line: Mapping[str, Any]) -> None:
    """Stores a run that is whole; one line is written at once, so a kill leaves none or all of it."""
    with open(file, "a", encoding="utf-8") as out:
        out.write(json.dumps(line) + "\n")


def processor_seconds() -> float:
    """Returns the processor time of this process and of those that it has waited for."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def make_all(
    planned: Sequence[str],
    script: str,
    stored: Callable[[], Lines],
    seconds: Callable[[str], float],
    *,
    at_once: int,
    lock: Path,
    kind: str = "run",
) -> None:
    """Makes what is not there yet, in its order, several at once if asked; says what is missing in the end.

    Args:
        planned: names of runs.
        script: the file that is called for each.
        stored: reads the stored lines.
        seconds: of processor time that are left when the run of a name is to begin; it is not made where none are.
        at_once: runs side by side.
        lock: a file; a second call fails while one goes on, since it would make the same runs.
        kind: what the study calls a run.
    """

    def make(name: str) -> str | None:
        """Makes a run, unless the time is spent; returns its name if it is not made."""
        if seconds(name) <= 0:
            return name
        subprocess.run([sys.executable, script, "--one", name], env=os.environ | {"OMP_NUM_THREADS": "1"}, check=True)
        spent = stored()[name]["seconds"]
        print(f"{time.strftime('%H:%M:%S')} {name}: {spent:.0f} s of processor time", flush=True)
        return None

    lock.parent.mkdir(parents=True, exist_ok=True)
    with open(lock, "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        there = stored()
        with ThreadPoolExecutor(at_once) as pool:
            left = [name for name in pool.map(make, [name for name in planned if name not in there]) if name]
    missing = f"{len(left)} {kind}s are not made, from {left[0]} on: the time is spent" if left else ""
    print(missing or f"every {kind} is made")
