"""Gives arms the names that people know them by: the arm `none` on GRPO's baseline and loss is "GRPO (none)"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hicra.runs.arms import mapping

_OF_GRPO = {
    "baseline": ("", "dr_grpo", "grpo"),
    "loss": ("", "clip"),
}  # "": the config does not name it, so it is the default


def common_name(arm: str, config: Mapping[str, Any]) -> str:
    """Returns the common name of an arm, with its settings behind it.

    Args:
        arm: its name in `hicra compare`: `none`, `hicra(alpha=0.4)`.
        config: the config of a run of it.

    >>> [common_name("none", {}), common_name("hicra(alpha=0.4)", {}), common_name("none", {"baseline": {"name": "rloo"}})]
    ['GRPO (none)', 'HICRA (alpha=0.4)', 'none']
    """
    method, opened, settings = arm.partition("(")
    if method == "hicra":
        return f"HICRA ({settings}" if opened else "HICRA"
    is_grpo = all(str(mapping(config.get(part)).get("name") or "") in known for part, known in _OF_GRPO.items())
    if method == "none" and is_grpo:
        return f"GRPO (none, {settings}" if opened else "GRPO (none)"
    return arm
