"""What an engine is told that has no config of ours: lexicon, span type, method and baseline, and the `Shaping` they make.

The keys are those of `HicraGRPOConfig`, and their defaults those of `hicra train`.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, PrivateAttr

from hicra.credit import Assignment, assign
from hicra.credit.keys import FlatKeys
from hicra.engines.shaping import Shaping
from hicra.errors import ConfigError
from hicra.lexicon import Lexicon
from hicra.runs.sections import RunConfig
from hicra.strict import Strict, field_of, validated
from hicra.version import __version__

SECTION = __name__.partition(".")[0]  # what the keys stand under in an engine's own config


def default(key: str) -> Any:
    """Returns the default of a key of a config of `hicra train`."""
    return field_of(RunConfig, key).default


class Choice(Strict):
    """What is chosen by name."""

    lexicon: str = Field(
        default=default("lexicon"), description="A built-in name, a lexicon folder, or a text file of phrases."
    )
    unit: Literal["gram", "sentence"] | None = Field(
        default=None, description="The span type; null takes what the lexicon is made for."
    )
    method: str = Field(default=default("method.name"), description="A shaper of `hicra methods`, or module:function.")
    method_settings: dict[str, Any] = Field(default={}, description="Settings of the method.")
    method_then: list[dict[str, Any]] = Field(
        default=[], description="Further shapers, a list of {name, settings}, applied after it in this order."
    )
    baseline: str | None = Field(
        default=None,
        description="A baseline of `hicra methods`, or module:function; null takes the engine's advantages.",
    )
    baseline_settings: dict[str, Any] = Field(default={}, description="Settings of the baseline.")
    _keys: FlatKeys = PrivateAttr(FlatKeys())

    @classmethod
    def read(cls, given: Any, section: str = "") -> Self:
        """Checks a mapping of these keys.

        Args:
            given: the mapping; None stands for an empty one.
            section: what messages call it; "" where the keys are arguments of a function.

        Raises:
            ConfigError: it is no mapping, or a key or a value is refused; the message names the nearest right one.
        """
        fix = f"the keys are {', '.join(cls.model_fields)}"
        if not isinstance(given, Mapping | None):
            raise ConfigError(f"{section} is {given!r}, no mapping", fix)
        under = f"{section}." if section else ""
        read = validated(cls, dict(given or {}), under=under, fix=fix)
        read._keys = FlatKeys(under, "loss" if "loss" in cls.model_fields else "")
        return read

    def assignment(self, have: Collection[str] | None = None, engine: str = "") -> Assignment:
        """Returns the baseline and the shapers.

        Args:
            have: the fields of a batch that the engine hands over; None leaves this to `Shaping`.
            engine: its name, for the message.

        Raises:
            ConfigError: a name, a setting or their combination is refused, or a field is needed that is not among those.
        """
        keys = self._keys
        if self.baseline is None and self.baseline_settings:
            raise ConfigError(
                f"{keys('baseline.settings')} is given and {keys('baseline.name')} is not",
                "name a baseline, or leave out its settings",
            )
        if unnamed := [one for one in self.method_then if "name" not in one]:
            where = keys("method.then")
            raise ConfigError(f"{where} has a shaper without a name: {unnamed[0]}", 'write {"name": "placebo"}')
        credit = assign(
            {"name": self.method, "settings": self.method_settings},
            self.method_then,
            None if self.baseline is None else {"name": self.baseline, "settings": self.baseline_settings},
            keys=keys,
        )
        if have is not None and (missing := [field for field in credit.needs if field not in have]):
            parts = [one.entry for one in (credit.baseline, *credit.shapers) if one]
            who = next(entry for entry in parts if missing[0] in entry.needs)
            raise ConfigError(
                f"{who.kind} {who.name!r} needs the batch field {missing[0]!r}, which {engine} does not hand over",
                f"choose one that needs no more than {', '.join(have)} (`hicra methods` lists the needs)",
            )
        return credit


def announce(credit: Assignment, lexicon: Lexicon, engine: str) -> None:
    """Says on stderr, once in a process, what an engine trains with.

    An engine lets a section pass whose name is misspelt, and the defaults would hold without a word.
    """
    _say(announcement(credit, lexicon, f"{engine}'s own advantages"))


def announcement(credit: Assignment, lexicon: Lexicon, own: str) -> str:
    """Returns the line that says what an engine trains with; `own` names its advantages where no baseline is chosen."""
    shapers = ", ".join(f"{one.entry.name} {dict(one.settings)}" for one in credit.shapers)
    base = f"baseline {credit.baseline.entry.name}" if credit.baseline else own
    return f"hicra {__version__}: {shapers} after {base}, lexicon {lexicon.name} {lexicon.content_hash[:12]}"


@functools.cache
def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


_latest: tuple[Any, tuple[Any, ...], Shaping] | None = None


def shaping_of(credit: Assignment, lexicon: Lexicon | str | Path, tokenizer: Any, unit: str | None) -> Shaping:
    """Returns the `Shaping` of one process for these parts, and keeps the latest one for the calls of the next steps.

    The tables of a large tokenizer take a second to make. They are made again where a part is another one: the tokenizer by its
    path or its identity, the lexicon by its content.

    Raises:
        ConfigError, ArtifactError, DataError: the lexicon, the tokenizer or the span type is refused.
    """
    global _latest
    lexicon = lexicon if isinstance(lexicon, Lexicon) else Lexicon.load(lexicon)
    source = str(tokenizer) if isinstance(tokenizer, str | Path) else tokenizer
    parts = (lexicon.name, lexicon.content_hash, unit, credit)
    if _latest is not None:
        known, of, shaping = _latest
        if of == parts and (known is source or (isinstance(source, str) and known == source)):
            return shaping
    shaping = Shaping(credit, lexicon, tokenizer, unit)
    _latest = source, parts, shaping
    return shaping
