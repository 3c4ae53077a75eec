"""The true advantage of every token of some rollouts, from fresh continuations by the policy that wrote them.

V(s_t), the expected reward after the first t tokens, is the mean reward of K continuations from there; after the last token it
is the reward itself. The true advantage is a_t = V(s_{t+1}) - V(s_t). Each prefix has continuations of its own, so the errors of
two values are independent; K is the least even number with 1 / (4K) <= (standard error)^2, which holds whatever V is.

Where a token is all but forced, asking again would be waste: V(s_t) = p V(s_{t+1}) + (1 - p) V(others), and rewards lie in
[0, 1], so the two values differ by at most 1 - p. A value is therefore taken over from the prefix before while the sum of 1 - p
since then is at most `slack`, and the reward itself is taken where that holds up to the end of the response.

Deviations (the estimate is this project's):
TRUTH-1. The slack is .01 by default: a value is off by at most so much, and an advantage by twice that, beside a standard error
    of .05 of each value. The advantage of a token that takes its value over is exactly 0 in both halves.
TRUTH-2. The sampling variance of a value counts half a reward of 1 and half a reward of 0 more than were seen, so that a value is
    never said to be certain because all its continuations agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from hicra.arrays import Array, Bools, Floats, Ints, as_numpy
from hicra.errors import ConfigError, DataError
from hicra.metrics.true_advantages import TrueAdvantages

STANDARD_ERROR, SLACK = 0.05, 0.01
Returns = Callable[[Ints, int, int], Array]


def continuations_for(standard_error: float = STANDARD_ERROR) -> int:
    """Returns K, the even number of continuations at which no value's standard error is above this.

    Raises:
        ConfigError: the standard error lies outside (0, 1/2].

    >>> continuations_for(0.05), continuations_for(0.06)  # 1 / (4 x .0025) = 100; 1 / (4 x .0036) = 69.4
    (100, 70)
    """
    if not 0 < standard_error <= 0.5:
        raise ConfigError(
            f"standard_error is {standard_error}, it must lie in (0, 1/2]", "0.05 takes 100 continuations"
        )
    return max(4, 2 * math.ceil(round(1 / (8 * standard_error**2), 9)))


def true_advantages(
    chances: Any,
    live: Any,
    rewards: Any,
    returns: Returns,
    *,
    problems: Any,
    continuations: int = 100,
    slack: float = SLACK,
) -> TrueAdvantages:
    """Estimates the true advantage of every policy token.

    Args:
        chances: [B,T] the policy's probability of each token at the temperature of sampling, in (0, 1].
        live: [B,T] bool, the policy tokens; a row's are its first ones, without a gap.
        rewards: [B] in [0, 1].
        returns: a function (rows [N], t, K) -> rewards [N,K] of fresh, independent continuations after the first t tokens of
            these rows, in [0, 1]. It is called once for each t at which a value is needed.
        problems: [B] the problem of each rollout.
        continuations: K, even and at least 4; `continuations_for` gives it for a standard error.
        slack: what a value may be off by for the sake of fewer continuations, in [0, 1); 0 asks at every prefix whose tokens
            are not certain.

    Raises:
        ConfigError: K is no whole number, odd or below 4, or the slack lies outside [0, 1).
        DataError: shapes differ, a row of live has a gap, or a probability or reward lies outside its range.
    """
    if not isinstance(continuations, int | np.integer) or continuations < 4 or continuations % 2:
        raise ConfigError(f"continuations is {continuations!r}, it must be even, whole and at least 4", "give 100")
    if not 0 <= slack < 1:
        raise ConfigError(f"slack is {slack}, it must lie in [0, 1)", f"the default is {SLACK}")
    chance, mask, reward = as_numpy(chances).astype(np.float64), as_numpy(live).astype(bool), as_numpy(rewards)
    _check(chance, mask, reward)
    source = value_sources(np.where(mask, 1 - chance, 0.0), mask, slack)
    shape = (len(mask), mask.shape[1] + 1)
    halves, variance = np.zeros((2, *shape)), np.zeros(shape)
    for at in range(mask.shape[1]):
        rows = np.flatnonzero((source[:, at] == at) & mask[:, at])
        if len(rows):
            got = _in_range(returns(rows, at, continuations), (len(rows), continuations), at)
            halves[:, rows, at] = got[:, ::2].mean(axis=1), got[:, 1::2].mean(axis=1)
            variance[rows, at] = _variance(got)
    end = mask.shape[1]
    halves[:, :, end] = reward
    values = np.take_along_axis(halves, source[None], axis=2)
    of_value = np.take_along_axis(variance, source, axis=1)
    moved = source[:, 1:] != source[:, :-1]  # a value that was taken over has no error of its own
    first, second = np.where(mask & moved, np.diff(values, axis=2), 0.0)
    return TrueAdvantages(
        first, second, np.where(mask & moved, of_value[:, 1:] + of_value[:, :-1], 0.0), mask, as_numpy(problems)
    )


def value_sources(gaps: Floats, live: Bools, slack: float) -> Ints:
    """Returns for each prefix [B,T+1] the prefix whose value it takes; T stands for the reward itself.

    Args:
        gaps: [B,T] 1 - p of each policy token, 0 elsewhere.
        live: [B,T] bool.
        slack: as in `true_advantages`.
    """
    rows, end = live.shape
    left = np.zeros((rows, end + 1))
    left[:, :end] = np.cumsum(gaps[:, ::-1], axis=1)[:, ::-1]
    source = np.zeros((rows, end + 1), np.int64)
    since = np.zeros(rows)  # the sum of 1 - p since the last value that was asked for
    for at in range(1, end + 1):
        since += gaps[:, at - 1]
        anew = since > slack
        source[:, at] = np.where(anew, at, source[:, at - 1])
        since[anew] = 0.0
    source[left <= slack] = end
    return source


def _variance(got: Floats) -> Floats:
    k = got.shape[1] + 1
    mean, square = (got.sum(axis=1) + 0.5) / k, ((got**2).sum(axis=1) + 0.5) / k
    return np.asarray((square - mean**2) / got.shape[1])


def _check(chance: Floats, live: Bools, rewards: Array) -> None:
    if live.ndim != 2 or chance.shape != live.shape or rewards.shape != live.shape[:1]:
        raise DataError(
            f"chances {chance.shape}, live {live.shape}, rewards {rewards.shape}", "give [B,T], [B,T] and [B]"
        )
    if (live[:, 1:] & ~live[:, :-1]).any():
        raise DataError(
            "a row of live has a gap", "give the policy tokens of a row as its first ones, without other text"
        )
    broken = live & ~((chance > 0) & (chance <= 1 + 1e-6))
    if broken.any():
        row, token = np.argwhere(broken)[0]
        raise DataError(
            f"row {row}, token {token}: a probability of {chance[row, token]}",
            "give probabilities of the sampled tokens, not log-probabilities",
        )
    _in_range(rewards, live.shape[:1], None)


def _in_range(rewards: Array, shape: tuple[int, ...], at: int | None) -> Floats:
    where = "the rollouts" if at is None else f"continuations after {at} tokens"
    got = as_numpy(rewards).astype(np.float64)
    if got.shape != shape:
        raise DataError(f"rewards of {where} have shape {got.shape}, wanted {shape}", "give one reward each")
    if not ((got >= 0) & (got <= 1)).all():
        raise DataError(f"a reward of {where} lies outside [0, 1]", "scale rewards to [0, 1]; none may be missing")
    return got
