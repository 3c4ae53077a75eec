"""Checkpoints of a run folder, which are either complete or not there, and are checked before they are used.

An engine writes into a hidden folder; `publish` adds a manifest of sha256 sums and moves the folder into `checkpoints/`.
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


def publish(made: Path, run: RunFolder, step: int, keep: int) -> Path:
    """Turns a finished folder into the checkpoint of `step`, and removes all but the newest `keep`."""
    target = run.checkpoints / f"step-{step:06d}"
    files = sorted(path for path in made.rglob("*") if path.is_file())
    sums = {str(path.relative_to(made)): sha256_file(path) for path in files}
    write_text(made / MANIFEST, canonical_json({"step": step, "sha256": sums}))
    shutil.rmtree(target, ignore_errors=True)
    os.rename(made, target)
    fsync_dir(run.checkpoints)
    for old in sorted(run.checkpoints.glob("step-*"))[:-keep]:
        shutil.rmtree(old)
    return target


def newest(run: RunFolder, say: Callable[[str], None]) -> tuple[int, Path] | None:
    """Finds (step, folder) of the newest checkpoint whose files match its manifest's sums; reports those it passes over."""
    found = [
        (int(name[1]), path) for path in run.checkpoints.glob("step-*") if (name := STEP_NAME.fullmatch(path.name))
    ]
    for step, path in sorted(found, reverse=True):
        if problem := _damage(path):
            say(f"checkpoint {path.name} is passed over: {problem}")
        else:
            return step, path
    return None


def _damage(path: Path) -> str:
    try:
        sums = json.loads((path / MANIFEST).read_text(encoding="utf-8"))["sha256"]
    except (OSError, ValueError, KeyError):
        return f"it has no readable {MANIFEST}"
    for name, expected in sums.items():
        if not (path / name).is_file():
            return f"{name} is missing"
        if sha256_file(path / name) != expected:
            return f"{name} is damaged"
    return ""
