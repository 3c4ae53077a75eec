"""Reads the methods that are to be judged, and shapes one batch with all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import yaml

from hicra.arrays import Array
from hicra.credit import Baseline, Method
from hicra.credit.assignment import Picked, choose
from hicra.credit.border import PER_KIND
from hicra.credit.entry import Entry
from hicra.errors import ConfigError
from hicra.signal.halves import wide

# the fields of a batch here; the last two cost a forward pass
FIELDS = (
    "response_ids", "response_mask", "planning_mask", "group_ids", "rewards", "truncated", "n_tool_calls", "state_ids",
    "entropies", "old_logprobs",
)  # fmt: skip
OF_THE_POLICY = ("entropies", "old_logprobs")
UNSHAPED = "none"


def read_methods(texts: Sequence[str]) -> dict[str, Picked[Method]]:
    """Returns the methods by the text that names them, `none` always first.

    Args:
        texts: names with settings of their own, as in `hicra@alpha=0.8` or `placebo@alpha=0.2@seed=3`; or `module:function`.

    Raises:
        ConfigError: a name or a setting is unknown, a value is refused, one is named twice, or a method needs a field that a
            batch does not have here.
    """
    names = [text.strip() for text in texts]
    if not all(name.partition("@")[0] for name in names):
        raise ConfigError(
            "a name among the methods is empty",
            "write names with commas between them, as in hicra,placebo, or leave it out",
        )
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f"method {twice!r} is named twice", "name each method once; others need other settings")
    found = {name: _method(name) for name in (UNSHAPED, *(name for name in names if name != UNSHAPED))}
    for picked in found.values():
        _refuse_missing(picked.entry)
    return found


def read_baseline(name: str) -> Picked[Baseline]:
    """Returns the baseline of that name; raises ConfigError as `read_methods` does."""
    found = choose(Baseline, name, {}, "baseline.name")
    _refuse_missing(found.entry)
    return found


def needs_policy(picked: Sequence[Picked[Any]]) -> bool:
    """Says whether one of them needs entropies or log-probabilities of the policy."""
    return any(field in one.entry.needs for one in picked for field in OF_THE_POLICY)


def unshaped(baseline: Picked[Baseline], batch: Mapping[str, Any]) -> Array:
    """Returns the advantages of a batch before shaping, [B,T] float64."""
    made: Array = baseline.entry(batch["rewards"], batch["group_ids"], batch, **baseline.settings)
    return wide(made, batch["response_mask"])


def shaped(methods: Mapping[str, Picked[Method]], base: Array, batch: Mapping[str, Any]) -> dict[str, Array]:
    """Returns the advantages [B,T] of every method, 0 outside the policy tokens."""
    live = batch["response_mask"]
    return {
        name: np.where(live, one.entry(base, batch, **one.settings), 0.0).astype(np.float64)
        for name, one in methods.items()
    }


def _method(text: str) -> Picked[Method]:
    name, *given = text.split("@")
    settings = {}
    for one in given:
        key, mark, value = one.partition("=")
        if not (key and mark and value):
            raise ConfigError(
                f"method {text!r}: {one!r} is no setting", "write NAME@SETTING=VALUE, as in hicra@alpha=0.8"
            )
        if key in settings:
            raise ConfigError(f"method {text!r} sets {key} twice", "give each setting once")
        settings[key] = _value(value, text)
    return choose(Method, name, settings, "methods.name")


def _value(text: str, of: str) -> Any:
    """Reads a number, true, false or null as what it says, and anything else as text."""
    try:
        return float(text) if "e" in text.lower() and text[0] in "0123456789.-+" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError):
        raise ConfigError(f"method {of!r}: {text!r} is no value", "give a number, true, false or a word") from None


def _refuse_missing(entry: Entry) -> None:
    missing = [field for field in entry.needs if field not in FIELDS]
    if any(field in PER_KIND for field in missing):
        raise ConfigError(
            f"{entry.kind} {entry.name!r} follows the signal that a training run has measured, and here the policy is fixed",
            f"leave out {entry.name}; `hicra train --method {entry.name}` measures and logs what it follows",
        )
    if missing:
        raise ConfigError(
            f"{entry.kind} {entry.name!r} needs the batch field {missing[0]!r}, which `hicra signal` does not have",
            f"a batch has {', '.join(FIELDS)}; leave out {entry.name}",
        )
