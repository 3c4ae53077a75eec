"""Change points of a curve: the steps at which a continuous, piecewise straight line through it bends.

All places of up to two bends are tried, and the number of bends is the one of least BIC. A jump shows as two bends next to each
other. Intervals come from a bootstrap: the same fit to the found line with new noise, many times.

Deviations (the paper reads its phases by eye):
STATS-6. The criterion is m ln(RSS / n) + (2 + 4 k) ln(m) for k bends, where m is the effective number of points (STATS-5, with
    the residuals of the fit with the most bends). A bend costs four parameters and not two, since its place is searched for.
    Of straight curves at most 2.4 % are bent (correlation up to 0.5, from 40 points on), 6 % at 20 points, and 10 % at 20 points
    and correlation 0.8 (benchmarks/sim_change_points.py).
STATS-7. Curves of more than 80 points are averaged over equal stretches first. A piece has at least 5 points. The bootstrap
    draws normal noise whose neighbours correlate as the residuals do (STATS-5), and fits the same number of bends again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise

import numpy as np

from hicra.arrays import Array, Floats, Ints
from hicra.stats.paired import check_confidence
from hicra.stats.trend import checked_curve, effective_size, neighbours

MOST_BENDS, LEAST_PIECE, MOST_POINTS = 2, 5, 80
_EXACT = 1e-12  # of the variance: a fit with less is exact


@dataclass(frozen=True)
class StraightPiece:
    """One straight piece.

    Attributes:
        start, stop: first and last step.
        first, last: the fitted value there.
        low, high: the interval of last minus first.
    """

    start: float
    stop: float
    first: float
    last: float
    low: float
    high: float

    @property
    def change(self) -> float:
        return self.last - self.first

    @property
    def slope(self) -> float:
        """The change a step."""
        return self.change / (self.stop - self.start)


@dataclass(frozen=True)
class Bend:
    """A change point, with the interval of its step."""

    at: float
    low: float
    high: float


@dataclass(frozen=True)
class Changes:
    """A curve as straight pieces: one more than there are bends.

    Attributes:
        bends: ascending.
        pieces: ascending; neighbours meet.
        whole: from the first step to the last.
        criterion: BIC for 0, 1 and 2 bends, as far as there are points enough.
        correlation: of neighbouring residuals.
    """

    bends: tuple[Bend, ...]
    pieces: tuple[StraightPiece, ...]
    whole: StraightPiece
    criterion: tuple[float, ...]
    correlation: float


def change_points(
    x: Array, y: Array, *, confidence: float = 0.95, resamples: int = 300, seed: int = 0, most: int = MOST_BENDS
) -> Changes:
    """Finds the bends of a curve.

    Args:
        x: [N] ascending steps, at least 10; gaps are allowed.
        y: [N] finite values.
        confidence: of the intervals, in (0, 1).
        resamples, seed: of the bootstrap.
        most: the most bends that are looked for, 0 to 2.

    Raises:
        DataError: (a ValueError) fewer than 10 points, x does not ascend, or a value is not finite.
        ConfigError: (a ValueError) confidence lies outside (0, 1).

    >>> found = change_points(range(21), [abs(step - 12) for step in range(21)])
    >>> [bend.at for bend in found.bends], [round(piece.slope, 9) for piece in found.pieces]
    ([12.0], [-1.0, 1.0])
    """
    check_confidence(confidence)
    steps, values = _averaged(*checked_curve(x, y, 2 * LEAST_PIECE))
    n = len(steps)
    key = tuple(steps.tolist())
    fits = [_best(key, values[None], bends) for bends in range(most + 1) if _places(n, bends)]
    correlation = neighbours(values - fits[-1][1][0], 2 * len(fits))
    size = max(4.0, effective_size(n, correlation))
    floor = _EXACT * float(((values - values.mean()) ** 2).sum())
    left = [max(float(((values - fitted) ** 2).sum()), floor) for _, (fitted,) in fits]
    if not left[0]:  # a curve without any change
        whole = StraightPiece(float(steps[0]), float(steps[-1]), float(values[0]), float(values[0]), 0.0, 0.0)
        return Changes((), (whole,), whole, (0.0,) * len(fits), 0.0)
    criterion = tuple(
        float(size * np.log(rest / n) + (2 + 4 * bends) * np.log(size)) for bends, rest in enumerate(left)
    )
    bends = int(np.argmin(criterion))
    (places,), (fitted,) = fits[bends]
    drawn, lines = _best(key, _resampled(values, fitted, 2 + 2 * bends, resamples, seed), bends)
    ends = np.pad(np.pad(drawn, ((0, 0), (1, 0))), ((0, 0), (0, 1)), constant_values=n - 1)
    reached = np.take_along_axis(lines, ends, axis=1)  # [R,2+bends] values at the ends of pieces
    tail = [50 * (1 - confidence), 50 * (1 + confidence)]

    def piece(first: int, last: int) -> StraightPiece:
        low, high = np.percentile(reached[:, last] - reached[:, first], tail)
        i, j = own[first], own[last]
        return StraightPiece(*map(float, (steps[i], steps[j], fitted[i], fitted[j], low, high)))

    own = [0, *places, n - 1]
    spacing = (steps[-1] - steps[0]) / (n - 1) / 2 if n < len(np.asarray(y)) else 0.0  # of averaged points
    found = zip(steps[places], *np.percentile(steps[drawn], tail, axis=0), strict=True)
    return Changes(
        tuple(Bend(float(at), float(low - spacing), float(high + spacing)) for at, low, high in found),
        tuple(piece(k, k + 1) for k in range(bends + 1)),
        piece(0, bends + 1),
        criterion,
        correlation,
    )


def _averaged(steps: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Averages neighbours until there are at most `MOST_POINTS`; every stretch has as many points as the others, or one less."""
    if len(steps) <= MOST_POINTS:
        return steps, values
    parts = [np.array_split(column, MOST_POINTS) for column in (steps, values)]
    return np.array([part.mean() for part in parts[0]]), np.array([part.mean() for part in parts[1]])


def _places(n: int, bends: int) -> list[tuple[int, ...]]:
    """Lists the places of so many bends, with at least `LEAST_PIECE` points on each side of a bend."""
    inner = range(LEAST_PIECE - 1, n - LEAST_PIECE + 1)
    return [at for at in combinations(inner, bends) if all(b - a >= LEAST_PIECE for a, b in pairwise(at))]


@lru_cache(maxsize=8)
def _bases(steps: tuple[float, ...], bends: int) -> tuple[Ints, Floats]:
    """Returns the places [P,bends] and an orthonormal basis [P,N,2+bends] of the lines that bend there."""
    x, places = np.array(steps), _places(len(steps), bends)
    at = np.array(places, np.int64).reshape(len(places), bends)
    knots = x[at]
    scaled = (x - x[0]) / (x[-1] - x[0])
    hinges = np.maximum(x[None, :, None] - knots[:, None, :], 0.0) / (x[-1] - x[0])
    line = np.broadcast_to(np.stack([np.ones_like(scaled), scaled], axis=1), (len(places), len(x), 2))
    return at, np.linalg.qr(np.concatenate([line, hinges], axis=2))[0]


def _best(steps: tuple[float, ...], values: Floats, bends: int) -> tuple[Ints, Floats]:
    """Returns the places [R,bends] of the bends of the best line through each of R curves [R,N], and the lines [R,N]."""
    at, bases = _bases(steps, bends)
    count, n, parameters = bases.shape
    level = values.mean(axis=1, keepdims=True)
    weights = bases.transpose(0, 2, 1).reshape(-1, n) @ (values - level).T
    weights = weights.reshape(count, parameters, len(values))
    best = (weights**2).sum(axis=1).argmax(axis=0)
    chosen = weights[best, :, np.arange(len(values))]
    return at[best], level + np.einsum("rnk,rk->rn", bases[best], chosen)


def _resampled(values: Floats, fitted: Floats, parameters: int, count: int, seed: int) -> Floats:
    """Draws [R,N] curves: the fitted line and noise whose neighbours correlate as the residuals do (STATS-7)."""
    n, left = len(values), values - fitted
    correlation = neighbours(left, parameters)
    paid = parameters * (1 + correlation) / (1 - correlation)  # the line follows slow noise, so residuals are too small
    spread = np.sqrt(left @ left / max(n - paid, n / 3))
    fresh = np.random.default_rng(seed).normal(size=(n, count)) * spread
    noise = np.empty((n, count))
    noise[0] = fresh[0]
    for i in range(1, n):
        noise[i] = correlation * noise[i - 1] + np.sqrt(1 - correlation**2) * fresh[i]
    return fitted + noise.T
