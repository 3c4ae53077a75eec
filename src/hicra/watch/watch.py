"""Watches a run until it ends: waits for it to begin, looks again and again, and lets others show or forward what is new."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hicra.errors import ArtifactError, DataError, nearest
from hicra.runs import RunFolder
from hicra.runs.find import MANIFEST, find_runs
from hicra.runs.follow import News
from hicra.watch.watched import Watched

Show = Callable[[Watched, News], None]
Pause = Callable[[float], None]


def opened(path: Path, *, wait: bool, every: float, say: Callable[[str], None], pause: Pause = time.sleep) -> RunFolder:
    """Opens a run folder; with `wait` one that does not exist yet is waited for, and it is said once that it is.

    Raises:
        DataError: the path is a file, or a folder that holds run folders and is none.
        ArtifactError: the folder is of another kind, or without `wait` it is absent.
    """
    said = False
    while not (path / MANIFEST).exists():
        if path.exists() and not path.is_dir():
            raise DataError(f"{path} is a file and no run folder", "name the folder that `hicra train -o` made")
        if path.is_dir() and (inside := find_runs([path])[0]):
            names = ", ".join(str(one) for one in inside[:6])
            raise DataError(f"{path} is no run folder: it holds {len(inside)} of them", f"name one: {names}")
        if not wait:
            return RunFolder.open(path)  # which says what is missing
        if not said:
            say(f"waiting for {path}: {_absent(path)}; Ctrl-C ends the waiting")
            said = True
        pause(every)
    return RunFolder.open(path)


def watch(
    run: RunFolder, *, once: bool, every: float, show: Show, wait: bool = False, pause: Pause = time.sleep
) -> Watched:
    """Looks at a run until it has ended or stopped, or until a look finds nothing new and nobody who writes it (WATCH-1).

    Args:
        run: the run folder.
        once: whether one look is all.
        every: seconds between two looks.
        show: is called after each look.
        wait: whether a run that nobody writes is watched on, as a copy that grows.
        pause: waits between two looks.

    Returns:
        what is known of the run after the last look.

    Raises:
        ArtifactError, DataError: a line of metrics.jsonl is not what a run writes.
    """
    watched = Watched(run)
    first = True
    while True:
        news = watched.look()
        show(watched, news)
        # two looks, since a process that begins to write signs the folder a moment after it took it
        left = watched.state == "unknown" and not (wait or first or news.rows or news.files or news.again)
        if once or left or watched.state in ("ended", "stopped"):
            return watched
        first = False
        pause(every)


def refuse_stopped(watched: Watched) -> None:
    """Raises ArtifactError where the run stopped before its end, or nobody is seen who writes it."""
    run, at = shlex.quote(str(watched.run.path)), f"step {watched.step} of {watched.total}"
    go_on = f"go on with it by `hicra train -o {run} --resume` (a script: resume_from_checkpoint)"
    if watched.state == "stopped":
        raise ArtifactError(f"{watched.run.path} stopped at {at}: the process that wrote it is gone", go_on)
    if watched.state == "unknown":
        raise ArtifactError(
            f"{watched.run.path} is at {at}, and no process writes it: it was stopped, or it is a copy from elsewhere",
            f"{go_on}; `hicra watch {run} --wait` watches a copy that grows",
        )


def as_json(watched: Watched) -> dict[str, Any]:
    """Returns what is known of a run as one JSON object; `rollout` is the latest one, null where none is saved."""
    row = watched.rollout()
    kept = ("step", "id", "group_id", "prompt", "response", "correct", "reward", "advantage", "spans")
    return {
        "run_dir": str(watched.run.path), "method": watched.run.method, "seed": watched.run.manifest.get("seed"),
        "state": watched.state, "step": watched.step, "steps": watched.total, "last": watched.rows.get(watched.step, {}),
        "signal_share": watched.signal.share, "signal_steps": watched.signal.measured,
        "findings": [one.as_json() for one in watched.seen], "not_seen": [one.as_json() for one in watched.not_seen],
        "rollout": None if row is None else {name: row.get(name) for name in kept}, "warnings": watched.notes(),
    }  # fmt: skip


def _absent(path: Path) -> str:
    if path.is_dir():
        return f"it holds no {MANIFEST} yet"
    beside = [one.name for one in path.parent.iterdir() if one.is_dir()] if path.parent.is_dir() else []
    close = nearest(path.name, [name for name in beside if not name.startswith(".")])
    return f"there is no such folder yet ({path.parent / close} is there)" if close else "there is no such folder yet"
