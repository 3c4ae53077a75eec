"""Restraint on the few tokens that cost the most entropy: Clip-Cov and KL-Cov (Cui et al. 2025, arXiv:2505.22617).

A policy loses entropy where likely tokens are rewarded. How much a token adds to that is its covariance term
cov = (A - mean A) (logp - mean logp), the means over the policy tokens that are seen at once.

Deviations:
LOSS-8. "Seen at once" is the batch that the loss is given: where an engine adds a batch up in parts, each part has its own means
    and picks its own share. The authors' code does the same.
LOSS-9. A share picks at least one token, as in the authors' code, unless it is 0.
LOSS-10. The random pick of `clip_cov` depends on a seed and on the numbers of the row, not on a state that every call moves on:
    two calls agree, and the order of rows and padding never matter.
LOSS-11. Where several tokens of `kl_cov` have the same covariance, those are picked whose probability has moved furthest.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from hicra.arrays import Array, Bools, Floats, as_numpy, namespace_of
from hicra.credit.border import like
from hicra.credit.entry import Batch
from hicra.credit.loss import Loss
from hicra.credit.losses.clipped import NotNegative, surrogate
from hicra.credit.losses.parts import ratio_of
from hicra.errors import ConfigError
from hicra.strict import Share

FEW = 2e-4  # the authors' share of tokens
Seed = Annotated[int, Field(ge=-(2**63), lt=2**63)]


def clip_cov(
    logps: Any,
    old_logps: Any,
    advantages: Any,
    mask: Any,
    batch: Batch,
    *,
    share: Share = FEW,
    low: float = 1.0,
    high: float = 5.0,
    clip_low: Share = 1.0,
    clip_high: NotNegative = 1.0,
    seed: Seed = 0,
) -> Any:
    """Returns the clipped surrogate, and 0 on a random share of the tokens with low < cov < high that the clip leaves alone.

    Args:
        logps: [B,T].
        old_logps: [B,T].
        advantages: [B,T].
        mask: [B,T].
        batch: unused.
        share: of all policy tokens; 0 gives `clip`.
        low, high: bounds of cov, low below high. The authors' 1 and 5 are for advantages divided by the group's deviation.
        clip_low, clip_high: as in `clip`; the authors set both to 1, so that it stops extreme tokens alone.
        seed: decides the pick.

    Raises:
        ConfigError: low is not below high.
    """
    if not low < high:
        raise ConfigError(
            f"low is {low} and high is {high}: no covariance lies between",
            "give low below high; the authors use low=1 and high=5",
        )
    xp = namespace_of(logps)
    ratio = ratio_of(logps - old_logps)
    losses = surrogate(ratio, advantages, clip_low, clip_high)
    live, free = as_numpy(mask), as_numpy(losses <= -ratio * advantages)  # not above: the clip did not act
    now, old, credit = (as_numpy(each) for each in (logps, old_logps, advantages))
    cov = covariances(now, credit, live)
    candidates = live & free & (cov > low) & (cov < high)
    picked = smallest(draws(now, old, credit, live, candidates, seed), candidates, share_of(live, share))
    return xp.where(like(picked, logps), xp.zeros_like(losses), losses)


def kl_cov(
    logps: Any,
    old_logps: Any,
    advantages: Any,
    mask: Any,
    batch: Batch,
    *,
    share: Share = FEW,
    weight: NotNegative = 1.0,
) -> Any:
    """Returns -r A, plus weight * |log r| on the share of tokens with the largest cov.

    Args:
        logps: [B,T].
        old_logps: [B,T].
        advantages: [B,T].
        mask: [B,T].
        batch: unused.
        share: of all policy tokens; 0 leaves -r A, without a clip, as the authors have it.
        weight: of the pull back to the policy that sampled; 1 in the paper's runs, 0.1 is verl's default.
    """
    xp = namespace_of(logps)
    log_ratio = logps - old_logps
    live, moved = as_numpy(mask), as_numpy(log_ratio)
    cov = covariances(as_numpy(logps), as_numpy(advantages), live)
    picked = largest(cov, np.abs(moved), live, share_of(live, share))
    return (
        xp.where(like(picked, logps), weight * xp.abs(log_ratio), xp.zeros_like(logps))
        - ratio_of(log_ratio) * advantages
    )


def covariances(logps: Array, advantages: Array, live: Bools) -> Floats:
    """Returns (A - mean A) (logp - mean logp) [B,T], the means over the policy tokens `live` [B,T]."""
    if not live.any():
        return np.zeros(live.shape)
    good, likely = (each - each[live].mean(dtype=np.float64) for each in (advantages, logps))
    return np.asarray(good * likely, np.float64)


def share_of(live: Bools, share: float) -> int:
    """Returns how many of the policy tokens `live` [B,T] a share is: rounded down, but at least one, unless it is 0."""
    tokens = int(np.count_nonzero(live))
    return min(tokens, max(1, int(share * tokens))) if share > 0 else 0


def draws(logps: Array, old_logps: Array, advantages: Array, live: Bools, wanted: Bools, seed: int) -> Floats:
    """Draws a number for each policy token of the rows with a `wanted` token, all [B,T]; it depends on seed and row alone."""
    out = np.ones(live.shape)
    key = seed.to_bytes(8, "little", signed=True)
    for row in np.flatnonzero(wanted.any(axis=1)):
        on = live[row]
        digest = hashlib.blake2b(digest_size=8, key=key)
        for each in (logps, old_logps, advantages):
            digest.update(each[row, on].astype("<f8").tobytes())
        out[row, on] = np.random.default_rng(int.from_bytes(digest.digest(), "little")).random(np.count_nonzero(on))
    return out


def smallest(values: Floats, candidates: Bools, count: int) -> Bools:
    """Marks [B,T] the `count` candidates with the smallest values, or all where there are no more."""
    out = np.zeros(candidates.shape, np.bool_)
    where = np.flatnonzero(candidates)
    out.flat[where[np.argsort(values.flat[where], kind="stable")[:count]]] = True
    return out


def largest(values: Floats, ties: Array, candidates: Bools, count: int) -> Bools:
    """Marks [B,T] the `count` candidates with the largest values; among equal ones, those with the larger `ties`."""
    out = np.zeros(candidates.shape, np.bool_)
    where = np.flatnonzero(candidates)
    if count:
        found = values.flat[where]
        where = where[found >= np.partition(found, -count)[-count]]  # sorting all would take far longer
        out.flat[where[np.lexsort((-ties.flat[where], -values.flat[where]))[:count]]] = True
    return out


CLIP_COV = Loss("clip_cov", clip_cov, "Cui et al. 2025, arXiv:2505.22617", by_part=True)
KL_COV = Loss("kl_cov", kl_cov, "Cui et al. 2025, arXiv:2505.22617", by_part=True)
