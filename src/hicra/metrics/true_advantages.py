"""The true advantage of a token, as estimated: two independent halves, and the error of their mean.

The true advantage of token t is a_t = V(s_{t+1}) - V(s_t): what the policy's expected reward gains by this token. It is estimated
by fresh continuations (`hicra.signal.quality`), so it has an error, and |a_t| or a_t^2 of an estimate is too large on average.
Two independent halves of the continuations give a'_t and a''_t, whose errors are independent: E[a'_t a''_t] = a_t^2 exactly.
Everything that asks how large an advantage is uses this product.

Deviations (the definitions are this project's):
QUALITY-1. A token matters if |a| - z s > threshold, with s its standard error and z the one-sided normal quantile of the
    confidence, each token for itself. The set lacks tokens that matter and could not be told; it is not corrected for the
    number of tokens, so of tokens just at the threshold it holds the share 1 - confidence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from hicra.arrays import Bools, Floats, Ints, as_flags, as_numpy
from hicra.errors import ConfigError, DataError
from hicra.stats.rank import rank_correlation

THRESHOLD, CONFIDENCE = 0.1, 0.95


@dataclass(frozen=True)
class TrueAdvantages:
    """Estimates of the true advantage of every token; numpy, torch or lists are taken, and kept as numpy.

    Attributes:
        first, second: [B,T] from two independent halves of the continuations.
        variance: [B,T] sampling variance of their mean.
        live: [B,T] bool, the policy tokens; what stands elsewhere does not matter.
        problems: [B] the problem of each rollout, the unit of the jackknife.

    Raises:
        DataError: (a ValueError) shapes differ, there is no policy token, or a value on one is not finite or negative.
    """

    first: Floats
    second: Floats
    variance: Floats
    live: Bools
    problems: Ints

    def __post_init__(self) -> None:
        kept = {name: as_numpy(getattr(self, name)).astype(np.float64) for name in ("first", "second", "variance")}
        kept |= {"live": as_flags(as_numpy(self.live), "live"), "problems": as_numpy(self.problems)}
        for name, array in kept.items():
            object.__setattr__(self, name, array)  # the class is frozen
        shape = self.live.shape
        for name in ("first", "second", "variance"):
            value = getattr(self, name)
            if value.shape != shape:
                raise DataError(f"{name} has shape {value.shape}, live has {shape}", "give one value a token")
            if not np.isfinite(value[self.live]).all():
                raise DataError(f"{name} is not finite on a policy token", "estimate every token's advantage")
        if len(shape) != 2 or self.problems.shape != shape[:1]:
            raise DataError(
                f"live has shape {shape}, problems has {self.problems.shape}", "give [B,T] tokens and [B] problems"
            )
        if not self.live.any():
            raise DataError("no rollout has a policy token", "look at live, the mask of policy tokens")
        if (self.variance[self.live] < 0).any():
            raise DataError("a sampling variance is negative", "give the square of the standard error")

    @property
    def mean(self) -> Floats:
        """The estimate [B,T] from all continuations."""
        return (self.first + self.second) / 2

    def matters(self, threshold: float = THRESHOLD, confidence: float = CONFIDENCE) -> Bools:
        """Returns the policy tokens [B,T] whose |a| is above the threshold with this confidence, each for itself.

        Raises:
            ConfigError: the threshold is negative, or the confidence lies outside (0, 1).
        """
        if not threshold >= 0 or not 0 < confidence < 1:
            raise ConfigError(
                f"threshold {threshold}, confidence {confidence}: the first must be at least 0, the second lie in (0, 1)",
                f"the defaults are {THRESHOLD} and {CONFIDENCE}",
            )
        low = np.abs(self.mean) - float(ndtri(confidence)) * np.sqrt(np.where(self.live, self.variance, 0))
        return self.live & (low > threshold)


def reliability(truth: TrueAdvantages) -> dict[str, float | None]:
    """Says how well the ranks of the true advantages are known.

    Returns:
        halves: Spearman's correlation r of the two halves over all policy tokens; whole: 2r / (1 + r), what it would be between
        the whole and another whole (Spearman-Brown, exact for Pearson's correlation, about right for ranks); ceiling: its
        root, about what a method that knew every advantage would reach in `rank`.
    """
    r = rank_correlation(truth.first[truth.live], truth.second[truth.live])
    if r is None or r <= 0:
        return {"halves": r, "whole": None, "ceiling": None}
    whole = 2 * r / (1 + r)
    return {"halves": r, "whole": whole, "ceiling": float(np.sqrt(whole))}
