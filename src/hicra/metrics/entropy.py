"""Entropies of counts, which say how varied the strategies are (section 3 of the paper: semantic and conditional entropy)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import gammaln

from hicra.arrays import Bools, Floats, Ints
from hicra.errors import ConfigError, DataError, did_you_mean

ESTIMATORS = ("plugin", "miller_madow", "chao_shen")


def semantic_entropy(counts: Any, estimator: str = "plugin", base: float | str = "e") -> float:
    """Computes the entropy of the frequency distribution of strategic grams, SE = -sum p(g) log p(g).

    Args:
        counts: [n_grams] non-negative integers; zeros are ignored, and the order does not matter.
        estimator: "plugin" (the paper's), "miller_madow" (adds (S-1)/2N for S grams seen N times), or "chao_shen"
            (adjusted for coverage, 2003).
        base: "e" for nats (default) or 2 for bits.

    Returns:
        The entropy, which is 0.0 if there are no counts.

    Raises:
        ConfigError: the estimator or the base is unknown.
        DataError: a count is negative.

    >>> round(semantic_entropy([1, 1, 2], base=2), 12)
    1.5
    """
    if estimator not in ESTIMATORS:
        raise ConfigError(f"estimator {estimator!r} is unknown", did_you_mean(estimator, ESTIMATORS))
    if str(base) not in ("e", "2"):
        raise ConfigError(f"base {base!r} is unknown", "use 'e' for nats or 2 for bits")
    nats = _estimated(_seen(counts), estimator)
    return nats / math.log(2) if str(base) == "2" else nats


def all_entropies(counts: Any) -> dict[str, float]:
    """Computes `semantic_entropy` in nats by each of `ESTIMATORS`; counts are as there.

    Raises:
        DataError: a count is negative.

    >>> {name: round(value, 3) for name, value in all_entropies([2, 2]).items()}
    {'plugin': 0.693, 'miller_madow': 0.818, 'chao_shen': 0.739}
    """
    seen = _seen(counts)
    return {name: _estimated(seen, name) for name in ESTIMATORS}


def _estimated(seen: Ints, estimator: str) -> float:
    """Returns the entropy in nats of the counts above 0, by one of `ESTIMATORS`."""
    if not seen.size:
        return 0.0
    n = int(seen.sum())
    nats = _chao_shen(seen, n) if estimator == "chao_shen" else _plugin(seen / n)
    if estimator == "miller_madow":
        nats += (len(seen) - 1) / (2 * n)
    return nats + 0.0  # one gram: 0.0 and not -0.0


def rarefied_entropy(counts: Any, hits: int) -> float | None:
    """Computes the expected plug-in entropy (nats) of `hits` occurrences that are drawn without replacement.

    It makes steps with unequal counts comparable. It is exact, by the hypergeometric distribution, and samples nothing. It is
    None if there are fewer than `hits` occurrences.

    >>> round(rarefied_entropy([2, 2], 2), 12) == round(2 / 3 * math.log(2), 12)
    True
    """
    if hits < 1:
        raise ConfigError(f"hits is {hits}, it must be at least 1")
    seen = _seen(counts)
    n = int(seen.sum())
    if n < hits:
        return None
    drawn = np.arange(1, hits + 1)
    surprise = -(drawn / hits) * np.log(drawn / hits)
    values, times = np.unique(seen, return_counts=True)
    chance = _hypergeometric(drawn[None, :], n, values[:, None], hits)
    return float(times @ (chance @ surprise)) + 0.0


def conditional_entropy(given: Any, following: Any) -> float | None:
    """Computes H(E|S) = -sum_s p(s) sum_g p(g|s) log p(g|s) in nats, over pairs (strategic gram, what follows it).

    Args:
        given: [N] integers, the gram of each pair.
        following: [N] integers, an id of what follows the gram.

    Returns:
        The plug-in estimate, or None if there are no pairs.

    Raises:
        DataError: the two have different shapes.
    """
    given, following = np.asarray(given, np.int64), np.asarray(following, np.int64)
    if given.shape != following.shape:
        raise DataError(f"given {given.shape} and following {following.shape} must have one shape [N]")
    if not given.size:
        return None
    gram = given.view(np.uint64) - given.min().view(np.uint64)
    # the few bits that grams need are sorted in linear time, which a sort of rows of pairs is ten times slower than
    order = np.lexsort((following, gram.astype(np.min_scalar_type(gram.max()))))
    new_gram = np.diff(gram[order]) != 0
    n, new_pair = len(given), new_gram | (np.diff(following[order]) != 0)
    return max(0.0, _plugin(_runs(new_pair) / n) - _plugin(_runs(new_gram) / n))


def _runs(changes: Bools) -> Ints:
    """Returns the lengths of the runs of equal entries; `changes` [N-1] says where an entry differs from the one before it."""
    return np.diff(np.flatnonzero(np.concatenate([[True], changes, [True]])))


def _seen(counts: Any) -> Ints:
    values = np.asarray(counts, np.int64)
    if (values < 0).any():
        raise DataError(f"count {int(values.min())} is negative", "counts are numbers of occurrences")
    return np.sort(values[values > 0])


def _plugin(p: Floats) -> float:
    return float(0.0 - (p * np.log(p)).sum())  # not the negative, which is -0.0 for a single bin


def _hypergeometric(k: Ints, n: int, c: Ints, m: int) -> Floats:
    """Computes P(k of the c marked ones are among m drawn from n); scipy.stats would take most of a second to import."""
    possible = (k <= c) & (m - k <= n - c)
    k = np.where(possible, k, np.minimum(c, m))
    with np.errstate(invalid="ignore"):
        log = _log_choose(c, k) + _log_choose(n - c, m - k) - _log_choose(np.int64(n), np.int64(m))
    return np.where(possible, np.exp(log), 0.0)


def _log_choose(n: Ints | np.int64, k: Ints | np.int64) -> Floats:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def _chao_shen(seen: Ints, n: int) -> float:
    singletons = int((seen == 1).sum())
    if singletons == n:  # the coverage would be 0; as is usual, one of the singletons is then not counted
        singletons = n - 1
    p = (1 - singletons / n) * seen / n
    return float(0.0 - (p * np.log(p) / -np.expm1(n * np.log1p(-p, where=p < 1, out=np.full(len(p), -np.inf)))).sum())
