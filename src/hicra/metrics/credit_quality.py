"""Credit quality: how a method's advantages compare with the true advantage of every token, where that has been estimated.

With A_t the method's advantage, a'_t and a''_t the two independent estimates of the true one, so that E[a'_t a''_t] = a_t^2
(`true_advantages.py`), sums over the policy tokens of all rollouts, and n tokens:

    share of a kind    sum over the kind of a'a''  /  sum of a'a''
    cosine             sum A a  /  sqrt(sum A^2 . sum a'a''), with a = (a' + a'') / 2
    focus              (sum |A| a'a'' / sum |A|)  /  (sum a'a'' / n): the mean a^2 where the method puts its mass, against the
                       mean over tokens; 1 is what equal mass on all tokens gives
    lift               (share of sum |A| on tokens that matter, `TrueAdvantages.matters`)  /  (share of such tokens)
    rank               Spearman's correlation of A and a; rank_size: of |A| and a'a''

`rank_size` takes the product and not |a|: a token without any effect would else rank above one whose value was not even
asked for, by its noise alone. The noise draws both rank figures towards 0, and leaves the other figures right on average (the
set of tokens that matter lacks those that could not be told). `reliability`, in true_advantages.py, says how far a perfect
method would get.

Deviations (the definitions are this project's):
QUALITY-2. The share of a kind is of a^2 and not of |a|: the first can be estimated without bias, the second cannot. Two shares of
    |a| stand beside it. `absolute` counts a' with the sign of a'' and is too small where the noise is large; `naive` counts
    |a| as estimated, and is too large there.
QUALITY-3. Where the sum of a'a'' is not above 0, or its interval reaches 0, shares, cosine and focus are None: it cannot be told.
QUALITY-4. Intervals are jackknives over problems, since the tokens of one problem are not independent. They are symmetric and may
    pass 0 or 1.
QUALITY-5. A rank within a rollout is the mean over the rollouts in which it is defined: in which neither list is constant.
QUALITY-6. `absolute` and `naive` have no interval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hicra.arrays import Array, Bools, Floats, Ints, as_flags, as_numpy
from hicra.errors import ConfigError, DataError, did_you_mean
from hicra.metrics.true_advantages import CONFIDENCE, THRESHOLD, TrueAdvantages
from hicra.stats.jackknife import jackknife_interval
from hicra.stats.rank import rank_correlation

Figures = dict[str, Any]


def kind_shares(truth: TrueAdvantages, kinds: Mapping[str, Any], confidence: float = CONFIDENCE) -> dict[str, Figures]:
    """Says where the true advantage lies.

    Args:
        truth: of B rollouts.
        kinds: name -> mask [B,T] of true and false or of 0 and 1, numpy, torch or lists; masks may overlap, and need not cover
            all policy tokens.
        confidence: of the intervals.

    Returns:
        name -> {tokens (share of the policy tokens), share (of a^2), share_ci, lift (share / tokens), lift_ci, absolute, naive}.

    Raises:
        DataError: a mask has another shape, or is neither 0 nor 1 on a policy token.
    """
    out: dict[str, Figures] = {}
    a, b = truth.first, truth.second
    sizes = np.stack([a * b, (a * np.sign(b) + b * np.sign(a)) / 2, np.abs(truth.mean), np.ones_like(a)], axis=-1)
    whole, told = _by_problem(truth, sizes), _told(truth)
    for name, mask in kinds.items():
        marked = as_flags(_shaped(mask, truth, name), name, truth.live)
        part = _by_problem(truth, sizes * marked[..., None])
        ours, all_ = part.sum(axis=0), whole.sum(axis=0)
        shares = _with_intervals(np.concatenate([part, whole], axis=1), _share, confidence, told)
        out[name] = {"tokens": float(ours[3] / all_[3]), **shares} | {
            label: float(ours[at] / all_[at]) if all_[at] > 0 else None for at, label in ((1, "absolute"), (2, "naive"))
        }
    return out


def credit_quality(
    truth: TrueAdvantages,
    shaped: Mapping[str, Any],
    *,
    reference: str = "none",
    threshold: float = THRESHOLD,
    confidence: float = CONFIDENCE,
) -> dict[str, Figures]:
    """Compares methods with the true advantages.

    Args:
        truth: of B rollouts.
        shaped: method -> its advantages [B,T], numpy, torch (bfloat16 too) or lists.
        reference: the method that the others are compared with, problem by problem.
        threshold, confidence: of the tokens that matter; the confidence also of the intervals.

    Returns:
        method -> the figures of the module's docstring: cosine, focus, lift, mass (share of the mass on tokens that matter),
        rank, rank_size, rank_within, rank_size_within, each with its `_ci` ([low, high] or None) and None where it is not
        defined; cosine_difference and focus_difference (to the reference) with `_ci`; rollouts_ranked and
        rollouts_ranked_size, the numbers of rollouts behind the two ranks within.

    Raises:
        DataError: an advantage has another shape, or is no finite number on a policy token.
        ConfigError: the reference is not among the methods.
    """
    if reference not in shaped:
        raise ConfigError(f"the reference {reference!r} is not among the methods", did_you_mean(reference, shaped))
    told, matters = _told(truth), truth.matters(threshold, confidence)
    checked = {name: _finite(_shaped(values, truth, name), truth, name) for name, values in shaped.items()}
    sums = {name: _method_sums(truth, values, matters) for name, values in checked.items()}
    out: dict[str, Figures] = {}
    for name, values in checked.items():
        both = np.concatenate([sums[name], sums[reference]], axis=1)
        out[name] = {
            **_with_intervals(sums[name], _sizes, confidence, told),
            **_with_intervals(both, _differences, confidence, told),
            **_with_intervals(sums[name], _masses, confidence),
            **_ranks(truth, values, confidence),
        }
    return out


def _shaped(values: Any, truth: TrueAdvantages, name: str) -> Array:
    found = as_numpy(values)
    if found.shape != truth.live.shape:
        raise DataError(
            f"{name} has shape {found.shape}, the true advantages have {truth.live.shape}",
            "give the same rollouts in the same order",
        )
    return found


def _finite(values: Array, truth: TrueAdvantages, name: str) -> Floats:
    if values.dtype.kind not in "fiub":
        raise DataError(f"{name} is of type {values.dtype}, no numbers", "give the method's advantages")
    if not np.isfinite(values[truth.live]).all():
        raise DataError(f"{name} is not finite on a policy token", "look at the batch that the method was given")
    return values.astype(np.float64)


def _by_problem(truth: TrueAdvantages, values: Floats) -> Floats:
    """Sums values [B,T,D] over the policy tokens of each problem, [K,D]."""
    rows = np.where(truth.live[..., None], values, 0.0).sum(axis=1)
    _, problem = np.unique(truth.problems, return_inverse=True)
    out = np.zeros((problem.max() + 1, values.shape[-1]))
    np.add.at(out, problem, rows)
    return out


def _told(truth: TrueAdvantages) -> bool:
    """Whether the sum of a'a'' is surely above 0; one problem alone tells nothing."""
    size = _by_problem(truth, (truth.first * truth.second)[..., None])[:, 0]
    return len(size) > 1 and jackknife_interval(size.sum(), size.sum() - size, CONFIDENCE)[0] > 0


def _with_intervals(
    sums: Floats, figures: Callable[[Floats], dict[str, Floats]], confidence: float, told: bool = True
) -> Figures:
    """Computes figures of the sums [K,D] over problems, each with its jackknife interval; None where they cannot be told."""
    whole, without = figures(sums.sum(axis=0)[None]), figures(sums.sum(axis=0) - sums)
    out: Figures = {}
    for name, value in whole.items():
        fine = told and np.isfinite(value[0])
        out[name] = float(value[0]) if fine else None
        known = fine and len(sums) > 1 and np.isfinite(without[name]).all()
        out[f"{name}_ci"] = list(jackknife_interval(value[0], without[name], confidence)) if known else None
    return out


def _ratio(top: Floats, bottom: Floats) -> Floats:
    return np.asarray(np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0))


def _share(sums: Floats) -> dict[str, Floats]:
    share = _ratio(sums[:, 0], sums[:, 4])
    return {"share": share, "lift": _ratio(share, _ratio(sums[:, 3], sums[:, 7]))}


def _method_sums(truth: TrueAdvantages, values: Floats, matters: Bools) -> Floats:
    mass, size = np.abs(values), truth.first * truth.second
    columns = (mass, mass * matters, matters, np.ones_like(size), mass * size, size, values * truth.mean, mass**2)
    return _by_problem(truth, np.stack([np.where(truth.live, column, 0.0) for column in columns], axis=-1))


def _sizes(sums: Floats) -> dict[str, Floats]:
    mass, _, _, tokens, weighted, size, dot, square = sums.T
    return {
        "cosine": _ratio(dot, np.sqrt(np.maximum(square * size, 0))),
        "focus": _ratio(_ratio(weighted, mass), _ratio(size, tokens)),
    }


def _masses(sums: Floats) -> dict[str, Floats]:
    mass, on, matter, tokens = sums.T[:4]
    share = _ratio(on, mass)
    return {"mass": share, "lift": _ratio(share, _ratio(matter, tokens))}


def _differences(sums: Floats) -> dict[str, Floats]:
    ours, reference = _sizes(sums[:, :8]), _sizes(sums[:, 8:])
    return {f"{name}_difference": value - reference[name] for name, value in ours.items()}


def _ranks(truth: TrueAdvantages, values: Floats, confidence: float) -> Figures:
    out: Figures = {}
    _, problem = np.unique(truth.problems, return_inverse=True)
    for name, ours, true in (
        ("rank", values, truth.mean),
        ("rank_size", np.abs(values), truth.first * truth.second),
    ):
        out[name], out[f"{name}_ci"] = _pooled_rank(truth, problem, ours, true, confidence)
        each = [rank_correlation(one[on], other[on]) for one, other, on in zip(ours, true, truth.live, strict=True)]
        sums = np.zeros((problem.max() + 1, 2))
        np.add.at(sums, problem, [(rank or 0.0, rank is not None) for rank in each])
        within = _with_intervals(sums, lambda of: {"within": _ratio(*of.T)}, confidence)
        out |= {f"{name}_{key}": value for key, value in within.items()}
        out[name.replace("rank", "rollouts_ranked")] = int(sums[:, 1].sum())
    return out


def _pooled_rank(
    truth: TrueAdvantages, problem: Ints, ours: Array, true: Floats, confidence: float
) -> tuple[float | None, list[float] | None]:
    of_token = np.broadcast_to(problem[:, None], truth.live.shape)[truth.live]
    one, other = ours[truth.live], true[truth.live]
    whole = rank_correlation(one, other)
    if whole is None or problem.max() < 1:
        return whole, None
    without = [rank_correlation(one[of_token != k], other[of_token != k]) for k in range(problem.max() + 1)]
    if any(rank is None for rank in without):
        return whole, None
    return whole, list(jackknife_interval(whole, np.array(without, np.float64), confidence))
