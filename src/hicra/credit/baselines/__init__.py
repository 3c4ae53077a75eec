"""Baselines turn rewards and groups into advantages.

To add one, write a file here with a function `(rewards [B], group_ids [B], batch, *, settings...) -> [B]` or `[B,T]` and its
entry, and one line in the table below.
"""

from __future__ import annotations

from hicra.credit.baselines import (
    carl,
    gigpo,
    gpg,
    group,
    gtpo,
    himac,
    hiper,
    lambda_grpo,
    maxrl,
    opo,
    pass_at_k,
    spo,
    vineppo,
    whitened,
)
from hicra.credit.baselines.group import group_advantages
from hicra.credit.entry import Table

__all__ = ["BASELINES", "group_advantages"]

BASELINES = Table(
    "baseline",
    (
        group.DR_GRPO,
        group.GRPO,
        group.RLOO,
        whitened.REINFORCE_PP,
        whitened.REINFORCE_PP_BASELINE,
        maxrl.MAXRL,
        opo.OPO,
        gpg.GPG,
        pass_at_k.PASS_AT_K,
        lambda_grpo.LAMBDA_GRPO,
        gigpo.GIGPO,
        gtpo.GTPO,
        gtpo.GRPO_S,
        carl.CARL,
        vineppo.VINEPPO,
        spo.SPO_CHAIN,
        spo.SPO_TREE,
        himac.HIMAC,
        hiper.HIPER,
    ),
)
