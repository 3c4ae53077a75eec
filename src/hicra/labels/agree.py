"""Reads what people say of a lexicon from their filled sheets: the share of its grams that they call strategic, against foils.

The paper reports 84, 91 and 88 % of its list for three raters (86 % by majority) against 9, 15 and 13 % (12 %) of other n-grams.
That is about phrase types: each gram counts once, however often a text holds it. Whether a mask marks planning is another
question, which `hicra lexicon score` asks (docs/concepts/lexicon.md). `by_occurrence` stands between the two.

Deviations (the paper gives shares, and of the agreement only the word "substantial"):
SHEET-5. The majority calls an item strategic if more than half of the marks on it do, so a tie is none. A rater who cannot say
    (?) gives no mark. Items without any mark are left out of the majority and counted as `undecided`.
SHEET-6. kappa is Cohen's, for each pair of raters over the items that both marked, grams and foils together; `kappa` is the mean
    over pairs (Light 1971). Its intervals come from a bootstrap over items.
SHEET-7. Intervals of shares are Wilson's, over items as independent draws. The interval of the difference between grams and foils
    is Newcombe's.
SHEET-8. `by_occurrence` is the share of all occurrences of the sheet's grams in the rollouts that belong to a gram which the
    majority calls strategic; its interval is a bootstrap over grams.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from hicra.arrays import Array, Floats, Ints
from hicra.labels.score import RESAMPLES, agreements
from hicra.labels.sheet import GRAM
from hicra.labels.sheet_files import Rater, SheetKey
from hicra.stats import cluster_bootstrap, cohen_kappa, raw_agreement, share_change_interval, wilson_interval

ALIKE = 20  # from so many items on, two sheets without any difference are worth a warning


def agree(
    key: SheetKey, raters: Sequence[Rater], *, seed: int = 0, confidence: float = 0.95, resamples: int = RESAMPLES
) -> dict[str, Any]:
    """Computes all figures.

    Args:
        raters: at least one, with one mark for each item of the key.
        seed, resamples: of the bootstrap.
        confidence: of all intervals, in (0, 1).

    Returns:
        {lexicon, content_hash, sheet, items, grams, foils, absent, undecided, raters [{name, grams, foils, unsure}], majority
        {grams, foils}, difference, difference_interval, by_occurrence {share, interval}, pairs [{raters, items, agreement,
        kappa, interval}], kappa, kappa_interval, clusters [{cluster, example, items, strategic, share, interval}], warnings}.
        Where it says grams or foils of raters and majority, it is {items, strategic, share, interval}. What cannot be computed
        is None.
    """
    is_gram = [one["kind"] == GRAM for one in key.items]
    majority = _majority(raters)
    shares = _both(majority, is_gram, confidence)
    pairs, kappa, kappa_interval = _pairs(raters, seed, confidence, resamples)
    return {
        "lexicon": key.lexicon["name"], "content_hash": key.lexicon["content_hash"], "sheet": key.sheet,
        "items": len(key.items), "grams": sum(is_gram), "foils": len(is_gram) - sum(is_gram), "absent": len(key.absent),
        "undecided": majority.count(None),
        "raters": [
            {"name": one.name, **_both(one.marks, is_gram, confidence), "unsure": one.marks.count(None)} for one in raters
        ],
        "majority": shares, **_difference(shares), "by_occurrence": _by_occurrence(key, majority, seed, confidence, resamples),
        "pairs": pairs, "kappa": kappa, "kappa_interval": kappa_interval,
        "clusters": _clusters(key, majority, confidence), "warnings": _copies(raters),
    }  # fmt: skip


def _majority(raters: Sequence[Rater]) -> list[bool | None]:
    made: list[bool | None] = []
    for marks in zip(*(one.marks for one in raters), strict=True):
        given = [mark for mark in marks if mark is not None]
        made.append(2 * sum(given) > len(given) if given else None)
    return made


def _both(marks: Sequence[bool | None], is_gram: Sequence[bool], confidence: float) -> dict[str, Any]:
    def of(kind: bool) -> dict[str, Any]:
        return _share([mark for mark, gram in zip(marks, is_gram, strict=True) if gram == kind], confidence)

    return {"grams": of(True), "foils": of(False)}


def _share(marks: Sequence[bool | None], confidence: float) -> dict[str, Any]:
    given = [mark for mark in marks if mark is not None]
    if not given:
        return {"items": 0, "strategic": 0, "share": None, "interval": None}
    share = sum(given) / len(given)
    interval = list(wilson_interval(sum(given), len(given), confidence))
    return {"items": len(given), "strategic": sum(given), "share": share, "interval": interval}


def _difference(shares: dict[str, Any]) -> dict[str, Any]:
    grams, foils = shares["grams"], shares["foils"]
    if not grams["items"] or not foils["items"]:
        return {"difference": None, "difference_interval": None}
    before, after = ((one["share"], *one["interval"]) for one in (foils, grams))
    return {
        "difference": grams["share"] - foils["share"],
        "difference_interval": list(share_change_interval(before, after)),
    }


def _by_occurrence(
    key: SheetKey, majority: Sequence[bool | None], seed: int, confidence: float, resamples: int
) -> dict[str, Any]:
    counts = [
        (one["occurrences"] * mark, one["occurrences"])
        for one, mark in zip(key.items, majority, strict=True)
        if one["kind"] == GRAM and one["occurrences"] and mark is not None
    ]
    if not counts:
        return {"share": None, "interval": None}
    table = np.array(counts, np.int64)

    def figures(sums: Array) -> dict[str, Floats]:
        return {"share": sums[:, 0] / sums[:, 1]}

    interval = cluster_bootstrap(table, figures, resamples, seed, confidence)["share"]
    return {"share": float(table[:, 0].sum() / table[:, 1].sum()), "interval": list(interval)}


def _pairs(
    raters: Sequence[Rater], seed: int, confidence: float, resamples: int
) -> tuple[list[dict[str, Any]], float | None, list[float] | None]:
    """Returns the figures of each pair of raters, and the mean kappa over pairs with its interval."""
    both = list(combinations(raters, 2))
    if not both:
        return [], None, None
    tables = np.concatenate([_table(one, other) for one, other in both], axis=1)

    def figures(sums: Array) -> dict[str, Floats]:
        kappas = [agreements(sums[:, 4 * at : 4 * at + 4])["kappa"] for at in range(len(both))]
        return {**{str(at): kappa for at, kappa in enumerate(kappas)}, "mean": np.mean(kappas, axis=0)}

    found = cluster_bootstrap(tables, figures, resamples, seed, confidence)
    out: list[dict[str, Any]] = []
    kappas: list[float | None] = []
    for at, (one, other) in enumerate(both):
        marked = [pair for pair in zip(one.marks, other.marks, strict=True) if None not in pair]
        first, second = [pair[0] for pair in marked], [pair[1] for pair in marked]
        kappa = cohen_kappa(first, second)
        kappas.append(kappa)
        out.append({
            "raters": [one.name, other.name], "items": len(marked), "agreement": raw_agreement(first, second), "kappa": kappa,
            "interval": None if kappa is None else list(found[str(at)]),
        })  # fmt: skip
    defined = [kappa for kappa in kappas if kappa is not None]
    if len(defined) < len(out):  # of a pair that is not defined there is no mean
        return out, None, None
    return out, sum(defined) / len(defined), list(found["mean"])


def _table(one: Rater, other: Rater) -> Ints:
    """Returns, for each item, where it counts: both strategic, only the first, only the second, neither; [N,4] 0/1."""
    table = np.zeros((len(one.marks), 4), np.int64)
    for row, (first, second) in enumerate(zip(one.marks, other.marks, strict=True)):
        if first is not None and second is not None:
            table[row, 2 * (not first) + (not second)] = 1
    return table


def _clusters(key: SheetKey, majority: Sequence[bool | None], confidence: float) -> list[dict[str, Any]]:
    """Returns the share of each cluster that is on the sheet, the least strategic first."""
    marks: dict[int, list[bool | None]] = {}
    example: dict[int, tuple[int, str]] = {}
    for one, mark in zip(key.items, majority, strict=True):
        if one["kind"] == GRAM and one["cluster"] is not None:
            marks.setdefault(one["cluster"], []).append(mark)
            rank = (-(one["occurrences"] or 0), one["gram"])
            example[one["cluster"]] = min(rank, example.get(one["cluster"], rank))
    found = [
        {"cluster": cluster, "example": example[cluster][1], **_share(given, confidence)}
        for cluster, given in marks.items()
    ]
    return sorted(found, key=lambda one: (one["share"] is None, one["share"] or 0.0, -one["items"], one["cluster"]))


def _copies(raters: Sequence[Rater]) -> list[str]:
    return [
        f"{one.name} and {other.name} marked all {len(one.marks)} items alike: is one a copy of the other?"
        for one, other in combinations(raters, 2)
        if len(one.marks) >= ALIKE and one.marks == other.marks
    ]
