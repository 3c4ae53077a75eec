"""Which lexicon finds planning? Every lexicon against the development labels: `python studies/lexicons/compare.py DATA`.

DATA is the folder with function_labels/. Mined lexicons are given by name: `--lexicon mined=DIR` (README.md has the
commands). `planning` is always cross-validated by question: each trace is tagged by a lexicon that never saw its question
(where no fold saw it, by the shipped one). Writes results.json and the plots beside this file. Intervals draw questions
with all their traces.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lists import HAND_18, HANDFUL
from numpy.typing import NDArray
from plots import draw
from second_opinions import IMPORTANCE, rt_seg, thought_anchors

from hicra.artifacts import canonical_json, write_text
from hicra.labels.fit import CrossFit, cross_fit, fit
from hicra.labels.score import agreement, flagged_counts, flags, score_counts, spans_of
from hicra.labels.settings import FitSettings
from hicra.labels.traces import LabelledTrace, read_labels
from hicra.lexicon import Lexicon
from hicra.stats import cluster_bootstrap
from hicra.tagging.tagger import Tagger

HERE = Path(__file__).parent
HUMAN, MACHINE = "reasoningflow_human.jsonl.gz", "reasoningflow_aime24_llm.jsonl.gz"
UNITS = ("gram", "sentence")
Arm = Lexicon | CrossFit


def tagger_of(arm: Arm, unit: str) -> Callable[[LabelledTrace], Tagger]:
    """The tagger for a trace."""
    if isinstance(arm, Lexicon):
        one = Tagger(arm, unit=unit)
        return lambda trace: one
    folds = [Tagger(lexicon, unit=unit) for lexicon in arm.lexicons]
    shipped = Tagger(Lexicon.load("planning"), unit=unit)  # for questions that it never saw
    return lambda trace: folds[arm.fold_of[trace.cluster]] if trace.cluster in arm.fold_of else shipped


def scored(arm: Arm, traces: Sequence[LabelledTrace], unit: str) -> dict[str, Any]:
    """Pooled figures; for `planning` also by model and domain."""
    choose = tagger_of(arm, unit)
    counts = np.concatenate([flagged_counts(choose(trace), [trace]) for trace in traces])
    out = {"all": figures(counts, traces, unit)}
    for key in ("model", "domain") if isinstance(arm, CrossFit) else ():
        values = np.array([getattr(trace, key) or "unknown" for trace in traces])
        out[key] = {
            value: figures(counts[values == value], [traces[i] for i in np.flatnonzero(values == value)], unit)
            for value in sorted(set(values.tolist()))
        }
    return out


def figures(counts: NDArray[np.int64], traces: Sequence[LabelledTrace], unit: str) -> dict[str, Any]:
    found = score_counts(counts, traces, unit).as_dict()
    return {key: value for key, value in found.items() if key not in ("unit", "confidence", "resamples", "seed")}


def importance_gap(
    flagged: Sequence[NDArray[np.bool_]], figures: Sequence[dict[str, NDArray[np.float64]]]
) -> dict[str, Any]:
    """Mean importance of flagged units minus that of the rest, as it is and within fifths of the trace; drawn by trace.

    Within fifths: units are compared with the rest of the same fifth of their own trace, weighted by flagged units, since
    importance depends on where in the trace a sentence stands.
    """
    out: dict[str, Any] = {}
    for name in IMPORTANCE:
        rows = []
        for flag, figure in zip(flagged, figures, strict=True):
            value = figure[name]
            fifth = np.arange(len(value)) * 5 // max(len(value), 1)
            gap = weight = 0.0
            for part in range(5):
                here = fifth == part
                if (flag & here).any() and (~flag & here).any():
                    n = (flag & here).sum()
                    gap += n * (value[flag & here].mean() - value[~flag & here].mean())
                    weight += n
            rows.append([value[flag].sum(), flag.sum(), value[~flag].sum(), (~flag).sum(), gap, weight])
        table = np.array(rows, np.float64)

        def gaps(sums: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
            a, n, b, m, gap, weight = sums.T
            return {
                "difference": a / np.maximum(n, 1) - b / np.maximum(m, 1),
                "within_fifths": gap / np.maximum(weight, 1),
            }

        total = table.sum(axis=0)
        intervals = cluster_bootstrap(table, gaps, 2000, 0, 0.95)
        figures_now = gaps(total[None])
        out[name] = {
            "flagged": int(total[1]), "mean_flagged": total[0] / max(total[1], 1), "mean_rest": total[2] / max(total[3], 1),
            **{key: {"value": float(value[0]), "interval": list(intervals[key])} for key, value in figures_now.items()},
        }  # fmt: skip
    return out


def unit_flags(arm: Arm, traces: Sequence[LabelledTrace], unit: str) -> list[NDArray[np.bool_]]:
    choose = tagger_of(arm, unit)
    return [flags(trace, *spans_of(choose(trace), trace.response), unit)[0] for trace in traces]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path)
    options.add_argument("--lexicon", action="append", default=[], metavar="NAME=DIR", help="a mined lexicon")
    given = options.parse_args()
    folder = given.data / "function_labels"
    human, machine = read_labels(folder / HUMAN), read_labels(folder / MACHINE)
    segments, lost_segments = rt_seg(folder / "rtseg_human.jsonl.gz")
    anchors, importance, lost_anchors = thought_anchors(folder / "thought_anchors_llm.jsonl.gz")
    fitted = {trace.cluster for trace in [*human, *machine]}
    arms: dict[str, Arm] = {
        "paper": Lexicon.load("paper"),
        "paper-n3": Lexicon.load("paper-n3"),
        "handful": Lexicon.from_phrases(HANDFUL, name="handful"),
        "hand-18": Lexicon.from_phrases(HAND_18, name="hand-18"),
    }
    for item in given.lexicon:
        name, _, path = item.partition("=")
        arms[name] = Lexicon.load(path)
    arms["planning"] = cross_fit([*human, *machine], FitSettings())
    sets = {"human": human, "machine": machine, "rt_seg": segments, "thought_anchors": anchors}
    result: dict[str, Any] = {
        "sets": {
            name: {
                "traces": len(traces), "units": sum(len(trace.start) for trace in traces),
                "questions": len({trace.cluster for trace in traces}),
                "questions_fitted_on": len({trace.cluster for trace in traces} & fitted),
            }
            for name, traces in sets.items()
        },
        "units_not_placed": {"rt_seg": lost_segments, "thought_anchors": lost_anchors},
        "ceiling": {"human": agreement(human), "rt_seg": agreement(segments)},
        "lexicons": {
            name: {"grams": [len(one) for one in arm.lexicons] if isinstance(arm, CrossFit) else len(arm)}
            for name, arm in arms.items()
        },
        "scores": {
            name: {unit: {which: scored(arm, traces, unit) for which, traces in sets.items()} for unit in UNITS}
            for name, arm in arms.items()
        },
        "thought_anchors_fitted_to_itself": fit(anchors)[1]["cv"],
        "importance": {
            "labels": importance_gap([trace.positive for trace in anchors], importance),
            **{
                name: {unit: importance_gap(unit_flags(arm, anchors, unit), importance) for unit in UNITS}
                for name, arm in arms.items()
            },
        },
    }  # fmt: skip
    write_text(HERE / "results.json", canonical_json(rounded(result)))
    draw(result, HERE)
    for name, units in result["scores"].items():
        for unit, scores in units.items():
            line = [f"{name:12} {unit:9}"]
            for which in sets:
                all_ = scores[which]["all"]
                line.append(f"{which} {all_['precision']:.3f} {all_['recall']:.3f} {all_['f1']:.3f} {all_['lift']:.2f}")
            print("  ".join(line))


def rounded(value: Any) -> Any:
    """Five decimals, so that the file can be read."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner) for inner in value]
    return round(float(value), 5) if isinstance(value, float | np.floating) else value


if __name__ == "__main__":
    main()
