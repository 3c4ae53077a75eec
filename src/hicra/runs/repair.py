"""Brings a run folder to the state of one of its checkpoints, so that a resumed run logs every step once and in order.

A checkpoint holds the metrics of all its steps. So lines that a crash, a second writer or an editor lost, tore or doubled are
what they were again. What was made after the checkpoint, and what a killed process left half-written, is removed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hicra.artifacts import write_text
from hicra.errors import ArtifactError
from hicra.runs.checkpoints import METRICS, OLD
from hicra.runs.folder import STEP_NAME, RunFolder

LEFT_BEHIND = (".tmp-", OLD, ".work")  # names of what was on its way in or out begin so


def rewind(run: RunFolder, checkpoint: tuple[int, Path | None] | None, say: Callable[[str], None]) -> None:
    """Brings the folder to the state of a checkpoint (step, folder), or of a run without any step for None.

    Without the checkpoint's folder, the run's own metrics must hold the steps.

    Raises:
        ArtifactError: metrics of steps before the checkpoint are lost.
    """
    step, folder = checkpoint or (0, None)
    sweep(run.path)
    found, damage = _lines(run.path / METRICS)
    kept = found
    if folder is not None and (folder / METRICS).exists():
        kept, _ = _lines(folder / METRICS)
    lost = [number for number in range(1, step + 1) if number not in kept]
    if lost:
        raise ArtifactError(
            f"{run.path / METRICS} has no line of step {lost[0]}, and neither has the checkpoint of step {step}",
            "restore that file, or train into another folder: without it the run cannot go on without a gap",
        )
    text = "".join(f"{kept[number]}\n" for number in range(1, step + 1))
    missing = [number for number in range(1, step + 1) if found.get(number) != kept[number]]
    if damage or missing:
        say(f"{METRICS} is repaired: {'; '.join([*damage, *_missing(missing)])}")
    if (run.path / METRICS).exists() or text:
        write_text(run.path / METRICS, text)
    for file in [*(run.path / "rollouts").glob("step-*"), *(run.path / "refused").glob("step-*")]:
        name = STEP_NAME.match(file.name)
        if name and int(name[1]) > step:
            file.unlink()


def sweep(path: Path) -> None:
    """Removes what a process that was killed left half-written or half-removed in a run folder, which need not exist."""
    for folder in (path, path / "checkpoints", path / "rollouts", path / "refused"):
        for found in folder.glob(".*"):
            if found.name.startswith(LEFT_BEHIND) and found.suffix != ".html":  # a report may be built there meanwhile
                shutil.rmtree(found) if found.is_dir() else found.unlink()


def _lines(path: Path) -> tuple[dict[int, str], list[str]]:
    """Reads the lines of a metrics file by step, the last one of a step; and says what is wrong with the others."""
    lines: dict[int, str] = {}
    damage: list[str] = []
    if not path.exists():
        return lines, damage
    for number, raw in enumerate(path.read_bytes().split(b"\n"), 1):
        step = _step(raw)
        if step is None:
            damage += [f"line {number} is none of hicra's"] if raw else []
            continue
        damage += [f"step {step} stood twice"] if step in lines else []
        lines[step] = raw.decode()
    return lines, damage


def _step(raw: bytes) -> int | None:
    """Returns the step of a line, or None if it is no line of metrics."""
    try:
        row: Any = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    step = row.get("step") if isinstance(row, dict) else None
    return step if type(step) is int and step > 0 else None


def _missing(steps: list[int]) -> list[str]:
    return [f"{len(steps)} lines from step {steps[0]} on were not as the checkpoint has them"] if steps else []
