"""A bonus on uncertain tokens of the kinds, planning or execution, whose gradient has a signal, as measured while training.

An engine measures how much of the gradient of planning and of execution tokens is signal, remembers it (`signal/memory.py`), and
hands it over as `kind_weights`. The kind of the larger weight gets the bonus of the entropy advantage (`entropy_advantage.py`).
So does the other kind while its weight is at least half of the larger one; below that, its bonus falls to nothing in a line. So
where both kinds have a signal this is the entropy advantage; a kind without a signal is left as GRPO has it; and before anything
is measured this is GRPO.

Deviations (the paper has no such method; the definition is this project's):
ADAPTIVE-1. What is driven is the bonus of the entropy advantage, and not HICRA's alpha or its difficulty part: in pilots it
    learnt faster than either, from both starts (docs/methods/adaptive.md says what was tried).
ADAPTIVE-2. No advantage becomes smaller than GRPO's. A kind that the model masters shows no signal, and still needs its gradient
    to stay where it is; so no kind is weighed down because its signal is small.
ADAPTIVE-3. Weights are compared, and not the signals themselves: how long the gradients of a kind are says little of what is to
    be learnt there, and a few long ones would decide.
ADAPTIVE-4. A kind keeps its whole bonus down to half of the larger weight, since weights are measured with much noise.
"""

from __future__ import annotations

import numpy as np

from hicra.arrays import Array
from hicra.credit.entry import Batch
from hicra.credit.method import Method
from hicra.credit.shapers.entropy_advantage import AboveOne, NotNegative, bonus

WHOLE_FROM = 0.5  # a kind whose weight is at least so much of the larger one gets the whole bonus


def shares_of_bonus(kind_weights: Array) -> Array:
    """Returns how much of the bonus planning and execution tokens get, [2] in [0, 1]; at least one gets all, unless both are 0.

    Args:
        kind_weights: [2] signal / (signal + noise) of planning and of execution tokens, in [0, 1].
    """
    most = kind_weights.max()
    return np.minimum(1.0, kind_weights / (WHOLE_FROM * most)) if most > 0 else np.zeros(2)


def shape(advantages: Array, batch: Batch, *, alpha: NotNegative = 0.4, kappa: AboveOne = 2.0) -> Array:
    """Returns A + s min(alpha H, |A| / kappa), where s is min(1, 2 w / larger w) with the weight w of the token's kind.

    Args:
        advantages: [B,T].
        batch: holds entropies [B,T] in nats, planning_mask [B,T], response_mask [B,T], and kind_weights [2],
            how much of the gradient of planning and of execution tokens is signal.
        alpha: at least 0; where it or the weight is 0, A stays as it is, bit for bit.
        kappa: above 1, so that no sign changes.
    """
    planning, execution = shares_of_bonus(batch["kind_weights"])
    share = np.where(batch["planning_mask"], planning, execution)
    added = share * bonus(advantages, batch, alpha, kappa)
    return np.asarray(np.where(added == 0, advantages, advantages + added), advantages.dtype)  # -0.0 + 0 would be 0.0


METHOD = Method(
    "hicra_adaptive", shape, "this project's: the entropy advantage of Cheng et al. 2025, driven by the measured signal",
    needs=("response_mask", "planning_mask", "entropies", "kind_weights"), strength="alpha", keeps_sign=True,
)  # fmt: skip
