"""The signal and the noise of a gradient, from gradients of independent batches at one policy.

A gradient of a batch is g = mu + z, where mu is its expectation and z has mean 0. The inner product of two different batches has
the expectation |mu|^2, since their z are independent. So the mean over pairs estimates the signal |mu|^2 without bias, while the
squared norm of one batch, |mu|^2 + E|z|^2, would be mostly noise.

Source: this project's; the estimate is a U-statistic, and its interval the jackknife over batches (Arvesen 1969), corrected for
pairs (`hicra.stats.jackknife`). benchmarks/sim_signal_intervals.py says how often it holds the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hicra.arrays import Floats, as_floats
from hicra.errors import DataError
from hicra.stats.jackknife import jackknife_interval

_MOST = 150  # log10 of the largest sum of products; the interval squares it again


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
        DataError: (a ValueError) there are fewer than two rows, the shape is another, or a value is no real number, not finite,
            or so large that squares overflow.
        ConfigError: (a ValueError) confidence lies outside (0, 1).
    """
    rows = as_floats(gradients, "gradients")
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
    # a sum over pairs of all products must hold too
    largest = float(np.abs(rows).max(initial=0.0))
    if largest > 0 and 2 * np.log10(largest) + np.log10(rows.size) + np.log10(len(rows)) > _MOST:
        raise DataError(
            f"the gradients reach {largest:.3g}, and their squares overflow",
            "divide all of them by one number that is large",
        )
    return signal_of_products(rows @ rows.T, confidence)


def signal_of_products(inner: Floats, confidence: float = 0.95) -> GradientSignal:
    """Estimates signal and noise from the inner products [N,N] of all gradients, N >= 2; see `gradient_signal`."""
    n = len(inner)
    pairs = inner - np.diag(np.diag(inner))
    rows = pairs.sum(axis=1)
    whole = float(rows.sum())
    signal = whole / (n * (n - 1))
    noise = float(np.trace(inner)) / n - signal
    snr = signal / noise if noise > 0 else np.inf if signal > 0 else np.nan
    low, high = np.nan, np.nan
    if n > 2:
        without = (whole - 2 * rows) / ((n - 1) * (n - 2))
        low, high = jackknife_interval(signal, without, confidence, _without_two(pairs, rows, whole) if n > 3 else None)
    return GradientSignal(signal, noise, snr, low, high)


def _without_two(pairs: Floats, rows: Floats, whole: float) -> Floats:
    """Computes the signal [N (N - 1) / 2] without the batches i < j, N >= 4."""
    n = len(pairs)
    i, j = np.triu_indices(n, 1)
    signals: Floats = (whole - 2 * (rows[i] + rows[j] - pairs[i, j])) / ((n - 2) * (n - 3))
    return signals
