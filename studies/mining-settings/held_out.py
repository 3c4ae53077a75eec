"""What is the default of mining worth on labels that did not choose it?

    python studies/mining-settings/held_out.py DATA -o FILE
    python studies/mining-settings/held_out.py FILE --tables

`run.py` looks at 131 settings. Here the choice itself is repeated on a part of the labels and read off the rest, so that the
figures are of questions, and of corpora, that had no say in it. All candidates are within the paper's text: 3 to 5 words, the top
20 % of clusters. The two rules (`LEAST`) and the partitions were fixed before the first run; README.md says what was cut for
time.

- By question: people's questions are cut into halves, 20 times; the setting is chosen on one half and scored on the other.
- By corpus: chosen on people's labels and scored on Gemini's of other questions, the other way round, and on thought-anchors,
  which never chose anything here.
- Fixed settings (`FIXED`) on three corpora that are mined: long, short, and both.

No solution to a question that any labelled trace has is mined. Counts by question are kept in FILE, so that a run goes on where
it stopped; `--tables` prints the tables of the README from it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from run import Corpus, key, lines_of, rows_of

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lexicons"))
from second_opinions import rt_seg, thought_anchors

from hicra.artifacts import canonical_json, write_text
from hicra.labels.score import flagged_counts, rates
from hicra.labels.traces import LabelledTrace, read_labels
from hicra.lexicon import Lexicon
from hicra.mining.mine import mine_loaded
from hicra.mining.settings import MineSettings
from hicra.stats import cluster_bootstrap
from hicra.tagging.tagger import Tagger

Counts = dict[str, list[int]]  # question -> columns of hicra.labels.score.COUNTS
KMEANS = {"clusterer": "minibatch_kmeans", "max_embedded": 10_000}
LINKED = {"clusterer": "agglomerative", "max_embedded": 5_000}
STEPS_ALONE: dict[str, Any] = {"burstiness": None, **KMEANS}
SPARSE: dict[str, Any] = {"burstiness": 0.25, **LINKED}
CANDIDATES: list[dict[str, Any]] = [
    *({"burstiness": bits, **KMEANS} for bits in (None, 0.2, 0.25)),
    *({"burstiness": bits, **LINKED} for bits in (None, 0.2, 0.25, 0.35, 0.5)),
]
CORPORA = {"long": ("solutions_long",), "short": ("solutions_short",), "both": ("solutions_short", "solutions_long")}
CHOOSING = ("long", "hashing")  # `hashing` embeds twenty candidates in the time that `minilm` takes for one
FIXED = [
    (corpus, embedder, settings)
    for corpus, embedder in (("long", "hashing"), ("short", "hashing"), ("both", "hashing"), ("long", "minilm"))
    for settings in (STEPS_ALONE, SPARSE)
]
RUNS = [(*CHOOSING, one) for one in CANDIDATES] + FIXED
LEAST = (0.3, 0.4)  # recall on the choosing side; the second leaves room for a side where recall is lower
PARTITIONS = 20
NOT_REASONING = ("DeepSeek-V3", "Qwen2.5-32B-Instruct")  # models that answer without a long thought


def read_sets(folder: Path) -> dict[str, list[LabelledTrace]]:
    """The labelled traces by who labelled what."""
    human = read_labels([folder / "reasoningflow_human.jsonl.gz"])
    machine = read_labels([folder / "reasoningflow_aime24_llm.jsonl.gz"])
    short = [trace for trace in machine if trace.model in NOT_REASONING]
    long = [trace for trace in machine if trace.model not in NOT_REASONING]
    segments, _ = rt_seg(folder / "rtseg_human.jsonl.gz")
    anchors, _, _ = thought_anchors(folder / "thought_anchors_llm.jsonl.gz")
    return {
        "human": human, "machine_long": long, "machine_short": short, "rt_seg": segments, "thought_anchors": anchors
    }  # fmt: skip


def counts_of(lexicon: Lexicon, traces: Sequence[LabelledTrace]) -> Counts:
    """Counts of each question, over all its traces and annotators."""
    out: Counts = {}
    for trace, row in zip(traces, flagged_counts(Tagger(lexicon, unit="gram"), traces).tolist(), strict=True):
        before = out.setdefault(short_name(trace.cluster), [0] * len(row))
        out[short_name(trace.cluster)] = [a + b for a, b in zip(before, row, strict=True)]
    return out


def added(one: Counts, other: Counts) -> Counts:
    return {
        name: [a + b for a, b in zip(one.get(name, [0] * 6), other.get(name, [0] * 6), strict=True)]
        for name in sorted({*one, *other})
    }


def short_name(cluster: str) -> str:
    """A question by a digest: no text of it goes into the file."""
    return hashlib.sha256(cluster.encode()).hexdigest()[:12]


def mined(data: Path, out: Path) -> dict[str, Any]:
    """Mines and scores what FILE lacks."""
    folder = data / "function_labels"
    sets = read_sets(folder)
    labelled = {key(row.get("question")) for path in folder.glob("*.jsonl.gz") for row in lines_of(path)} - {""}
    done: dict[str, Any] = json.loads(out.read_text()) if out.exists() else {"runs": []}
    have = [(run["corpus"], run["embedder"], run["settings"]) for run in done["runs"]]
    held: tuple[str, Corpus] | None = None
    for corpus, embedder, settings in RUNS:
        if (corpus, embedder, settings) in have:
            continue
        if held is None or held[0] != corpus:
            held = (corpus, Corpus(list(rows_of(data, CORPORA[corpus], labelled)), near=False))
        have.append((corpus, embedder, settings))
        result = mine_loaded(held[1].backend, held[1].loaded, MineSettings(embedder=embedder, **settings))
        lexicon = Lexicon.from_table(result.table, name="mined")
        counts = {name: counts_of(lexicon, traces) for name, traces in sets.items()}
        counts["machine"] = added(counts["machine_long"], counts["machine_short"])
        done["runs"].append(
            {"corpus": corpus, "embedder": embedder, "settings": settings, "grams": len(lexicon), "counts": counts}
        )
        write_text(out, canonical_json(done))
        print(
            corpus, embedder, settings, len(lexicon), *(said(counts[name]) for name in ("human", "machine")), flush=True
        )
    return done


# ---- choosing on one part, reading off the other
def pooled(counts: Counts, questions: Iterable[str]) -> NDArray[np.float64]:
    return np.array([counts[one] for one in questions], np.float64).sum(axis=0)


def figures(row: NDArray[np.float64]) -> dict[str, float]:
    return {name: float(value[0]) for name, value in rates(row[None]).items()}


def chosen(runs: Sequence[dict[str, Any]], name: str, questions: Iterable[str], least: float) -> dict[str, Any]:
    """The run of the highest lift among those with enough recall on these questions; of none, that of the highest recall."""
    asked = sorted(questions)
    found = [(figures(pooled(run["counts"][name], asked)), run) for run in runs]
    able = [pair for pair in found if pair[0]["recall"] >= least]
    if able:
        return max(able, key=lambda pair: pair[0]["lift"])[1]
    return max(found, key=lambda pair: pair[0]["recall"])[1]


def by_question(runs: Sequence[dict[str, Any]], name: str, least: float) -> dict[str, Any]:
    """Each question scored by the setting that the other half chose, over all partitions."""
    questions = sorted(runs[0]["counts"][name])
    total = np.zeros((len(questions), 6))
    lifts, recalls, picks = [], [], []
    for seed in range(PARTITIONS):
        order = sorted(questions, key=lambda one: hashlib.sha256(f"{seed}|{one}".encode()).digest())
        halves = [set(order[::2]), set(order[1::2])]
        pick = [chosen(runs, name, halves[1 - side], least) for side in (0, 1)]
        rows = np.array([pick[0 if one in halves[0] else 1]["counts"][name][one] for one in questions])
        here = figures(rows.sum(axis=0))
        lifts.append(here["lift"])
        recalls.append(here["recall"])
        picks += [label(run["settings"]) for run in pick]
        total += rows / PARTITIONS
    return {
        **with_intervals(total),
        "lift_of_partitions": [min(lifts), max(lifts)],
        "recall_of_partitions": [min(recalls), max(recalls)],
        "picked": {one: picks.count(one) for one in sorted(set(picks))},
    }


def by_corpus(runs: Sequence[dict[str, Any]], chooser: str, scored: str, least: float) -> dict[str, Any]:
    """Chosen on all questions of one labelling, scored on the questions of another that the first does not have."""
    asked = set(runs[0]["counts"][chooser])
    run = chosen(runs, chooser, asked, least)
    new = sorted(set(run["counts"][scored]) - asked)
    rows = np.array([run["counts"][scored][one] for one in new], np.float64)
    return {"picked": label(run["settings"]), "questions": len(new), **with_intervals(rows)}


def with_intervals(rows: NDArray[np.float64]) -> dict[str, Any]:
    """Figures of pooled counts [Q,6], and 95 % intervals over questions."""
    now = figures(rows.sum(axis=0))
    bounds = cluster_bootstrap(rows, rates, 2000, 0, 0.95)
    return {
        **{name: round(now[name], 4) for name in ("precision", "recall", "f1", "lift", "char_share")},
        "intervals": {name: [round(end, 4) for end in bounds[name]] for name in ("lift", "recall")},
    }


def label(settings: dict[str, Any]) -> str:
    bits = "no burstiness" if settings["burstiness"] is None else f"burstiness {settings['burstiness']}"
    clusters = "agglomerative" if settings["clusterer"] == "agglomerative" else "k-means"
    return f"{bits}, {clusters}"


def summary(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    candidates = [run for run in runs if (run["corpus"], run["embedder"]) == CHOOSING]
    fixed = [run for run in runs if run["settings"] in (STEPS_ALONE, SPARSE)]
    return {
        "by_question": {
            f"{name}, recall >= {least}": by_question(candidates, name, least)
            for name in ("human", "machine")
            for least in LEAST
        },
        "by_corpus": {
            f"{chooser} -> {scored}, recall >= {least}": by_corpus(candidates, chooser, scored, least)
            for chooser, others in (("human", ("machine", "thought_anchors")), ("machine", ("human", "thought_anchors")))
            for scored in others
            for least in LEAST
        },
        "fixed": [
            {
                **{name: run[name] for name in ("corpus", "embedder", "grams")},
                "settings": label(run["settings"]),
                **{
                    name: with_intervals(np.array(list(counts.values()), np.float64))
                    for name, counts in run["counts"].items()
                },
            }
            for run in fixed
        ],
    }  # fmt: skip


def said(counts: Counts) -> str:
    return "lift {lift:.2f} at {recall:.3f}".format(**figures(pooled(counts, counts)))


def cell(found: dict[str, Any]) -> str:
    low, high = found["intervals"]["lift"]
    return f"{found['lift']:.2f} [{low:.2f}, {high:.2f}] at {found['recall']:.3f}"


def tables(found: dict[str, Any]) -> str:
    lines = ["| left out | lift at recall | over the partitions | chosen most |", "| --- | --- | --- | --- |"]
    for name, one in found["by_question"].items():
        low, high = one["lift_of_partitions"]
        first, times = min(one["picked"].items(), key=lambda pair: (-pair[1], pair[0]))
        lines.append(f"| {name} | {cell(one)} | {low:.2f} to {high:.2f} | {first} ({times} of {2 * PARTITIONS}) |")
    lines += ["", "| chosen on -> scored on | questions | setting | lift at recall |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {name} | {one['questions']} | {one['picked']} | {cell(one)} |" for name, one in found["by_corpus"].items()
    ]
    names = ("human", "machine", "machine_long", "machine_short", "thought_anchors", "rt_seg")
    lines += ["", "| mined | settings | grams | " + " | ".join(names) + " |", "| --- " * (3 + len(names)) + "|"]
    for one in found["fixed"]:
        cells = " | ".join(cell(one[name]) for name in names)
        lines.append(f"| {one['corpus']}, {one['embedder']} | {one['settings']} | {one['grams']} | {cells} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "data", type=Path, help="the folder with solutions_long/, solutions_short/ and function_labels/"
    )
    parser.add_argument("-o", "--out", type=Path)
    parser.add_argument("--tables", action="store_true", help="print the tables of the FILE given in place of DATA")
    given = parser.parse_args()
    if given.tables:
        print(tables(json.loads(given.data.read_text())["summary"]))
        return
    if given.out is None:
        parser.error("-o FILE is missing")
    done = mined(given.data, given.out)
    write_text(given.out, canonical_json(done | {"summary": summary(done["runs"])}))
    print(tables(summary(done["runs"])))


if __name__ == "__main__":
    main()
