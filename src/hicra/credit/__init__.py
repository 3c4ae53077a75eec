"""Credit assignment: one baseline (rewards -> A), then one shaper (A, batch -> A) by name.

To add a method: write a small file with a function `(advantages, batch, *, settings...) -> [B,T]` and add one line to the
table below. The line states which fields it needs; a missing one is refused by name.
"""

from __future__ import annotations

from typing import Any

from hicra.credit import amplify, entropy, placebo, recentred, released
from hicra.credit.amplify import hicra
from hicra.credit.baselines import group_advantages
from hicra.credit.table import Array, Batch, Method
from hicra.errors import ConfigError, did_you_mean

__all__ = ["METHODS", "Method", "get_method", "group_advantages", "hicra"]


def _none(advantages: Array, batch: Batch) -> Array:
    return advantages


_PLAN = ("response_mask", "planning_mask")
_ENTROPY = ("response_mask", "entropies")
_PAPER = "Wang et al. 2025, arXiv:2509.03646"
METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("none", _none, ("response_mask",), "plain GRPO: the baseline's advantages unchanged"),
        Method("hicra", amplify.shape, _PLAN, f"{_PAPER}, section 3"),
        Method("hicra_recentred", recentred.shape, (*_PLAN, "group_ids"), "this project's control", scope="batch"),
        Method(
            "hicra_released", released.shape, (*_PLAN, "entropies", "group_ids"),
            "released code as quoted second-hand, its no-op repaired", scope="batch",
        ),
        Method("placebo", placebo.shape, (*_PLAN, "response_ids"), f"{_PAPER}, camera-ready placebo, matched more tightly"),
        Method("entropy_advantage", entropy.entropy_advantage, _ENTROPY, "Cheng et al. 2025, arXiv:2506.14758"),
        Method("forking_tokens", entropy.forking_tokens, _ENTROPY, "Wang et al. 2025, arXiv:2506.01939", scope="batch"),
    )
}  # fmt: skip


def get_method(name: str, settings: dict[str, Any] | None = None) -> Method:
    """The method of that name, its settings checked.

    Raises:
        ConfigError: unknown method or setting.
    """
    if name not in METHODS:
        raise ConfigError(f"method.name: no method {name!r}", did_you_mean(name, METHODS))
    METHODS[name].check_settings(settings or {})
    return METHODS[name]
