"""The section `hicra` of verl's config: what is chosen by name, and checked before anything is loaded.

On verl's command line a plus sign adds the keys: `+hicra.method=hicra +hicra.method_settings.alpha=0.2 +hicra.lexicon=paper`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from hicra.credit import Assignment, assign
from hicra.errors import ConfigError
from hicra.lexicon import Lexicon
from hicra.runs.sections import RunConfig
from hicra.strict import Strict, field_of, validated

SECTION = __name__.partition(".")[0]  # of verl's config, by the name of this package
FIX = "docs/engines/verl.md lists the keys of the section hicra"


def _default(key: str) -> Any:
    return field_of(RunConfig, key).default


class HicraSection(Strict):
    """What is chosen by name; a default is that of `hicra train`."""

    lexicon: str = Field(
        default=_default("lexicon"), description="A built-in name, a lexicon folder, or a text file of phrases."
    )
    unit: Literal["gram", "sentence"] | None = Field(
        default=_default("unit"), description="The span type; null takes what the lexicon is made for."
    )
    method: str = Field(default=_default("method.name"), description="A shaper of `hicra methods`, or module:function.")
    method_settings: dict[str, Any] = Field(default={}, description="Settings of the method.")
    method_then: list[dict[str, Any]] = Field(
        default=[], description="Further shapers, a list of {name, settings}, applied after it in this order."
    )
    baseline: str | None = Field(
        default=None, description="A baseline of `hicra methods`, or module:function; null keeps verl's estimator."
    )
    baseline_settings: dict[str, Any] = Field(default={}, description="Settings of the baseline.")

    def assignment(self) -> Assignment:
        """Returns the baseline and the shapers.

        Raises:
            ConfigError: a name, a setting or their combination is refused.
        """
        if self.baseline is None and self.baseline_settings:
            raise ConfigError(
                "hicra.baseline_settings is given and hicra.baseline is not",
                "name a baseline, or leave out its settings",
            )
        if unnamed := [one for one in self.method_then if "name" not in one]:
            raise ConfigError(f"hicra.method_then has a shaper without a name: {unnamed[0]}", "write {name: placebo}")
        return assign(
            {"name": self.method, "settings": self.method_settings},
            self.method_then,
            None if self.baseline is None else {"name": self.baseline, "settings": self.baseline_settings},
        )

    def loaded(self) -> Lexicon:
        """Loads the lexicon."""
        return Lexicon.load(self.lexicon)


def read(tree: Any) -> HicraSection:
    """Reads the section, a mapping of plain values; None stands for an absent one, with every default.

    Raises:
        ConfigError: a key is unknown, or a value is refused; the message names the nearest right key.
    """
    if not isinstance(tree, Mapping | None):
        raise ConfigError(f"the section hicra is {tree!r}, no mapping", FIX)
    return validated(HicraSection, dict(tree or {}), " in verl's config", under="hicra.", fix=FIX)
