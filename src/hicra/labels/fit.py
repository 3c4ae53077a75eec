"""Fits a weighted lexicon to labelled traces: `hicra lexicon fit`.

A sentence is planning when the weights of the distinct grams inside it sum past a threshold. The grams come from an L1
logistic regression on presence (which keeps a few hundred of some ten thousand), their weights from a second, L2
regression on those alone, the threshold from held-out questions. The result is a lexicon like any other: it is readable,
tagging takes one Aho-Corasick pass, and `Tagger(lexicon, unit="sentence")` makes exactly the decisions that were fitted.

Deviations (the paper mines without labels; all of this is ours):
FIT-1. A sentence counts as positive when at least half of its characters lie in positive units.
FIT-2. Cross-validation folds are of questions, never of traces: all traces and annotators of a question are in one fold. A hash
    assigns questions to folds, separately for each set of label sources, so that the order of the rows never matters.
FIT-3. The C of the L1 regression and the threshold are chosen by an inner cross-validation on the training questions of each
    fold, for the best F1 over units, averaged over label sources; the reported figures are of questions that neither saw.
FIT-4. Grams must occur in several questions (`min_questions`, or a quarter of all questions where that is fewer) and hold no
    digit, so that words and numbers of one task drop out.
FIT-5. The weight of a sentence in the regressions is the sum over its units of the share of the unit's characters that it
    holds, at most 1.5 times the mean weight. A formula of ten lines is ten sentences, yet one unit; a sentence outside all
    units has no weight.
FIT-6. The regressions' C is as given from 20,000 sentences on; with fewer it is multiplied by the square root of 20,000 over
    their number.
FIT-7. Weights are multiples of 1/1024 and the threshold is an odd multiple of 1/2048: sums are exact in any order, and no sum
    equals the threshold.
FIT-8. The lexicon records the beginnings of the sha256 of the texts it was fitted on (64 bits each, `texts_sha256`), so that a
    score on them can be told from one on new texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import scipy.sparse as sp

from hicra.arrays import Ints
from hicra.drawing.readable import counted
from hicra.labels.fit_data import FitData, deal, prepare
from hicra.labels.fit_model import Model, train
from hicra.labels.score import COUNTS, flagged_counts, rates, score_counts
from hicra.labels.seen import TEXTS, fingerprints
from hicra.labels.settings import FitSettings
from hicra.labels.traces import LabelledTrace
from hicra.lexicon import Lexicon
from hicra.tagging.tagger import Tagger


def fit(
    traces: Sequence[LabelledTrace],
    settings: FitSettings | None = None,
    *,
    name: str = "fitted",
    licence: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> tuple[Lexicon, dict[str, Any]]:
    """Fits a weighted lexicon and cross-validates the whole procedure by question.

    Args:
        progress: called with one line after each part of the work.

    Returns:
        The lexicon of all traces, and a report with the keys `grams, units, cv_precision, cv_recall, cv_f1` (pooled over held
        out units), `cv_by` {source, model, domain} -> group -> figures, `cv` (the pooled score with intervals), `folds`.

    Raises:
        DataError: there are fewer than two questions, no gram is in enough of them, or all or no sentences are positive.
    """
    settings, say = settings or FitSettings(), progress or (lambda line: None)
    data = prepare(traces, settings)
    held = f"{counted(len(data.table.trace), 'sentence')}, {counted(len(data.table.grams), 'gram')}"
    say(f"{held} in {counted(len(data.names), 'question')}")
    cross = _cross_fit(data, settings, name, say)
    report = _report(data, cross)
    model = train(data, np.ones(len(data.names), np.bool_), settings)
    lexicon = _lexicon(data, model, name, settings, report, licence)
    say(f"all questions: {counted(len(lexicon), 'gram')}, C {model.strength:g}, threshold {model.threshold:.3f}")
    return lexicon, {"grams": len(lexicon), **report, "threshold": lexicon.threshold, "strength": model.strength}


@dataclass(frozen=True, eq=False)
class CrossFit:
    """Holds lexicons that each were fitted without some of the questions.

    Attributes:
        lexicons: one for each cross-validation fold.
        fold_of: cluster of a trace (`LabelledTrace.cluster`) -> the cross-validation fold whose lexicon never saw it.
        strengths: C of the L1 regression in each cross-validation fold.
    """

    lexicons: list[Lexicon]
    fold_of: dict[str, int]
    strengths: list[float]

    def held_out(self, trace: LabelledTrace) -> Lexicon:
        """Returns the lexicon that did not see a trace's question (the first one for a question that none saw)."""
        return self.lexicons[self.fold_of.get(trace.cluster, 0)]

    def counts(self, traces: Sequence[LabelledTrace], unit: str = "sentence") -> Ints:
        """Returns `flagged_counts` of each trace by the lexicon that did not see its question, [N,6] int64."""
        fold = np.array([self.fold_of.get(trace.cluster, 0) for trace in traces])
        out = np.zeros((len(traces), len(COUNTS)), np.int64)
        for index, lexicon in enumerate(self.lexicons):
            if len(rows := np.flatnonzero(fold == index)):
                out[rows] = flagged_counts(Tagger(lexicon, unit=unit), [traces[row] for row in rows.tolist()])
        return out


def cross_fit(traces: Sequence[LabelledTrace], settings: FitSettings | None = None) -> CrossFit:
    """Fits the lexicons behind the cross-validated figures of `fit`; errors are as there."""
    settings = settings or FitSettings()
    return _cross_fit(prepare(traces, settings), settings, "fitted", lambda line: None)


def _cross_fit(data: FitData, settings: FitSettings, name: str, say: Callable[[str], None]) -> CrossFit:
    side = deal(data, settings, "outer")
    lexicons, strengths = [], []
    for fold in range(int(side.max()) + 1):
        model = train(data, side != fold, settings)
        lexicons.append(_lexicon(data, model, f"{name}-fold{fold}", settings))
        strengths.append(model.strength)
        grams = counted(len(lexicons[-1]), "gram")
        say(f"cross-validation fold {fold + 1}: {grams}, C {model.strength:g}, threshold {model.threshold:.3f}")
    return CrossFit(lexicons, dict(zip(data.names, side.tolist(), strict=True)), strengths)


def _lexicon(
    data: FitData,
    model: Model,
    name: str,
    settings: FitSettings,
    report: dict[str, Any] | None = None,
    licence: str | None = None,
) -> Lexicon:
    texts = sorted({trace.response for trace in data.traces})
    number = {text: index for index, text in enumerate(texts)}
    text = np.array([number[trace.response] for trace in data.traces])[data.table.trace]
    member = sp.csr_matrix((np.ones(len(text)), (text, np.arange(len(text)))), shape=(len(texts), len(text)))
    frequency = np.asarray((member @ data.table.present[:, model.columns] > 0).sum(axis=0)).ravel()
    table = pl.DataFrame(
        {
            "gram": [data.table.grams[column] for column in model.columns.tolist()],
            "doc_freq": frequency.astype(np.int64),
            "weight": model.weights,
        }
    )
    statistics: dict[str, Any] = {
        "traces": len(data.traces), "texts": len(texts), "questions": len(data.names), "units": len(data.unit_length),
        "positive_units": int(data.unit_positive.sum()), "sentences": len(data.table.trace),
        "candidate_grams": len(data.table.grams), "strength": model.strength,
    }  # fmt: skip
    if report:
        statistics["cross_validation"] = _brief(report)
        statistics[TEXTS] = fingerprints(texts)
    return Lexicon.from_table(
        table, name=name, settings=settings.model_dump(), statistics=statistics, licence=licence, threshold=model.threshold,
        source=[trace.source for trace in data.traces if trace.source],
    )  # fmt: skip


def _brief(report: dict[str, Any]) -> dict[str, Any]:
    """Returns what the lexicon itself records about how well it was fitted."""
    kept = ("units", "base_rate", "precision", "recall", "f1", "lift", "char_share")

    def short(found: dict[str, Any]) -> dict[str, Any]:
        interval = {"f1_interval": [round(x, 4) for x in found["intervals"]["f1"]]} if "intervals" in found else {}
        return {name: round(found[name], 4) for name in kept if name in found} | interval

    return {"pooled": short(report["cv"])} | {
        key: {value: short(found) for value, found in group.items()} for key, group in report["cv_by"].items()
    }


def _report(data: FitData, cross: CrossFit) -> dict[str, Any]:
    counts = cross.counts(data.traces)
    fold = np.array([cross.fold_of[trace.cluster] for trace in data.traces])
    folds = [
        {
            "grams": len(lexicon),
            "strength": cross.strengths[index],
            "threshold": lexicon.threshold,
            "f1": float(rates(counts[fold == index].sum(axis=0)[None])["f1"][0]),
        }
        for index, lexicon in enumerate(cross.lexicons)
    ]
    pooled = score_counts(counts, data.traces, "sentence").as_dict()
    groups: dict[str, list[str]] = {
        "source": data.kind,
        "model": [trace.model or "unknown" for trace in data.traces],
        "domain": [trace.domain or "unknown" for trace in data.traces],
    }
    by: dict[str, dict[str, Any]] = {}
    for key, values in groups.items():
        by[key] = {}
        for value in sorted(set(values)):
            rows = np.flatnonzero(np.array(values) == value)
            if counts[rows, 2].sum():
                by[key][value] = score_counts(
                    counts[rows], [data.traces[row] for row in rows.tolist()], "sentence"
                ).as_dict()
            else:
                by[key][value] = {"units": int(counts[rows, 3].sum()), "positive": 0}
    return {
        "units": pooled["units"], "cv_precision": pooled["precision"], "cv_recall": pooled["recall"],
        "cv_f1": pooled["f1"], "cv": pooled, "cv_by": by, "folds": folds,
    }  # fmt: skip
