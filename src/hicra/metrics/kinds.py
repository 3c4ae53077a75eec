"""Token entropy and perplexity by token kind (section 3 of the paper: planning against execution)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

KINDS = ("planning", "execution")


def kind_masks(planning_mask: Any, live: Any) -> tuple[Any, Any]:
    """Returns the planning and the execution tokens, [B,T] bool each; all numpy or torch."""
    planning = planning_mask & live
    return planning, live ^ planning


def kind_sums(planning_mask: Any, live: Any, entropies: Any, logprobs: Any) -> list[Any]:
    """Sums up [count, entropies, log-probabilities] of planning, then of execution tokens; sums of batches and ranks add up.

    Args:
        planning_mask: [B,T] bool; only policy tokens count.
        live: [B,T] bool, the policy tokens.
        entropies, logprobs: [B,T] floats (nats), numpy or torch as the masks are.
    """
    # tokens are selected, not multiplied by 0, because values under the padding may be infinite
    sums = []
    for kind in kind_masks(planning_mask, live):
        if isinstance(kind, np.ndarray):  # by place: a mask of scattered tokens selects five times as slowly
            at = np.flatnonzero(kind)
            sums += [len(at), entropies.ravel().take(at).sum(), logprobs.ravel().take(at).sum()]
        else:
            sums += [kind.sum(), entropies[kind].sum(), logprobs[kind].sum()]
    return sums


def kind_values(sums: list[float]) -> dict[str, float | None]:
    """Computes the metrics by name from `kind_sums`; a metric is None if its token kind has no token."""
    values: dict[str, float | None] = {}
    for index, kind in enumerate(KINDS):
        count, entropy, logprob = (float(value) for value in sums[3 * index : 3 * index + 3])
        values[f"hicra/entropy_{kind}"] = entropy / count if count else None
        values[f"hicra/ppl_{kind}"] = math.exp(min(-logprob / count, 700.0)) if count else None
    return values
