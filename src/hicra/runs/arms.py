"""Sorts runs into arms and names the arms, for the report page and for `hicra compare` alike.

An arm is a method, with the settings in which runs of that method differ: `hicra(alpha=0.4)`. Where a system makes the rollouts,
it gives the name, with its method behind it unless that is `none`: `carl`, `himac+hicra`. Settings of the method itself (with
its defaults filled in) have their own name, others have their key in the config: `hicra(train.learning_rate=0.1)`. A lexicon or
model that differs is named by its hash if there is one, since the same file may lie under two paths. Code of one's own that
differs is named by the hashes of its files: `my_package:shape(code=1f0c2a9b)`.

Deviations:
COMPARE-2. The setting `seed` of a method (placebo draws from it) never makes an arm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hicra.credit import BASELINES, LOSSES, METHODS
from hicra.runs.config import with_defaults
from hicra.runs.difference import flat, varying
from hicra.runs.folder import RunFolder

NAMED_INPUTS = ("lexicon", "model")
OWN_CODE = ("method", "baseline", "loss")  # inputs that are there where that part is a researcher's own function
FREE_INPUTS = (*NAMED_INPUTS, *OWN_CODE)
# Settings that cannot change what a run learns, and settings that never make an arm: the task and how it is evaluated.
_IGNORED = (
    "train.seed",
    "train.threads",
    "train.save_steps",
    "train.keep_checkpoints",
    "lexicon",
    "model.name",
    "stepless",  # says of a diagnosed run what its rollouts lack
    "preset",  # what it filled in is in the config
)
_IGNORED_HEADS = ("log.", "task.", "eval.", "method.", "baseline.", "loss.", "system.")


def name_arms(runs: Sequence[RunFolder]) -> list[str]:
    """Returns the name of each run's arm, in the order given."""
    names = [called(run) for run in runs]
    tables = [[of(run) for run in runs] for of in (method_settings, system_settings, other_settings)]
    for name in set(names):
        mine = [index for index, run in enumerate(runs) if called(run) == name]
        differing = [(key, table) for table in tables for key in varying([table[index] for index in mine])]
        for index in mine if differing else ():
            names[index] = f"{name}({', '.join(f'{key}={shown(table[index].get(key))}' for key, table in differing)})"
    return names


def called(run: RunFolder) -> str:
    """Returns the name of a run's arm without settings: its system, if it has one, and its method."""
    system = mapping(mapping(run.manifest.get("config")).get("system")).get("name")
    if not isinstance(system, str):
        return run.method
    return system if run.method == "none" else f"{system}+{run.method}"


def system_settings(run: RunFolder) -> dict[str, Any]:
    """Returns the settings of the run's system by their keys in the config; none where it has no system."""
    return flat(
        {"system": {"settings": mapping(mapping(mapping(run.manifest.get("config")).get("system")).get("settings"))}}
    )


def method_settings(run: RunFolder) -> dict[str, Any]:
    """Returns the settings of the run's method, with its defaults filled in and without `seed`; `code` is that of one's own."""
    known = METHODS[run.method].settings if run.method in METHODS else {}
    given = mapping(mapping(mapping(run.manifest.get("config")).get("method")).get("settings"))
    code = _code(run, "method")
    return {key: value for key, value in {**known, **given, **code}.items() if key != "seed"}


def other_settings(run: RunFolder) -> dict[str, Any]:
    """Returns, by dotted key, what may differ besides the method and the system: the rest of the config, the lexicon and the
    model."""
    config, inputs = with_defaults(mapping(run.manifest.get("config"))), mapping(run.manifest.get("inputs"))
    rest = {
        key: value for key, value in flat(config).items() if key not in _IGNORED and not key.startswith(_IGNORED_HEADS)
    }
    for part, table in (("baseline", BASELINES), ("loss", LOSSES)):
        rest[part] = _called(config.get(part), table, _code(run, part))
    if not getattr(LOSSES.get(str(mapping(config.get("loss")).get("name"))), "by_part", False):
        rest.pop("train.micro_batch", None)  # the loss of a part adds up to that of the whole
    further = mapping(config.get("method")).get("then") or []
    rest["then"] = "+".join(_called(one, METHODS) or "" for one in further) or None
    shapers = [*run.method.split("+"), *(mapping(one).get("name") for one in further)]
    if rest.get("train.signal_every") in (0, 1) or not any(_may_read_the_signal(name) for name in shapers):
        rest.pop("train.signal_every", None)  # a method that reads the signal takes 0 for each step
    model = config.get("model")
    called = {"lexicon": config.get("lexicon"), "model": model.get("name") if isinstance(model, Mapping) else model}
    for name in NAMED_INPUTS:
        rest[name] = str(inputs[name])[:8] if inputs.get(name) else called[name] or None
    return rest


def _may_read_the_signal(name: Any) -> bool:
    """Whether measuring the signal may change what is learnt, since a shaper reads it or is not known."""
    return name not in METHODS or "kind_weights" in METHODS[name].needs


def _code(run: RunFolder, part: str) -> dict[str, str]:
    """Returns the start of the hash of a part's code where that part is a researcher's own, as a setting of it."""
    found = mapping(run.manifest.get("inputs")).get(part)
    return {"code": str(found)[:8]} if found else {}


def _called(part: Any, table: Mapping[str, Any], code: Mapping[str, str] | None = None) -> str | None:
    """Writes a part of credit with those of its settings that are no defaults: `forking_tokens(rho=0.3)`; None if absent."""
    name, given = mapping(part).get("name"), {**mapping(mapping(part).get("settings")), **(code or {})}
    known = table[str(name)].settings if name in table else {}
    told = ", ".join(f"{key}={shown(value)}" for key, value in given.items() if key not in known or known[key] != value)
    return None if name is None else f"{name}({told})" if told else str(name)


def mapping(value: Any) -> Mapping[str, Any]:
    """Returns the value if it is a mapping, else an empty one: a manifest may hold anything."""
    return value if isinstance(value, Mapping) else {}


def shown(value: Any) -> str:
    """Writes the value of a setting for a label or a message."""
    return f"{value:g}" if isinstance(value, float) else "absent" if value is None else str(value)
