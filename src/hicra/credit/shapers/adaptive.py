"""HICRA's difficulty part, as strong as the measured signal on planning tokens says: none where nothing is to be learnt there.

An engine measures during training how much of the signal of the gradient lies on planning and on execution tokens, remembers it
(`signal/memory.py`), and hands over the shares as `kind_weights`. While all signal is on execution this is GRPO, and where all
of it is on planning this is `hicra_difficulty`.

Deviations (the paper has no such method; the definition is this project's):
ADAPTIVE-1. Of HICRA's two parts the method drives the difficulty factor alone: it turns to the other side past p = 1/2, and pays
    nothing for writing more planning tokens.
ADAPTIVE-2. Execution tokens keep their advantage. A kind that the model masters shows no signal, and still needs its gradient to
    stay where it is; so no kind is weighed down because its signal is small.
ADAPTIVE-3. The default of alpha is three times HICRA's, since w alpha is what HICRA's alpha is there, and w is below 1.
ADAPTIVE-4. p is the share of right rollouts among the scored ones of the group, as in DIFFICULTY-1 and DIFFICULTY-2.
"""

from __future__ import annotations

import numpy as np

from hicra.arrays import Array
from hicra.credit.entry import Alpha, Batch
from hicra.credit.method import Method
from hicra.credit.shapers.difficulty import difficulty_factor


def strength(alpha: float, kind_weights: Array) -> float:
    """Returns the strength of the difficulty factor in this batch, from 0 to alpha.

    Args:
        alpha: the strength where all signal is on planning tokens.
        kind_weights: [2] shares of the remembered signal on planning and on execution, in [0, 1], of sum 1.
    """
    return alpha * float(kind_weights[0])


def shape(advantages: Array, batch: Batch, *, alpha: Alpha = 0.6) -> Array:
    """Returns (1 + alpha w (1 - 2p)) A on planning tokens and A elsewhere; w is the share of the signal on planning tokens.

    Args:
        advantages: [B,T].
        batch: holds planning_mask [B,T], response_mask [B,T], rewards [B] (0, 1 or NaN), group_ids [B] and kind_weights [2],
            the shares of the remembered signal on planning and on execution.
        alpha: in [0, 1), so that the factor stays above 0 and no sign changes; alpha = 0 and w = 0 give A bit for bit.
    """
    factor = difficulty_factor(batch["rewards"], batch["group_ids"], strength(alpha, batch["kind_weights"]))
    return np.where(batch["planning_mask"], advantages * factor.astype(advantages.dtype), advantages)


METHOD = Method(
    "hicra_adaptive", shape, "this project's: the difficulty part of HICRA, driven by the measured signal",
    needs=("response_mask", "planning_mask", "rewards", "group_ids", "kind_weights"), binary=True, scope="batch",
    strength="alpha", keeps_sign=True,
)  # fmt: skip
