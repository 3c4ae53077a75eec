"""Reads what `hicra signal` measured: its folder, or its result as a JSON object, into plain values that are checked.

The texts in it come from a run and may be hostile; whoever draws them escapes them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hicra.artifacts import read_json, read_manifest
from hicra.drawing.readable import shorten
from hicra.drawing.signal import KINDS
from hicra.errors import ArtifactError
from hicra.report.encode import clean, plain
from hicra.runs.find import RESULT, SIGNAL_KIND, SIGNAL_SCHEMA

MAX_NAME = 120  # characters of the name of a measurement, a kind or a method
_AGAIN = "measure it again with `hicra signal`"
_COUNTS = ("batches", "rollouts", "accuracy", "seconds")
_HEAD = ("kind", "schema_version", "complete", "seconds")
_FOLDED = ("settings", "config", "inputs", "versions")
_APART = ("name", "kinds", "methods", "warnings", *_COUNTS)


@dataclass(frozen=True)
class SignalOfKind:
    """The signal of one kind of token; `share` is that of the signal on planning and execution, `ci` its 95 % interval.

    `batches_needed` would tell the share from one half; None where it is told, or where nobody can say.
    """

    name: str
    signal: float | None
    noise: float | None
    snr: float | None
    share: float | None
    ci: tuple[float, float] | None
    signal_ci: tuple[float, float] | None = None
    batches_needed: float | None = None


@dataclass(frozen=True)
class StepOfMethod:
    """What one step of a method is worth; `difference` is its cosine minus that of `none`, paired by batch.

    `batches_needed` would tell the difference from 0; None where it is told, or where nobody can say.
    """

    name: str
    cosine: float | None
    cosine_ci: tuple[float, float] | None
    difference: float | None
    difference_ci: tuple[float, float] | None
    bias_cosine: float | None
    snr: float | None
    bias_cosine_ci: tuple[float, float] | None = None
    batches_needed: float | None = None


@dataclass(frozen=True)
class Measurement:
    """One measurement, of one model: `facts` and `config` hold what else is said of it, as JSON values; `config` is folded."""

    name: str
    kinds: tuple[SignalOfKind, ...]
    methods: tuple[StepOfMethod, ...]
    batches: int | None = None
    rollouts: int | None = None
    accuracy: float | None = None
    seconds: float | None = None
    warnings: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)

    def kind(self, name: str) -> SignalOfKind:
        """Returns a kind by its name; planning and execution are always there."""
        return next(kind for kind in self.kinds if kind.name == name)

    def found(self) -> dict[str, Any]:
        """Returns it with the keys of `hicra signal --json`, as the sentences of `findings/measured_signal.py` take it."""
        return {
            "kinds": {one.name: asdict(one) for one in self.kinds},
            "methods": {one.name: asdict(one) for one in self.methods},
            "batches": self.batches, "rollouts": self.rollouts, "warnings": self.warnings,
            "settings": self.config.get("settings"),
        }  # fmt: skip


def read_measured(folder: Path, name: str) -> Measurement:
    """Reads a folder that `hicra signal` wrote.

    Args:
        folder: the folder, with hicra.json and signal.json.
        name: what the page calls it.

    Raises:
        ArtifactError: it is no such folder, is not complete, or its result does not hold what it should.
    """
    manifest = read_manifest(folder / "hicra.json", SIGNAL_KIND, SIGNAL_SCHEMA)
    file = folder / RESULT
    why = f"it holds no {RESULT}" if not file.exists() else "it was begun again" if not manifest.get("complete") else ""
    if why:  # a result beside `complete: false` is that of fewer batches
        raise ArtifactError(
            f"the measurement in {folder} is not complete: {why}",
            f"go on with it by `hicra signal -o {folder} --resume`, or leave it out",
        )
    result = read_json(file, _AGAIN)
    if (
        isinstance(result, dict) and "seconds" in manifest
    ):  # they differ from run to run, so the result need not hold them
        result = {"seconds": manifest["seconds"], **result}
    return measured(result, str(file), name, {key: manifest[key] for key in manifest if key not in _HEAD})


def measured(result: Any, where: str, name: str = "", made: Mapping[str, Any] | None = None) -> Measurement:
    """Checks the result of a measurement.

    Args:
        result: the JSON object, with the keys of `hicra signal --json`.
        where: what messages call it.
        name: what the page calls it; "" takes the key `name` of the object.
        made: what else is known of how it was made, from the manifest of its folder.

    Raises:
        ArtifactError: it holds no kinds, no methods, or a value that is no number where one belongs.
    """
    if not isinstance(result, Mapping):
        raise ArtifactError(f"{where} is no JSON object", _AGAIN)
    name = name or result.get("name") or ""
    if not isinstance(name, str) or not name:
        raise ArtifactError(f"{where}: name is {name!r}, no text", "give each result a name")
    kinds, methods = (_named(result, key, where) for key in ("kinds", "methods"))
    absent = [f"kinds.{kind}" for kind in KINDS if kind not in kinds] + ["methods.none"] * ("none" not in methods)
    if absent:
        raise ArtifactError(f"{where} has no {absent[0]}", _AGAIN)
    order = [*KINDS, *(kind for kind in kinds if kind not in KINDS)]
    said = result.get("warnings") or []
    if not isinstance(said, list):
        raise ArtifactError(f"{where}: warnings is no list", _AGAIN)
    batches, rollouts, accuracy, seconds = (_number(result, key, where) for key in _COUNTS)
    rest = {key: value for key, value in {**(made or {}), **result}.items() if key not in _APART}
    return Measurement(
        _name(name),
        tuple(_kind(_name(key), kinds[key], f"{where}: kinds.{key}") for key in order),
        tuple(_method(_name(key), one, f"{where}: methods.{key}") for key, one in methods.items()),
        None if batches is None else int(batches),
        None if rollouts is None else int(rollouts),
        accuracy,
        seconds,
        tuple(clean(str(one)) for one in said if one is not None),
        plain({key: value for key, value in rest.items() if key not in _FOLDED}),
        plain({key: value for key, value in rest.items() if key in _FOLDED}),
    )


def _name(text: str) -> str:
    """Returns a name as the page holds it, in a title, a chart or a table."""
    return shorten(clean(text), MAX_NAME)


def _named(result: Mapping[str, Any], key: str, where: str) -> Mapping[str, Mapping[str, Any]]:
    found = result.get(key)
    if not isinstance(found, Mapping) or not all(isinstance(one, Mapping) for one in found.values()):
        raise ArtifactError(f"{where}: {key} is no object of objects", _AGAIN)
    return found


def _kind(name: str, one: Mapping[str, Any], where: str) -> SignalOfKind:
    signal, noise, snr, share = (_number(one, key, where) for key in ("signal", "noise", "snr", "share"))
    return SignalOfKind(
        name,
        signal,
        noise,
        snr,
        share,
        _interval(one, "ci", where),
        _interval(one, "signal_ci", where),
        _number(one, "batches_needed", where),
    )


def _method(name: str, one: Mapping[str, Any], where: str) -> StepOfMethod:
    return StepOfMethod(
        name,
        _number(one, "cosine", where),
        _interval(one, "cosine_ci", where),
        _number(one, "difference", where),
        _interval(one, "difference_ci", where),
        _number(one, "bias_cosine", where),
        _number(one, "snr", where),
        _interval(one, "bias_cosine_ci", where),
        _number(one, "batches_needed", where),
    )


def _number(one: Mapping[str, Any], key: str, where: str) -> float | None:
    """Returns the number of a key; None where it is absent, null or not finite."""
    return _finite(one.get(key), key, where)


def _finite(value: Any, key: str, where: str) -> float | None:
    if value is None:
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError
        found = float(value)
    except (ValueError, OverflowError):
        raise ArtifactError(f"{where}: {key} is {str(value)[:60]!r}, no number", _AGAIN) from None
    return found if math.isfinite(found) else None


def _interval(one: Mapping[str, Any], key: str, where: str) -> tuple[float, float] | None:
    """Returns an interval; None where it is absent or an end of it is not known."""
    value = one.get(key)
    if value is None:
        return None
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ArtifactError(f"{where}: {key} is no pair of numbers", _AGAIN)
    low, high = (_finite(end, key, where) for end in value)
    return None if low is None or high is None else (low, high)
