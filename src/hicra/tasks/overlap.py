"""`hicra corpus overlap TRAIN BENCH` finds training questions that are in a benchmark, whole or by 13 words in a row.

The benchmark is held in memory as hashes, and training rows are compared with it in batches, so memory does not grow with their
number. A word is a sequence of letters, marks and digits in lower case. A 13-gram is hashed from its words' hashes in numpy (with
64 bits, one comparison of 10^8 with 10^5 grams in about 10^6 is expected to give a false hit).

Deviations (the paper does not check for contamination):
    OVERLAP-1. "exact" means that the folded questions are equal (`tasks.questions.folded`); "ngram" means any 13 equal words in a
        row, the usual window of contamination reports. `share` is the share of the benchmark question's different 13-grams that
        are in the training row.
    OVERLAP-2. Questions of fewer than 13 words are compared only as a whole, and are counted as `short`.
    OVERLAP-3. A 13-gram that is in more than 50 questions of the benchmark is boilerplate; it is left out and counted.
    OVERLAP-4. Only questions are compared, never solutions.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl

from hicra.arrays import Hashes, Ints
from hicra.artifacts import write_text
from hicra.corpus import Paths, files_of
from hicra.corpus.records import RowPlace
from hicra.errors import ConfigError, DataError
from hicra.tasks.files import column, missing, read_rows
from hicra.tasks.questions import asked_text, folded

WORDS = 13
MAX_SHARED = 50
MOST_LISTED = 10_000
ALL = 10**9  # a value of `most` that lists every pair
NEAR = 0.5  # from this share of grams on there is a warning
BATCH_CHARS = 4_000_000
QUESTIONS = ("question", "problem", "prompt")
_WORD = r"[\p{L}\p{M}\p{N}]+"
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, so that multiplication loses nothing

Asked = tuple[RowPlace, dict[str, Any], str]  # place, row, question


class Hit(NamedTuple):
    """A pair: one training row that holds one benchmark question, or part of it."""

    train_file: str
    line: int
    bench_file: str
    bench_line: int
    id: str
    kind: Literal["exact", "ngram"]
    share: float


@dataclass
class Overlap:
    """The result of a comparison.

    Attributes:
        words: length of the n-grams, in words.
        train_rows, bench_rows: numbers of training and of benchmark questions.
        short: number of benchmark questions with fewer than `words` words.
        exact, ngram: numbers of pairs that are equal as a whole, and that share n-grams.
        bench_hit, train_hit: numbers of benchmark questions and of training rows in at least one pair.
        common_grams: number of n-grams left out as boilerplate.
        files: {benchmark file: {rows, exact, ngram}}, where the last two count its questions.
        hits: the first pairs, in the order of the training rows.
        left_out: how many more pairs there are.
    """

    words: int
    train_rows: int = 0
    bench_rows: int = 0
    short: int = 0
    exact: int = 0
    ngram: int = 0
    bench_hit: int = 0
    train_hit: int = 0
    common_grams: int = 0
    files: dict[str, dict[str, int]] = field(default_factory=dict)
    hits: list[Hit] = field(default_factory=list)
    left_out: int = 0

    def as_json(self) -> dict[str, Any]:
        """Returns the object that `--json` prints, with the pairs under `rows`."""
        plain = {key: value for key, value in vars(self).items() if key != "hits"}
        return plain | {"rows": [hit._asdict() for hit in self.hits]}


def overlap(
    train: Paths,
    bench: Paths,
    *,
    words: int = WORDS,
    min_share: float = 0.0,
    question_column: str | None = None,
    most: int = MOST_LISTED,
) -> Overlap:
    """Compares training questions with benchmark questions.

    Args:
        train, bench: files or folders (`.jsonl`, `.jsonl.gz`, `.jsonl.zst`, `.parquet`).
        words: length of the n-grams, at least 5 words.
        min_share: the smallest share of a question's n-grams that makes an "ngram" pair; with 0, one n-gram is enough.
        question_column: the column of questions in the training files; None takes question, problem or prompt.
        most: the most pairs that are listed.

    Raises:
        ConfigError: a setting is out of its range.
        DataError: a file is missing, empty or damaged, or a row has no question; the message has file and line.
    """
    if type(words) is not int or not 5 <= words <= 100:
        raise ConfigError(f"words is {words!r}", "give a whole number from 5 to 100")
    if not 0 <= min_share <= 1:
        raise ConfigError(f"min_share is {min_share!r}", "give a share from 0 to 1")
    columns = QUESTIONS if question_column is None else (question_column,)
    return _compare(_asked(train, columns), _asked(bench, QUESTIONS), words, min_share, most)


def write(found: Overlap, path: Path) -> None:
    """Writes the listed pairs as JSON Lines, completely or not at all."""
    write_text(path, "".join(json.dumps(hit._asdict(), ensure_ascii=False) + "\n" for hit in found.hits))


def task_warning(task: object) -> str | None:
    """Warns in one sentence if the training and evaluation questions of a task overlap (`warning_of`).

    It is None if they do not overlap, or if the task does not read both from files.

    Raises:
        ConfigError, DataError: the files are not as the task needs them.
    """
    questions = getattr(task, "questions", None)
    if questions is None:
        return None
    train, held = ([(one.place, {"id": one.id}, one.text) for one in questions(split)] for split in ("train", "eval"))
    return warning_of(_compare(train, held, WORDS, NEAR, len(train) + len(held))) if train and held else None


def _compare(train: Iterable[Asked], bench: Iterable[Asked], words: int, min_share: float, most: int) -> Overlap:
    index = _Index(bench, words)
    found = Overlap(words, bench_rows=len(index.entries), short=index.short, common_grams=index.common)
    kinds: dict[int, set[str]] = defaultdict(set)
    for batch in _batches(train):
        found.train_rows += len(batch)
        pairs = index.pairs([text for _, text in batch], min_share)
        found.train_hit += len({row for row, *_ in pairs})
        for row, which, kind, share in pairs:
            setattr(found, kind, getattr(found, kind) + 1)
            kinds[which].add(kind)
            if len(found.hits) < most:
                entry, where = index.entries[which], batch[row][0]
                found.hits.append(
                    Hit(where.file, where.line, entry.place.file, entry.place.line, entry.id, kind, round(share, 4))
                )
            else:
                found.left_out += 1
    if not found.train_rows:
        raise DataError("no training question to compare", "check the path")
    found.bench_hit = len(kinds)
    for which, entry in enumerate(index.entries):
        counts = found.files.setdefault(entry.place.file, {"rows": 0, "exact": 0, "ngram": 0})
        counts["rows"] += 1
        for name in kinds.get(which, ()):
            counts[name] += 1
    return found


def warning_of(found: Overlap, share: float = NEAR) -> str | None:
    """Warns in one sentence if evaluation questions are in the training data, whole or by `share` of their n-grams; else None."""
    near = {(hit.bench_file, hit.bench_line) for hit in found.hits if hit.kind == "exact" or hit.share >= share}
    if not near:
        return None
    exact = sum(counts["exact"] for counts in found.files.values())
    first = next(hit for hit in found.hits if hit.kind == "exact" or hit.share >= share)
    return (
        f"{len(near)} of {found.bench_rows} evaluation questions are in the training data, {exact} of them whole and the "
        f"others by at least {share:.0%} of their {found.words}-grams; "
        f"the first is {first.bench_file} line {first.bench_line} in {first.train_file} line {first.line}; "
        "`hicra corpus overlap TRAIN BENCH` lists them"
    )


class _Entry(NamedTuple):
    place: RowPlace
    id: str


def _asked(paths: Paths, columns: tuple[str, ...]) -> Iterator[Asked]:
    """Yields (place, row, question) of every row."""
    for path in files_of(paths):
        for where, row in read_rows(Path(path), "path"):
            name = column(row, columns)
            if name is None:
                raise missing(where, "question", columns, row, "--question-column")
            text = asked_text(row[name])
            if not text.strip():
                raise DataError(f"{where} has no text in {name!r}", "give every row a question, or leave the row out")
            yield where, row, text


def _batches(rows: Iterable[Asked]) -> Iterator[list[tuple[RowPlace, str]]]:
    batch: list[tuple[RowPlace, str]] = []
    size = 0
    for where, _, text in rows:
        batch.append((where, text))
        size += len(text)
        if size >= BATCH_CHARS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class _Index:
    """The benchmark's questions: digests of their folded texts, and hashes of their n-grams with the questions that hold them.

    Attributes:
        entries: the place and the id of each question.
        hashes: [G] the different n-gram hashes, sorted.
        start, rows: [G+1] and [N]; the questions that hold n-gram g are rows[start[g]:start[g+1]].
        total: [Q] number of different n-grams of each question.
    """

    def __init__(self, rows: Iterable[Asked], words: int) -> None:
        self.words = words
        self.entries: list[_Entry] = []
        self.digests: dict[bytes, list[int]] = defaultdict(list)
        texts: list[str] = []
        for where, row, text in rows:
            name = row.get("id")
            self.digests[_digest(text)].append(len(self.entries))
            self.entries.append(_Entry(where, str(where.line if name is None else name)))
            texts.append(text)
        row_of, hashes = grams(texts, words)
        pairs = np.unique(np.stack([hashes, row_of.astype(np.uint64)]), axis=1)
        self.hashes, counts = np.unique(pairs[0], return_counts=True)
        common = counts > MAX_SHARED
        self.common = int(common.sum())
        kept = np.repeat(~common, counts)
        self.rows = pairs[1][kept].astype(np.int64)
        self.hashes, counts = self.hashes[~common], counts[~common]
        self.start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self.total = np.bincount(self.rows, minlength=len(texts))
        self.short = int((np.bincount(row_of, minlength=len(texts)) == 0).sum())

    def pairs(self, texts: Sequence[str], min_share: float) -> list[tuple[int, int, Literal["exact", "ngram"], float]]:
        """Returns sorted (row of the batch, question, "exact" or "ngram", share); an exact pair is not listed as "ngram" too."""
        exact = {(row, which) for row, text in enumerate(texts) for which in self.digests.get(_digest(text), ())}
        out: list[tuple[int, int, Literal["exact", "ngram"], float]] = [(*pair, "exact", 1.0) for pair in exact]
        row_of, hashes = grams(texts, self.words)
        if len(hashes) and len(self.hashes):
            gram = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
            hit = self.hashes[gram] == hashes
            seen = np.unique(np.stack([row_of[hit], gram[hit]]), axis=1)  # an n-gram counts once per row
            times = self.start[seen[1] + 1] - self.start[seen[1]]
            row = np.repeat(seen[0], times)
            within = np.arange(len(row)) - np.repeat(np.cumsum(times) - times, times)
            which = self.rows[np.repeat(self.start[seen[1]], times) + within]
            both, count = np.unique(np.stack([row, which]), axis=1, return_counts=True)
            shares = count / self.total[both[1]]
            out += [
                (int(r), int(w), "ngram", float(share))
                for r, w, share in zip(*both, shares, strict=True)
                if share >= min_share and (int(r), int(w)) not in exact
            ]
        return sorted(out)


def grams(texts: Sequence[str], words: int) -> tuple[Ints, Hashes]:
    """Returns (row [N], hash [N]) of every n-gram of `words` words, in order; the hashes are valid in this process only."""
    frame = pl.DataFrame({"text": list(texts)}, schema={"text": pl.String})
    found = frame.select(pl.col("text").str.to_lowercase().str.extract_all(_WORD).alias("word"))
    counts = found["word"].list.len().to_numpy().astype(np.int64)
    flat = found.filter(pl.col("word").list.len() > 0)["word"].explode().hash(seed=0).to_numpy()
    row = np.repeat(np.arange(len(texts), dtype=np.int64), counts)
    n = len(flat) - words + 1
    if n <= 0:
        return np.zeros(0, np.int64), np.zeros(0, np.uint64)
    hashes = np.zeros(n, np.uint64)
    for offset in range(words):
        hashes = hashes * _FACTOR + flat[offset : offset + n]
    whole = row[:n] == row[words - 1 :]
    return row[:n][whole], hashes[whole]


def _digest(text: str) -> bytes:
    return hashlib.blake2b(folded(text).encode("utf-8", "surrogatepass"), digest_size=16).digest()
