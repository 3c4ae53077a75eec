"""What a run is trained with: a baseline, then shapers in their order, then a loss, each chosen by name with its settings.

An engine holds one `Assignment`, asks it which fields it needs, and calls it; it knows no method by name.

Deviations:
CREDIT-3. Shapers are applied in the order in which they are named; the paper has one shaper alone. What means nothing together is
    refused by name: two shapers that both set tokens to 0, a shaper that centres or scales the whole batch after another one,
    and a strength of 1 or more, which may turn signs, with a loss that treats tokens by the sign of their advantage.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from hicra.artifacts import sha256_bytes, sha256_file
from hicra.credit.baseline import Baseline
from hicra.credit.entry import Batch, Entry
from hicra.credit.keys import CONFIG, Keys
from hicra.credit.loss import Loss
from hicra.credit.method import Method
from hicra.credit.own import files_of, find, is_own
from hicra.credit.trial import try_out
from hicra.errors import ConfigError, did_you_mean

E = TypeVar("E", bound=Entry)


@dataclass(frozen=True)
class Picked(Generic[E]):
    """An entry with all of its settings, checked, and the files that it is from where it is a researcher's own."""

    entry: E
    settings: Mapping[str, Any]
    files: tuple[Path, ...] = ()

    @property
    def strength(self) -> float:
        """The value of the setting that turns a shaper off at 0; 1 where it has none."""
        name = getattr(self.entry, "strength", None)
        return float(self.settings[name]) if name else 1.0

    def described(self) -> dict[str, Any]:
        """Returns its name and settings."""
        return {"name": self.entry.name, "settings": dict(self.settings)}


def choose(kind: type[E], name: Any, settings: Any, key: str, keys: Keys = CONFIG) -> Picked[E]:
    """Returns the entry of that name with its settings, after trying it out if it is not of this package.

    Args:
        kind: Method, Baseline or Loss.
        name, settings: as in a config; absent settings take their defaults.
        key: the key of the config that holds the name.
        keys: what its user calls the keys, for messages.

    Raises:
        ConfigError: the name or a setting is unknown, a value is refused, or an entry of one's own does something wrong.
    """
    place = keys(f"{key.removesuffix('name')}settings")
    if not isinstance(name, str):
        raise ConfigError(f"{keys(key)} is {name!r}, no name", "name one of `hicra methods`, or module:function")
    if not isinstance(settings, Mapping | None):
        raise ConfigError(f"{place} is {settings!r}, no mapping", "give settings by name: {alpha: 0.1}")
    entry = find(kind, name, key, keys)
    assert isinstance(entry, kind)
    settings = entry.checked(settings or {}, place)
    chosen = Picked(entry, settings, files_of(entry, name))
    if is_own(entry):
        try_out(entry, chosen.settings)
    return chosen


@dataclass(frozen=True)
class Assignment:
    """A baseline, shapers and a loss.

    Attributes:
        shapers: at least one, in the order of their application.
        baseline: None takes the advantages of the engine.
        loss: None takes the loss of the engine.

    Raises:
        ConfigError: they mean nothing together.
    """

    shapers: tuple[Picked[Method], ...]
    baseline: Picked[Baseline] | None = None
    loss: Picked[Loss] | None = None

    def __post_init__(self) -> None:
        selecting = [one.entry.name for one in self.shapers if one.entry.selects]
        if len(selecting) > 1:
            raise ConfigError(
                f"{selecting[0]} and {selecting[1]} both set tokens to 0, and together they keep what neither means",
                "name one of them",
            )
        for place, one in enumerate(self.shapers):
            before = [other.entry.name for other in self.shapers[:place] if other.entry.changes != "nothing"]
            if one.entry.whitens and before:
                raise ConfigError(
                    f"{one.entry.name} after {before[-1]} centres the advantages again, which undoes a part of the shaping",
                    f"name {one.entry.name} first",
                )
            if (
                self.loss
                and self.loss.entry.signed
                and one.strength >= 1
                and one.entry.strength
                and not one.entry.keeps_sign
            ):
                raise ConfigError(
                    f"{one.entry.name} with {one.entry.strength} = {one.strength:g} may turn the sign of an advantage, and the "
                    f"loss {self.loss.entry.name} treats tokens by that sign",
                    f"set {one.entry.strength} below 1, or choose another loss",
                )

    @property
    def remarks(self) -> list[str]:
        """What its user should know: parts that go together, and do something else than their names say."""
        shaping = [one for one in self.shapers if one.entry.changes != "nothing" and one.strength > 0]
        names = [one.entry.name for one in shaping]
        found = [
            f"{name} is named twice, so it is applied twice" for name in dict.fromkeys(names) if names.count(name) > 1
        ]
        if self.loss is None or not shaping:
            return found
        loss = self.loss.entry
        if loss.by_response:
            found.append(
                f"the loss {loss.name} gives every token the mean advantage of its response, so what {names[0]} does to single "
                "tokens is averaged away"
            )
        if loss.signed and (turning := [one.entry.name for one in shaping if not one.entry.keeps_sign]):
            found.append(
                f"{turning[0]} may turn the sign of an advantage, and the loss {loss.name} treats tokens by that sign"
            )
        return found

    @functools.cached_property
    def needs(self) -> tuple[str, ...]:
        """The fields that the baseline and the shapers need, sorted; response_mask and group_ids are always among them."""
        entries: list[Entry] = [one.entry for one in self.shapers]
        if self.baseline:
            entries.append(self.baseline.entry)
        return tuple(sorted({"response_mask", "group_ids", *(field for entry in entries for field in entry.needs)}))

    @property
    def wide(self) -> bool:
        """Whether a row's advantages depend on other rows, so that several processes must shape their batch at once."""
        return self.baseline is not None or any(one.entry.scope == "batch" for one in self.shapers)

    @property
    def changes(self) -> Literal["nothing", "planning", "any"]:
        """Which advantages the shapers change together, as `Method.changes` says of one."""
        kinds = [one.entry.changes for one in self.shapers if one.entry.changes != "nothing"]
        return kinds[0] if len(kinds) == 1 else "any" if kinds else "nothing"

    @property
    def strength(self) -> float:
        """The strength of the one shaper that changes something; 1 where there are several."""
        found = [one.strength for one in self.shapers if one.entry.changes != "nothing"]
        return found[0] if len(found) == 1 else 1.0

    @property
    def name(self) -> str:
        """The names of the shapers, joined by "+"."""
        return "+".join(one.entry.name for one in self.shapers)

    def shaped(self, advantages: Any, batch: Batch) -> Any:
        """Applies the shapers to advantages [B] or [B,T] in their order; returns [B,T]."""
        for one in self.shapers:
            advantages = one.entry(advantages, batch, **one.settings)
        return advantages

    def hashes(self) -> dict[str, str]:
        """Returns sha256 of the code of each part of one's own, by `method` (all shapers together), `baseline` and `loss`.

        What such a file imports is not looked at.
        """
        return code_hashes({"method": self.shapers, "baseline": (self.baseline,), "loss": (self.loss,)})

    def described(self) -> dict[str, Any]:
        """Returns what a file says of it: {baseline, shapers, loss}, null where the engine's own is taken."""
        return {
            "baseline": self.baseline.described() if self.baseline else None,
            "shapers": [one.described() for one in self.shapers],
            "loss": self.loss.described() if self.loss else None,
        }


def code_hashes(parts: Mapping[str, Sequence[Picked[Any] | None]]) -> dict[str, str]:
    """Returns sha256 of the files of each part of one's own, by its name; what such a file imports is not looked at."""
    found = {name: [sha256_file(file) for one in picked if one for file in one.files] for name, picked in parts.items()}
    return {
        name: many[0] if len(many) == 1 else sha256_bytes(" ".join(many).encode())
        for name, many in found.items() if many
    }  # fmt: skip


def assign(
    method: Mapping[str, Any],
    then: Sequence[Mapping[str, Any]] = (),
    baseline: Mapping[str, Any] | None = None,
    loss: Mapping[str, Any] | None = None,
    keys: Keys = CONFIG,
) -> Assignment:
    """Makes an assignment of names and settings, each a mapping {name, settings}, as a config holds them.

    Args:
        method: the first shaper.
        then: further ones.
        baseline, loss: None takes those of the engine.
        keys: what the user calls the keys that name all these, for messages.

    Raises:
        ConfigError: a name or a setting is unknown, a value is refused, or they mean nothing together.
    """
    shapers = [
        _chosen(Method, one, f"method.then[{place - 1}]" if place else "method", keys)
        for place, one in enumerate([method, *then])
    ]
    return Assignment(
        tuple(shapers),
        _chosen(Baseline, baseline, "baseline", keys) if baseline else None,
        _chosen(Loss, loss, "loss", keys) if loss else None,
    )


def _chosen(kind: type[E], given: Mapping[str, Any], section: str, keys: Keys) -> Picked[E]:
    """Returns what {name, settings} names; raises ConfigError as `choose` does, and where there is a third key."""
    if odd := [key for key in given if key not in ("name", "settings")]:
        where = keys(f"{section}.{odd[0]}")
        raise ConfigError(f"unknown config key {where!r}", did_you_mean(str(odd[0]), ("name", "settings")))
    return choose(kind, given.get("name"), given.get("settings"), f"{section}.name", keys)
