"""More credit for responses of low perplexity, where learning pays most once entropy has settled.

The formula is certain. How the paper standardises the perplexities, and its alpha, are not known here.

Deviations:
PERPLEXITY-1. Log-perplexities are standardised over the rollouts of the batch that have a policy token, by the deviation that
    divides by their number (not by one less). Rollouts that could not be scored are among them.
PERPLEXITY-2. Where those log-perplexities differ by less than 1e-9 nats, which is the size of rounding, all weights are 0.
PERPLEXITY-3. The default of alpha, 0.01, is this project's.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from hicra.arrays import Array, Bools, Floats
from hicra.credit.entry import Batch
from hicra.credit.method import Method

LEAST_SPREAD = 1e-9  # nats


def shape(advantages: Array, batch: Batch, *, alpha: Annotated[float, Field(ge=0, lt=1)] = 0.01) -> Array:
    """Returns A (1 - alpha w) with w the standardised log-perplexity of the row's response (Deng et al. 2025, arXiv:2508.02260).

    Args:
        advantages: [B,T].
        batch: holds old_logprobs [B,T] in nats, of the sampling policy, and response_mask.
        alpha: in [0, 1). No sign changes as long as alpha max|w| < 1, which alpha < 1 / sqrt(B - 1) makes sure of.
    """
    weights = standardised(log_perplexities(batch["old_logprobs"], batch["response_mask"]))
    return np.asarray(advantages * (1.0 - alpha * weights)[:, None], advantages.dtype)


def log_perplexities(logprobs: Array, live: Bools) -> Floats:
    """Returns minus the mean log-probability of each row's policy tokens [B], in nats; NaN for a row that has none."""
    count = np.count_nonzero(live, axis=1)
    total = np.sum(logprobs, axis=1, where=live, dtype=np.float64)
    mean: Floats = np.divide(-total, count, out=np.full(len(count), np.nan), where=count > 0)
    return mean


def standardised(values: Floats) -> Floats:
    """Returns (value - mean) / deviation [B] over the values that are not NaN; 0 for those that are, and where all are equal."""
    known = ~np.isnan(values)
    weights = np.zeros(len(values))
    if known.any() and np.ptp(values[known]) > LEAST_SPREAD:
        weights[known] = (values[known] - values[known].mean()) / values[known].std()
    return weights


METHOD = Method(
    "perplexity_shaping", shape, "Deng et al. 2025, arXiv:2508.02260", needs=("response_mask", "old_logprobs"),
    scope="batch", strength="alpha",
)  # fmt: skip
