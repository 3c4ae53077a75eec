"""Inner products of the batches' gradients, and what they tell of kinds and methods, with intervals.

Each number here is a function of inner products alone, so no gradient is looked at twice: neither for another method that is a
sum of the same rows, nor for an interval. U(p, q) is the mean of <gradient of p in batch i, gradient of q in batch j> over pairs
of different batches, an unbiased estimate of <E p, E q>; g is the unshaped gradient (`none`).

    signal of a kind k     U(k, k), and its noise: the mean of |k|^2 minus the signal
    share of a kind        U(k, k) / (U(planning, planning) + U(execution, execution))
    cosine of a method m   mean over batches i of cos(m of batch i, mean of g over the other batches)
    bias_cosine            U(m, g) / sqrt(U(m, m) U(g, g)): 1 where the method points, in expectation, where g points

Source: this project's. Intervals: `hicra.stats.jackknife_interval` over batches; everything is computed anew without each batch.

Deviations (the paper measures no gradient):
SIGNAL-1. A step of norm 0 has no direction; its cosine counts as 0, for it gains nothing, and so does a cosine with a mean of the
    others that is 0. A method all of whose steps are 0 has no cosine (null).
SIGNAL-2. The cosine refers to the mean of the N - 1 other batches and not to the true gradient, so it rises with N: compare
    methods within one measurement. `bias_cosine`, signal, noise and share do not depend on N in expectation.
SIGNAL-3. Shares and bias_cosine are not cut to what is possible: noise can carry a share beyond 0 or 1. They are null where a
    denominator is not above 0, and so is an interval if that happens without one or two of the batches.
SIGNAL-4. `batches_needed` is N (half width of the interval / distance from 1/2 or 0)^2, since intervals shrink as 1/sqrt(N); it
    takes the estimate for the truth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from hicra.arrays import Array, Floats
from hicra.errors import DataError
from hicra.metrics.kinds import KINDS
from hicra.signal.settings import LEAST_BATCHES
from hicra.signal.subsets import numbers
from hicra.stats.jackknife import jackknife_interval, left_out

REFERENCE = "none"
PLANNING, EXECUTION = KINDS
_COLUMNS = 1 << 12  # of a gradient, taken at a time; more are slower and take more memory


def products(vectors: Sequence[tuple[Array, Mapping[str, Floats]]], names: Sequence[str]) -> Floats:
    """Computes the inner products of all gradients, in float64.

    Args:
        vectors: for each batch the gradients of its components [R_n,D] (float32 or float64) and {name: coefficients [R_n]}. The
            number of components may differ from batch to batch.
        names: of kinds, then methods; each has coefficients in every batch.

    Returns:
        [N,P,N,P]: entry [i,p,j,q] is the inner product of the gradient of name p in batch i with that of name q in batch j.

    Raises:
        DataError: there is no batch, lengths differ, a gradient is not finite, or a name has no coefficients.
    """
    if not vectors:
        raise DataError("inner products of no batches", "give the gradients of at least one batch")
    width = np.shape(vectors[0][0])[1]
    tables = []
    for batch, (rows, coefficients) in enumerate(vectors):
        if rows.ndim != 2 or rows.shape[1] != width:
            raise DataError(
                f"gradients of batch {batch} have shape {rows.shape}, those of batch 0 have length {width}",
                "measure all batches with one choice of parameters and one projection",
            )
        if not np.isfinite(rows).all():
            raise DataError(f"a gradient of batch {batch} is not finite", "look for what overflows in its loss")
        lacking = [name for name in names if name not in coefficients]
        if lacking:
            raise DataError(
                f"batch {batch} has no coefficients of {lacking[0]}", "measure the same names in every batch"
            )
        table = np.array([coefficients[name] for name in names], np.float64).reshape(len(names), -1)
        if table.shape[1] != len(rows):
            raise DataError(
                f"batch {batch} has {len(rows)} components and coefficients of {table.shape[1]}",
                "take both from one call of `components`",
            )
        tables.append(table)
    ends = np.cumsum([len(rows) for rows, _ in vectors])
    gram = np.zeros((ends[-1], ends[-1]))
    for start in range(0, width, _COLUMNS):
        block = np.concatenate([rows[:, start : start + _COLUMNS] for rows, _ in vectors]).astype(np.float64)
        gram += block @ block.T
    whole = np.zeros((len(vectors), len(names), ends[-1]))
    for batch, table in enumerate(tables):
        whole[batch, :, ends[batch] - table.shape[1] : ends[batch]] = table
    flat = whole.reshape(-1, ends[-1])
    inner: Floats = (flat @ gram @ flat.T).reshape(len(vectors), len(names), len(vectors), len(names))
    return inner


def analyse(inner: Floats, kinds: Sequence[str], methods: Sequence[str], confidence: float = 0.95) -> dict[str, Any]:
    """Computes signal, noise and share of every kind, and what one step of every method is worth.

    Args:
        inner: [N,P,N,P] of `products`, N >= 2, names in the order kinds, methods.
        kinds: begin with planning and execution.
        methods: hold `none`.
        confidence: of the intervals, in (0, 1).

    Returns:
        `kinds` {name: {signal, signal_ci, noise, snr, share, ci, batches_needed}}, `methods` {name: {cosine, cosine_ci,
        difference, difference_ci, bias_cosine, bias_cosine_ci, snr, batches_needed}} and `warnings` [text]. `ci` is that of the
        share. Numbers that are not finite are None, and so are intervals of two batches. `batches_needed` is None where the
        interval is off 1/2 (a share) or off 0 (a difference), or where there is nothing to tell.

    Raises:
        DataError: there are fewer than two batches, or names and shape do not fit each other or the rules above.
        ConfigError: (a ValueError) confidence lies outside (0, 1).
    """
    n = len(inner)
    names = [*kinds, *methods]
    if inner.shape != (n, len(names), n, len(names)) or list(kinds[:2]) != [PLANNING, EXECUTION]:
        raise DataError(
            f"inner products of shape {inner.shape} for kinds {list(kinds)} and methods {list(methods)}",
            "give [N,P,N,P] with the names of `products`; kinds begin with planning, execution",
        )
    if REFERENCE not in methods:
        raise DataError("the methods lack `none`, the unshaped gradient", "add none to the methods")
    if n < 2:
        raise DataError(f"{n} batch has no pair of batches", "measure at least three, better sixteen")
    taken = np.concatenate([np.ones((1, n), np.bool_), *(left_out(n) if n > LEAST_BATCHES else left_out(n)[: n - 2])])
    found = numbers(inner, len(kinds) + list(methods).index(REFERENCE), taken)
    out: dict[str, Any] = {"kinds": {}, "methods": {}, "warnings": []}
    for at, name in enumerate(names):
        signal, noise = float(found.signal[0, at]), float(found.noise[0, at])
        snr = _finite(signal / noise if noise > 0 else np.nan)
        if at < len(kinds):
            share = _with_interval(found.share[:, at], n, confidence)
            out["kinds"][name] = {
                "signal": _finite(signal), "signal_ci": _with_interval(found.signal[:, at], n, confidence)[1],
                "noise": _finite(noise), "snr": snr, "share": share[0], "ci": share[1],
                "batches_needed": _batches_needed(*share, 0.5, n),
            }  # fmt: skip
        else:
            cosine, bias, difference = (
                _with_interval(values[:, at], n, confidence)
                for values in (found.cosine, found.bias_cosine, found.difference)
            )
            out["methods"][name] = {
                "cosine": cosine[0], "cosine_ci": cosine[1], "difference": difference[0], "difference_ci": difference[1],
                "bias_cosine": bias[0], "bias_cosine_ci": bias[1], "snr": snr,
                "batches_needed": None if name == REFERENCE else _batches_needed(*difference, 0.0, n),
            }  # fmt: skip
    out["warnings"] = list(_warnings(out, n, inner, names))
    return out


def _with_interval(values: Floats, n: int, confidence: float) -> tuple[float | None, list[float] | None]:
    """Returns a number and its interval [low, high], from its values for all batches, without one each, and without two each."""
    whole = float(values[0])
    without, without_two = values[1 : n + 1], values[n + 1 :]
    if n < LEAST_BATCHES or not np.isfinite(values).all():
        return _finite(whole), None
    low, high = jackknife_interval(whole, without, confidence, without_two if len(without_two) else None)
    return whole, [low, high]


def _batches_needed(value: float | None, interval: list[float] | None, edge: float, n: int) -> int | None:
    """Returns how many batches would tell the value from the edge, None where that is told or cannot be said (SIGNAL-4)."""
    if value is None or interval is None or value == edge or not interval[0] <= edge <= interval[1]:
        return None
    return int(np.ceil(min(n * ((interval[1] - value) / (value - edge)) ** 2, 1e9)))


def _warnings(found: Mapping[str, Any], n: int, inner: Floats, names: Sequence[str]) -> Iterator[str]:
    """Says what cannot be told, and how many batches would do."""
    if n < LEAST_BATCHES:
        yield f"{n} batches give no intervals; measure at least {LEAST_BATCHES}, better 16"
    planning = found["kinds"][PLANNING]
    if planning["share"] is None:
        yield (
            "planning and execution together show no signal above the noise, so there are no shares; "
            f"measure more batches than {n}, or larger ones"
        )
    elif planning["ci"] is None and n >= LEAST_BATCHES:
        yield "the share of planning has no interval: without one of the batches no signal is left; measure more batches"
    elif planning["batches_needed"] is not None:
        yield (
            f"the share of planning cannot be told from 1/2: {_range(planning['share'], planning['ci'])}; "
            f"about {planning['batches_needed']} batches would do if it is what it seems"
        )
    for name, method in found["methods"].items():
        if method["batches_needed"] is not None:
            yield (
                f"whether a step of {name} is better or worse than one of none cannot be told: "
                f"{_range(method['difference'], method['difference_ci'])}; about {method['batches_needed']} batches would do "
                "if the difference is what it seems"
            )
    for at, name in enumerate(names):
        still = sum(not inner[batch, at, batch, at] > 0 for batch in range(n))
        if still and at >= len(found["kinds"]):
            yield f"the gradient of {name} is 0 in {still} of {n} batches"


def _range(value: float, interval: Sequence[float]) -> str:
    return f"{value:.3g}, interval {interval[0]:.3g} to {interval[1]:.3g}"


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
