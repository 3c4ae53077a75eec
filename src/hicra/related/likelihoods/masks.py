"""Masks of responses and their weights: what is hidden from a denoiser at once, and how much its answer counts.

The evidence lower bound of a masked-diffusion model, by the number l of hidden tokens (ESPO, arXiv:2512.03759), is

    L(y|x) = E over l ~ U{1..L}, over masks of size l, of  (L/l) sum over hidden k of log p(y_k | y that is seen, x).

A function here takes seeds [B,n] and the response tokens [B,T], and returns masks [B,K,T] and weights [B,K], so that
sum_k weight_k * (sum over hidden tokens of log p) is the estimate. Masks depend on a row's seed and on the places in its response
alone: a row has the same masks in every batch, order and padding, and old, new and reference policy share them.

Deviations:
ESPO-1. A coupled estimate draws l from 0..L and weights mask and complement by (L+1)/l and (L+1)/(L-l), half each, as the
    authors' code does. Where one of the two is empty it counts as 0.
ESPO-2. `mean_field` hides the whole response and nothing of the prompt. The stand-in of diffu-GRPO (arXiv:2504.12216) also hides
    prompt tokens at random.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import comb

import numpy as np
import torch
from torch import Tensor

from hicra.arrays import Bools, Floats, Hashes, Ints, as_numpy
from hicra.credit.draws import hashed, uniforms
from hicra.errors import ConfigError, DataError

MOST_ENUMERATED = 12  # tokens; 2^12 masks a row
Drawn = tuple[Tensor, Tensor]  # masks [B,K,T] bool, weights [B,K] float64


def plain(seeds: Tensor | None, live: Tensor) -> Drawn:
    """Draws l from 1..L and one mask of that size, weight L/l; the mean over the seeds of a row."""
    keys, lengths = _keys(seeds, live), as_numpy(live.sum(-1))
    count = 1 + _whole(uniforms(keys, 0), lengths[:, None])  # [B,n]
    masks = _ranks(keys, live) < count[..., None]
    weights = lengths[:, None] / count / keys.shape[1]
    return _tensors(masks, weights, live)


def coupled(seeds: Tensor | None, live: Tensor) -> Drawn:
    """Draws l from 0..L, and uses a mask of that size and its complement: two masks a seed (ESPO-1)."""
    keys, lengths = _keys(seeds, live), as_numpy(live.sum(-1))[:, None]
    count = _whole(uniforms(keys, 0), lengths + 1)
    ranks, response = _ranks(keys, live), as_numpy(live)[:, None]
    first = ranks < count[..., None]
    masks = np.concatenate([first, response & ~first], axis=1)
    both = np.concatenate([count, lengths - count], axis=1)
    weights = np.where(both > 0, (lengths + 1) / np.maximum(both, 1), 0.0) / (2 * keys.shape[1])
    return _tensors(masks, weights, live)


def mean_field(seeds: Tensor | None, live: Tensor) -> Drawn:
    """Hides the whole response at once, weight 1: each token as if it did not depend on the others; no bound (ESPO-2)."""
    return live[:, None].clone(), torch.ones(len(live), 1, dtype=torch.float64, device=live.device)


def every(seeds: Tensor | None, live: Tensor) -> Drawn:
    """Uses each of the 2^L - 1 masks with its probability: the bound itself, for tests and short responses.

    Raises:
        ConfigError: a response is longer than MOST_ENUMERATED tokens.
    """
    lengths: list[int] = live.sum(-1).tolist()
    if max(lengths) > MOST_ENUMERATED:
        raise ConfigError(
            f"masks 'every' of a response of {max(lengths)} tokens are 2^{max(lengths)} forward passes",
            f"take 'coupled', or responses of at most {MOST_ENUMERATED} tokens",
        )
    most = 2 ** max(lengths) - 1
    masks, weights = np.zeros((len(live), most, live.shape[1]), bool), np.zeros((len(live), most))
    for row, length in enumerate(lengths):
        places = as_numpy(live[row]).nonzero()[0]
        chosen = [one for size in range(1, length + 1) for one in combinations(places, size)]
        for number, hidden in enumerate(chosen):
            masks[row, number, list(hidden)] = True
            weights[row, number] = 1 / (len(hidden) * comb(length, len(hidden)))  # (1/L) (1/C(L,l)) (L/l)
    return _tensors(masks, weights, live)


MASKS: dict[str, Callable[[Tensor | None, Tensor], Drawn]] = {
    "coupled": coupled, "plain": plain, "mean_field": mean_field, "every": every,
}  # fmt: skip


def _keys(seeds: Tensor | None, live: Tensor) -> Hashes:
    """Returns a key [B,n] for each seed."""
    if seeds is None or seeds.ndim != 2 or len(seeds) != len(live):
        found = "none" if seeds is None else tuple(seeds.shape)
        raise DataError(
            f"seeds of masks are {found} for {len(live)} rows", "give them as [B,n_mc], kept with the batch"
        )
    return hashed(as_numpy(seeds).astype(np.uint64))


def _ranks(keys: Hashes, live: Tensor) -> Ints:
    """Returns for each seed a random order of the response's places, [B,n,T]; T where there is no response token."""
    response = as_numpy(live)
    place = np.cumsum(response, axis=1) - 1
    noise = np.where(response[:, None], uniforms(keys[..., None], 1, np.maximum(place, 0)[:, None]), 2.0)
    ranks = noise.argsort(axis=-1, kind="stable").argsort(axis=-1, kind="stable")
    return np.where(response[:, None], ranks, response.shape[1])


def _whole(uniform: Floats, below: Ints) -> Ints:
    """Returns whole numbers that are uniform from 0 to below - 1."""
    return np.asarray(np.floor(uniform * below), np.int64)


def _tensors(masks: Bools, weights: Floats, live: Tensor) -> Drawn:
    return torch.from_numpy(masks).to(live.device), torch.from_numpy(weights).to(live.device)
