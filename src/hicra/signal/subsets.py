"""Every number of the meter, as a function of the inner products and of the batches that are taken.

The jackknife needs each number without one batch, and without two. So all numbers are computed for many subsets of the batches at
once, by one rule (products.py has the formulas and their source).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hicra.arrays import Bools, Floats

_AT_A_TIME = 1 << 22  # numbers of an intermediate table (32 MB)
_ROUNDING = 1e-13  # a squared norm below this part of the largest product is a sum that cancels


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
    parts = [_numbers(inner, reference, chosen[i : i + rows]) for i in range(0, len(chosen), rows)]
    return Numbers(*(np.concatenate([getattr(part, key) for part in parts]) for key in Numbers.__dataclass_fields__))


def _numbers(inner: Floats, reference: int, chosen: Bools) -> Numbers:
    own = np.einsum("ipjp->ijp", inner)  # [N,N,P]: a name in batch i with itself in batch j
    crossed = inner[:, :, :, reference].transpose(0, 2, 1)  # [N,N,P]: a name in batch i with the reference in batch j
    squares = np.einsum("iip->ip", own)
    signal = mean_over_pairs(own, chosen)
    noise = chosen @ squares / chosen.sum(axis=1, keepdims=True) - signal
    total = signal[:, :1] + signal[:, 1:2]
    share = np.divide(signal, total, out=np.full_like(signal, np.nan), where=total > 0)
    truth = signal[:, [reference]]
    length = np.sqrt(signal * truth, out=np.full_like(signal, np.nan), where=(signal > 0) & (truth > 0))
    cosine = _cosine(crossed, squares, reference, chosen.astype(np.float64))
    towards = mean_over_pairs(crossed, chosen)
    return Numbers(signal, noise, share, cosine, cosine - cosine[:, [reference]], towards / length)


def mean_over_pairs(tables: Floats, chosen: Bools) -> Floats:
    """Computes the mean [K,P] of numbers of pairs of batches, [N,N,P], over the pairs of different batches that a subset takes.

    Args:
        tables: [N,N,P] numbers of the pairs of batches.
        chosen: [K,N] the batches that each subset takes, at least two.
    """
    taken = chosen.astype(np.float64)
    n, many = len(tables), taken.sum(axis=1, keepdims=True)
    rows = (taken @ tables.reshape(n, -1)).reshape(len(taken), n, -1)
    own = taken @ np.einsum("iip->ip", tables)
    mean: Floats = (np.einsum("kjp,kj->kp", rows, taken) - own) / (many * (many - 1))
    return mean


def _cosine(crossed: Floats, squares: Floats, reference: int, chosen: Floats) -> Floats:
    """Computes the mean cosine [K,P] over the chosen batches (SIGNAL-1).

    Args:
        crossed: [N,N,P] a name in batch i with the reference in batch j.
        squares: [N,P] squared norms.
        reference: the place of the unshaped gradient among the names.
        chosen: [K,N] 1 for the batches that each subset takes, else 0.
    """
    n, between = len(crossed), crossed[:, :, reference]
    # With the sum of the reference over the chosen batches but i: [K,N,P], and the squared norm of that sum: [K,N].
    along = (chosen @ crossed.transpose(1, 0, 2).reshape(n, -1)).reshape(len(chosen), n, -1) - np.einsum(
        "iip->ip", crossed
    )
    rows = chosen @ between
    reach = np.einsum("kn,kn->k", rows, chosen)[:, None] - 2 * rows + np.diagonal(between)
    still = reach <= _ROUNDING * np.abs(between).max(initial=0.0)
    moves = squares > 0
    norm = np.sqrt(np.where(still, 1.0, reach)[:, :, None] * np.where(moves, squares, 1.0))
    cosines = np.where(still[:, :, None] | ~moves, 0.0, along / norm)
    mean = np.einsum("knp,kn->kp", cosines, chosen) / chosen.sum(axis=1, keepdims=True)
    there = (chosen @ moves.astype(np.float64) > 0) & ((chosen * ~still).sum(axis=1, keepdims=True) > 0)
    result: Floats = np.where(there, mean, np.nan)
    return result
