"""Gathers the runs that have ended into results/training.jsonl.gz, the same bytes for the same runs: `python collect.py`"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plan import Planned, runs

from hicra.artifacts import atomic_file
from hicra.errors import DataError

HERE = Path(__file__).resolve().parent
WORK, STORED = HERE / "work" / "runs", HERE / "results" / "training.jsonl.gz"
LEFT_OUT = ("step", "eval", "cpu_s", "reward_errors", "pass_at_1", "accuracy", "semantic_entropy_miller_madow")
KEY = ("part", "arm", "start", "warm", "seed", "rate", "lexicon", "settings")
DIGITS = 4  # significant ones that are stored of a curve


def stored(run: Planned) -> dict[str, Any] | None:
    """Returns what is stored of a run, or None if it has not ended. Raises DataError as `lines_of` does."""
    file = WORK / run.name / "steps.jsonl"
    if not file.exists():
        return None
    lines = lines_of(file, run.steps)
    evaluated = [line for line in lines if "eval" in line]
    steps = [line for line in lines if line["step"]]
    names = sorted({name for line in steps for name in line} - set(LEFT_OUT))
    figures = sorted({name for line in evaluated for name in line["eval"]})
    return {
        "part": run.part, "arm": run.arm, "start": run.start, "warm": run.warm, "seed": run.seed, "rate": run.rate,
        "lexicon": run.lexicon, "settings": settings_of(run),
        "steps": run.steps, "cpu_s": lines[-1]["cpu_s"],
        "evals": {"step": [line["step"] for line in evaluated]}
        | {name: [line["eval"].get(name) for line in evaluated] for name in figures},
        "curves": {name: [rounded(line.get(name)) for line in steps] for name in names},
    }  # fmt: skip


def lines_of(file: Path, steps: int) -> list[dict[str, Any]]:
    """Reads the steps.jsonl of a run; a figure that is not finite becomes None.

    Raises:
        DataError: a line is torn, or the lines are not those of step 0, 1, ..., `steps`, the first and last evaluated.
    """
    fix = f"remove {file.parent} and make the run again with studies/hierarchy/run.py"
    lines = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines()):
        try:
            lines.append(json.loads(line, parse_constant=lambda name: None))
        except ValueError as error:
            raise DataError(f"{file}, line {number + 1} is torn: {error}", fix) from None
        if not isinstance(lines[-1], dict) or lines[-1].get("step") != number:
            raise DataError(f"{file}, line {number + 1} is not that of step {number}", fix)
    if len(lines) != steps + 1:
        raise DataError(f"{file} ends before step {len(lines)}, and the run has {steps} steps", fix)
    if "eval" not in lines[0] or not {"eval", "cpu_s"} <= lines[-1].keys():
        raise DataError(f"{file}: the first or the last step is not evaluated", fix)
    return lines


def rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")


def key(one: Mapping[str, Any]) -> str:
    """What tells a stored run from others."""
    return json.dumps([one[name] for name in KEY], sort_keys=True)


def earlier() -> dict[str, dict[str, Any]]:
    """Returns the runs that are stored already, by key: their folders may be gone."""
    if not STORED.exists():
        return {}
    with gzip.open(STORED, "rt", encoding="utf-8") as lines:
        return {key(one): one for one in map(json.loads, lines)}


def settings_of(run: Planned) -> dict[str, Any]:
    return dict(run.settings) | ({"bonus": run.bonus} if run.bonus else {})


def is_stored(run: Planned, there: Mapping[str, Any]) -> bool:
    return key({**vars(run), "settings": settings_of(run)}) in there


def main() -> None:
    fresh = [one for run in runs() if (one := stored(run))]
    found = list((earlier() | {key(one): one for one in fresh}).values())
    lines = sorted(json.dumps(one, sort_keys=True, separators=(",", ":"), allow_nan=False) for one in found)
    STORED.parent.mkdir(exist_ok=True)
    with atomic_file(STORED) as path, open(path, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as file:
        file.write("".join(f"{line}\n" for line in lines).encode())
    print(f"{len(found)} of {len(list(runs()))} runs, {STORED.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
