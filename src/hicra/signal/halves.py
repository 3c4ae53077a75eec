"""Splits one generation into two halves, and says what the gradients of the halves tell; what every engine shares of the meter.

The halves hold different prompts, sampled at one policy, so their gradients are independent: the inner product estimates the
squared length of the expected gradient without bias, as `metrics.gradient_signal` says of any independent batches.

Deviations (this project's; the paper measures no signal):
METER-4. The groups of a generation alternate between the halves, over all processes. A half's gradient is divided by the number
    of its policy tokens, as a loss with the mean over tokens does it.
METER-5. The gradient is that of the policy objective at a probability ratio of 1 with the advantages before shaping, whatever
    method and loss are trained with; no clip, KL term or entropy term is in it.
METER-6. A half without a mixed group has the gradient 0, and so has a kind without a token; then the signal is 0. This is a
    value and not null: it is part of the expectation, and to leave it out would bias the average upwards. Null is what cannot
    be measured: a half without policy tokens, or a gradient that is not finite.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hicra.arrays import Array, Bools, Floats, Ints
from hicra.metrics.gradient_signal import signal_of_products
from hicra.metrics.kinds import KINDS

HALVES = 2


def half_of(rollout: Ints, group_size: int) -> Ints:
    """Returns the half, 0 or 1, of each rollout [B], by its number in the generation over all processes [B]."""
    return np.asarray((rollout // group_size) % HALVES)


def wide(base: Array, live: Bools) -> Floats:
    """Returns advantages [B] or [B,T] as [B,T] float64, 0 where no policy token of `live` [B,T] stands."""
    return np.where(live, base if base.ndim == 2 else base[:, None], 0.0).astype(np.float64)


def masks_by_kind(planning: Bools, live: Bools) -> dict[str, Bools]:
    """Returns the policy tokens of each kind, [B,T]."""
    return dict(zip(KINDS, (planning & live, ~planning & live), strict=True))


def readings(products: Mapping[str, Floats], tokens: Array) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """Returns (signal, noise) by kind; None where it cannot be measured.

    Args:
        products: by kind, [2,2] inner products of the halves' summed (not yet divided) gradients.
        tokens: [2] numbers of policy tokens of the halves, over all processes.
    """
    signal: dict[str, float | None] = dict.fromkeys(KINDS)
    noise: dict[str, float | None] = dict.fromkeys(KINDS)
    counts = np.asarray(tokens, np.float64)
    if not counts.all():
        return signal, noise
    for kind in KINDS:
        inner = np.asarray(products[kind], np.float64) / np.outer(counts, counts)
        if np.isfinite(inner).all():
            found = signal_of_products(inner)
            signal[kind], noise[kind] = found.signal, found.noise
    return signal, noise
