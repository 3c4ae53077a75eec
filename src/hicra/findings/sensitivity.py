"""How much of what a run shows depends on the very list of grams: 30 % of them are left out at random, many times.

The paper does so once (its appendix B) and finds the curves of semantic entropy alike. Here the recorded spans are counted again
without the spans of the grams that are left out, so no tagger is needed. This is a new analysis of the same rollouts. Whether a
policy that is trained with 70 % of the grams ends where the first one did is another question, which needs a new training.

Deviations (the paper gives one draw and no figure of likeness):
SENSITIVITY-1. The grams that are left out are drawn from those that occur in the run, 30 % of them rounded, at least one and not
    all; 200 draws with a fixed seed. The intervals hold the middle 95 % of the draws.
SENSITIVITY-2. Shares are of tokens, words or characters as SPANS-1 says. Of nested spans that are left the longest counts, as
    METRIC-1 says, so a short gram may count where the long one around it is left out.
SENSITIVITY-3. The change of the semantic entropy is that from the first to the last step with a span; a step that loses all
    its spans has entropy 0. The change keeps its direction if it has the full one's sign in 95 % of the draws, and the curve
    keeps its shape if its rank correlation with the full curve is at least 0.9 in 95 % of them.
SENSITIVITY-4. A span that is a whole sentence belongs to the one gram that is recorded with it, so the sentence goes with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hicra.arrays import Bools, Floats
from hicra.drawing.readable import decimal, number
from hicra.findings.finding import Evidence, Finding
from hicra.findings.laid_spans import OF_CHARACTERS, AnyInts, Spans, spans_of
from hicra.stats import rank_correlation

DROPPED, DRAWS, SEED = 0.3, 200, 0
AT_ONCE = 2**20  # spans of all draws that are counted together, which takes some 40 MB
LEAST_GRAMS = 4
ALIKE, MOST = 0.9, 0.95


def sensitivity(evidence: Evidence) -> Finding | None:
    """Analyses the run again without 30 % of its grams; None where no rollout has a span, or fewer than four grams occur.

    Figures: grams, dropped (how many are left out), draws, counts (what shares are of); planning_share, semantic_entropy (mean
    over the steps with a span), semantic_entropy_change (last minus first step) and curve_correlation (rank correlation of the
    semantic entropies over the steps with the full ones), each {full, mean, low, high} over the draws, or null where it is not
    defined: a change needs two steps, a correlation three; keeps_direction, keeps_shape (null likewise).
    """
    spans = spans_of(evidence)
    if spans is None or len(spans.grams) < LEAST_GRAMS:
        return None
    count = len(spans.grams)
    dropped = min(count - 1, max(1, round(DROPPED * count)))
    rng = np.random.default_rng(SEED)
    kept = np.ones((DRAWS + 1, count), np.bool_)  # the first keeps all
    for draw in range(DRAWS):
        kept[draw + 1, rng.choice(count, dropped, replace=False)] = False
    all_shares, all_curves = analyses(spans, kept)
    full_share, shares = float(all_shares[0]), all_shares[1:]
    full_curve, curves = all_curves[0], all_curves[1:]
    used = ~np.isnan(full_curve)
    full_curve, curves = full_curve[used], np.nan_to_num(curves[:, used])
    changes = curves[:, -1] - curves[:, 0]
    change = float(full_curve[-1] - full_curve[0])
    alike = [rank_correlation(curve, full_curve) for curve in curves] if len(full_curve) > 2 else []
    defined = np.array([one for one in alike if one is not None])
    figures: dict[str, Any] = {
        "grams": count, "dropped": dropped, "draws": DRAWS, "counts": spans.counts,
        "planning_share": _spread(full_share, shares),
        "semantic_entropy": _spread(float(full_curve.mean()), curves.mean(axis=1)),
        "semantic_entropy_change": _spread(change, changes) if len(full_curve) > 1 else None,
        "curve_correlation": _spread(1.0, defined) if len(defined) else None,
        "keeps_direction": bool((np.sign(changes) == np.sign(change)).mean() >= MOST) if len(full_curve) > 1 else None,
        "keeps_shape": bool((defined >= ALIKE).sum() >= MOST * DRAWS) if len(defined) else None,
    }  # fmt: skip
    told = _text(figures)
    if spans.counts == "characters" and evidence.config.get("counts"):
        told += f" {OF_CHARACTERS}"
    return Finding("sensitivity", told, figures)


def analyses(spans: Spans, kept: Bools) -> tuple[Floats, Floats]:
    """Counts the spans D times, each time those of the grams that are kept [D,G].

    Returns:
        [D] the planning share of all steps together, and [D,S] the semantic entropy of each step, NaN where it has no span left.
    """
    covered = np.zeros(len(kept), np.int64)
    curves = np.full((len(kept), len(spans.laid)), np.nan)
    for index, one in enumerate(spans.laid):
        at_once = max(1, AT_ONCE // max(1, len(one.gram)))
        for first in range(0, len(kept) if len(one.gram) else 0, at_once):
            some = slice(first, first + at_once)
            inside = kept[some][:, one.gram]
            stop = np.where(inside, one.stop, -1)
            # how far the spans before this one reach; one that they reach over lies inside of one of them
            reach = np.full_like(stop, -1)
            np.maximum.accumulate(stop[:, :-1], axis=1, out=reach[:, 1:])
            counted = stop > reach
            covered[some] += np.where(counted, stop - np.maximum(one.start, reach), 0).sum(axis=1)
            curves[some, index] = _entropies(counted, one.gram)
    return covered / sum(one.size for one in spans.laid), curves


def _entropies(counted: Bools, gram: AnyInts) -> Floats:
    """Returns the semantic entropy [D] of the spans [D,H] that are counted, NaN where none is; `gram` [H] is that of each."""
    occurring, own = np.unique(gram, return_inverse=True)
    draw, span = np.nonzero(counted)
    cells = np.bincount(draw * len(occurring) + own[span], minlength=len(counted) * len(occurring))
    counts = cells.reshape(len(counted), len(occurring))
    total = counts.sum(axis=1)
    shares = counts / np.maximum(total, 1)[:, None]
    nats = -(shares * np.log(shares, where=counts > 0, out=np.zeros_like(shares))).sum(axis=1)
    return np.where(total > 0, nats + 0.0, np.nan)  # one gram: 0.0 and not -0.0


def _spread(full: float, draws: Floats) -> dict[str, float]:
    low, high = np.percentile(draws, [2.5, 97.5])
    return {"full": full, "mean": float(draws.mean()), "low": float(low), "high": float(high)}


def _text(figures: dict[str, Any]) -> str:
    share, entropy = figures["planning_share"], figures["semantic_entropy"]
    percent = {name: number(value, percent=True) for name, value in share.items()}
    nats = {name: decimal(value, 2) for name, value in entropy.items()}
    said = [
        f"Whether a claim would stand with another list of grams: without a random {figures['dropped']} of the "
        f"{figures['grams']} grams that occur ({figures['draws']} draws), the planning share of {percent['full']} of the "
        f"{figures['counts']} becomes {percent['mean']} (95\u00a0% of the draws lie between {percent['low']} and "
        f"{percent['high']}), and the mean semantic entropy of {nats['full']} nats becomes {nats['mean']} ({nats['low']} to "
        f"{nats['high']}). Both fall nearly by construction, so compare no level with that of another lexicon."
    ]
    if (change := figures["semantic_entropy_change"]) is not None:
        low, high = decimal(change["low"], 2, sign=True), decimal(change["high"], 2, sign=True)
        keeps = "keeps its direction" if figures["keeps_direction"] else "does not keep its direction"
        use = "so it rests on no few grams" if figures["keeps_direction"] else "so build nothing on it"
        said.append(
            f"The change of the semantic entropy from the first to the last step, {decimal(change['full'], 2, sign=True)}, "
            f"{keeps} ({low} to {high}), {use}."
        )
    if (alike := figures["curve_correlation"]) is not None:
        said.append(
            f"Its curve {'keeps' if figures['keeps_shape'] else 'does not keep'} its shape (rank correlation with the full curve "
            f"{decimal(alike['low'], 2)} to {decimal(alike['high'], 2)})."
        )
    return " ".join(
        [*said, "The rollouts are the same, so this does not say what training with fewer grams would give."]
    )
