"""Runs processes of one thread each side by side, says how far they are, and shows the log of one that fails."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hicra.artifacts import writes
from hicra.drawing.readable import duration
from hicra.errors import EngineError
from hicra.workers.signals import ends_on_sigterm

POLL_S = 2.0


@dataclass(frozen=True)
class Reach:
    """How far a process is: the number of steps that are done, and what else is to be said of it."""

    done: int
    also: str = ""


@dataclass(frozen=True)
class Work:
    """What the processes do, for messages and errors.

    Attributes:
        verb: as in "training none ended with 1".
        unit: what is counted, in the singular.
        total: the number of units of each process.
        every: units between two lines of progress.
    """

    verb: str
    unit: str
    total: int
    every: int


def side_by_side(
    work: Work,
    commands: Mapping[str, Sequence[str | Path]],
    logs: Path,
    reach: Callable[[str], Reach],
    say: Callable[[str], None],
) -> None:
    """Runs all commands at once and waits for them; none outlives this call, not even where this process is told to end.

    Args:
        work: what they do.
        commands: arguments behind `python -m`, by name.
        logs: the folder that gets NAME.log with stdout and stderr of each.
        reach: says how far the process of a name is.
        say: is called with one line for the user.

    Raises:
        EngineError: a process failed.
        FileError: a log cannot be written.
    """
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    jobs: dict[str, subprocess.Popen[bytes]] = {}
    with ends_on_sigterm():
        try:
            for name, command in commands.items():
                path = logs / f"{name}.log"
                with writes(path), open(path, "wb") as log:
                    jobs[name] = subprocess.Popen(
                        [sys.executable, "-m", *map(str, command)],
                        stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                    )  # fmt: skip
            _wait(work, jobs, reach, say)
        finally:
            for job in jobs.values():
                if job.poll() is None:
                    job.terminate()
                    job.wait()
    for name, job in jobs.items():
        if job.returncode:
            raise failed(f"{work.verb} {name}", job.returncode, logs / f"{name}.log")


def _wait(
    work: Work,
    jobs: Mapping[str, subprocess.Popen[bytes]],
    reach: Callable[[str], Reach],
    say: Callable[[str], None],
) -> None:
    """Waits until all have ended, and says how far they are."""
    begun = said = None  # when the first unit was seen, and how many there were when something was said
    while any(job.poll() is None for job in jobs.values()):
        time.sleep(POLL_S)
        latest = {name: reach(name) for name in jobs}
        done = min(one.done for one in latest.values())
        if done and begun is None:
            begun = done, time.monotonic()
        if begun and (said is None or done >= said + work.every):
            say(f"  {progress(work, latest, done - begun[0], time.monotonic() - begun[1])}")
            said = done


def progress(work: Work, latest: Mapping[str, Reach], fresh: int, seconds: float) -> str:
    """Says how far the processes are, and the time left by the speed of `fresh` units that took so many seconds.

    >>> training = Work("training", "step", 80, 5)
    >>> progress(training, {"none": Reach(1), "hicra": Reach(2, "reward 0.25")}, 0, 5.0)
    'none: step 1 of 80; hicra: step 2 of 80, reward 0.25'
    >>> progress(training, {"none": Reach(60, "reward 0.50"), "hicra": Reach(61)}, 10, 50.0)
    'none: step 60 of 80, reward 0.50; hicra: step 61 of 80; about 2 min left of training'
    """
    parts = [
        f"{name}: {work.unit} {one.done} of {work.total}{', ' * bool(one.also)}{one.also}"
        for name, one in latest.items()
    ]
    left = work.total - min(one.done for one in latest.values())
    parts += [f"about {duration(left * seconds / fresh)} left of {work.verb}"] if fresh and left else []
    return "; ".join(parts)


def failed(what: str, code: int, log: Path) -> EngineError:
    """Makes the error for a process that failed: what it said last as an error, or the end of its log."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    said = [at for at, line in enumerate(lines) if line.startswith("error: ")]
    tail = " ".join(line.strip() for line in lines[said[-1] :]) if said else "\n" + "\n".join(lines[-15:])
    return EngineError(f"{what} ended with {code}: {tail}", f"the whole log is {log}")
