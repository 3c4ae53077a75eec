"""Mines a lexicon, end to end: solutions -> n-grams -> vectors -> clusters -> lexicon (paper section 2.1).

A backend (counting/) holds the corpus and counts; choose.py makes the lexicon's table from the counts. The same
solutions and settings give the same bytes, whatever the order, the files, the backend and the number of workers:
all counts are integers, and grams are sorted before they are embedded and clustered.

Deviations (the others stand where they act; docs/deviations.md has them all):
MINE-12. Where questions are known, an n-gram must occur in solutions of two different ones (`across_questions`): what only
     the solutions of one question share is that question's text, not a strategy that serves elsewhere.
MINE-19. With `count: questions` a document frequency is the number of distinct questions whose solutions hold the n-gram; a
     solution without a question is a question of its own. All solutions of one question then count once.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from hicra.arrays import Ints
from hicra.corpus import Paths
from hicra.corpus.mapping import checked as checked_mapping
from hicra.errors import DataError
from hicra.lexicon import Lexicon
from hicra.mining.choose import Chosen, Contrast, choose
from hicra.mining.cluster import get_clusterer
from hicra.mining.counting.interface import Backend, Loaded
from hicra.mining.counting.ngrams import Grams
from hicra.mining.counting.open import open_backend
from hicra.mining.counting.rows import Reading, chunks_of
from hicra.mining.counting.segmenters import open_segmenter
from hicra.mining.counting.words import LETTER, NO_SIZE, Chunk
from hicra.mining.embedders.open import fell_back, get_embedder
from hicra.mining.settings import MineSettings
from hicra.mining.why import explain
from hicra.workers.signals import ends_on_sigterm

__all__ = ["MineResult", "MineSettings", "mine", "mine_paths"]


@dataclass(frozen=True)
class MineResult:
    """Holds what mining found.

    Attributes:
        table: one row a gram: gram, n, cluster (0 = highest cluster DF), cluster_df, doc_freq, mean_per_doc.
        settings: the settings with the embedder named, plus how embedder and clusterer describe themselves.
        statistics: how much was left after each stage.
        chosen: what became of every counted n-gram.
    """

    table: pl.DataFrame
    settings: dict[str, Any]
    statistics: dict[str, Any]
    chosen: Chosen


def mine(
    solutions: Sequence[str],
    settings: MineSettings | None = None,
    questions: Sequence[str | None] | None = None,
    *,
    against: Sequence[str] = (),
    backend: str = "local",
    workers: int = 1,
) -> MineResult:
    """Mines the strategic grams of solutions. All solutions are mined, so choose the correct ones first.

    Args:
        solutions: texts, in any order.
        settings: see `MineSettings`.
        questions: the question of each solution, None where unknown.
        against: incorrect solutions, for `contrast`.
        backend: "local" or "ray".
        workers: number of processes that count.

    Raises:
        DataError: there are no solutions, or no n-gram passes (the message names the nearest setting that works).
        ConfigError: a backend, embedder or clusterer is unknown or not installed.
    """
    asked = list(questions) if questions is not None else [None] * len(solutions)
    if len(asked) != len(solutions):
        raise ValueError(f"{len(solutions)} solutions, but {len(asked)} questions")

    def chunks() -> Iterator[Chunk]:
        yield from chunks_of(solutions, asked)
        yield from chunks_of(against, [None] * len(against), against=True)

    return _mine(chunks(), settings or MineSettings(), backend, workers)


def _mine(chunks: Iterable[Chunk], settings: MineSettings, backend: str, workers: int) -> MineResult:
    chosen = checked(settings)
    with contextlib.closing(open_backend(backend, workers, chosen.segmenter)) as held:
        return mine_loaded(held, held.load(chunks, chosen.near_duplicates == "merge"), chosen)


def checked(settings: MineSettings) -> MineSettings:
    """Returns the settings with all names and lengths in them. Raises ConfigError before any work where one cannot be."""
    resolved = settings.resolved()
    if resolved.segmenter is not None:
        open_segmenter(resolved.segmenter)
    get_embedder(str(resolved.embedder))
    get_clusterer(resolved.clusterer, resolved.k, resolved.max_embedded)
    return resolved


def mine_loaded(backend: Backend, loaded: Loaded, settings: MineSettings) -> MineResult:
    """Mines the strategic grams of the solutions that a backend holds. Errors are as for `mine`.

    Args:
        backend: loaded, with near duplicates merged as the settings ask.
        settings: with the embedder named.
    """
    documents, by_group = loaded.mined.documents, settings.count == "questions"
    if not documents.counted:
        raise DataError("no solution to mine", "give at least one solution")
    across = settings.across_questions and settings.min_df > 1 and documents.questions > 1
    grams, counts = backend.count(settings.rule(by_group, across))
    counted = documents.groups if by_group else documents.counted
    if not grams.text:
        letters = bool(((loaded.size >= LETTER) & (loaded.size < NO_SIZE)).any())
        raise _nothing_passes(settings, counts, counted, letters)
    other = loaded.against.documents

    def wrong(these: Grams, labels: Ints, /) -> Ints:
        return backend.holders(these, labels, against=True)

    chosen = choose(
        grams,
        backend.holders,
        settings,
        left=loaded.left,
        right=loaded.right,
        documents=counted,
        contrast=Contrast(wrong, other.groups if by_group else other.counted) if other.counted else None,
    )
    statistics = {
        "solutions": documents.distinct,
        "near_duplicates": documents.distinct - documents.counted,
        "questions": documents.questions,
        "words": loaded.mined.words,
        "ngrams": counts["ngrams"],
        "ngrams_min_df": counts["min_df"],
        "ngrams_across_questions": len(grams.text) + counts["over_limit"],
        "ngrams_over_limit": counts["over_limit"],
        **({"against": other.counted} if settings.contrast is not None else {}),
        **chosen.statistics,
    }
    return MineResult(chosen.table, {**settings.model_dump(), **chosen.details}, statistics, chosen)


def _nothing_passes(settings: MineSettings, counts: dict[str, int], counted: int, letters: bool) -> DataError:
    length = f"{settings.n_min} to {settings.n_max} words"
    if letters:
        length += f" (or {settings.letters[0]} to {settings.letters[1]} letters of a script without spaces)"
    what, hold = (settings.count, "hold") if counted != 1 else (settings.count[:-1], "holds")
    if not counts["ngrams"]:
        return DataError(
            f"{counted} {what} {hold} no n-gram of {length} between numbers, formulas and clause ends",
            f"try --n-min {max(1, settings.n_min - 1)}",
        )
    if not counts["min_df"]:
        return DataError(
            f"min_df is {settings.min_df} of {counted} {what}; no n-gram of {length} reaches it "
            f"(the most frequent is in {counts['max_df']})",
            f"try --min-df {counts['max_df']}" + (f", or mine more {settings.count}" if counts["max_df"] < 2 else ""),
        )
    return DataError(
        f"{counts['min_df']} n-grams reach min_df {settings.min_df}, but none of them in solutions of two different questions",
        "mine more questions, or set across_questions to false",
    )


def mine_paths(
    paths: Paths,
    settings: MineSettings | None = None,
    on_bad: Literal["stop", "skip"] = "stop",
    max_bad: float = 0.01,
    name: str = "mined",
    backend: str = "local",
    workers: int = 1,
    why: Sequence[str] = (),
    *,
    mapping: Mapping[str, str] | None = None,
    tokenizer: str | None = None,
    quarantine: Path | None = None,
) -> tuple[Lexicon, dict[str, Any]]:
    """Mines a lexicon from rollout files, read as a stream; also returns the report that `hicra mine` prints.

    Args:
        paths: files or folders; with `backend="ray"` also addresses of object storage.
        settings: see `MineSettings`.
        on_bad, max_bad: as for `corpus.read`.
        name: of the lexicon.
        backend: "local" or "ray".
        workers: number of processes that count. Backend and workers do not change the lexicon.
        why: grams to explain; the report then holds `why`, see `hicra.mining.why.explain`.
        mapping, quarantine: as for `corpus.read`.
        tokenizer: folder with tokenizer.json, for dumps that hold token ids and no text.

    Raises:
        DataError: as `corpus.read` and `mine`, or where no solution is correct.
        ConfigError: as `mine`.
    """
    started = time.perf_counter()
    chosen = checked(settings or MineSettings())
    note = fell_back() if (settings or MineSettings()).embedder is None else None
    reading = Reading(
        on_bad, max_bad, chosen.include_incorrect, chosen.contrast is not None, checked_mapping(mapping), quarantine,
        tokenizer,
    )  # fmt: skip
    with ends_on_sigterm(), contextlib.closing(open_backend(backend, workers, chosen.segmenter)) as held:
        loaded, read = held.load_paths(paths, reading, chosen.near_duplicates == "merge")
        result = mine_loaded(held, loaded, chosen)
        whys = explain(why, result.chosen, chosen, held.solutions(paths, reading)) if why else []
    lexicon = Lexicon.from_table(
        result.table, name=name, settings=result.settings, statistics=result.statistics, source=read.sources
    )
    keys = ("solutions", "ngrams", "embedded", "clusters", "clusters_kept", "grams")
    return lexicon, {
        **{key: result.statistics[key] for key in keys},
        "content_hash": lexicon.content_hash,
        "seconds": round(time.perf_counter() - started, 3),
        "peak_rss_mb": peak_rss_mb(),
        "embedder": result.settings["embedder"],
        "warnings": [*([note] if note else []), *read.warnings],
        "backend": backend,
        "workers": workers,
        "rows": read.lines,
        "skipped": read.skipped,
        "duplicates": read.duplicates,
        **({"why": [each.to_json() for each in whys]} if why else {}),
    }


def peak_rss_mb() -> float:
    """Returns the largest resident memory of this process so far, in MiB."""
    import resource  # not on Windows: only the command that prints this needs it

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)
