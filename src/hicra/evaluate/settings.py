"""The settings of an evaluation, which decide what is sampled; eval.json records them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, model_validator

from hicra.drawing.readable import counted
from hicra.errors import ConfigError
from hicra.generation.interface import SamplingSettings
from hicra.strict import Count, Positive, validated
from hicra.tasks.presets import preset_of
from hicra.tasks.prompts import template_of


class EvalSettings(SamplingSettings):
    """The settings of an evaluation: those of sampling, and these."""

    k: tuple[Positive, ...] = Field(default=(1,), description="Values of k for pass@k.")
    n: Count = Field(
        default=0,
        description="Number of samples per question; 0 takes the preset's number for the benchmark, else the largest k. "
        "Temperature 0 allows only one.",
    )
    template: str = Field(
        default="boxed",
        description="Prompt template by name, or a text that holds {question} (docs/reference/tasks.md).",
    )
    questions: Count = Field(
        default=0,
        description="Number of questions, the first of each file; 0 takes all (256 of a generated task).",
    )
    mode: Literal["boxed", "strict", "lenient"] = Field(
        default="boxed",
        description="How an answer is found in a response, for the main figure; the other modes are always reported too.",
    )
    preset: str = Field(default="", description="Name of the preset that gives the values which are not given.")

    @model_validator(mode="after")
    def _consistent(self) -> EvalSettings:
        template_of(self.template, "--template")
        if not self.k:
            raise ConfigError("no k is given", "give whole numbers, as in --k 1,4,8")
        if self.n:
            check_k(self.k, self.n)
        return self

    def samples(self, kind: str) -> int:
        """Returns the number of samples per question of that benchmark.

        Raises:
            ConfigError: k > n, or there are several samples at temperature 0.
        """
        own = preset_of(self.preset, "--preset").samples(kind) if self.preset else 0
        n = self.n or (own if own > 1 else max(self.k))
        check_k(self.k, n)
        if self.temperature == 0 and n > 1:
            raise ConfigError(
                f"{n} samples at temperature 0 are {n} times the same text",
                "sample once (--n 1 --k 1), or use a temperature above 0",
            )
        return n

    def recorded(self) -> dict[str, Any]:
        """Returns what decides the samples, as written into eval.json; k and mode may change over the same samples."""
        return {key: value for key, value in self.model_dump(mode="json").items() if key not in ("k", "mode")}


def settings_of(given: Mapping[str, Any], preset: str = "") -> EvalSettings:
    """Makes settings from given values; missing ones come from a preset ("paper", "greedy"), else from the defaults.

    Args:
        given: values by name; `k` may be a text as in "1,4,8"; a given `endpoint` sets the engine.
        preset: name of the preset, or "".

    Raises:
        ConfigError: a key or value is wrong; the message names it and the nearest right one.
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
    """Reads the values of k from a text such as "1,4,8"; they are sorted, each once.

    Raises:
        ConfigError: the text is no list of whole numbers of at least 1.
    """
    try:
        ks = sorted({int(part) for part in text.split(",")})
    except ValueError:
        raise ConfigError(f"k is {text!r}", "give whole numbers, as in --k 1,4,8") from None
    if ks[0] < 1:
        raise ConfigError(f"k is {ks[0]}, it must be at least 1", "give whole numbers, as in --k 1,4,8")
    return tuple(ks)


def check_k(ks: Sequence[int], n: int) -> None:
    """Raises ConfigError if pass@k cannot be computed from n samples per question."""
    for k in ks:
        if k < 1:
            raise ConfigError(f"k is {k}, it must be at least 1", "give whole numbers, as in --k 1,4,8")
        if k > n:
            raise ConfigError(
                f"pass@{k} cannot be had from {counted(n, 'sample')} per question",
                f"draw more samples (--n {k}), or ask for a smaller --k",
            )
