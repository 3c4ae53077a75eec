"""Which runs belong to one arm, and which may not be compared at all.

An arm is a method, with the settings in which runs of that method differ: `hicra(alpha=0.4)`. Runs that were judged by another
verifier, asked with another prompt or trained on other data are not arms of one experiment: refused.

Deviations: D1 an input whose name hicra does not know counts as data; `lexicon` and `model` name arms instead, since both may be
what is compared. D2 the setting `seed` of a method (placebo draws from it) never makes an arm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hicra.credit import METHODS
from hicra.errors import DataError
from hicra.runs import RunFolder

FREE_INPUTS = ("lexicon", "model")
# Settings that cannot change what a run learns, and those that are compared elsewhere (task, eval, method).
_IGNORED = (
    "train.seed",
    "train.threads",
    "train.save_steps",
    "train.keep_checkpoints",
    "train.micro_batch",
    "lexicon",
    "model.name",
)
_IGNORED_HEADS = ("log.", "task.", "eval.", "method.")
_ABSENT = "absent"


@dataclass(frozen=True)
class Labelled:
    """The arm of each run, in the order given, and what the user should know about them."""

    arms: tuple[str, ...]
    warnings: tuple[str, ...]


def flat(value: Any, head: str = "") -> dict[str, Any]:
    """A nested mapping as {"a.b": leaf}."""
    if isinstance(value, Mapping):
        return {
            key: leaf
            for name, inner in value.items()
            for key, leaf in flat(inner, f"{head}.{name}" if head else str(name)).items()
        }
    return {head: value} if head else {}


def refuse_unlike(runs: Sequence[RunFolder], evaluated: bool) -> None:
    """Raises where runs differ in data, prompt or task, verifier, or (for `eval/` metrics) in how they were evaluated.

    Raises:
        DataError: names what differs and in which runs.
    """
    inputs = [run.manifest.get("inputs") or {} for run in runs]
    names = sorted({name for each in inputs for name in each} - set(FREE_INPUTS))
    for name in names:
        _same(f"input {name!r}", [str(each.get(name, _ABSENT))[:16] for each in inputs], runs)
    configs = [flat(run.manifest.get("config") or {}) for run in runs]
    heads = ("task.", "eval.") if evaluated else ("task.",)
    for key in sorted({key for config in configs for key in config if key.startswith(heads)}):
        if not (names and key.endswith("_file")):  # where the data has a hash, the name of its file says nothing
            _same(key, [repr(config[key]) if key in config else _ABSENT for config in configs], runs)


def _same(what: str, values: Sequence[str], runs: Sequence[RunFolder]) -> None:
    first = values[0]
    for value, run in zip(values, runs, strict=True):
        if value != first:
            raise DataError(
                f"{what} differs: {first} in {runs[0].path}, {value} in {run.path}",
                "compare runs with the same data, prompt and verifier; run one of the arms again",
            )


def label(runs: Sequence[RunFolder]) -> Labelled:
    """Groups runs into arms by method and the settings in which runs of one method differ."""
    settings, others = [_method_settings(run) for run in runs], [_other_settings(run) for run in runs]
    methods = [run.method for run in runs]
    names, shown = list(methods), set()
    for method in set(methods):
        mine = [index for index, each in enumerate(methods) if each == method]
        own = _varying([settings[index] for index in mine])
        wide = _varying([others[index] for index in mine])
        shown.update(wide)
        for index in mine:
            parts = [f"{key}={_short(settings[index].get(key))}" for key in own]
            parts += [f"{key}={_short(others[index].get(key))}" for key in wide]
            names[index] = f"{method}({', '.join(parts)})" if parts else method
    warnings = []
    for key in _varying(others):
        if key not in shown:
            by_arm = {name: _short(other.get(key)) for name, other in zip(names, others, strict=True)}
            warnings.append(
                f"the arms also differ in {key}: "
                + ", ".join(f"{arm} {value}" for arm, value in sorted(by_arm.items()))
            )
    versions = [run.manifest.get("versions") or {} for run in runs]
    for package in _varying(versions):
        found = sorted({str(each.get(package, _ABSENT)) for each in versions})
        warnings.append(f"the runs were made with different versions of {package}: {', '.join(found)}")
    return Labelled(tuple(names), tuple(warnings))


def _method_settings(run: RunFolder) -> dict[str, Any]:
    """The method's settings with its defaults filled in."""
    config = run.manifest.get("config") or {}
    given = (config.get("method") or {}).get("settings") or {} if isinstance(config.get("method"), Mapping) else {}
    known = dict(METHODS[run.method].settings) if run.method in METHODS else {}
    return {key: value for key, value in {**known, **given}.items() if key != "seed"}


def _other_settings(run: RunFolder) -> dict[str, Any]:
    """All that may make a difference besides the method: the rest of the config, and the lexicon and model by their hash."""
    config = run.manifest.get("config") or {}
    rest = {
        key: value for key, value in flat(config).items() if key not in _IGNORED and not key.startswith(_IGNORED_HEADS)
    }
    inputs = run.manifest.get("inputs") or {}
    model = config.get("model")
    called = {"lexicon": config.get("lexicon"), "model": model.get("name") if isinstance(model, Mapping) else model}
    for name in FREE_INPUTS:
        words = [str(word) for word in (called[name], str(inputs[name])[:8] if name in inputs else None) if word]
        # The hash decides where there is one: a path is only where the same thing lay.
        rest[name] = words[-1] if words else _ABSENT
    return rest


def _varying(settings: Iterable[Mapping[str, Any]]) -> list[str]:
    """The keys, sorted, that do not have one and the same value everywhere."""
    each = list(settings)
    keys = sorted({key for one in each for key in one})
    return [key for key in keys if len({repr(one.get(key, _ABSENT)) for one in each}) > 1]


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else _ABSENT if value is None else str(value)
