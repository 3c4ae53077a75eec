"""Prepares labelled traces for `fit`: sentences, grams, units, and cross-validation folds of questions."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from hicra.arrays import Bools, Floats, Ints
from hicra.errors import DataError
from hicra.labels.sentences import SentenceTable, sentence_table
from hicra.labels.settings import FitSettings
from hicra.labels.traces import LabelledTrace

MOST_WEIGHT = 1.5  # largest weight of a sentence over the mean weight


@dataclass(eq=False)
class FitData:
    """Holds everything that does not depend on the cross-validation fold."""

    traces: list[LabelledTrace]
    cluster: Ints  # [N]
    kind: list[str]  # [N] label source
    table: SentenceTable
    question: Ints  # [S]
    positive: Ints  # [S] 0/1
    weight: Floats  # [S] of each sentence (FIT-5)
    overlap: sp.csr_matrix  # [U,S] shared characters
    unit_length: Ints  # [U]
    unit_positive: Bools
    unit_trace: Ints
    unit_question: Ints
    names: list[str]  # [Q] names of the clusters
    least: int  # questions that a gram must occur in (FIT-4)


def prepare(traces: Sequence[LabelledTrace], settings: FitSettings) -> FitData:
    """Sorts the traces (so that the order of the rows never matters) and cuts them into sentences and grams.

    Raises:
        DataError: there are fewer than two questions, or no gram is in enough of them.
    """

    def key(trace: LabelledTrace) -> tuple[Any, ...]:
        labels = tuple(zip(trace.start.tolist(), trace.end.tolist(), trace.positive.tolist(), strict=True))
        return (trace.cluster, trace.response, trace.annotator or "", trace.label_source, trace.model or "", labels)

    ordered = sorted(traces, key=key)
    names = sorted({trace.cluster for trace in ordered})
    if len(names) < 2:
        raise DataError(
            f"{len(ordered)} labelled traces of {len(names)} question: nothing can be held back",
            "give traces of at least two questions (rows tell them apart by `question`, else `doc_id`)",
        )
    number = {cluster: index for index, cluster in enumerate(names)}
    cluster = np.array([number[trace.cluster] for trace in ordered], np.int64)
    least = min(settings.min_questions, max(1, len(names) // 4))
    table = sentence_table(ordered, cluster.tolist(), settings.n_max, settings.pieces, least)
    if not table.grams:
        raise DataError(f"no gram occurs in {least} of {len(names)} questions", "lower min_questions, or label more")
    overlap, lengths, positive, owner = _units(ordered, table)
    weight = np.asarray((sp.diags(1 / lengths) @ overlap).sum(axis=0)).ravel()
    weight = np.minimum(weight / weight.mean(), MOST_WEIGHT) if weight.any() else np.ones(len(table.trace))
    return FitData(
        ordered, cluster, [trace.label_source for trace in ordered], table, cluster[table.trace],
        (table.share >= 0.5).astype(np.int64), weight, overlap, lengths, positive, owner, cluster[owner], names, least,
    )  # fmt: skip


def _units(traces: Sequence[LabelledTrace], table: SentenceTable) -> tuple[sp.csr_matrix, Ints, Bools, Ints]:
    """Returns ([U,S] characters that unit and sentence share, [U] lengths, [U] positive, [U] trace)."""
    first_sentence = np.searchsorted(table.trace, np.arange(len(traces) + 1))
    units, columns, shared = [], [], []
    base = 0
    for index, trace in enumerate(traces):
        low, high = first_sentence[index], first_sentence[index + 1]
        start, end = table.start[low:high], table.end[low:high]
        for unit, (a, b) in enumerate(zip(trace.start.tolist(), trace.end.tolist(), strict=True)):
            for k in range(int(np.searchsorted(end, a, "right")), int(np.searchsorted(start, b, "left"))):
                units.append(base + unit)
                columns.append(low + k)
                shared.append(min(int(end[k]), b) - max(int(start[k]), a))
        base += len(trace.start)
    matrix = sp.csr_matrix((shared, (units, columns)), shape=(base, len(table.trace)))
    lengths = np.concatenate([trace.end - trace.start for trace in traces])
    positive = np.concatenate([trace.positive for trace in traces])
    owner = np.repeat(np.arange(len(traces)), [len(trace.start) for trace in traces])
    return matrix, lengths, positive, owner


def deal(data: FitData, settings: FitSettings, salt: str, among: Bools | None = None) -> Ints:
    """Assigns questions to cross-validation folds by hash, each set of label sources on its own, [Q] (-1 outside `among`)."""
    among = np.ones(len(data.names), np.bool_) if among is None else among
    folds = min(settings.folds, int(among.sum()))
    kinds: dict[int, set[str]] = {}
    for cluster, kind in zip(data.cluster.tolist(), data.kind, strict=True):
        kinds.setdefault(cluster, set()).add(kind)
    digest = {q: hashlib.sha256(f"{settings.seed}|{salt}|{data.names[q]}".encode()).hexdigest() for q in kinds}
    order = sorted((q for q in kinds if among[q]), key=lambda q: (sorted(kinds[q]), digest[q]))
    out = np.full(len(data.names), -1, np.int64)
    out[order] = np.arange(len(order)) % folds
    return out


def unit_f1(data: FitData, scores: Floats, questions: Bools, shift: float) -> float:
    """Returns F1 over the units of some questions, averaged over label sources."""
    flagged = 2 * (data.overlap @ (scores > shift).astype(np.float64)) >= data.unit_length
    kinds = np.array(data.kind)[data.unit_trace]
    chosen = questions[data.unit_question]
    values = []
    for kind in np.unique(kinds[chosen]):
        here = chosen & (kinds == kind)
        f, p = flagged[here], data.unit_positive[here]
        if p.any():
            values.append(2 * (f & p).sum() / (f.sum() + p.sum()))
    return round(float(np.mean(values)), 9) if values else 0.0
