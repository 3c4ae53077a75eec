"""Shapers, the credit methods, turn advantages and a batch into advantages.

To add one, write a file here with a function `(advantages [B,T], batch, *, settings...) -> [B,T]` and its `METHOD`, and one
line in the table below. Config, CLI, engines and `hicra methods` read the table.
"""

from __future__ import annotations

from hicra.credit.entry import Table
from hicra.credit.shapers import (
    entropy_advantage,
    forking_tokens,
    hicra,
    ktae,
    light_gtpo,
    none,
    perplexity_shaping,
    placebo,
    position_shaping,
    recentred,
    released,
    sepa,
    taco,
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
            placebo,
            entropy_advantage,
            forking_tokens,
            light_gtpo,
            sepa,
            taco,
            perplexity_shaping,
            position_shaping,
            ktae,
        )
    ),
)
