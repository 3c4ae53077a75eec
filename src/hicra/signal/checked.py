"""Checks the manifest and the result of a measurement that were read from its folder, before anything is done with them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hicra.artifacts import read_json, read_manifest
from hicra.errors import ArtifactError
from hicra.runs.find import SIGNAL_KIND, SIGNAL_SCHEMA
from hicra.signal.products import EXECUTION, PLANNING, REFERENCE

Rule = tuple[Callable[[Any], bool], str]


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))


_OBJECT: Rule = (lambda value: isinstance(value, dict), "no object")
_COUNT: Rule = (lambda value: type(value) is int and value >= 0, "no count")
_FLAG: Rule = (lambda value: isinstance(value, bool), "neither true nor false")
_NUMBER: Rule = (lambda value: value is None or _is_number(value), "no number")
_PAIR: Rule = (lambda value: value is None or _is_pair(value), "no pair of numbers")
_TEXTS: Rule = (
    lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
    "no list of texts",
)

_OF_MANIFEST = {"settings": _OBJECT, "model": _OBJECT, "inputs": _OBJECT, "complete": _FLAG, "seconds": _NUMBER}
_OF_RESULT = {
    "kinds": _OBJECT, "methods": _OBJECT, "warnings": _TEXTS, "tokens": _OBJECT, "accuracy": _NUMBER, "batches": _COUNT,
    "rollouts": _COUNT, "groups": _COUNT, "mixed_groups": _COUNT, "all_tokens": _COUNT,
}  # fmt: skip
_OF_KIND = {
    "signal": _NUMBER,
    "noise": _NUMBER,
    "snr": _NUMBER,
    "share": _NUMBER,
    "ci": _PAIR,
    "batches_needed": _NUMBER,
}
_OF_METHOD = {
    "cosine": _NUMBER, "cosine_ci": _PAIR, "difference": _NUMBER, "difference_ci": _PAIR, "bias_cosine": _NUMBER,
    "snr": _NUMBER, "batches_needed": _NUMBER,
}  # fmt: skip


def manifest_of(file: Path) -> dict[str, Any]:
    """Reads the manifest of a measurement; raises ArtifactError, which names the key, where it is not as it should be."""
    found = read_manifest(file, SIGNAL_KIND, SIGNAL_SCHEMA)
    fix = "measure again with --overwrite, or choose another -o"
    _check(found, _OF_MANIFEST, str(file), fix)
    _check(found["settings"], {"batches": _COUNT}, f"{file}: settings", fix)
    if found["complete"] and found["seconds"] is None:
        raise ArtifactError(f"{file}: seconds is None, and the measurement is complete", fix)
    return found


def result_of(file: Path) -> dict[str, Any]:
    """Reads the result of a measurement; raises ArtifactError, which names the key, where it is not as it should be."""
    fix = f"remove {file.name}: --resume then makes it again from the batches"
    found = read_json(file, fix)
    _check(found, _OF_RESULT, str(file), fix)
    for table, first, rules in (("kinds", (PLANNING, EXECUTION), _OF_KIND), ("methods", (REFERENCE,), _OF_METHOD)):
        for name in dict.fromkeys((*first, *found[table])):
            _check(found[table].get(name), rules, f"{file}: {table}.{name}", fix)
    _check(found["tokens"], dict.fromkeys(found["kinds"], _COUNT), f"{file}: tokens", fix)
    return dict(found)


def _check(found: Any, rules: Mapping[str, Rule], where: str, fix: str) -> None:
    if not isinstance(found, dict):
        raise ArtifactError(f"{where} is {str(found)[:60]!r}, no object", fix)
    for key, (fits, what) in rules.items():
        if key not in found:
            raise ArtifactError(f"{where} has no {key}", fix)
        if not fits(found[key]):
            raise ArtifactError(f"{where}: {key} is {str(found[key])[:60]!r}, {what}", fix)
