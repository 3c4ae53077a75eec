"""Every number of the meter, as a function of the inner products and of the batches that are taken.

The jackknife needs each number without one batch, and without two. So all numbers are computed for many subsets of the batches at
once, by one rule (products.py has the formulas and their source).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hicra.arrays import Bools, Floats

_AT_A_TIME = 1 << 22  # numbers of an intermediate table (32 MB)


@dataclass(frozen=True)
class Numbers:
    """The numbers of K subsets of the batches; NaN where a number is not defined.

    Attributes:
        signal, noise: [K,P] of every name.
        share: [K,P] of every name: its signal over that of planning and execution together.
        cosine, difference: [K,P] of one step with the mean unshaped gradient of the other batches, and that minus the
            reference's own.
        bias_cosine: [K,P] of the expected steps.
    """

    signal: Floats
    noise: Floats
    share: Floats
    cosine: Floats
    difference: Floats
    bias_cosine: Floats


def numbers(inner: Floats, reference: int, chosen: Bools) -> Numbers:
    """Computes the numbers for subsets of the batches.

    Args:
        inner: [N,P,N,P] of `products`; names 0 and 1 are planning and execution.
        reference: the place of the unshaped gradient among the names.
        chosen: [K,N] the batches that each subset takes, at least two.
    """
    n, p = inner.shape[:2]
    rows = max(1, _AT_A_TIME // (n * p))
    parts = [_numbers(inner, reference, chosen[i : i + rows].astype(np.float64)) for i in range(0, len(chosen), rows)]
    return Numbers(*(np.concatenate([getattr(part, key) for part in parts]) for key in Numbers.__dataclass_fields__))


def _numbers(inner: Floats, reference: int, chosen: Floats) -> Numbers:
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.einsum("ipjp->ijp", inner)  # [N,N,P] a name's gradient with its own in another batch
        crossed = inner[:, :, :, reference].transpose(0, 2, 1)  # [N,N,P]: batch i of a name, batch j of the reference
        squares = np.einsum("iip->ip", own)
        signal, noise = _signal(own, chosen)
        total = signal[:, :1] + signal[:, 1:2]
        share = np.where(total > 0, signal / total, np.nan)
        cosine = _cosine(crossed, squares, reference, chosen)
        towards = _pairs(crossed, chosen)
        length = signal * signal[:, [reference]]
        known = (signal > 0) & (signal[:, [reference]] > 0)
        bias = np.where(known, towards / np.sqrt(np.where(known, length, 1.0)), np.nan)
    return Numbers(signal, noise, share, cosine, cosine - cosine[:, [reference]], bias)


def _pairs(table: Floats, chosen: Floats) -> Floats:
    """Returns the mean [K,P] of a table [N,N,P] over pairs of different chosen batches."""
    n = len(table)
    sums = np.einsum("kjp,kj->kp", (chosen @ table.reshape(n, -1)).reshape(len(chosen), n, -1), chosen)
    own = chosen @ np.einsum("iip->ip", table)
    count = chosen.sum(axis=1, keepdims=True)
    mean: Floats = (sums - own) / (count * (count - 1))
    return mean


def _signal(own: Floats, chosen: Floats) -> tuple[Floats, Floats]:
    """Returns signal and noise [K,P]."""
    signal = _pairs(own, chosen)
    square = chosen @ np.einsum("iip->ip", own) / chosen.sum(axis=1, keepdims=True)
    return signal, square - signal


def _cosine(crossed: Floats, squares: Floats, reference: int, chosen: Floats) -> Floats:
    """Returns the mean cosine [K,P] over the chosen batches; a step of norm 0 counts as 0 (SIGNAL-1)."""
    n = len(crossed)
    between = crossed[:, :, reference]
    # with the sum of the reference over the other chosen batches
    along = (chosen @ crossed.transpose(1, 0, 2).reshape(n, -1)).reshape(len(chosen), n, -1)
    along = along - np.einsum("iip->ip", crossed)[None]
    rows = chosen @ between  # [K,N] batch i with the sum over all chosen
    whole = np.einsum("kn,kn->k", rows, chosen)
    reach = whole[:, None] - 2 * rows + np.diagonal(between)[None]
    # Rounding may leave a little of a sum that is 0, of either sign.
    reach = np.where(reach > 1e-13 * np.abs(between).max(initial=0.0), reach, np.nan)
    step = np.where(squares > 0, squares, np.nan)
    cosines = along / np.sqrt(reach[:, :, None] * step[None])
    cosines = np.where(squares[None] > 0, cosines, 0.0)
    mean: Floats = np.einsum("knp,kn->kp", np.where(chosen[:, :, None] > 0, cosines, 0.0), chosen)
    mean = mean / chosen.sum(axis=1, keepdims=True)
    moves = chosen @ (squares > 0).astype(np.float64) > 0
    return np.where(moves, mean, np.nan)
