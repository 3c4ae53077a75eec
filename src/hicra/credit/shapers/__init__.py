"""Shapers, the credit methods, turn advantages and a batch into advantages.

To add one, write a file here with a function `(advantages [B,T], batch, *, settings...) -> [B,T]` and its `METHOD`, and one
line in the table below. Config, CLI, engines and `hicra methods` read the table.
"""

from __future__ import annotations

from hicra.credit.entry import Table
from hicra.credit.shapers import (
    adaptive,
    bonus,
    difficulty,
    difficulty_all,
    entropy_advantage,
    execution_only,
    forking_tokens,
    hicra,
    ktae,
    light_gtpo,
    negative,
    none,
    perplexity_shaping,
    placebo,
    planning_only,
    position_shaping,
    positive,
    preplan_anchor,
    random_tokens,
    recentred,
    released,
    sepa,
    shuffled_rows,
    taco,
    whiten,
)

METHODS = Table(
    "method",
    (
        module.METHOD
        for module in (
            none,
            hicra,
            recentred,
            released,
            difficulty,
            bonus,
            difficulty_all,
            positive,
            negative,
            planning_only,
            execution_only,
            placebo,
            random_tokens,
            shuffled_rows,
            whiten,
            entropy_advantage,
            forking_tokens,
            light_gtpo,
            sepa,
            taco,
            perplexity_shaping,
            position_shaping,
            ktae,
            adaptive,
            preplan_anchor,
        )
    ),
)
