"""How good could a list of grams be on these labels? `python studies/lexicons/ceiling.py DATA` writes ceiling.json beside it.

The fitted lexicon `planning` reaches F1 0.82 on people's labels and 0.77 on Gemini's, on questions that it never saw. Here is
what stands above it, from bounds that no list passes to what more labels might give. Everything uses the folds that the lexicon
is reported on. Except in the bounds, the threshold is the one with the best mean F1 on the scored labels themselves, so that
lines compare; that leans high a little.

The parts: `rule` (a perfect judge of sentences), `same_grams` (sentences that hold the same grams get the same answer),
`annotators`, `oracle` (grams, weights or both taken from the scored fold itself), `grams` (how many), `labels` (how many
questions), `starts` (how a sentence begins, which no gram can say) and `other_labels` (those of thought-anchors, added to the
training side). Parts that ceiling.json has are not made again; `--tables` prints the tables of docs/evidence/lexicons.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from second_opinions import thought_anchors

from hicra.arrays import Bools, Floats, Ints
from hicra.artifacts import canonical_json, write_text
from hicra.labels.fit_data import FitData, deal, prepare
from hicra.labels.fit_model import THRESHOLDS, _logistic, _solve, _usable
from hicra.labels.score import agreement
from hicra.labels.settings import FitSettings
from hicra.labels.traces import LabelledTrace, read_labels

HERE = Path(__file__).parent
OUT = HERE / "ceiling.json"
SETTINGS = FitSettings()
ORACLE_C = (0.15, 0.5, 2.0)  # of the L1 regression on the scored fold; the best is taken
SIZES = (50, 100, 200, 500)
SHARES = (0.25, 0.5, 0.75)  # all of them: `neither` of the oracles
F1 = dict[str, float]


def f1_by_source(data: FitData, planning: Bools, traces: Bools | None = None) -> F1:
    """F1 over units (of some traces) from one decision a sentence, by source of labels; a unit as in `hicra.labels.score`."""
    flagged = 2 * (data.overlap @ planning.astype(np.float64)) >= data.unit_length
    kinds = np.array(data.kind)[data.unit_trace]
    chosen = np.ones(len(kinds), np.bool_) if traces is None else traces[data.unit_trace]
    out = {}
    for kind in np.unique(kinds[chosen]).tolist():
        here = chosen & (kinds == kind)
        f, p = flagged[here], data.unit_positive[here]
        out[kind] = round(float(2 * (f & p).sum() / (f.sum() + p.sum())), 4)
    return out


def at_best(data: FitData, scores: Floats, traces: Bools | None = None) -> F1:
    """F1 at the threshold with the best mean over sources."""
    found = [f1_by_source(data, scores > shift, traces) for shift in THRESHOLDS]
    return max(found, key=lambda one: float(np.mean(list(one.values()))))


def by_fold(data: FitData, score: Callable[[Bools, Bools], Floats]) -> Floats:
    """Scores of all sentences, each from `score(training questions, scored questions)` of its fold; for the scored sentences."""
    fold = deal(data, SETTINGS, "outer")
    scores = np.zeros(len(data.question))
    for index in range(int(fold.max()) + 1):
        held = (fold == index)[data.question]
        scores[held] = score(fold != index, fold == index)
    return scores


def fitted(data: FitData, questions: Bools, settings: FitSettings, strength: float) -> tuple[Ints, Floats, float]:
    return next(iter(_solve(data, questions[data.question], settings, (strength,))))


def shown(data: FitData, held: Bools, columns: Ints, weights: Floats, bias: float) -> Floats:
    return np.asarray(data.table.present[held[data.question]][:, columns] @ weights + bias)


# ---- bounds that no list passes
def rule(data: FitData) -> F1:
    return f1_by_source(data, data.positive.astype(bool))


def same_grams(data: FitData) -> dict[str, Any]:
    """Sentences with the same set of candidate grams cannot be told apart by any list: each set gets its better answer."""
    present = data.table.present
    pattern = [
        present.indices[low:high].tobytes() for low, high in zip(present.indptr[:-1], present.indptr[1:], strict=True)
    ]
    _, of = np.unique(
        np.array([hashlib.blake2b(one, digest_size=16).hexdigest() for one in pattern]), return_inverse=True
    )
    weight = np.where(data.positive == 1, data.weight, -data.weight)
    answer = np.bincount(of, weight) > 0
    counts = np.bincount(of)
    return {
        "f1": f1_by_source(data, answer[of]),
        "sets_of_grams": len(counts), "sentences_that_share_theirs": int(counts[of][counts[of] > 1].size),
    }  # fmt: skip


def annotators(human: list[LabelledTrace], machine: list[LabelledTrace]) -> list[dict[str, Any]]:
    """Every pair that labelled one text, people among themselves and against Gemini."""
    keys = ("annotators", "traces", "units", "f1", "f1_interval", "kappa")
    return [{name: one[name] for name in keys} for one in agreement([*human, *machine])]


# ---- what is known of the scored fold
def oracle(data: FitData) -> dict[str, Any]:
    """At most 500 grams; which grams, and which weights, come from the labels of the scored fold itself."""
    anywhere = replace(data, least=1)  # an oracle may take a gram of a single question

    def both(_: Bools, held: Bools) -> Floats:
        return max(
            (shown(data, held, *fitted(anywhere, held, SETTINGS, strength)) for strength in ORACLE_C),
            key=lambda scores: weighted_fit(data, held, scores),
        )

    def grams(given: Bools, held: Bools) -> Floats:
        columns, _, _ = fitted(data, held, SETTINGS, ORACLE_C[1])
        rows = given[data.question]
        weights, bias = _logistic(
            data.table.present[rows][:, columns], data.positive[rows], data.weight[rows], SETTINGS.refit, l1=False
        )
        return shown(data, held, columns, weights, bias)

    def weights(given: Bools, held: Bools) -> Floats:
        columns, _, _ = fitted(data, given, SETTINGS, SETTINGS.strengths[0])
        rows = held[data.question]
        found, bias = _logistic(
            data.table.present[rows][:, columns], data.positive[rows], data.weight[rows], SETTINGS.refit, l1=False
        )
        return shown(data, held, columns, found, bias)

    def neither(given: Bools, held: Bools) -> Floats:
        return shown(data, held, *fitted(data, given, SETTINGS, SETTINGS.strengths[0]))

    everything = np.ones(len(data.names), np.bool_)
    seen = shown(data, everything, *fitted(data, everything, SETTINGS, 0.2))
    parts = {"neither": neither, "grams": grams, "weights": weights, "both": both}
    return {name: at_best(data, by_fold(data, part)) for name, part in parts.items()} | {
        "fitted to all labels and scored on them": at_best(data, seen)
    }


def weighted_fit(data: FitData, held: Bools, scores: Floats) -> float:
    rows = held[data.question]
    return float((data.weight[rows] * ((scores > 0) == (data.positive[rows] == 1))).sum())


# ---- curves
def of_size(data: FitData) -> dict[str, F1]:
    """The same fit with more or fewer grams: the largest by effect, out of a weak penalty; and all candidates without L1."""
    scores = {size: np.zeros(len(data.question)) for size in SIZES}
    whole = np.zeros(len(data.question))
    fold = deal(data, SETTINGS, "outer")
    for index in range(int(fold.max()) + 1):
        rows, held = (fold != index)[data.question], (fold == index)[data.question]
        for size in SIZES:
            strength = 0.15 if size < 500 else 0.2  # as 0.15 leaves some 350
            found = fitted(data, fold != index, SETTINGS.model_copy(update={"max_grams": size}), strength)
            scores[size][held] = shown(data, fold == index, *found)
        usable = _usable(data, data.table.present[rows], data.question[rows])
        weights, bias = _logistic(
            data.table.present[rows][:, usable], data.positive[rows], data.weight[rows], 0.05, l1=False
        )
        whole[held] = data.table.present[held][:, usable] @ weights + bias
    return {str(size): at_best(data, found) for size, found in scores.items()} | {"all": at_best(data, whole)}


def of_labels(data: FitData) -> dict[str, F1]:
    """The same fit on a share of the questions of the training side, by hash; every question is scored."""
    out = {}
    for share in SHARES:

        def score(given: Bools, held: Bools, share: float = share) -> Floats:
            names = sorted(
                np.flatnonzero(given).tolist(), key=lambda one: hashlib.sha256(data.names[one].encode()).digest()
            )
            some = np.zeros(len(given), np.bool_)
            some[names[: max(2, round(share * len(names)))]] = True
            return shown(data, held, *fitted(data, some, SETTINGS, SETTINGS.strengths[0]))

        out[str(share)] = at_best(data, by_fold(data, score))
    return out


# ---- what a list is not given
def starts(data: FitData) -> F1:
    """The same fit with one more column for each way in which sentences of enough questions begin (1 to 3 words)."""
    table = data.table
    rows = [
        data.traces[trace].response[low:high].lower().split()[:3]
        for trace, low, high in zip(table.trace.tolist(), table.start.tolist(), table.end.tolist(), strict=True)
    ]
    heads = [[f"^{' '.join(words[:n])}" for n in range(1, len(words) + 1)] for words in rows]
    where: dict[str, set[int]] = {}
    for question, ways in zip(data.question.tolist(), heads, strict=True):
        for way in ways:
            where.setdefault(way, set()).add(question)
    names = sorted(way for way, questions in where.items() if len(questions) >= data.least)
    column = {way: index for index, way in enumerate(names)}
    pairs = [(row, column[way]) for row, ways in enumerate(heads) for way in ways if way in column]
    at, of = np.array(pairs).T
    more = sp.csr_matrix((np.ones(len(at)), (at, of)), shape=(len(rows), len(names)))
    wide = replace(table, grams=[*table.grams, *names], present=sp.hstack([table.present, more], format="csr"))
    return at_best(data, own_fit(replace(data, table=wide)))


def own_fit(data: FitData) -> Floats:
    return by_fold(data, lambda given, held: shown(data, held, *fitted(data, given, SETTINGS, SETTINGS.strengths[0])))


def other_labels(data: FitData, more: list[LabelledTrace]) -> F1:
    """The same fit with traces of other questions and another scheme on every training side; only the first are scored."""
    wide = prepare([*data.traces, *more], SETTINGS)
    folds = dict(zip(data.names, deal(data, SETTINGS, "outer").tolist(), strict=True))
    fold = np.array([folds.get(name, -1) for name in wide.names])
    scores = np.zeros(len(wide.question))
    for index in range(int(fold.max()) + 1):
        found = fitted(wide, fold != index, SETTINGS, SETTINGS.strengths[0])
        scores[(fold == index)[wide.question]] = shown(wide, fold == index, *found)
    return at_best(wide, scores, (fold >= 0)[wide.cluster])


def tables(found: dict[str, Any]) -> str:
    def row(name: str, one: F1) -> str:
        return f"| {name} | {one['human']:.3f} | {one['machine']:.3f} |"

    lines = ["| | people | Gemini |", "| --- | --- | --- |"]
    lines += [row("a perfect judge of each sentence", found["rule"])]
    lines += [row("sentences that hold the same grams answered alike", found["same_grams"]["f1"])]
    lines += [row(f"oracle: {name}", one) for name, one in found["oracle"].items()]
    lines += [row(f"{size} grams", one) for size, one in found["grams"].items()]
    lines += [row(f"{float(share):.0%} of the training questions", one) for share, one in found["labels"].items()]
    lines += [
        row("with how sentences begin", found["starts"]),
        row("with thought-anchors' labels", found["other_labels"]),
    ]
    lines += [
        "",
        "| annotators | traces | units | F1 of one against the other | kappa |",
        "| --- | --- | --- | --- | --- |",
    ]
    for one in found["annotators"]:
        low, high = one["f1_interval"]
        lines.append(
            f"| {' and '.join(one['annotators'])} | {one['traces']} | {one['units']} | {one['f1']:.3f} [{low:.3f}, {high:.3f}] | "
            f"{one['kappa']:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path, nargs="?", help="the folder with function_labels/")
    options.add_argument("--tables", action="store_true", help="print the tables of ceiling.json")
    given = options.parse_args()
    found: dict[str, Any] = json.loads(OUT.read_text()) if OUT.exists() else {}
    if given.tables:
        print(tables(found))
        return
    if given.data is None:
        options.error("DATA is missing")
    folder = given.data / "function_labels"
    human = read_labels([folder / "reasoningflow_human.jsonl.gz"])
    machine = read_labels([folder / "reasoningflow_aime24_llm.jsonl.gz"])
    found.setdefault("annotators", annotators(human, machine))
    data = prepare([*human, *machine], SETTINGS)
    anchors, _, _ = thought_anchors(folder / "thought_anchors_llm.jsonl.gz")
    parts: dict[str, Callable[[FitData], Any]] = {
        "rule": rule, "same_grams": same_grams, "labels": of_labels, "oracle": oracle, "starts": starts,
        "other_labels": lambda data: other_labels(data, anchors), "grams": of_size,
    }  # fmt: skip
    for name, part in parts.items():
        if name not in found:
            found[name] = part(data)
            write_text(OUT, canonical_json(found))
            print(name, found[name], flush=True)


if __name__ == "__main__":
    main()
