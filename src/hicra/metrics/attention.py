"""What the attention weights of one response tell of its tokens and heads.

All functions take `weights` [H,N,N], numpy or torch: the attention of H heads after the softmax, from query i (row) to key j
(column), of one sequence of N tokens without padding, prompt and response; a query sees no later key. They return the same kind
of arrays.

Deviations (of what arXiv:2510.13554 calls windowed average attention distance and future attention influence, which the paper on
HICRA does not have; this project knows their definitions from the abstract and from descriptions by others):
RHYTHM-1. Distances count all keys, those of the prompt too, and the query's own with 0.
RHYTHM-2. A token that no query of the window follows has the influence 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hicra.arrays import Floats, namespace_of


def attention_received(weights: Any) -> Any:
    """Returns how much later tokens attend to each token, in multiples of even attention, [H,N]; NaN for the last token.

    That is the mean over later queries i of (i + 1) a(i, j). Query i sees i + 1 keys, so a head that attends evenly gives 1 to
    every token, whatever its place and however many queries follow it.
    """
    size = weights.shape[-1]
    i, j = _places(size)
    later = i > j
    count = later.sum(axis=0)
    count[-1] = 1  # the last column sums to 0
    found = _sum(weights, np.where(later, i + 1.0, 0.0) / count, over=1)
    found[:, -1] = float("nan")
    return found


def attention_distance(weights: Any, begin: int) -> Any:
    """Returns how far back each head looks, in tokens, [H]: the mean over queries i >= begin of sum_j a(i, j) (i - j)."""
    i, j = _places(weights.shape[-1])
    return _sum(weights, np.where(i >= begin, i - j, 0.0), over=2).sum(axis=1) / (weights.shape[-1] - begin)


def windowed_distance(weights: Any, window: int) -> Any:
    """Returns sum_j a(i, j) min(i - j, window) of each query i, [H,N]: the windowed average attention distance (WAAD)."""
    i, j = _places(weights.shape[-1])
    return _sum(weights, np.clip(i - j, 0.0, float(window)), over=2)


def future_influence(weights: Any, nearest: int, farthest: int) -> Any:
    """Returns the mean of a(i, j) over queries i from j + nearest to j + farthest, [H,N]: future attention influence (FAI)."""
    i, j = _places(weights.shape[-1])
    inside = (i - j >= nearest) & (i - j <= farthest)
    return _sum(weights, inside / np.maximum(inside.sum(axis=0), 1), over=1)


def _places(size: int) -> tuple[Floats, Floats]:
    """Returns the numbers of queries [N,1] and of keys [1,N]."""
    places = np.arange(size, dtype=np.float64)
    return places[:, None], places[None, :]


def _sum(weights: Any, factors: Floats, over: int) -> Any:
    """Returns the sum of weights [H,N,N] times factors [N,N] over an axis."""
    if namespace_of(weights) is np:
        return (weights * factors).sum(axis=over)
    return (weights * weights.new_tensor(factors)).sum(dim=over)
