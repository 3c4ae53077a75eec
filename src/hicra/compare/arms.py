"""Refuses runs that must not be compared, and notes what else the user should know about arms (runs/arms.py names them).

Runs with different verifiers, prompts or data are not arms of one experiment, so they are refused.

Deviations:
COMPARE-1. An input whose name hicra does not know counts as data, so it must be equal in all runs. A different `lexicon` or
    `model`, or different code of a method, baseline or loss of one's own, makes another arm instead, since each may be what is
    compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hicra.errors import DataError
from hicra.runs import RunFolder
from hicra.runs.arms import FREE_INPUTS, called, other_settings, shown
from hicra.runs.difference import difference, flat, varying


def refuse_unlike(runs: Sequence[RunFolder], evaluated: bool) -> None:
    """Refuses runs that differ in data, prompt, task or verifier, or in how they were evaluated.

    Args:
        runs: the run folders.
        evaluated: whether the metric is of the final evaluation, so that its settings must be equal too.

    Raises:
        DataError: runs differ; the message names what differs, and in which runs.
    """
    inputs = [_without(run.manifest.get("inputs") or {}, FREE_INPUTS) for run in runs]
    _same(runs, inputs, lambda key: f"input {key!r}", lambda value: str(value)[:16])
    configs = []
    for run in runs:
        config = run.manifest.get("config") or {}
        settings = flat({name: config.get(name) for name in (("task", "eval") if evaluated else ("task",))})
        # if the data has a hash, the name of its file does not matter
        configs.append(_without(settings, [key for key in settings if any(inputs) and key.endswith("_file")]))
    _same(runs, configs, str, repr)


def _without(table: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key not in keys}


def _same(
    runs: Sequence[RunFolder],
    tables: Sequence[Mapping[str, Any]],
    called: Callable[[str], str],
    short: Callable[[Any], str],
) -> None:
    for run, table in zip(runs[1:], tables[1:], strict=True):
        for key, *values in difference(tables[0], table):
            first, other = ("absent" if value is None else short(value) for value in values)
            raise DataError(
                f"{called(key)} differs: {first} in {runs[0].path}, {other} in {run.path}",
                "answers to the same questions are compared by diagnosing them together: "
                "`hicra diagnose FILE FILE --apart -o RUNS`"
                if runs[0].diagnosed and run.diagnosed  # their files are what is to be compared
                else "compare runs with the same data, prompt and verifier, or run one of the arms again",
            )


def remarks(runs: Sequence[RunFolder], arms: Sequence[str]) -> list[str]:
    """Lists in which settings and versions of packages the arms differ beyond what their names say.

    Args:
        runs: the run folders.
        arms: the arm of each run.
    """
    settings = [other_settings(run) for run in runs]
    names = [called(run) for run in runs]
    in_names = {
        key
        for name in set(names)
        for key in varying([s for s, own in zip(settings, names, strict=True) if own == name])
    }
    found = []
    for key in varying(settings):
        if key not in in_names:
            values = sorted({f"{arm} {shown(each.get(key))}" for arm, each in zip(arms, settings, strict=True)})
            found.append(f"the arms also differ in {key}: {', '.join(values)}")
    versions = [run.manifest.get("versions") or {} for run in runs]
    for package in varying(versions):
        values = sorted({shown(each.get(package)) for each in versions})
        found.append(f"the runs were made with different versions of {package}: {', '.join(values)}")
    return found
