"""Reads run folders into a ReportModel: headers, curves, findings, the rollouts that are shown, and the grams in use.

All text in the model comes from runs and may be hostile; report.py, charts.py and encode.py escape it for the place it is put in.
"""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hicra.errors import ArtifactError
from hicra.findings import Evidence, Finding, Looked, look
from hicra.findings.intervals import saved_intervals
from hicra.findings.saved_findings import saved_findings
from hicra.report.encode import clean, plain
from hicra.report.grams import lexicon_table, used_grams
from hicra.report.mass import masses
from hicra.report.measured import Measurement, measured, read_measured
from hicra.report.model import ReportModel, Run
from hicra.report.names import page_arms
from hicra.report.paired import read_pairs, why_apart
from hicra.report.rows import number_of, read_rollouts
from hicra.report.sample import Place, choose, index
from hicra.report.verdict import compare_runs
from hicra.runs import RunFolder
from hicra.runs.arms import mapping, name_arms
from hicra.runs.find import SIGNAL_FOLDER, is_signal

MAX_ROLLOUTS = 200
PREFIX = "hicra/"
LARGEST = 1e300  # what is beyond it cannot be drawn


def build_model(
    runs: Sequence[Path],
    lexicon: Path | None = None,
    extra: Mapping[str, Any] | None = None,
    limit: int = MAX_ROLLOUTS,
    most_for_findings: int | None = None,
) -> ReportModel:
    """Reads run folders.

    Args:
        runs: run folders, in the order of the page (the methods `none` and `hicra` come first), each with the measurement of the
            signal that it may hold, and folders of `hicra signal`.
        lexicon: a lexicon folder for cluster information; None takes the one that a run's config names, if it exists.
        extra: further sections by name, as JSON values; `signal` has results of `hicra signal`, each with a name, which stand
            before those of the folders.
        limit: the most rollouts that are shown.
        most_for_findings: the most rollouts of a run whose findings are looked for here, since that reads all of them; of a
            larger run those are shown that a diagnosis wrote into its folder, and without them the page says so. None sets no
            bound.

    Raises:
        ArtifactError: no folder is given, one is given twice, or one is unreadable or has neither metrics nor rollouts.
    """
    further = dict(extra or {})
    given = further.pop("signal", None) or []
    if not runs and not given:
        raise ArtifactError("no run folder given", "name at least one: `hicra report RUN... -o report.html`")
    resolved = [Path(path).resolve() for path in runs]
    twice = [str(path) for path, number in Counter(resolved).items() if number > 1]
    if twice:
        raise ArtifactError(f"run folder {twice[0]} is given twice", "name each run once")
    notes: list[str] = []
    named = dict(zip(map(Path, runs), _names(resolved), strict=True))
    signals = [path for path in named if is_signal(path)]
    trained = [path for path in named if path not in signals]
    folders = [RunFolder.open(path) for path in trained]
    names = [named[path] for path in trained]
    arms, arm_of = page_arms(folders, names)
    headers: list[Run] = []
    places: list[list[Place]] = [[] for _ in arms]  # by arm
    for number, folder in enumerate(folders):
        found = index(number, folder.rollout_files())
        places[arm_of[number]] += found
        headers.append(_run(folder, names[number], arm_of[number], len(found), notes))
    for number, folder in enumerate(folders):
        if most_for_findings is None or headers[number].rollouts <= most_for_findings:
            seen, unlooked = _findings(folder)
            headers[number] = replace(headers[number], findings=seen, unlooked=unlooked)
        elif (kept := saved_findings(folder.path)) is not None:
            headers[number] = replace(headers[number], findings=_cleaned(kept), unlooked=kept.unlooked)
        else:
            notes.append(
                f"No finding was looked for in {names[number]}, which has more than {most_for_findings} rollouts: it would take "
                f"minutes before this page opens. `{clean(shlex.join(['hicra', 'report', str(folder.path)]))}` looks for all of "
                "them."
            )
    chosen = choose(places, limit)
    rollouts = read_rollouts(chosen, arm_of, notes)
    grams = used_grams(folders, arm_of, len(arms), lexicon_table(lexicon, folders, notes))
    beside = {path / SIGNAL_FOLDER: named[path] for path in trained if is_signal(path / SIGNAL_FOLDER)}
    measurements = (
        *_given(given), *(read_measured(path, named[path]) for path in signals),
        *(read_measured(path, name) for path, name in beside.items()),
    )  # fmt: skip
    seeded = [folder for folder in folders if not folder.diagnosed]
    compared = compare_runs([folder.path for folder in seeded], name_arms(seeded))
    pairs = read_pairs(folders, arm_of)
    return ReportModel(
        arms, tuple(headers), rollouts, grams, tuple(notes), dict(plain(further)), measurements, compared, pairs,
        why_apart(folders, arm_of, pairs),
    )  # fmt: skip


def _given(results: Any) -> list[Measurement]:
    """Checks the results of measurements that are handed over as JSON values."""
    if not isinstance(results, list | tuple):
        raise ArtifactError("extra['signal'] is no list of results", "give a list, each result with its name")
    return [measured(one, f"extra['signal'][{number}]") for number, one in enumerate(results)]


def _findings(folder: RunFolder) -> tuple[tuple[Finding, ...], dict[str, str]]:
    """Returns what the run shows, and what could not be looked for; the texts hold grams, so they are cleaned as all of a run."""
    looked = look(Evidence.of(folder))
    return _cleaned(looked), looked.unlooked


def _cleaned(looked: Looked) -> tuple[Finding, ...]:
    return tuple(replace(found, text=clean(found.text)) for found in looked.found)


def _names(paths: Sequence[Path]) -> list[str]:
    """Returns the folder names, with the parent folder's name before those that are equal."""
    number = Counter(path.name for path in paths)
    return [clean(path.name if number[path.name] == 1 else f"{path.parent.name}/{path.name}") for path in paths]


def _huge(value: float) -> bool:
    """Says whether a number is so large that the distance of two such numbers may be none; NaN and infinities are unknown."""
    return abs(value) > LARGEST and value not in (math.inf, -math.inf)


def _text(value: Any) -> str:
    return clean(str(value))


def _model_name(config: Mapping[str, Any]) -> str:
    model = config.get("model")
    if isinstance(model, dict):
        model = next((model[key] for key in ("name", "path", "preset", "base") if model.get(key)), None)
    return _text(model) if isinstance(model, str) else ""


def _run(folder: RunFolder, name: str, arm: int, rollouts: int, notes: list[str]) -> Run:
    file, steps, rows, dropped = folder.path / "metrics.jsonl", [], [], set()
    for number, row in enumerate(folder.metrics(), 1):
        step = row.get("step") if isinstance(row, dict) else None
        if not isinstance(step, int) or isinstance(step, bool):
            raise ArtifactError(
                f"{file} line {number} has no whole-number step", "make every line one object with the key step"
            )
        steps.append(step)
        values: dict[str, float | None] = {}
        for key, value in row.items():
            if value is None or (isinstance(value, int | float) and not isinstance(value, bool) and not _huge(value)):
                values[clean(key.removeprefix(PREFIX))] = plain(None if value is None else float(value))
            else:
                dropped.add(clean(key))
        values.pop("step", None)
        rows.append(values)
    if not rows and not rollouts:
        raise ArtifactError(
            f"run folder {folder.path} is empty: no step in metrics.jsonl and no rollouts",
            "run `hicra train` or `hicra diagnose` first, or leave this run out",
        )
    if not rows:
        notes.append(f"{name} has no metrics, so it has no curves.")
    if dropped:
        notes.append(
            f"{name} has values that are no numbers, or beyond 1e300, and are not drawn: {', '.join(sorted(dropped))}."
        )
    manifest, config = folder.manifest, mapping(folder.manifest.get("config"))
    seed = manifest.get("seed")
    return Run(
        name,
        folder.path,
        arm,
        _text(folder.method),
        None if folder.diagnosed else seed if isinstance(seed, int) else 0,
        _model_name(config),
        plain(config),
        plain(mapping(manifest.get("versions"))),
        plain(mapping(manifest.get("inputs"))),
        tuple(steps),
        tuple(rows),
        rollouts,
        mass=masses(folder),
        intervals=_intervals(folder),
    )


def _intervals(folder: RunFolder) -> dict[int, dict[str, tuple[float, float]]]:
    """Returns the intervals over prompts that a diagnosis wrote, by step and metric; one without two numbers is left out."""
    out: dict[int, dict[str, tuple[float, float]]] = {}
    for step, of_step in saved_intervals(folder.path).items():
        for name, ends in of_step.items():
            low, high = number_of(ends[0]), number_of(ends[1])
            if low is not None and high is not None:
                out.setdefault(step, {})[clean(name.removeprefix(PREFIX))] = (low, high)
    return out
