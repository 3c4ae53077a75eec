"""Settings of an evaluation by name: the paper's, and cheap ones.

Deviations (section 7 of the paper notes):
    PRESET-1. Top-p 0.95 is from the protocol that the paper refers to (DeepSeek-R1); the paper itself gives only the temperature.
    PRESET-2. The limit on new tokens is 16,384, since the paper gives none.
    PRESET-3. There is one sample per question if the paper gives no number.
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
        name: the preset's name.
        temperature, top_p: of sampling; temperature 0 is greedy decoding.
        max_new_tokens: longest response, in tokens, including the end token.
        answer_mode: the mode of `hicra.verify`.
        prompt: name of the prompt template.
        repeated: whether a question is sampled as often as its benchmark says, and not once.
    """

    name: str
    temperature: float
    top_p: float
    max_new_tokens: int
    answer_mode: Mode
    prompt: str
    repeated: bool

    def samples(self, benchmark: str) -> int:
        """Returns the number of samples per question, in the paper 32 on AIME, 4 on AMC 2023 and else 1."""
        return BENCHMARKS[benchmark].samples if self.repeated and benchmark in BENCHMARKS else 1


PRESETS: Mapping[str, Preset] = MappingProxyType({
    "paper": Preset("paper", 0.6, 0.95, 16_384, "strict", "paper", repeated=True),
    "greedy": Preset("greedy", 0.0, 1.0, 1_024, "boxed", "boxed", repeated=False),
})  # fmt: skip


def preset_of(name: Any, key: str = "preset") -> Preset:
    """Returns the preset of that name.

    Raises:
        ConfigError: there is none; the message names the setting `key` and the nearest preset.
    """
    if isinstance(name, str) and name in PRESETS:
        return PRESETS[name]
    raise ConfigError(f"{key}: no preset {name!r}", did_you_mean(str(name), PRESETS))
