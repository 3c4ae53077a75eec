"""Scores how well a lexicon finds what people call planning: precision, recall and lift over labelled units.

A unit is flagged when a span lies wholly inside it (`unit="gram"`), or when at least half of its characters lie in spans
(`unit="sentence"`). Units are pooled over all traces; each row counts, also where several annotators labelled one text.

Deviations (the paper validates no lexicon):
SCORE-1. Intervals are percentiles of a bootstrap that draws questions with all their traces and annotators: sentences of one
    trace, and traces of one question, are not independent. Precision without a flagged unit is 0.
SCORE-2. Agreement is over units of two annotators of one text with equal start and end: kappa, and F1 of one against the other,
    which is what a perfect copy of one annotator would score against the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hicra.arrays import Array, Bools, Floats, Ints
from hicra.errors import ConfigError, DataError
from hicra.labels.traces import LabelledTrace
from hicra.lexicon import Lexicon
from hicra.stats import cluster_bootstrap
from hicra.tagging.tagger import Tagger

Interval = tuple[float, float]
RESAMPLES = 2000
COUNTS = ("hits", "flagged", "positive", "units", "marked", "chars")


@dataclass(frozen=True)
class LexiconScore:
    """Says how well flagged units agree with positive ones.

    Attributes:
        units, positive, flagged, hits: numbers of units; hits are flagged and positive.
        base_rate: positive / units. precision, recall, f1: of flagged against positive. lift: precision / base_rate.
        char_share: characters inside spans over all characters of the responses.
        intervals: name -> (low, high) of those figures.
        traces, questions: rows, and the clusters that the bootstrap draws.
        unit, confidence, resamples, seed: the span type, and the settings of the bootstrap.
    """

    units: int
    positive: int
    flagged: int
    hits: int
    base_rate: float
    precision: float
    recall: float
    f1: float
    lift: float
    char_share: float
    intervals: dict[str, Interval]
    traces: int
    questions: int
    unit: str
    confidence: float
    resamples: int
    seed: int

    def as_dict(self) -> dict[str, Any]:
        """Returns everything as JSON values."""
        return asdict(self) | {"intervals": {name: list(pair) for name, pair in self.intervals.items()}}


def score(
    lexicon: Lexicon,
    traces: Sequence[LabelledTrace],
    unit: str | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    confidence: float = 0.95,
) -> LexiconScore:
    """Scores a lexicon against labels.

    Args:
        unit: the span type, "gram" or "sentence"; None takes the lexicon's own.
        resamples: number of bootstrap draws; 0 leaves `intervals` empty.

    Raises:
        DataError: there is no trace, or no positive unit.
        ConfigError: the span type is unknown, or the confidence is outside (0, 1).
    """
    tagger = Tagger(lexicon, unit=unit)
    return score_counts(
        flagged_counts(tagger, traces), traces, tagger.unit, resamples=resamples, seed=seed, confidence=confidence
    )


def flagged_counts(tagger: Tagger, traces: Sequence[LabelledTrace]) -> Ints:
    """Returns the columns of `COUNTS` for each trace, [N,6] int64."""
    memory: dict[str, tuple[Ints, Ints]] = {}  # annotators share texts
    rows = []
    for trace in traces:
        if trace.response not in memory:
            memory[trace.response] = spans_of(tagger, trace.response)
        flag, marked = flags(trace, *memory[trace.response], tagger.unit)
        rows.append(trace_counts(trace, flag, marked))
    return np.array(rows, np.int64).reshape(-1, len(COUNTS))


def trace_counts(trace: LabelledTrace, flag: Bools, marked: int) -> tuple[int, ...]:
    """Returns one row of `flagged_counts` from the flags [U] of a trace's units."""
    hits = int((flag & trace.positive).sum())
    return hits, int(flag.sum()), int(trace.positive.sum()), len(flag), marked, len(trace.response)


def spans_of(tagger: Tagger, text: str) -> tuple[Ints, Ints]:
    """Returns ([S] starts, [S] ends) of the tagger's spans, sorted."""
    spans = tagger.spans(text)
    return np.array([span[0] for span in spans], np.int64), np.array([span[1] for span in spans], np.int64)


def flags(trace: LabelledTrace, start: Ints, end: Ints, unit: str) -> tuple[Bools, int]:
    """Returns ([U] which units are flagged, number of characters inside spans) for spans sorted by start."""
    edge = np.zeros(len(trace.response) + 1, np.int64)
    np.add.at(edge, start, 1)
    np.add.at(edge, end, -1)
    covered = np.concatenate([[0], np.cumsum(np.cumsum(edge[:-1]) > 0)])  # characters inside spans before each one
    marked = int(covered[-1])
    if unit == "sentence":
        return 2 * (covered[trace.end] - covered[trace.start]) >= trace.end - trace.start, marked
    flag = np.zeros(len(trace.start), np.bool_)
    if len(flag):
        owner = np.searchsorted(trace.start, start, side="right") - 1
        inside = (owner >= 0) & (end <= trace.end[np.maximum(owner, 0)])
        flag[owner[inside]] = True
    return flag, marked


def score_counts(
    counts: Ints,
    traces: Sequence[LabelledTrace],
    unit: str,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    confidence: float = 0.95,
) -> LexiconScore:
    """Makes a score from counts [N,6] by trace; also for flags that no single lexicon made, as in cross-validation."""
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence is {confidence}, it must lie in (0, 1)", "the usual value is 0.95")
    if not len(counts):
        raise DataError("there is no labelled trace to score on", "give label files")
    if not counts[:, 2].sum():
        raise DataError("no unit is positive, so recall and lift have no meaning", "choose other positive labels")
    names, cluster = np.unique([trace.cluster for trace in traces], return_inverse=True)
    pooled = np.zeros((len(names), len(COUNTS)), np.int64)
    np.add.at(pooled, cluster, counts)
    figures = rates(pooled.sum(axis=0)[None])
    intervals = cluster_bootstrap(pooled, rates, resamples, seed, confidence) if resamples else {}
    hits, flagged, positive, units, _, _ = (int(value) for value in counts.sum(axis=0))
    return LexiconScore(
        units=units, positive=positive, flagged=flagged, hits=hits, intervals=intervals, traces=len(traces),
        questions=len(names), unit=unit, confidence=confidence, resamples=resamples, seed=seed,
        **{name: float(value[0]) for name, value in figures.items()},
    )  # fmt: skip


def rates(counts: Array) -> dict[str, Floats]:
    """Computes the figures from pooled counts [R,6]; a rate over nothing is 0."""
    hits, flagged, positive, units, marked, chars = counts.T.astype(np.float64)
    precision, base = _ratio(hits, flagged), _ratio(positive, units)
    return {
        "base_rate": base,
        "precision": precision,
        "recall": _ratio(hits, positive),
        "f1": _ratio(2 * hits, flagged + positive),
        "lift": _ratio(precision, base),
        "char_share": _ratio(marked, chars),
    }


def agreement(
    traces: Sequence[LabelledTrace], *, resamples: int = RESAMPLES, seed: int = 0, confidence: float = 0.95
) -> list[dict[str, Any]]:
    """Measures the agreement of every pair of annotators that share texts, which is the ceiling for a tagger.

    Returns:
        One {annotators, traces, units, agreement, kappa, f1, kappa_interval, f1_interval} a pair, sorted by name; units are
        those with equal start and end, intervals draw texts. Empty where no text has two annotators.
    """
    by_text: dict[str, list[LabelledTrace]] = {}
    for trace in traces:
        by_text.setdefault(trace.response, []).append(trace)
    tables: dict[tuple[str, str], list[tuple[int, ...]]] = {}
    for group in by_text.values():
        for i, one in enumerate(group):
            for other in group[i + 1 :]:
                first, second = sorted((one, other), key=lambda trace: trace.annotator or "")
                names = (first.annotator or "unknown", second.annotator or "unknown")
                if names[0] != names[1]:
                    tables.setdefault(names, []).append(_both(first, second))
    out = []
    for names in sorted(tables):
        table = np.array(tables[names], np.int64)
        figures = agreements(table.sum(axis=0)[None])
        found = cluster_bootstrap(table, agreements, resamples, seed, confidence) if resamples else {}
        out.append(
            {"annotators": list(names), "traces": len(table), "units": int(table.sum())}
            | {name: float(value[0]) for name, value in figures.items()}
            | {f"{name}_interval": list(pair) for name, pair in found.items() if name != "agreement"}
        )
    return out


def _both(first: LabelledTrace, second: LabelledTrace) -> tuple[int, ...]:
    """Counts (both positive, only the first, only the second, neither) over units with equal start and end."""
    there = {(s, e): p for s, e, p in zip(second.start, second.end, second.positive, strict=True)}
    table = [0, 0, 0, 0]
    for s, e, p in zip(first.start, first.end, first.positive, strict=True):
        if (s, e) in there:
            table[2 * (not p) + (not there[s, e])] += 1
    return tuple(table)


def agreements(table: Array) -> dict[str, Floats]:
    both, first, second, neither = table.T.astype(np.float64)
    n = both + first + second + neither
    same = _ratio(both + neither, n)
    chance = _ratio((both + first) * (both + second) + (neither + first) * (neither + second), n * n)
    return {
        "agreement": same,
        "kappa": _ratio(same - chance, 1 - chance),
        "f1": _ratio(2 * both, 2 * both + first + second),
    }


def _ratio(top: Floats, bottom: Floats) -> Floats:
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom != 0)
