"""Settings of an evaluation by name: the paper's, and a cheap one.

Deviations (section 7 of the paper notes):
    PRESET-1. Top-p 0.95 is the protocol the paper refers to (DeepSeek-R1); the paper gives the temperature alone.
    PRESET-2. The paper gives no limit on new tokens: 16,384 here.
    PRESET-3. One sample where the paper names no number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from hicra.errors import ConfigError, did_you_mean
from hicra.tasks.benchmarks import BENCHMARKS
from hicra.verify import Mode


@dataclass(frozen=True)
class Preset:
    """How samples are drawn and judged.

    Attributes:
        temperature, top_p: of sampling; temperature 0 is greedy.
        max_new_tokens: longest response, end token included.
        answer_mode: of `hicra.verify`.
        prompt: name of a template.
        repeated: whether the benchmark's own number of samples a question counts; else one.
    """

    name: str
    temperature: float
    top_p: float
    max_new_tokens: int
    answer_mode: Mode
    prompt: str
    repeated: bool

    def samples(self, benchmark: str) -> int:
        """Samples a question: 32 on AIME, 4 on AMC 2023, else 1 (the paper's)."""
        return BENCHMARKS[benchmark].samples if self.repeated and benchmark in BENCHMARKS else 1


PRESETS: Mapping[str, Preset] = MappingProxyType({
    "paper": Preset("paper", 0.6, 0.95, 16_384, "strict", "paper", repeated=True),
    "greedy": Preset("greedy", 0.0, 1.0, 1_024, "boxed", "boxed", repeated=False),
})  # fmt: skip


def preset_of(name: Any, key: str = "preset") -> Preset:
    """The preset of that name.

    Raises:
        ConfigError: there is none; names the setting `key` and the nearest preset.
    """
    if isinstance(name, str) and name in PRESETS:
        return PRESETS[name]
    raise ConfigError(f"{key}: no preset {name!r}", did_you_mean(str(name), PRESETS))
