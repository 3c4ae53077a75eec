"""TRL's GRPOConfig with the fields of hicra, checked where they are given."""

from __future__ import annotations

import inspect
import json
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from trl import GRPOConfig

from hicra.credit import LOSSES, Assignment, assign
from hicra.credit.keys import FlatKeys
from hicra.errors import ConfigError, did_you_mean
from hicra.lexicon import Lexicon
from hicra.runs.sections import RunConfig
from hicra.strict import field_of
from hicra.version import installed

UNITS = ("gram", "sentence")
KEYS = FlatKeys(loss="policy_loss")
EXAMPLE = """give objects, for example '[{"name": "placebo"}]'"""  # of method_then
# options that change TRL's token losses, and their default value
BESIDE_OUR_LOSS = {
    "top_entropy_quantile": 1.0, "off_policy_mask_threshold": None, "delta": None, "importance_sampling_level": "token",
    "loss_type": "dapo", "epsilon": 0.2, "epsilon_high": None, "sapo_temperature_pos": 1.0, "sapo_temperature_neg": 1.05,
    "vespo_k_pos": 2.0, "vespo_lambda_pos": 3.0, "vespo_k_neg": 3.0, "vespo_lambda_neg": 2.0,
}  # fmt: skip
# options by which TRL's own advantages are scaled by all of a generation, and the value that does so
BESIDE_OUR_BASELINE = {"multi_objective_aggregation": "normalize_then_sum", "scale_rewards": "batch"}
# options by which TRL's loss treats tokens, or a whole response, by the sign of the advantage: the values that do so
BY_SIGN: dict[str, Callable[[Any], bool]] = {
    "loss_type": lambda value: value in LOSSES and LOSSES[value].signed,
    "off_policy_mask_threshold": lambda value: value is not None,
}


def _field(key: str) -> Any:
    """Makes a field with the default and the meaning of a key of `hicra train`'s config."""
    found = field_of(RunConfig, key)
    default = {"default_factory": type(found.default)} if found.default in ({}, []) else {"default": found.default}
    return field(**default, metadata={"help": found.description})


@dataclass
class HicraGRPOConfig(GRPOConfig):  # type: ignore[misc]
    """TRL's GRPOConfig with more fields.

    Args:
        lexicon: built-in name, lexicon folder, or text file of phrases.
        unit: the span type, "gram" or "sentence"; None takes what the lexicon is made for.
        method: a name in `hicra.credit.METHODS`, or `module:function`.
        method_settings: settings of the method; absent ones take its defaults.
        method_then: further shapers, a list of {"name": ..., "settings": {...}}, which are applied after it in this order.
        baseline: a name in `hicra.credit.BASELINES`, or `module:function`; None takes TRL's own advantages (`scale_rewards`).
        baseline_settings: settings of the baseline.
        policy_loss: a name in `hicra.credit.LOSSES`, or `module:function`; None takes TRL's own loss (`loss_type`, `epsilon`).
            TRL's KL and entropy terms stay with either.
        policy_loss_settings: settings of the loss.
        signal_every: each so-many-th optimiser step measures the signal of the gradient by token kind; 0 measures none, or each
            step where the method reads it.
        run_dir: a new folder that gets what `hicra train` writes, so that `hicra report` and `hicra compare` read it; None writes
            none. It has one line of metrics for each step, so it needs logging_steps=1.

    Raises:
        ConfigError: a field of hicra has a value that is refused; the message names the nearest right one.
    """

    _VALID_DICT_FIELDS = [  # noqa: RUF012
        *GRPOConfig._VALID_DICT_FIELDS, "method_settings", "baseline_settings", "policy_loss_settings",
    ]  # fmt: skip

    lexicon: str = _field("lexicon")
    unit: str | None = _field("unit")
    method: str = _field("method.name")
    method_settings: dict[str, Any] | str | None = _field("method.settings")  # noqa: RUF009
    method_then: list[dict[str, Any]] | str | None = _field("method.then")  # noqa: RUF009
    baseline: str | None = field(default=None, metadata={"help": "The baseline; none takes TRL's own advantages."})
    baseline_settings: dict[str, Any] | str | None = field(
        default=None, metadata={"help": "Settings of the baseline; absent ones take its defaults."}
    )
    policy_loss: str | None = field(default=None, metadata={"help": "The loss; none takes TRL's own."})
    policy_loss_settings: dict[str, Any] | str | None = field(
        default=None, metadata={"help": "Settings of the loss; absent ones take its defaults."}
    )
    signal_every: int = _field("train.signal_every")
    run_dir: str | None = field(default=None, metadata={"help": "A new folder that gets what `hicra train` writes."})

    def __new__(cls, *args: Any, **fields: Any) -> Self:
        """Refuses an unknown field by name; here, since a data class makes its own `__init__`, as does one made from this one."""
        taken = inspect.signature(cls.__init__).parameters
        if not any(one.kind is one.VAR_KEYWORD for one in taken.values()):
            for name in fields:
                if name not in taken:
                    raise ConfigError(
                        f"{cls.__name__} has no field {name!r} (trl {installed('trl')})",
                        did_you_mean(name, [one for one in taken if one != "self"]),
                    )
        made: Self = super().__new__(cls)
        return made

    def __post_init__(self) -> None:
        super().__post_init__()
        self.method_then = _listed(self.method_then)
        assignment_of(self)  # a typo is found here, not after the model has loaded
        if self.unit is not None and self.unit not in UNITS:
            raise ConfigError(f"unit: no span type {self.unit!r}", did_you_mean(str(self.unit), UNITS))
        if isinstance(self.signal_every, bool) or not isinstance(self.signal_every, int) or self.signal_every < 0:
            raise ConfigError(
                f"signal_every is {self.signal_every!r}, no whole number of steps",
                "give 1 for each step, or 0 for none",
            )
        if self.run_dir is not None:
            refuse_steps_without_log(self)
        Lexicon.load(self.lexicon)


def _listed(given: Any) -> Any:
    """Returns a list that a command line gives as JSON; transformers itself reads mappings alone."""
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given)
    except ValueError as error:
        raise ConfigError(f"method_then is {given!r}, no JSON: {error}", EXAMPLE) from None


def refuse_steps_without_log(args: Any) -> None:
    """Raises ConfigError where TRL would not log each step, since a run folder has a line of metrics for each."""
    if args.logging_strategy != "steps" or args.logging_steps != 1:
        raise ConfigError(
            f"run_dir gets a line of metrics for each step, and logging_steps is {args.logging_steps:g} "
            f"(logging_strategy {args.logging_strategy.value!r})",
            "add logging_steps=1",
        )


def assignment_of(args: Any) -> Assignment:
    """Returns the baseline, shapers and loss of a config, checked; a plain GRPOConfig gives the defaults.

    Raises:
        ConfigError: a name, a setting or their combination is refused, or an option of TRL would act on another loss than ours.
    """
    then = getattr(args, "method_then", None) or []
    if not isinstance(then, list) or not all(isinstance(one, dict) and "name" in one for one in then):
        raise ConfigError(f"method_then is {then!r}, no list of shapers", EXAMPLE)
    found = assign(
        {"name": getattr(args, "method", HicraGRPOConfig.method), "settings": _mapping(args, "method_settings")},
        then, _named(args, "baseline"), _named(args, "policy_loss"), KEYS,
    )  # fmt: skip
    if found.loss is None:
        _refuse_turned_signs(found, args)
    else:
        for option, off in BESIDE_OUR_LOSS.items():
            if getattr(args, option, off) != off:
                raise ConfigError(
                    f"{option} acts on TRL's own loss, and policy_loss is {found.loss.entry.name!r}",
                    f"leave {option} at {off} and give what it says in policy_loss_settings, or leave policy_loss out",
                )
    if found.baseline is not None:
        for option, acts in BESIDE_OUR_BASELINE.items():
            if getattr(args, option, None) == acts:
                raise ConfigError(
                    f"{option}={acts!r} acts on TRL's own advantages, and baseline is {found.baseline.entry.name!r}",
                    f"leave out {option}, or leave out baseline",
                )
    return found


def _refuse_turned_signs(found: Assignment, args: Any) -> None:
    """Raises ConfigError if a shaper may turn the sign of single tokens, and TRL's own loss decides by that sign."""
    turning = [
        one for one in found.shapers if one.entry.changes != "nothing" and one.strength > 0 and not one.entry.keeps_sign
    ]
    for option, acts in BY_SIGN.items():
        value = getattr(args, option, None)
        if turning and acts(value):
            raise ConfigError(
                f"{turning[0].entry.name} may turn the sign of an advantage on single tokens, and {option}={value!r} of TRL "
                "decides by that sign",
                f"leave out {option}, or choose a method that keeps signs, such as 'hicra'",
            )


def _named(args: Any, field: str) -> dict[str, Any] | None:
    name, settings = getattr(args, field, None), _mapping(args, f"{field}_settings")
    if name is None and settings:
        raise ConfigError(f"{field}_settings is given and {field} is not", f"name a {field}, or leave out its settings")
    return None if name is None else {"name": name, "settings": settings}


def _mapping(args: Any, field: str) -> dict[str, Any]:
    settings = getattr(args, field, None) or {}
    if not isinstance(settings, dict):
        raise ConfigError(f"{field} is {settings!r}, not a mapping", """give an object, for example '{"alpha": 0.2}'""")
    return settings


def period(args: Any) -> int:
    """Counts the optimiser steps after which a generation is used up and the next one begins with a step."""
    micro: int = args.gradient_accumulation_steps
    return math.lcm(micro, args.steps_per_generation * args.num_iterations) // micro


def steps_of(args: Any, micro_step: int) -> range:
    """Returns the optimiser steps, counted from 1, that a generation made at this micro-step (counted from 0) is used for."""
    uses, parts = args.steps_per_generation * args.num_iterations, args.gradient_accumulation_steps
    return range(micro_step // parts + 1, (micro_step + uses - 1) // parts + 2)


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
