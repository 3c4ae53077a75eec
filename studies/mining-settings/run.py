"""Which settings of mining find planning, without labels? `python studies/mining-settings/run.py ../shared/data -o FILE`.

Mined: all solutions_short and solutions_long whose question no labelled trace has. Scored: units labelled planning or
reflection, flagged when a gram lies wholly inside. Fixed before the first look at the machine labels: settings are chosen
on the human labels (the highest lift among those with recall of at least 0.3 there), and what the choice is worth is read
off the machine labels. `GRID` is all that was tried.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from hicra.artifacts import canonical_json, write_text
from hicra.labels.score import score
from hicra.labels.traces import read_labels
from hicra.lexicon import Lexicon
from hicra.mining.counting.open import open_backend
from hicra.mining.counting.rows import chunks_of
from hicra.mining.mine import mine_loaded
from hicra.mining.settings import PRESETS, MineSettings

LEAST_RECALL, LIFT = 0.3, 1.5
FIGURES = ("base_rate", "precision", "recall", "f1", "lift", "char_share")
BASE: dict[str, Any] = {**PRESETS["paper"], "embedder": "minilm"}  # the settings below are changes to it
ONE_BY_ONE: list[dict[str, Any]] = [
    {},
    *({"n_min": n} for n in (1, 2)),
    *({"embedder": name} for name in ("hashing", "wordllama")),
    *({"clusterer": "agglomerative", "max_embedded": 5000}, {"max_embedded": 5000}, {"max_embedded": 2000}),
    {"clusterer": "hdbscan", "max_embedded": 5000},
    *({"k": k} for k in (50, 200, 500)),
    *({"top_clusters": share} for share in (0.05, 0.1, 0.3, 0.5)),
    *({"contrast": ratio} for ratio in (0.5, 1.0, 1.5)),
    *({"max_per_doc": most} for most in (1.1, 1.25, 1.5)),
    *({"burstiness": bits} for bits in (0.1, 0.25, 0.5)),
    *({"count": "questions"}, {"near_duplicates": "merge"}, {"closed": False}, {"across_questions": False}),
    {"rare_join": 0.8, "max_embedded": 5000, "max_joined": 5000},
]
CORPORA = {"all": ("solutions_short", "solutions_long"), "long": ("solutions_long",)}
TOGETHER: list[dict[str, Any]] = [
    {**spread, **share, **rest}
    for spread in ({"burstiness": 0.2}, {"burstiness": 0.25}, {"burstiness": 0.35})
    for share in ({}, {"top_clusters": 0.3}, {"top_clusters": 0.4})
    for rest in ({}, {"count": "questions"}, {"k": 200}, {"clusterer": "agglomerative", "max_embedded": 5000})
] + [
    {"burstiness": 0.25, **rest}
    for rest in (
        {"n_min": 2}, {"embedder": "hashing"}, {"embedder": "hashing", "top_clusters": 0.3}, {"contrast": 0.5},
        {"max_embedded": 5000}, {"max_embedded": 20_000}, {"closed": False}, {"rare_join": 0.7, "max_joined": 10_000},
    )
]  # fmt: skip
GRID: list[tuple[str, dict[str, Any]]] = [(corpus, change) for corpus in CORPORA for change in ONE_BY_ONE]
GRID += [("long", change) for change in TOGETHER]
GRID += [
    ("long", {**change, "seed": seed})
    for change in ({}, {"burstiness": 0.25}, {"burstiness": 0.25, "top_clusters": 0.3})
    for seed in (1, 2, 3, 4)
]
SMALL = {"clusterer": "agglomerative", "max_embedded": 5000}
GRID += [("long", {"burstiness": 0.25, **SMALL, **more}) for more in ({"n_min": 2}, {"count": "questions"})]
GRID += [("long", {"burstiness": 0.25, **SMALL, "embedder": "hashing"})]
GRID += [  # what the choice of clusters adds to the choice of n-grams: with top_clusters 1 nothing is left out
    ("long", {**spread, "max_embedded": most, "top_clusters": share})
    for spread in ({}, {"burstiness": 0.25})
    for most, share in ((5000, 1.0), (3371, 1.0), (1000, 1.0), (5000, 0.6))
]
GRID += [
    ("all", {"burstiness": 0.25, **more})
    for more in ({"k": 500}, SMALL, {"count": "questions"}, {"top_clusters": 0.4}, {**SMALL, "count": "questions"})
]


def rows_of(data: Path, folders: tuple[str, ...], left_out: set[str]) -> Iterator[dict[str, Any]]:
    """Solutions whose question no labelled trace has."""
    for path in (path for folder in folders for path in sorted((data / folder).glob("*.jsonl.gz"))):
        yield from (row for row in lines_of(path) if key(row.get("question")) not in left_out)


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def key(question: str | None) -> str:
    """A question by its letters and digits, so that layout does not hide an overlap."""
    return "".join(char for char in (question or "").lower() if char.isalnum())


class Corpus:
    """One corpus, loaded once for each way of merging; counts of the last rule are kept."""

    def __init__(self, rows: list[dict[str, Any]], near: bool) -> None:
        self.backend = open_backend("local", 1)
        right = [row for row in rows if row.get("correct")]
        wrong = [row for row in rows if row.get("correct") is False]

        def chunks() -> Iterator[Any]:
            for some, against in ((right, False), (wrong, True)):
                yield from chunks_of([r["solution"] for r in some], [r["question"] for r in some], against)

        self.loaded = self.backend.load(chunks(), near)
        self.backend.count = lru_cache(1)(self.backend.count)  # type: ignore[method-assign]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--only", default="", help="corpus whose settings are run")
    parser.add_argument("--each", type=int, help="take each N-th solution only, for a trial")
    given = parser.parse_args()
    folder = given.data / "function_labels"
    traces = {
        "human": read_labels([folder / "reasoningflow_human.jsonl.gz"]),
        "machine": read_labels([folder / "reasoningflow_aime24_llm.jsonl.gz"]),
    }
    left_out = {key(row.get("question")) for path in folder.glob("*.jsonl.gz") for row in lines_of(path)} - {""}
    done: dict[str, Any] = json.loads(given.out.read_text()) if given.out.exists() else {"runs": []}
    runs: list[dict[str, Any]] = done["runs"]
    have = {json.dumps([run["corpus"], run["change"]], sort_keys=True) for run in runs}
    held: tuple[Any, ...] = ()
    corpus: Corpus | None = None
    rows: list[dict[str, Any]] = []
    todo = [
        (name, change)
        for name, change in GRID
        if given.only in ("", name) and json.dumps([name, change], sort_keys=True) not in have
    ]
    todo.sort(key=lambda pair: (pair[0], str(rule_of(settings_of(pair[1])))))
    for name, change in todo:
        started = time.process_time()
        settings = settings_of(change)
        if held != (name, settings.near_duplicates):
            rows = list(rows_of(given.data, CORPORA[name], left_out))[:: given.each or 1]
            corpus = Corpus(rows, settings.near_duplicates == "merge")
            held = (name, settings.near_duplicates)
        assert corpus is not None
        run: dict[str, Any] = {"corpus": name, "change": change}
        result = mine_loaded(corpus.backend, corpus.loaded, settings)
        lexicon = Lexicon.from_table(result.table, name="mined")
        run["statistics"] = result.statistics
        for which, some in traces.items():
            run[which] = slim(score(lexicon, some, "gram").as_dict())
        runs.append(run | {"cpu_seconds": round(time.process_time() - started, 1)})
        write_text(given.out, canonical_json(done | {"left_out_questions": len(left_out)}))
        print(name, change, len(lexicon), [figures(run[which]) for which in traces], flush=True)
    print(summary(runs))


def slim(score: dict[str, Any]) -> dict[str, Any]:
    """The figures of a score and their intervals, rounded."""
    kept: dict[str, Any] = {name: round(score[name], 4) for name in FIGURES}
    return kept | {
        "intervals": {name: [round(end, 4) for end in score["intervals"][name]] for name in ("lift", "recall")}
    }


def settings_of(change: dict[str, Any]) -> MineSettings:
    return MineSettings(**{**BASE, **change})


def rule_of(settings: MineSettings) -> tuple[Any, ...]:
    """What counting depends on."""
    return (
        settings.near_duplicates,
        settings.n_min,
        settings.n_max,
        settings.min_df,
        settings.count,
        settings.across_questions,
    )


def figures(score: dict[str, Any]) -> str:
    return "P {precision:.3f} R {recall:.3f} F1 {f1:.3f} lift {lift:.2f}".format(**score)


def summary(runs: list[dict[str, Any]]) -> str:
    """How many settings meet the goal on each side; the choice on one side, and what it is worth on the other."""
    lines = [f"{len(runs)} settings"]
    for which in ("human", "machine"):
        good = sum(run[which]["recall"] >= LEAST_RECALL and run[which]["lift"] >= LIFT for run in runs)
        lines.append(f"lift {LIFT} at recall {LEAST_RECALL} on {which} labels: {good}")
    for which, least in (("human", LEAST_RECALL), ("human", 0.4), ("machine", LEAST_RECALL)):
        chosen_from = [run for run in runs if run["change"].get("top_clusters") != 1]  # 1 leaves out the paper's step 3
        able = [run for run in chosen_from if run[which]["recall"] >= least]
        best = max(able, key=lambda run: run[which]["lift"], default=None)
        if best:
            lines.append(f"chosen on {which} labels, recall at least {least}: {best['corpus']} {best['change']}")
            lines += [f"  {side}: {figures(best[side])}" for side in ("human", "machine")]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
