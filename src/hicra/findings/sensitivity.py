"""How much of what a run shows depends on the very list of grams: 30 % of them are left out at random, many times.

The paper does so once (its appendix B) and finds the curves of semantic entropy alike. Here the recorded spans are counted again
without the spans of the grams that are left out, so no tagger is needed. This is a new analysis of the same rollouts. Whether a
policy that is trained with 70 % of the grams ends where the first one did is another question, which needs a new training.

Deviations (the paper gives one draw and no figure of likeness):
SENSITIVITY-1. The grams that are left out are drawn from those that occur in the run, 30 % of them rounded, at least one and not
    all; 200 draws with a fixed seed. The intervals hold the middle 95 % of the draws.
SENSITIVITY-2. Where rollouts have `token_ends`, shares are of tokens, and of characters else. Of nested spans that are left the
    longest counts, as METRIC-1 says, so a short gram may count where the long one around it is left out.
SENSITIVITY-3. The change of the semantic entropy is that from the first to the last step with a span; a step that loses all
    its spans has entropy 0. The change keeps its direction if it has the full one's sign in 95 % of the draws, and the curve
    keeps its shape if its rank correlation with the full curve is at least 0.9 in 95 % of them.
SENSITIVITY-4. A span that is a whole sentence belongs to the one gram that is recorded with it, so the sentence goes with it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from hicra.arrays import Bools, Floats, Ints
from hicra.drawing.readable import decimal, number
from hicra.findings.columns import with_columns_of
from hicra.findings.finding import Evidence, Finding
from hicra.findings.gram_use import are_spans
from hicra.findings.saved import Rollouts
from hicra.metrics import semantic_entropy
from hicra.stats import rank_correlation

AnyInts = npt.NDArray[np.signedinteger]  # 4 bytes each where they fit
DROPPED, DRAWS, SEED = 0.3, 200, 0
LEAST_GRAMS = 4
ALIKE, MOST = 0.9, 0.95


@dataclass(frozen=True)
class Spans:
    """Holds the spans of a run as ranges of tokens or characters, 12 bytes each.

    Attributes:
        counts: "tokens" or "characters".
        grams: the G grams that occur.
        steps: [S] the steps, ascending; sizes: [S] tokens or characters of each.
        laid: of each step three arrays [H]: the index of each span's gram in `grams`, and where it starts and ends on a line on
            which all responses of the step stand one after the other. The spans are sorted by start, then the longest first.
    """

    counts: str
    grams: list[str]
    steps: Ints
    sizes: Ints
    laid: list[tuple[AnyInts, AnyInts, AnyInts]]


def sensitivity(evidence: Evidence) -> Finding | None:
    """Analyses the run again without 30 % of its grams; None where no rollout has a span, or fewer than four grams occur.

    Figures: grams, dropped (how many are left out), draws, counts (what shares are of); planning_share, semantic_entropy (mean
    over the steps with a span), semantic_entropy_change (last minus first step) and curve_correlation (rank correlation of the
    semantic entropies over the steps with the full ones), each {full, mean, low, high} over the draws, or null where it is not
    defined: a change needs two steps, a correlation three; keeps_direction, keeps_shape (null likewise).
    """
    spans = spans_of(evidence.rollouts)
    if spans is None or len(spans.grams) < LEAST_GRAMS:
        return None
    count = len(spans.grams)
    dropped = min(count - 1, max(1, round(DROPPED * count)))
    rng = np.random.default_rng(SEED)
    kept = np.ones((DRAWS + 1, count), np.bool_)  # the first keeps all
    for draw in range(DRAWS):
        kept[draw + 1, rng.choice(count, dropped, replace=False)] = False
    found = [analysis(spans, one) for one in kept]
    full_share, full_curve = found[0]
    shares, curves = np.array([share for share, _ in found[1:]]), np.stack([curve for _, curve in found[1:]])
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
    if spans.counts != "tokens" and (counts := evidence.config.get("counts")):
        told += f" Shares are of characters here, since the place of each of the {counts} is not recorded."
    return Finding("sensitivity", told, figures)


def spans_of(rollouts: Rollouts) -> Spans | None:
    """Lays the recorded spans of all rollouts on a line for each step; None where none is recorded."""
    if not are_spans(rollouts.schema.get("spans", pl.Null())):
        return None
    by_tokens = rollouts.once(_have_token_ends)
    grams: dict[str, int] = {}
    steps, sizes, laid = [], [], []
    for table in rollouts.by_step("spans", "response", *(["token_ends"] if by_tokens else [])):
        told = with_columns_of(table, step="integer", response="text")
        rows = None if told is None else told.drop_nulls("spans")
        if rows is not None and rows.height:
            size, found = _laid(rows, by_tokens, grams)
            steps.append(int(rows["step"][0]))
            sizes.append(size)
            laid.append(found)
    if not grams:
        return None
    names = sorted(grams)  # so that what is drawn does not depend on the order of the rollouts
    number = np.argsort([grams[name] for name in names]).astype(np.int32)
    return Spans(
        "tokens" if by_tokens else "characters", names, np.array(steps), np.array(sizes),
        [(number[gram], start, stop) for gram, start, stop in laid],
    )  # fmt: skip


def _laid(rows: pl.DataFrame, by_tokens: bool, grams: dict[str, int]) -> tuple[int, tuple[AnyInts, AnyInts, AnyInts]]:
    """Returns how many tokens or characters the rollouts of a step have, and their spans; gives each new gram a number."""
    ends = rows["token_ends"].to_list() if by_tokens else None
    hits: list[tuple[int, int, int]] = []
    begin = 0
    for row, (spans, size) in enumerate(zip(rows["spans"].to_list(), _sizes(rows, ends), strict=True)):
        for span in spans:
            if span is None or None in span.values():
                continue
            start, stop = span["start"], span["end"]
            if ends is not None:  # the first token that ends behind the start, to the one that holds the last character
                start, stop = bisect_right(ends[row], start), bisect_left(ends[row], stop) + 1
            stop = min(stop, size)
            if 0 <= start < stop:
                hits.append((grams.setdefault(span["gram"], len(grams)), begin + start, begin + stop))
        begin += size
    table: AnyInts = np.array(hits, np.int64).reshape(-1, 3)
    if begin < 2**31:
        table = table.astype(np.int32)
    gram, start_at, stop_at = table[np.lexsort((-table[:, 2], table[:, 1]))].T.copy()
    return begin, (gram, start_at, stop_at)


def _sizes(rows: pl.DataFrame, ends: list[list[int]] | None) -> list[int]:
    return rows["response"].str.len_chars().to_list() if ends is None else [len(one) for one in ends]


def _have_token_ends(rollouts: Rollouts) -> bool:
    """Says whether every rollout with spans and a response says where its tokens end."""
    dtype = rollouts.schema.get("token_ends")
    if not isinstance(dtype, pl.List) or not dtype.inner.is_numeric():
        return False
    known = pl.col("token_ends").is_not_null() & ~pl.col("token_ends").list.contains(None).fill_null(False)
    for table in rollouts.by_step("spans", "response", "token_ends"):
        rows = with_columns_of(table, step="integer", response="text")
        if rows is not None and not rows.drop_nulls("spans").select(known.all()).item():
            return False
    return True


def analysis(spans: Spans, kept: Bools) -> tuple[float, Floats]:
    """Counts the spans of the grams that are kept [G].

    Returns:
        The planning share of all steps together, and the semantic entropy of each step [S], NaN where a step has no span.
    """
    curve = np.full(len(spans.steps), np.nan)
    covered = 0
    for index, (gram, start, stop) in enumerate(spans.laid):
        inside = kept[gram]
        if not inside.any():
            continue
        start, stop = start[inside], stop[inside]
        reach = np.concatenate([[-1], np.maximum.accumulate(stop)[:-1]])  # how far the spans before this one reach
        counted = stop > reach  # else it lies inside one of them
        covered += int((stop - np.maximum(start, reach))[counted].sum())
        curve[index] = semantic_entropy(np.bincount(gram[inside][counted]))
    return covered / int(spans.sizes.sum()), curve


def _spread(full: float, draws: Floats) -> dict[str, float]:
    low, high = np.percentile(draws, [2.5, 97.5])
    return {"full": full, "mean": float(draws.mean()), "low": float(low), "high": float(high)}


def _text(figures: dict[str, Any]) -> str:
    share, entropy = figures["planning_share"], figures["semantic_entropy"]
    percent = {name: number(value, percent=True) for name, value in share.items()}
    nats = {name: decimal(value, 2) for name, value in entropy.items()}
    said = [
        f"Without a random {figures['dropped']} of the {figures['grams']} grams that occur ({figures['draws']} draws), the "
        f"planning share of {percent['full']} of the {figures['counts']} becomes {percent['mean']} (95\u00a0% of the draws lie "
        f"between {percent['low']} and {percent['high']}), and the mean semantic entropy of {nats['full']} nats becomes "
        f"{nats['mean']} ({nats['low']} to {nats['high']})."
    ]
    if (change := figures["semantic_entropy_change"]) is not None:
        low, high = decimal(change["low"], 2, sign=True), decimal(change["high"], 2, sign=True)
        said.append(
            f"Its change from the first to the last step, {decimal(change['full'], 2, sign=True)}, "
            f"{'keeps' if figures['keeps_direction'] else 'does not keep'} its direction ({low} to {high})."
        )
    if (alike := figures["curve_correlation"]) is not None:
        said.append(
            f"Its curve {'keeps' if figures['keeps_shape'] else 'does not keep'} its shape (rank correlation with the full curve "
            f"{decimal(alike['low'], 2)} to {decimal(alike['high'], 2)})."
        )
    return " ".join(
        [*said, "The rollouts are the same, so this does not say what training with fewer grams would give."]
    )
