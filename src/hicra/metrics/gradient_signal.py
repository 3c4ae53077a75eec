"""The signal and the noise of a gradient, from gradients of independent batches at one policy.

A gradient of a batch is g = mu + z, where mu is its expectation and z has mean 0. The inner product of two different batches has
the expectation |mu|^2, since their z are independent. So the mean over pairs estimates the signal |mu|^2 without bias, while the
squared norm of one batch, |mu|^2 + E|z|^2, would be mostly noise.

Source: this project's; the estimate is a U-statistic, and its interval the jackknife over batches (Arvesen 1969).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hicra.arrays import Floats, as_numpy
from hicra.errors import DataError
from hicra.stats.jackknife import jackknife_interval


@dataclass(frozen=True)
class GradientSignal:
    """What gradients of N batches tell.

    Attributes:
        signal: unbiased estimate of |E g|^2, the squared norm of the expected gradient; it may come out negative.
        noise: unbiased estimate of E|g - E g|^2, for one batch.
        snr: signal / noise; infinite where there is no noise, and NaN where there is neither.
        low, high: confidence interval of the signal; NaN for two batches, which have no spread of pairs.
    """

    signal: float
    noise: float
    snr: float
    low: float
    high: float


def gradient_signal(gradients: Any, confidence: float = 0.95) -> GradientSignal:
    """Estimates signal and noise.

    Args:
        gradients: [N,D] one gradient per batch, numpy or torch, N >= 2; the batches are independent and of one size.
        confidence: of the interval, in (0, 1).

    Raises:
        DataError: (a ValueError) there are fewer than two rows, the shape is another, or a value is not finite.
        ConfigError: (a ValueError) confidence lies outside (0, 1).
    """
    rows = as_numpy(gradients).astype(np.float64)
    if rows.ndim != 2 or len(rows) < 2:
        raise DataError(
            f"gradients have shape {rows.shape}, they must be [N,D] with N >= 2",
            "give one row per batch; the inner product of two different batches is what is measured",
        )
    broken = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if broken.size:
        raise DataError(
            f"the gradient of batch {broken[0]} is not finite ({broken.size} of {len(rows)} batches)",
            "leave that batch out, or look for what overflows in its loss",
        )
    return signal_of_products(rows @ rows.T, confidence)


def signal_of_products(inner: Floats, confidence: float = 0.95) -> GradientSignal:
    """Estimates signal and noise from the inner products [N,N] of all gradients, N >= 2; see `gradient_signal`."""
    n = len(inner)
    signal = float(mean_over_pairs(inner))
    noise = float(np.trace(inner)) / n - signal
    snr = signal / noise if noise > 0 else np.inf if signal > 0 else np.nan
    low, high = np.nan, np.nan
    if n > 2:
        low, high = jackknife_interval(signal, mean_over_pairs_without(inner), confidence)
    return GradientSignal(signal, noise, snr, low, high)


def mean_over_pairs(inner: Floats) -> Floats:
    """Returns the mean [...] of inner products [N,N,...] over pairs of different batches."""
    n = len(inner)
    own = np.einsum("ii...->i...", inner).sum(axis=0)
    mean: Floats = (inner.sum(axis=(0, 1)) - own) / (n * (n - 1))
    return mean


def mean_over_pairs_without(inner: Floats) -> Floats:
    """Returns `mean_over_pairs` [N,...] of inner products [N,N,...] without batch i, N >= 3."""
    n = len(inner)
    own = np.einsum("ii...->i...", inner)
    rest = inner.sum(axis=(0, 1)) - own.sum(axis=0)
    mean: Floats = (rest - inner.sum(axis=0) - inner.sum(axis=1) + 2 * own) / ((n - 1) * (n - 2))
    return mean
