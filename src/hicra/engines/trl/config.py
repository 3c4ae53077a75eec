"""TRL's GRPOConfig with the fields of hicra, checked where they are given."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from typing import Any

from trl import GRPOConfig

from hicra.credit import Method, get_method
from hicra.errors import ConfigError, did_you_mean
from hicra.lexicon import Lexicon
from hicra.runs.config import RunConfig
from hicra.strict import field_of

UNITS = ("gram", "sentence")


def _field(key: str) -> Any:
    """Makes a field with the default and the meaning of a key of `hicra train`'s config."""
    found = field_of(RunConfig, key)
    default = {"default_factory": dict} if found.default == {} else {"default": found.default}
    return field(**default, metadata={"help": found.description})


@dataclass
class HicraGRPOConfig(GRPOConfig):  # type: ignore[misc]
    """TRL's GRPOConfig with five more fields.

    Args:
        lexicon: built-in name, lexicon folder, or text file of phrases.
        unit: the span type, "gram" or "sentence"; None takes what the lexicon is made for.
        method: a name in `hicra.credit.METHODS`.
        method_settings: settings of the method; absent ones take its defaults.
        run_dir: a new folder that gets what `hicra train` writes, so that `hicra report` and `hicra compare` read it; None writes
            none. It has one line of metrics for each step, so it needs logging_steps=1.

    Raises:
        ConfigError: a field of hicra has a value that is refused; the message names the nearest right one.
    """

    _VALID_DICT_FIELDS = [*GRPOConfig._VALID_DICT_FIELDS, "method_settings"]  # noqa: RUF012

    lexicon: str = _field("lexicon")
    unit: str | None = _field("unit")
    method: str = _field("method.name")
    method_settings: dict[str, Any] | str | None = _field("method.settings")  # noqa: RUF009
    run_dir: str | None = field(default=None, metadata={"help": "A new folder that gets what `hicra train` writes."})

    def __post_init__(self) -> None:
        super().__post_init__()
        method_of(self)  # a typo is found here, not after the model has loaded
        if self.unit is not None and self.unit not in UNITS:
            raise ConfigError(f"unit: no span type {self.unit!r}", did_you_mean(str(self.unit), UNITS))
        if self.run_dir is not None and (self.logging_strategy != "steps" or self.logging_steps != 1):
            raise ConfigError(
                f"run_dir gets a line of metrics for each step, and logging_steps is {self.logging_steps:g} "
                f"(logging_strategy {self.logging_strategy.value!r})",
                "add logging_steps=1",
            )
        Lexicon.load(self.lexicon)


def method_of(args: Any) -> tuple[Method, dict[str, Any]]:
    """Returns the checked method and settings of a config; a plain GRPOConfig gives the defaults."""
    settings = getattr(args, "method_settings", None) or {}
    if not isinstance(settings, dict):
        raise ConfigError(
            f"method_settings is {settings!r}, not a mapping", """give an object, for example '{"alpha": 0.2}'"""
        )
    return get_method(getattr(args, "method", HicraGRPOConfig.method), settings), dict(settings)


def period(args: Any) -> int:
    """Counts the optimiser steps after which a generation is used up and the next one begins with a step."""
    micro: int = args.gradient_accumulation_steps
    return math.lcm(micro, args.steps_per_generation * args.num_iterations) // micro


def warn_of_save_steps(args: Any) -> None:
    """Warns where checkpoints would be saved while a generation is in use: TRL does not save it, and would sample another."""
    steps, every = args.save_steps, period(args)
    if 0 < steps < 1:
        steps = math.ceil(args.max_steps * steps)
    if args.save_strategy == "steps" and steps > 0 and steps % every:
        warnings.warn(
            f"save_steps is {args.save_steps:g}, and a generation is used for {every} optimiser steps: a run that resumes from a "
            f"checkpoint inside them samples anew and is no longer the run it was; save_steps={-(-steps // every) * every:g} is "
            "the next safe value",
            stacklevel=4,
        )
