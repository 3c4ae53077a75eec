"""The settings of the plan-execute task, with the defaults for which the shipped warm starts were made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from hicra.errors import ConfigError, did_you_mean

StrategyRule = Literal["noun", "noun_parity"]
STRATEGIES = 6
NOUN_COUNTS = (6, 12, 18, 24)
RULES: tuple[StrategyRule, ...] = ("noun", "noun_parity")


@dataclass(frozen=True)
class PlanExecuteSettings:
    """The settings of a plan-execute task.

    A setting that is not the default, other than `attempts` = 1 and `nouns` = 6, needs its own warm start: the shipped ones were
    trained with 12 nouns, the rule "noun", three paraphrases, no trap, skew 0.8 and hint 2
    (`python recipes/plan-execute/warmstart.py strong -o DIR --set nouns=24` makes one).

    Attributes:
        nouns: number of nouns, 6, 12, 18 or 24 (multiples of six keep the strategies equally frequent).
        rule: with "noun" the right strategy is `index(noun) mod 6`; with "noun_parity" it depends on two features,
            `2 * (index(noun) mod 3) + a mod 2`.
        skew: weight of the favourite strategy S0 in the demonstrations; the others share the rest; 1/6 <= skew < 1.
        hint: factor on the right strategy's weight in the demonstrations, at least 1; with 1 the noun has no influence on the
            demonstrated plan, which makes learning to plan much slower.
        paraphrases: number of phrases for every part of a plan and every reflection, 1 to 3.
        attempts: number of attempts that can earn the reward, 1 to 3.
        trap: whether the favourite phrases of S3 and S0 share their first word ("keep cutting" and "keep adding"), so that
            exploring S3 is hard.
    """

    nouns: int = 12
    rule: StrategyRule = "noun"
    skew: float = 0.80
    hint: float = 2.0
    paraphrases: int = 3
    attempts: int = 2
    trap: bool = False

    def __post_init__(self) -> None:
        _choice("nouns", self.nouns, NOUN_COUNTS)
        _choice("rule", self.rule, RULES)
        _choice("paraphrases", self.paraphrases, (1, 2, 3))
        _choice("attempts", self.attempts, (1, 2, 3))
        if not isinstance(self.trap, bool):
            raise ConfigError(f"task.settings.trap: {self.trap!r} is neither true nor false", "give true or false")
        if not _is_number(self.skew) or not 1 / STRATEGIES - 1e-9 <= self.skew < 1:
            raise ConfigError(f"task.settings.skew: {self.skew!r} is not in [1/6, 1)", "the default is 0.8")
        if not _is_number(self.hint) or not 1 <= self.hint <= 100:
            raise ConfigError(f"task.settings.hint: {self.hint!r} is not in [1, 100]", "the default is 2")

    @classmethod
    def parse(cls, settings: Mapping[str, Any]) -> PlanExecuteSettings:
        """Makes settings from plain values.

        Raises:
            ConfigError: a name is unknown (the message has the nearest known one), or a value is out of its range.
        """
        known = [field.name for field in fields(cls)]
        for name in settings:
            if name not in known:
                raise ConfigError(f"task.settings.{name}: plan_execute has no such setting", did_you_mean(name, known))
        return cls(**settings)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    if isinstance(value, bool) or value not in choices or type(value) is not type(choices[0]):
        listed = ", ".join(str(choice) for choice in choices)
        raise ConfigError(f"task.settings.{name}: {value!r} is not a choice", f"choose one of {listed}")
