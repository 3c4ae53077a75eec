"""Mining, end to end: solutions -> n-grams -> vectors -> clusters -> lexicon (paper section 2.1).

The same solutions and settings give the same bytes, whatever the order or the files they come in: solutions are put in
order of text, everything counted is an integer, grams are sorted before they are embedded and clustered.

Deviations (D1 to D4 words.py, D5 to D7 select.py, D8 embed.py, D9 and D10 cluster.py):
D11. Exact copies of a solution count once.
D12. Where questions are known, an n-gram must occur for two different ones (`across_questions`): what only the
     solutions of one question share is that question's text, not a move that carries over.
D13. The paper describes grams as sparse within a solution but gives no rule: `mean_per_doc` is recorded, not filtered.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from hicra import corpus
from hicra.corpus import Paths
from hicra.errors import DataError
from hicra.lexicon import Lexicon
from hicra.mining import select
from hicra.mining.cluster import choose_k, get_clusterer
from hicra.mining.embed import default_embedder, get_embedder
from hicra.mining.ngrams import Grams, Ints, count_ngrams
from hicra.mining.words import tokenise


class MineSettings(BaseModel):
    """Settings of mining; all of them are recorded in the lexicon."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    n_min: int = Field(default=3, ge=1, le=8, description="words of the shortest n-gram (paper: 3)")
    n_max: int = Field(default=5, ge=1, le=8, description="words of the longest n-gram (paper: 5)")
    min_df: int = Field(default=2, ge=1, description="solutions that must hold an n-gram")
    across_questions: bool = Field(default=True, description="an n-gram must occur for two different questions (D12)")
    closed: bool = Field(default=True, description="drop n-grams that always stand inside one longer n-gram (D5)")
    max_embedded: int = Field(default=10_000, ge=1, description="most n-grams that are embedded (D6)")
    embedder: str | None = Field(
        default=None, description="hashing or minilm; null: minilm where installed, else hashing"
    )
    clusterer: str = Field(default="minibatch_kmeans", description="clustering algorithm")
    k: int | None = Field(default=None, ge=1, description="number of clusters; null: by rule (D10)")
    top_clusters: float = Field(
        default=0.2, gt=0, le=1, description="share of clusters kept, by cluster DF (paper: 0.2)"
    )
    include_incorrect: bool = Field(default=False, description="mine all solutions, not only the correct ones")
    seed: int = Field(default=0, ge=0, lt=2**32, description="of the clustering")

    @model_validator(mode="after")
    def _ordered(self) -> MineSettings:
        if self.n_min > self.n_max:
            raise ValueError(f"n_min {self.n_min} is larger than n_max {self.n_max}")
        return self

    def resolved(self) -> MineSettings:
        """The settings with the embedder named."""
        return self.model_copy(update={"embedder": self.embedder or default_embedder()})


@dataclass(frozen=True)
class MineResult:
    """What mining found.

    Attributes:
        table: one row a gram: gram, n, cluster (0 = highest cluster DF), cluster_df, doc_freq, mean_per_doc.
        settings: the settings with the embedder named, plus what embedder and clusterer say of themselves.
        statistics: how much was left after each stage.
    """

    table: pl.DataFrame
    settings: dict[str, Any]
    statistics: dict[str, Any]


def mine(
    solutions: Sequence[str], settings: MineSettings | None = None, questions: Sequence[str | None] | None = None
) -> MineResult:
    """Strategic grams of solutions (all of them: choose the correct ones first).

    Args:
        solutions: texts, in any order.
        settings: see `MineSettings`.
        questions: the question of each solution, None where unknown.

    Raises:
        DataError: no solutions, or no n-gram that passes (the message names the nearest setting that works).
    """
    chosen = (settings or MineSettings()).resolved()
    embedder, clusterer = get_embedder(str(chosen.embedder)), get_clusterer(chosen.clusterer)
    texts, groups, n_questions = distinct_solutions(solutions, questions)
    if not texts:
        raise DataError("no solution to mine", "give at least one")
    tokens = tokenise(texts)
    asks_two = chosen.across_questions and chosen.min_df > 1 and n_questions > 1
    counted, counts = count_ngrams(tokens, chosen.n_min, chosen.n_max, chosen.min_df, groups, 2 if asks_two else 1)
    if not counted.text:
        raise _nothing_passes(chosen, counts, len(texts))
    grams = counted.take(np.flatnonzero(select.closed(tokens, counted))) if chosen.closed else counted
    closed = len(grams.text)
    grams = grams.take(select.most_frequent(grams, chosen.max_embedded))
    k = min(chosen.k or choose_k(len(grams.text)), len(grams.text))
    labels = clusterer.labels(embedder.embed(grams.text), k, chosen.seed)
    frequency = select.cluster_df(tokens, grams, labels)
    ranked = select.rank_clusters(grams, labels, frequency)
    kept = select.top_clusters(ranked, chosen.top_clusters)
    table = gram_table(grams, labels, frequency, kept)
    statistics = {
        "solutions": len(texts),
        "questions": n_questions,
        "words": int((tokens.ids != 0).sum()),
        "ngrams": counts["ngrams"],
        "ngrams_min_df": counts["min_df"],
        "ngrams_across_questions": len(counted.text),
        "ngrams_closed": closed,
        "embedded": len(grams.text),
        "k": k,
        "clusters": len(ranked),
        "clusters_kept": len(kept),
        "lowest_cluster_df_kept": int(frequency[kept[-1]]),
        "grams": table.height,
    }
    described = {"embedder_details": embedder.describe(), "clusterer_details": clusterer.describe()}
    return MineResult(table, {**chosen.model_dump(), **described}, statistics)


def distinct_solutions(solutions: Sequence[str], questions: Sequence[str | None] | None) -> tuple[list[str], Ints, int]:
    """The distinct solutions in order of text, the group (question) of each, and the number of known questions.

    A copy under several questions counts for the first of them by text; a solution without a question is its own group.
    """
    first: dict[str, str | None] = {}
    for text, question in zip(solutions, questions or [None] * len(solutions), strict=True):
        known = first.get(text)
        first[text] = question if known is None else known if question is None else min(known, question)
    texts = sorted(first)
    names = {question: number for number, question in enumerate(sorted({q for q in first.values() if q is not None}))}
    groups = [len(names) + row if (q := first[text]) is None else names[q] for row, text in enumerate(texts)]
    return texts, np.array(groups, np.int64), len(names)


def gram_table(grams: Grams, labels: Ints, frequency: Ints, kept: Ints) -> pl.DataFrame:
    """The table of the lexicon: members of the kept clusters, clusters numbered by rank."""
    rank = {int(label): number for number, label in enumerate(kept)}
    rows = [row for row, label in enumerate(labels.tolist()) if label in rank]
    doc_freq, occurrences = grams.doc_freq[rows], grams.occurrences[rows]
    return pl.DataFrame(
        {
            "gram": [grams.text[row] for row in rows],
            "n": grams.n[rows],
            "cluster": [rank[int(labels[row])] for row in rows],
            "cluster_df": frequency[labels[rows]],
            "doc_freq": doc_freq,
            "mean_per_doc": occurrences / doc_freq,
        }
    )


def _nothing_passes(settings: MineSettings, counts: dict[str, int], solutions: int) -> DataError:
    length = f"{settings.n_min} to {settings.n_max} words"
    if not counts["ngrams"]:
        return DataError(
            f"{solutions} solutions hold no run of {length} between numbers, formulas and clause ends",
            f"try --n-min {max(1, settings.n_min - 1)}",
        )
    if not counts["min_df"]:
        return DataError(
            f"min_df is {settings.min_df} of {solutions} solutions; no n-gram of {length} reaches it "
            f"(the most frequent is in {counts['max_df']})",
            f"try --min-df {counts['max_df']}" + (", or mine more solutions" if counts["max_df"] < 2 else ""),
        )
    return DataError(
        f"{counts['min_df']} n-grams reach min_df {settings.min_df}, but none of them for two different questions",
        "mine more questions, or set across_questions to false",
    )


def mine_paths(
    paths: Paths,
    settings: MineSettings | None = None,
    on_bad: Literal["stop", "skip"] = "stop",
    max_bad: float = 0.01,
    name: str = "mined",
) -> tuple[Lexicon, dict[str, Any]]:
    """A lexicon from rollout files, and the report that `hicra mine` prints.

    Raises:
        DataError: as `corpus.read` and `mine`, or where no solution is correct.
    """
    started = time.perf_counter()
    chosen = settings or MineSettings()
    read = corpus.read(paths, on_bad, max_bad)
    rows = read.rows if chosen.include_incorrect else read.rows.filter(pl.col("correct"))
    if rows.is_empty():
        wrong = int((~read.rows["correct"]).sum())
        raise DataError(
            f"none of {read.rows.height} rows is correct ({wrong} wrong, {read.rows.height - wrong} not known)",
            "add `correct` or `reward` to the rows, or mine all of them with --include-incorrect",
        )
    result = mine(rows["response"].to_list(), chosen, rows["question"].to_list())
    source = [value for value in read.rows["source"].unique().sort().to_list() if value is not None]
    lexicon = Lexicon.from_table(
        result.table, name=name, settings=result.settings, statistics=result.statistics, source=source
    )
    numbers = {
        key: result.statistics[key] for key in ("solutions", "ngrams", "embedded", "clusters", "clusters_kept", "grams")
    }
    return lexicon, {
        **numbers,
        "content_hash": lexicon.content_hash,
        "seconds": round(time.perf_counter() - started, 3),
        "peak_rss_mb": peak_rss_mb(),
        "embedder": result.settings["embedder"],
        "rows": read.lines,
        "skipped": read.skipped,
        "duplicates": read.duplicates,
    }


def peak_rss_mb() -> float:
    """Largest resident memory of this process so far, in MiB."""
    import resource  # not on Windows: only the verb that prints this needs it

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)
