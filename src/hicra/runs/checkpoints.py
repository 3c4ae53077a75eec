"""Checkpoints of a run folder, which are either complete or not there, and are checked before they are used.

An engine writes into a hidden folder. `publish` adds the metrics of all steps so far and a manifest of sha256 sums, makes sure
that everything has reached the disk, and moves the folder into `checkpoints/`. A kill between any two of these leaves the
checkpoints that were there before, and what it left behind is swept away by the next resume (`repair.py`).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from hicra.artifacts import canonical_json, fsync_dir, sha256_file, write_text
from hicra.runs.folder import STEP_NAME, RunFolder

MANIFEST = "manifest.json"
METRICS = "metrics.jsonl"
OLD = ".old-"  # what is on its way out begins so


def publish(made: Path, run: RunFolder, step: int, keep: int) -> Path:
    """Turns a finished folder into the checkpoint of `step`, and removes all but the newest `keep` up to that step."""
    if (run.path / METRICS).exists():
        shutil.copyfile(run.path / METRICS, made / METRICS)
    (made / MANIFEST).unlink(missing_ok=True)  # of an attempt that was killed
    files = _files(made)
    for path in (run.path / METRICS, *(made / name for name in files)):
        _sync(path)
    sums = {name: sha256_file(made / name) for name in files}
    write_text(made / MANIFEST, canonical_json({"step": step, "sha256": sums}))
    target = run.checkpoints / f"step-{step:06d}"
    replace(made, target)
    for _, old in [pair for pair in _found(run) if pair[0] <= step][:-keep]:
        remove(old)
    return target


def replace(made: Path, target: Path) -> None:
    """Moves a complete folder to `target`, and removes what was there; neither is ever seen half."""
    aside = target.with_name(f"{OLD}{target.name}")
    if target.exists():
        shutil.rmtree(aside, ignore_errors=True)
        os.rename(target, aside)
    os.rename(made, target)
    fsync_dir(target.parent)
    shutil.rmtree(aside, ignore_errors=True)


def remove(folder: Path) -> None:
    """Removes a folder that is seen whole or not at all."""
    aside = folder.with_name(f"{OLD}{folder.name}")
    shutil.rmtree(aside, ignore_errors=True)
    os.rename(folder, aside)
    shutil.rmtree(aside, ignore_errors=True)


def newest(run: RunFolder, say: Callable[[str], None]) -> tuple[int, Path] | None:
    """Finds (step, folder) of the newest checkpoint that its manifest verifies; reports those it passes over."""
    for step, path in reversed(_found(run)):
        if problem := _damage(path, step):
            say(f"checkpoint {path.name} is passed over: {problem}")
        else:
            return step, path
    return None


def _found(run: RunFolder) -> list[tuple[int, Path]]:
    """Lists (step, folder) of the checkpoints, in order of step."""
    names = ((STEP_NAME.fullmatch(path.name), path) for path in run.checkpoints.glob("step-*"))
    return sorted((int(name[1]), path) for name, path in names if name)


def _files(folder: Path) -> list[str]:
    """Lists the files of a folder but its manifest, by their path inside it."""
    inside = (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in inside if name != MANIFEST)


def _sync(path: Path) -> None:
    if path.exists():
        with open(path, "rb") as file:
            os.fsync(file.fileno())


def _damage(path: Path, step: int) -> str:
    """Says what is wrong with a checkpoint: it must hold the files of its manifest, as they were, and no other."""
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return f"it has no readable {MANIFEST}"
    sums = manifest.get("sha256") if isinstance(manifest, dict) else None
    if not isinstance(sums, dict) or not sums:
        return f"its {MANIFEST} lists no files"
    if manifest.get("step") != step:
        return f"its {MANIFEST} is of step {manifest.get('step')!r}"
    files = set(_files(path))
    if lost := sorted(set(sums) - files):
        return f"{lost[0]} is missing"
    if unknown := sorted(files - set(sums)):
        return f"{unknown[0]} is not in its {MANIFEST}"
    damaged = (name for name in sorted(files) if sha256_file(path / name) != sums[name])
    return next((f"{name} is damaged" for name in damaged), "")
