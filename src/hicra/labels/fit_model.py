"""Finds the grams, weights and threshold of `fit` by regressions (its deviations FIT-1 to FIT-7 hold here)."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from hicra.arrays import Bools, Floats, Ints
from hicra.errors import DataError
from hicra.labels.fit_data import FitData, deal, unit_f1
from hicra.labels.settings import FitSettings

STEP = 1024
FULL = 20_000  # sentences
THRESHOLDS = np.arange(-2.0, 1.01, 0.05)  # in log odds
AS_GOOD = 0.003  # of F1


@dataclass(frozen=True, eq=False)
class Model:
    """Holds the weights of some columns of a table.

    A sentence is planning when it holds one of these grams and their weights sum to more than the threshold, as in the tagger.
    """

    columns: Ints
    weights: Floats
    threshold: float
    strength: float

    def planning(self, present: sp.csr_matrix) -> Bools:
        """Returns which sentences of a presence matrix [S,G] are planning, [S] bool."""
        chosen = present[:, self.columns]
        return np.asarray((chosen @ self.weights > self.threshold) & (chosen.getnnz(axis=1) > 0))


def train(data: FitData, questions: Bools, settings: FitSettings) -> Model:
    """Fits the model of some questions [Q]: inner cross-validation chooses C and threshold, then all of them give weights."""
    side = deal(data, settings, "inner", questions)
    scores = np.full((len(settings.strengths), len(data.question)), np.nan)
    if questions.sum() > 1:
        for fold in range(int(side.max()) + 1):
            held = (side == fold)[data.question]
            given = (questions & (side != fold))[data.question]
            for row, solution in enumerate(_solve(data, given, settings, settings.strengths)):
                columns, weights, bias = solution
                scores[row, held] = data.table.present[held][:, columns] @ weights + bias
    chosen = questions[data.question]
    row, shift = _choose(data, scores, questions) if questions.sum() > 1 else (0, 0.0)
    strength = settings.strengths[row]
    columns, weights, bias = next(iter(_solve(data, chosen, settings, (strength,))))
    weights = np.round(weights * STEP) / STEP
    if not weights.any():
        raise DataError("no gram tells positive sentences from the others", "label more traces, or check the labels")
    threshold = (np.floor((shift - bias) * STEP) + 0.5) / STEP
    return Model(columns[weights != 0], weights[weights != 0], float(threshold), strength)


def _choose(data: FitData, scores: Floats, questions: Bools) -> tuple[int, float]:
    """Returns (row of C, threshold in log odds) with the best F1; of the thresholds that are as good, the middle one.

    F1 is flat around its top, and its very top is mostly luck.
    """
    reached = np.array([[unit_f1(data, row, questions, shift) for shift in THRESHOLDS] for row in scores])
    best = int(reached.max(axis=1).argmax())
    good = np.flatnonzero(reached[best] >= reached[best].max() - AS_GOOD)
    return best, float(THRESHOLDS[good[len(good) // 2]])


def _solve(
    data: FitData, rows: Bools, settings: FitSettings, strengths: Iterable[float]
) -> Iterable[tuple[Ints, Floats, float]]:
    """Yields (columns of the table, their weights, bias), fitted on the sentences `rows`, for each C in `strengths`."""
    present, target, weight = data.table.present[rows], data.positive[rows], data.weight[rows]
    if target.min() == target.max():
        raise DataError(
            f"all {len(target)} sentences of a training part are {'positive' if target[0] else 'not positive'}",
            "label more traces, or choose other positive labels",
        )
    usable = _usable(data, present, data.question[rows])
    present = present[:, usable]
    scale = max(1.0, float(np.sqrt(FULL / len(target))))
    for strength in strengths:
        weights, _ = _logistic(present, target, weight, strength * scale, l1=True)
        chosen = np.flatnonzero(weights)
        if len(chosen) > settings.max_grams:
            share = np.asarray(present[:, chosen].mean(axis=0)).ravel()
            effect = np.abs(weights[chosen]) * np.sqrt(share * (1 - share))
            chosen = np.sort(chosen[np.lexsort((chosen, -effect))[: settings.max_grams]])
        if not len(chosen):  # the penalty was too strong: take the gram that tells most
            chosen = np.array([int(np.argmax(np.abs(present.T @ (target - target.mean()))))])
        weights, bias = _logistic(present[:, chosen], target, weight, settings.refit * scale, l1=False)
        yield usable[chosen], weights, bias


def _usable(data: FitData, present: sp.csr_matrix, question: Ints) -> Ints:
    """Returns the columns in enough questions of the training part; of columns that are equal there, the shortest gram."""
    here, question = np.unique(question, return_inverse=True)
    member = sp.csr_matrix(
        (np.ones(len(question)), (question, np.arange(len(question)))), shape=(len(here), len(question))
    )
    spread = np.asarray((member @ present > 0).sum(axis=0)).ravel()
    columns = np.flatnonzero(spread >= data.least)
    by_column = present.tocsc()
    by_column.sort_indices()
    best: dict[bytes, int] = {}
    for column in columns.tolist():
        rows = by_column.indices[by_column.indptr[column] : by_column.indptr[column + 1]].tobytes()
        digest = hashlib.blake2b(rows, digest_size=16).digest()
        other = best.get(digest)
        if other is None or (len(data.table.grams[column]), column) < (len(data.table.grams[other]), other):
            best[digest] = column
    if not best:
        raise DataError("no gram occurs in enough questions of a training part", "lower min_questions, or label more")
    return np.array(sorted(best.values()), np.int64)


def _logistic(present: sp.csr_matrix, target: Ints, weight: Floats, strength: float, l1: bool) -> tuple[Floats, float]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", FutureWarning)
        model = LogisticRegression(
            C=strength, l1_ratio=1.0 if l1 else 0.0, solver="liblinear", max_iter=300, random_state=0
        ).fit(present, target, sample_weight=weight)
    return np.asarray(model.coef_[0], np.float64), float(model.intercept_[0])
