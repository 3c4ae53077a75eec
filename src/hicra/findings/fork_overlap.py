"""Are planning tokens the tokens where the model is uncertain ("forks"), and how much of that is chance?

The paper gives P(high entropy | planning) and P(planning | high entropy) of five models, where high means the 30 % of tokens
with the highest entropy, and remarks that under 10 % of the high-entropy tokens plan. With few planning tokens that is nearly
automatic: were all of them high, P(planning | high) would be planning share / 0.3, the ceiling. The lift says what the
overlap is worth: P(planning | high) over the planning share, which is the same as P(high | planning) over 0.3. A planning
mask that knows nothing of entropy has lift 1.

Deviations (the paper does not say whether "top 30 %" is that of a response or of a corpus, and gives no interval):
FORK-1. High tokens are the 30 % of all tokens of a step's rollouts, so that a step with more entropy has no more of them.
FORK-2. Tokens at the edge with equal entropies are each high in part, so that exactly 30 % are and no order decides.
FORK-3. The interval of the lift is from a bootstrap over rollouts (1000 resamples, a fixed seed). Which tokens are high is not
    decided anew in a resample. More than 4000 rollouts are drawn in 4000 bundles, which are put together at random.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hicra.arrays import Array, Bools, Floats, Ints
from hicra.drawing.readable import number
from hicra.findings.finding import Evidence, Finding
from hicra.findings.per_token import tokens_of
from hicra.findings.saved import Rollouts
from hicra.stats import cluster_bootstrap

HIGH = 0.3
RESAMPLES, SEED, CONFIDENCE = 1000, 0, 0.95
BUNDLES = 4000


def fork_overlap(evidence: Evidence) -> Finding | None:
    """Compares planning tokens with high-entropy tokens; None where no rollout has `entropies` and `planning_mask`.

    Figures: p_high_given_planning, p_planning_given_high, planning_share, ceiling, lift, lift_ci [low, high], the same but the
    interval of the `first` and the `last` step, tokens, rollouts, left_out (rollouts without the two columns).
    """
    found = _sums_of_steps(evidence.rollouts)
    of_steps = [(step, sums) for step, sums, _ in found if len(sums)]
    if not of_steps:
        return None
    sums = np.concatenate([sums for _, sums in of_steps])
    figures = _figures(sums.sum(axis=0))
    if len(of_steps) > 1:
        for name, (step, own) in (("first", of_steps[0]), ("last", of_steps[-1])):
            figures[name] = {"step": step, **_figures(own.sum(axis=0))}
    figures |= {
        "tokens": int(sums[:, 0].sum()), "rollouts": len(sums),
        "left_out": evidence.rollouts.height - sum(rows for _, _, rows in found),
    }  # fmt: skip
    if figures["lift"] is None:
        figures["lift_ci"] = None
        return Finding(
            "fork_overlap",
            "No token is a planning token, so none of them can be compared with uncertain ones.",
            figures,
        )
    figures["lift_ci"] = list(cluster_bootstrap(_bundled(sums), _lift, RESAMPLES, SEED, CONFIDENCE)["lift"])
    return Finding("fork_overlap", _text(figures), figures)


def _sums_of_steps(rollouts: Rollouts) -> list[tuple[int, Floats, int]]:
    """Returns of each step its number, the sums of its rollouts with tokens [B,4], and how many rollouts have both columns."""
    found = []
    for table in rollouts.by_step("entropies", "planning_mask"):
        tokens = tokens_of(table, "entropies", "planning_mask")
        if tokens is not None:
            known = np.isfinite(tokens.values["entropies"]) & np.isfinite(tokens.values["planning_mask"])
            entropies, planning = tokens.values["entropies"][known], tokens.values["planning_mask"][known] > 0
            high = top_share(entropies, HIGH) if len(entropies) else entropies
            found.append((int(table["step"][0]), _sums(tokens.row[known], planning, high), tokens.rollouts.height))
    return found


def top_share(values: Floats, share: float) -> Floats:
    """Returns how far each value [N] is among the largest `share` of them: 1, 0, or a part at the edge (FORK-2).

    The parts sum to share * N.

    >>> top_share(np.array([5.0, 1.0, 2.0, 2.0]), 0.5).tolist()
    [1.0, 0.0, 0.5, 0.5]
    """
    wanted = share * len(values)
    edge = np.sort(values)[::-1][max(0, math.ceil(wanted) - 1)]
    above, tied = values > edge, values == edge
    parts: Floats = np.where(tied, (wanted - above.sum()) / tied.sum(), above)
    return parts


def _sums(row: Ints, planning: Bools, high: Floats) -> Floats:
    """[B,4] of each rollout: tokens, planning tokens, high tokens, and those that are both."""
    both = np.where(planning, high, 0.0)
    columns = [np.bincount(row, weights, minlength=1) for weights in (None, planning.astype(float), high, both)]
    counts: Floats = np.stack(columns, axis=1).astype(np.float64)
    return counts[counts[:, 0] > 0]


def _bundled(sums: Floats) -> Floats:
    """[K,4] the sums of at most `BUNDLES` bundles of rollouts."""
    bundle = np.random.default_rng(SEED).permutation(len(sums)) % BUNDLES
    return np.stack([np.bincount(bundle, column) for column in sums.T], axis=1)


def _lift(sums: Array) -> dict[str, Floats]:
    """The lift of sums [R,4]; 0 where a resample has no planning token at all."""
    tokens, planning, high, both = sums.T
    known = planning * high > 0
    return {"lift": np.where(known, both * tokens / np.where(known, planning * high, 1.0), 0.0)}


def _figures(sums: Floats) -> dict[str, Any]:
    tokens, planning, high, both = (float(value) for value in sums)
    share = planning / tokens
    return {
        "p_high_given_planning": both / planning if planning else None,
        "p_planning_given_high": both / high,
        "planning_share": share,
        "ceiling": min(1.0, share / HIGH),
        "lift": both * tokens / (planning * high) if planning else None,
    }


def _text(figures: dict[str, Any]) -> str:
    low, high = figures["lift_ci"]
    says = (
        "so the model is uncertain at planning tokens more often than elsewhere" if low > 1
        else "so the model is uncertain at planning tokens less often than elsewhere" if high < 1
        else "which chance alone may give"
    )  # fmt: skip
    shown = {name: number(figures[name], percent=True) for name in figures if name.startswith("p_")}
    return (
        f"Of the planning tokens, {shown['p_high_given_planning']} are among the 30\u00a0% of tokens with the highest entropy. "
        f"Of these uncertain tokens, {shown['p_planning_given_high']} are planning tokens; with a planning share of "
        f"{number(figures['planning_share'], percent=True)}, {number(figures['ceiling'], percent=True)} is the most possible. "
        "The overlap is "
        f"{number(figures['lift'])} times that of chance (95\u00a0% interval {number(low)} to {number(high)}), {says}."
    )
