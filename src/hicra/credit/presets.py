"""Presets: the usual combinations of baseline, shaper, loss and sampling, each by one name (`preset: dapo` in a config).

A preset fills in keys of the config. What the config itself says goes before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from hicra.errors import UnknownName, did_you_mean


@dataclass(frozen=True)
class CreditPreset:
    """A named combination.

    Attributes:
        name: what the config calls it.
        keys: dotted keys of the config with their values.
        source: the publication.
        needs: nothing beyond what its parts need.
    """

    name: str
    keys: Mapping[str, Any]
    source: str
    needs: tuple[str, ...] = ()
    kind: ClassVar[str] = "preset"

    @property
    def settings(self) -> dict[str, Any]:
        """The keys, as `hicra methods` lists the settings of an entry."""
        return dict(self.keys)

    def tree(self) -> dict[str, Any]:
        """Returns the keys as nested sections."""
        out: dict[str, Any] = {}
        for key, value in self.keys.items():
            *parents, last = key.split(".")
            inner = out
            for parent in parents:
                inner = inner.setdefault(parent, {})
            inner[last] = value
        return out


def _clip(low: float, high: float, mean: str) -> dict[str, Any]:
    return {
        "loss.name": "clip", "loss.settings.clip_low": low, "loss.settings.clip_high": high, "loss.settings.mean": mean,
    }  # fmt: skip


PLAIN = {"method.name": "none"}
PRESETS = {
    preset.name: preset
    for preset in (
        CreditPreset(
            "hicra_paper", {"baseline.name": "dr_grpo", "method.name": "hicra", "method.settings.alpha": 0.2}
            | _clip(0.2, 0.28, "tokens") | {"train.kl": 0.0},
            "Wang et al. 2025, arXiv:2509.03646; what it leaves open: TRAIN-1",
        ),
        CreditPreset(
            "grpo_2024", {"baseline.name": "grpo"} | PLAIN | _clip(0.2, 0.2, "responses") | {"train.kl": 0.04},
            "Shao et al. 2024, arXiv:2402.03300",
        ),
        CreditPreset(
            "dr_grpo_2025", {"baseline.name": "dr_grpo"} | PLAIN | _clip(0.2, 0.2, "constant") | {"train.kl": 0.0},
            "Liu et al. 2025, arXiv:2503.20783",
        ),
        CreditPreset(
            "dapo", {"baseline.name": "grpo"} | PLAIN | _clip(0.2, 0.28, "tokens")
            | {"train.kl": 0.0, "train.dynamic_sampling": 9},
            "Yu et al. 2025, arXiv:2503.14476; its overlong penalty depends on max_new_tokens: set reward.overlong_cache",
        ),
        CreditPreset(
            "grpo_tcr", {"baseline.name": "grpo"} | PLAIN | _clip(0.2, 0.28, "tokens")
            | {"loss.name": "dual_clip", "loss.settings.c": 10.0, "reward.tool_bonus": "code", "train.kl": 0.0},
            "Yu et al. 2025, arXiv:2510.11701; its overlong penalty depends on max_new_tokens: set reward.overlong_cache",
        ),
        CreditPreset(
            "entropy_advantage_2025", {"baseline.name": "grpo", "method.name": "entropy_advantage"}
            | _clip(0.2, 0.28, "tokens") | {"train.kl": 0.0},
            "Cheng et al. 2025, arXiv:2506.14758",
        ),
        CreditPreset(
            "forking_tokens_2025", {"baseline.name": "grpo", "method.name": "forking_tokens"} | _clip(0.2, 0.28, "tokens")
            | {"train.kl": 0.0},
            "Wang et al. 2025, arXiv:2506.01939",
        ),
    )
}  # fmt: skip


def preset_of(name: str) -> CreditPreset:
    """Returns the preset of that name.

    Raises:
        UnknownName: (a ConfigError) there is none.
    """
    if not isinstance(name, str) or name not in PRESETS:
        raise UnknownName(f"preset: no preset {name!r}", did_you_mean(str(name), PRESETS))
    return PRESETS[name]
