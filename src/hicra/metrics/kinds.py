"""Token entropy and perplexity by kind of token (section 3 of the paper: planning against execution)."""

from __future__ import annotations

import math
from typing import Any

KINDS = ("planning", "execution")


def kind_sums(planning_mask: Any, live: Any, entropies: Any, logprobs: Any) -> list[Any]:
    """Sums that add up over batches and ranks: [count, entropy sum, log-probability sum] of planning, then of execution.

    Args:
        planning_mask, live: [B,T] bool; planning outside `live` does not count.
        entropies, logprobs: [B,T] floats (nats), of the same kind (numpy or torch).
    """
    sums = []
    for kind in (planning_mask & live, ~planning_mask & live):
        # selecting, not multiplying: what stands under the padding may be infinite
        sums += [kind.sum(), entropies[kind].sum(), logprobs[kind].sum()]
    return sums


def kind_values(sums: list[float]) -> dict[str, float | None]:
    """Metrics by name from `kind_sums`; None where a kind has no token."""
    values: dict[str, float | None] = {}
    for index, kind in enumerate(KINDS):
        count, entropy, logprob = (float(value) for value in sums[3 * index : 3 * index + 3])
        values[f"hicra/entropy_{kind}"] = entropy / count if count else None
        values[f"hicra/ppl_{kind}"] = math.exp(min(-logprob / count, 700.0)) if count else None
    return values
