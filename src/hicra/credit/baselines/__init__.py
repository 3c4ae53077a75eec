"""Baselines turn rewards and groups into advantages.

To add one, write a file here with a function `(rewards [B], group_ids [B], batch, *, settings...) -> [B]` or `[B,T]` and its
entry, and one line in the table below.
"""

from __future__ import annotations

from hicra.credit.baselines import group
from hicra.credit.baselines.group import group_advantages
from hicra.credit.entry import Table

__all__ = ["BASELINES", "group_advantages"]

BASELINES = Table(
    "baseline",
    (
        group.DR_GRPO,
        group.GRPO,
        group.RLOO,
    ),
)
