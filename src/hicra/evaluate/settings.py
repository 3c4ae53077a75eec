"""Settings of an evaluation: what decides which samples come out. All of them are recorded in eval.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, model_validator

from hicra.errors import ConfigError
from hicra.generation.interface import SamplingSettings
from hicra.strict import Count, Positive, validated
from hicra.tasks.presets import preset_of
from hicra.tasks.prompts import template_of


class EvalSettings(SamplingSettings):
    """What is sampled, and how: the settings of sampling, and these."""

    k: tuple[Positive, ...] = Field(default=(1,), description="Numbers of tries for pass@k.")
    n: Count = Field(
        default=0,
        description="Samples a question; 0 is what the preset says of the benchmark, else the largest k. "
        "Temperature 0 allows one.",
    )
    template: str = Field(
        default="boxed", description="Prompt template by name, or a text that holds {question} (docs/tasks.md)."
    )
    questions: Count = Field(
        default=0, description="Only the first so many questions of each file; 0 is all (of a generated task 256)."
    )
    mode: Literal["boxed", "strict", "lenient"] = Field(
        default="boxed",
        description="How an answer is found in a response, for the headline figure; strict and lenient are always given too.",
    )
    preset: str = Field(default="", description="Name of the preset that the other values started from.")

    @model_validator(mode="after")
    def _consistent(self) -> EvalSettings:
        template_of(self.template, "--template")
        if not self.k:
            raise ConfigError("no k is given", "as in --k 1,4,8")
        if self.n:
            check_k(self.k, self.n)
        return self

    def samples(self, kind: str) -> int:
        """Samples a question of a benchmark of that kind.

        Raises:
            ConfigError: k > n, or several samples at temperature 0.
        """
        own = preset_of(self.preset, "--preset").samples(kind) if self.preset else 0
        n = self.n or (own if own > 1 else max(self.k))
        check_k(self.k, n)
        if self.temperature == 0 and n > 1:
            raise ConfigError(
                f"{n} samples at temperature 0 are {n} times the same text",
                "sample one (--n 1 --k 1), or take a temperature above 0",
            )
        return n

    def recorded(self) -> dict[str, Any]:
        """What decides the samples, as written into eval.json: k and mode do not, they may change over the same samples."""
        return {key: value for key, value in self.model_dump(mode="json").items() if key not in ("k", "mode")}


def settings_of(given: Mapping[str, Any], preset: str = "") -> EvalSettings:
    """Settings from values that were given, over those of a preset ("paper", "greedy"), over the defaults.

    Args:
        given: by name; `k` may be a text as in "1,4,8"; an `endpoint` stands for its engine.

    Raises:
        ConfigError: names the key and the nearest right one.
    """
    tree: dict[str, Any] = {}
    if preset:
        found = preset_of(preset, "--preset")
        tree = {
            "temperature": found.temperature, "top_p": found.top_p, "max_new_tokens": found.max_new_tokens,
            "mode": found.answer_mode, "template": found.prompt, "preset": found.name,
        }  # fmt: skip
    tree |= {"engine": "endpoint"} if given.get("endpoint") else {}
    tree |= given
    if isinstance(tree.get("k"), str):
        tree["k"] = parse_k(tree["k"])
    return validated(EvalSettings, tree)


def parse_k(text: str) -> tuple[int, ...]:
    """Numbers of tries from "1,4,8", sorted, each once.

    Raises:
        ConfigError: not a list of whole numbers of at least 1.
    """
    try:
        ks = sorted({int(part) for part in text.split(",")})
    except ValueError:
        raise ConfigError(f"k is {text!r}", "give whole numbers, as in --k 1,4,8") from None
    if ks[0] < 1:
        raise ConfigError(f"k is {ks[0]}", "k is a whole number of at least 1")
    return tuple(ks)


def check_k(ks: Sequence[int], n: int) -> None:
    """Raises ConfigError where pass@k cannot be had from n samples a question."""
    for k in ks:
        if k < 1:
            raise ConfigError(f"k is {k}", "k is a whole number of at least 1")
        if k > n:
            raise ConfigError(
                f"pass@{k} cannot be had from {n} samples a question",
                f"sample more (--n {k}), or ask for a smaller --k",
            )
