"""SEPA, selective entropy pooling, experimental: it evens out the entropies of execution tokens before they weigh credit.

The idea is that an execution token is uncertain for reasons that say nothing of strategy, such as a choice between two words.
Pooling takes that away, while planning tokens keep their entropies. The author of the method reports no gain at 4 billion
parameters, and one that is not significant at 30 billion.

Deviations:
SEPA-1. In the source, lambda rises from 0 to 1 while training goes on. Here it is the setting `pooling`, and its default is the
    end of that ramp.
SEPA-2. The source pools the surprisal of the sampled token, cut off at a bound. Here it is the entropy itself, without a bound.
SEPA-3. The mean that is pooled towards is that of the row's execution tokens, as in the source. The weights divide by the mean
    of all policy tokens of the row, which pooling leaves as it is.
"""

from __future__ import annotations

import numpy as np

from hicra.arrays import Array, Bools, Floats
from hicra.credit.entry import Batch
from hicra.credit.method import Method
from hicra.credit.shapers.light_gtpo import Beta, entropies_of, entropy_weights, row_means
from hicra.strict import Share


def shape(advantages: Array, batch: Batch, *, pooling: Share = 1.0, beta: Beta = 0.1) -> Array:
    """Returns A max(0, 1 + beta (H' / mean H' - 1)), where H' is the entropy, pooled on execution tokens.

    Args:
        advantages: [B,T].
        batch: holds entropies [B,T] in nats, planning_mask and response_mask.
        pooling: lambda, from 0 to 1; 0 is `light_gtpo` exactly, 1 gives all execution tokens of a row one weight.
        beta: at least 0, the strength of the weighting; 0 gives A back.
    """
    live = batch["response_mask"]
    pooled = pool(entropies_of(batch), live & ~batch["planning_mask"], pooling)
    return np.asarray(advantages * entropy_weights(pooled, live, beta), advantages.dtype)


def pool(entropies: Floats, execution: Bools, pooling: float) -> Floats:
    """Returns lambda (mean of the row's execution tokens) + (1 - lambda) H on execution tokens and H elsewhere, [B,T].

    Their mean stays as it is, and their variance shrinks by (1 - lambda)^2.

    Args:
        entropies: [B,T] in nats.
        execution: [B,T], the execution tokens.
        pooling: lambda, from 0 to 1.
    """
    mean = row_means(entropies, execution)
    return np.where(execution, pooling * mean + (1.0 - pooling) * entropies, entropies)


METHOD = Method(
    "sepa", shape, "the library retrain (T. Millet, 2026), with entropy in place of surprisal; experimental",
    needs=("response_mask", "planning_mask", "entropies"), strength="beta", keeps_sign=True,
)  # fmt: skip
