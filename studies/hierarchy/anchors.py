"""The same question on real traces: how much of the measured importance of sentences lies on those that a lexicon marks?

thought-anchors resampled the rest of a solution with and without every sentence. `counterfactual_importance_accuracy` is the
change of the share of right answers, the nearest that there is to |Q - V| of a sentence: its absolute value is taken.
`counterfactual_importance_kl` is the change of the distribution of answers. Neither comes with its sampling error, so what is
said of their size is not freed from noise, as it is on the plan-execute task.
"""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from hicra.labels.score import flags, spans_of
from hicra.labels.traces import LabelledTrace, read_labels
from hicra.lexicon import Lexicon
from hicra.stats.jackknife import jackknife_interval
from hicra.stats.rank import rank_correlation
from hicra.tagging.tagger import Tagger

FILE = "thought_anchors_llm.jsonl.gz"
IMPORTANCE = ("counterfactual_importance_accuracy", "counterfactual_importance_kl")
LEXICONS = ("paper", "paper-n3", "planning")
LABELLED = "labels of the annotator"  # what a perfect lexicon would mark
POSITIVE = ("plan_generation", "uncertainty_management", "self_checking")
DRAWS, SEED, FIFTHS = 1000, 5000, 5
Array = np.ndarray[Any, Any]


def read(path: Path) -> tuple[list[LabelledTrace], list[dict[str, Array]]]:
    """Traces through the project's reader, and the importance of their units [U]; units without offsets are left out."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    for row in rows:
        row["units"] = sorted(
            (unit for unit in row["units"] if unit["start"] is not None), key=lambda unit: unit["start"]
        )
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "rows.jsonl"
        kept.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        traces = read_labels(kept, POSITIVE)
    sizes = [{name: np.abs([unit[name] for unit in row["units"]]) for name in IMPORTANCE} for row in rows]
    return traces, sizes


def shuffled(flag: Array, strata: Array, rng: np.random.Generator) -> Array:
    """The flags [U] in another order within each stratum [U]."""
    order = np.lexsort((rng.random(len(flag)), strata))
    out = np.empty_like(flag)
    out[np.argsort(strata, kind="stable")] = flag[order]
    return out


def figures(marked: list[Array], size: list[Array], clusters: Array) -> dict[str, Any]:
    """Share of the importance on marked sentences, the share of such sentences, lift and rank agreement, with intervals."""
    ranks = [rank_correlation(m.astype(float), s) for m, s in zip(marked, size, strict=True)]
    rows = np.array(
        [
            (s[m].sum(), s.sum(), m.sum(), len(m), r or 0.0, r is not None)
            for m, s, r in zip(marked, size, ranks, strict=True)
        ]
    )
    sums = np.zeros((clusters.max() + 1, 6))
    np.add.at(sums, clusters, rows)
    whole, without = _figures(sums.sum(axis=0)), [_figures(sums.sum(axis=0) - one) for one in sums]
    return whole | {
        f"{name}_ci": list(jackknife_interval(value, np.array([one[name] for one in without])))
        for name, value in whole.items()
    }


def _figures(sums: Array) -> dict[str, float]:
    on, all_, marked, units, rank, ranked = sums.tolist()
    share, base = on / all_, marked / units
    return {"share": share, "sentences": base, "lift": share / base, "rank_within": rank / ranked}


def by_chance(marked: list[Array], size: list[Array], strata: list[Array]) -> list[float]:
    """The share of the importance on random masks with as many sentences of each stratum: 2.5 %, mean, 97.5 %."""
    rng = np.random.default_rng(SEED)
    total = sum(float(s.sum()) for s in size)
    draws = [
        sum(float(s[shuffled(m, where, rng)].sum()) for m, s, where in zip(marked, size, strata, strict=True)) / total
        for _ in range(DRAWS)
    ]
    low, high = np.percentile(draws, [2.5, 97.5])
    return [float(low), float(np.mean(draws)), float(high)]


def anchors(folder: Path) -> dict[str, Any]:
    """The whole part, from the folder with the label file."""
    traces, sizes = read(folder / FILE)
    _, clusters = np.unique([trace.cluster for trace in traces], return_inverse=True)
    whole = [np.zeros(len(trace.start), int) for trace in traces]
    fifths = [np.arange(len(trace.start)) * FIFTHS // max(len(trace.start), 1) for trace in traces]
    out: dict[str, Any] = {}
    for name in (*LEXICONS, LABELLED):
        if name == LABELLED:
            marked, chars = [trace.positive for trace in traces], None
        else:
            tagger = Tagger(Lexicon.load(name), unit=None)
            found = [flags(trace, *spans_of(tagger, trace.response), tagger.unit) for trace in traces]
            marked = [flag for flag, _ in found]
            chars = sum(inside for _, inside in found) / sum(len(trace.response) for trace in traces)
        out[name] = {"chars": chars} | {
            measure: figures(marked, [size[measure] for size in sizes], clusters)
            | {
                "chance": by_chance(marked, [size[measure] for size in sizes], whole),
                "chance_in_fifths": by_chance(marked, [size[measure] for size in sizes], fifths),
            }
            for measure in IMPORTANCE
        }
    return {
        "seed": SEED, "draws": DRAWS, "traces": len(traces), "questions": int(clusters.max()) + 1,
        "sentences": sum(len(one) for one in whole), "lexicons": out,
    }  # fmt: skip
