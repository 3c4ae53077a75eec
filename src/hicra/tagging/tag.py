"""Tags files of any size for `hicra tag`: files in, one file out, row by row in the same order.

Rows go batch by batch to the workers, of this machine or of a Ray cluster, which tag them and give back the parts of the
output; the parts are put together in order when all is done. So memory does not grow with the number of rows, and the bytes do
not depend on the number of workers or on where they are. If tagging ends early, for whatever reason, the old output or none is
there: parts and unfinished files have hidden names, and they are removed unless the process was ended by SIGKILL.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from hicra import corpus
from hicra.artifacts import atomic_file
from hicra.corpus.need_text import some_rows, with_text
from hicra.errors import ConfigError, DataError
from hicra.lexicon import Lexicon
from hicra.lexicon.check import nothing_found
from hicra.tagging.rows import RowTagger, chunks, mask_series, other_tokenizer, span_series
from hicra.text.decode import decoder
from hicra.text.scripts import letters_by_script
from hicra.workers.backends import backend as open_backend
from hicra.workers.backends import check_backend
from hicra.workers.signals import ends_on_sigterm

BATCH = 1024
BATCH_BYTES = 2**22
ROW_GROUP = 8192
ENDINGS = (".parquet", ".jsonl")


@dataclass(frozen=True)
class Job:
    """Holds what every worker knows.

    Attributes:
        lexicon, tokenizer, unit: as for `tag_paths`.
        names: each input column -> the column of the frames.
        text: the column that the response is written to where none of the input's columns is it, else None.
        ending: of the output, None where there is none.
    """

    lexicon: Lexicon
    tokenizer: str | None
    unit: str | None
    names: dict[str, str]
    text: str | None
    ending: str | None


@dataclass
class TagTotals:
    """Holds sums over rows.

    Attributes:
        spanned, unmarked: rows with a span in their text, and those of them without a planning token.
        letters: those of the parts without a span, counted by their script.
    """

    rows: int = 0
    tokens: int = 0
    planning: int = 0
    chars: int = 0
    planning_chars: int = 0
    spanned: int = 0
    unmarked: int = 0
    letters: Counter[str] = field(default_factory=Counter)

    def add(self, other: TagTotals) -> None:
        """Adds other sums in place."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


BatchTask = tuple[int, bytes]  # rows before the batch, and its frame as Arrow IPC
Done = tuple[TagTotals, bytes]  # and the part: a parquet file, or lines of JSON


def tag_paths(
    paths: Sequence[Path], lexicon: Lexicon, *, tokenizer: str | None, unit: str | None, out: Path | None, on_bad: Any,
    max_bad: float, mapping: Mapping[str, str] | None = None, quarantine: Path | None = None, workers: int = 1,
    backend: str = "local", progress: Callable[[int, int], None] | None = None, overwrite: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """Tags rollout files: one output row for each response, in the same order, duplicates kept.

    Offsets of spans are of the text of the response. Where no column of the input is that text (a conversation, a list of
    responses, token ids), it is written as `response`.

    Args:
        on_bad, max_bad, mapping, quarantine: as for `corpus.read`.
        out: a .parquet or .jsonl file; None only counts. It appears when it is complete. For .parquet the parts need
            about its size once more, beside it, until then.
        workers: number of processes; the output does not depend on it.
        backend: where they are, "local" or "ray"; the output does not depend on it. This process reads and writes.
        progress: called with (rows done, all rows) after each batch.
        overwrite: whether `out` is replaced where it exists.

    Returns:
        The counts; `tokens_per_second` is over the whole second pass: reading, encoding, tagging and writing. `warnings`
        says that the lexicon found nothing, and why, where that is known; or that the tokens are not those of the texts.

    Raises:
        DataError, ConfigError: the input or the settings are wrong, or Ray does not start.
        WorkerDied: a worker process was killed.
        SystemExit: SIGTERM came (143).
        In each case nothing is written.
    """
    if out is not None and out.suffix not in ENDINGS:
        raise ConfigError(f"-o {out}: unknown ending {out.suffix!r}", f"use {' or '.join(ENDINGS)}")
    check_backend(backend, workers)
    first = RowTagger(lexicon, tokenizer, unit)  # fails here, before anything is read
    with ends_on_sigterm():
        source = corpus.batches(
            paths, on_bad, max_bad, mapping=mapping, quarantine=quarantine, keep_duplicates=True, size=BATCH,
            size_bytes=BATCH_BYTES, decode=None if tokenizer is None else decoder(tokenizer),
        ).prepare()  # fmt: skip
        some_rows(source.rows, source.skipped)
        text_column = _text_column(source)
        _refuse_names(source, out, tokenizer)
        begin = time.perf_counter()
        total = TagTotals()
        with _output(out, overwrite) as (target, parts):
            job = Job(lexicon, tokenizer, unit, source.input_names, text_column, out.suffix if out else None)
            processes = min(workers, -(-source.rows // BATCH))
            with _writer(target, parts) as write, open_backend(backend, processes) as ordered:
                for counts, part in ordered(_worker, (job,), _tasks(source), processes):
                    total.add(counts)
                    write(part)
                    if progress is not None:
                        progress(total.rows, source.rows)
            if target is not None and parts is not None:
                files = sorted(parts.iterdir())
                pl.scan_parquet(files, glob=False).sink_parquet(target, row_group_size=ROW_GROUP, maintain_order=True)
        seconds = time.perf_counter() - begin
    return {
        "rows": total.rows, "tokens": total.tokens, "planning_tokens": total.planning,
        "planning_share": total.planning / total.tokens if total.tokens else 0.0, "chars": total.chars,
        "planning_chars": total.planning_chars, "tokens_per_second": total.tokens / seconds if seconds else 0.0,
        "seconds": seconds, "workers": processes, "token_kind": first.counts, "skipped": source.skipped,
        "duplicates": source.duplicates, "text_column": text_column if out else None, "output": str(out) if out else None,
        "warnings": _warnings(lexicon, tokenizer, total),
    }  # fmt: skip


def _warnings(lexicon: Lexicon, tokenizer: str | None, total: TagTotals) -> list[str]:
    if not total.planning_chars:
        return [nothing_found(lexicon, total.rows, total.letters)]
    said = other_tokenizer(total.spanned, total.unmarked, tokenizer)
    return [said] if said else []


def _text_column(source: corpus.Batches) -> str | None:
    """Returns the column to write the response to, None where it is a column of the input."""
    if "response" in source.input_names.values():
        return None
    return "tagged_response" if "response" in source.input_names else "response"


def _refuse_names(source: corpus.Batches, out: Path | None, tokenizer: str | None) -> None:
    added = ["spans", "planning_chars", *(["planning_mask"] if tokenizer is not None else [])]
    for name in added if out is not None else ():
        if name in source.input_names:
            raise DataError(f"the input already has a column {name!r}", "drop it, or tag the untagged file")


@contextlib.contextmanager
def _output(out: Path | None, overwrite: bool) -> Iterator[tuple[Path | None, Path | None]]:
    """Yields (the file to write, the folder for parts of a parquet file).

    Both are temporary: the folder is always removed, the file becomes `out` if all goes well.
    """
    if out is None:
        yield None, None
        return
    with atomic_file(out, overwrite) as target:
        if out.suffix != ".parquet":
            yield target, None
            return
        parts = Path(tempfile.mkdtemp(prefix=".tmp-parts-", dir=out.parent))
        try:
            yield target, parts
        finally:
            shutil.rmtree(parts, ignore_errors=True)


@contextlib.contextmanager
def _writer(path: Path | None, parts: Path | None) -> Iterator[Callable[[bytes], Any]]:
    """Yields a function that takes the parts in order: it appends them to the file, or makes each a file of the folder."""
    if path is None:
        yield lambda _: None
    elif parts is None:
        with open(path, "wb") as file:
            yield file.write
    else:
        numbers = itertools.count()
        yield lambda data: (parts / f"{next(numbers):09d}.parquet").write_bytes(data)


def _tasks(source: corpus.Batches) -> Iterator[BatchTask]:
    before = 0
    for frame in source:
        buffer = io.BytesIO()
        frame.write_ipc(buffer)
        yield before, buffer.getvalue()
        before += frame.height


def _worker(job: Job) -> Callable[[BatchTask], Done]:
    """Returns the work of one process: it tags a batch and returns its part of the output."""
    tagger = RowTagger(job.lexicon, job.tokenizer, job.unit, number_words=False)

    def work(task: BatchTask) -> Done:
        before, data = task
        frame = with_text(pl.read_ipc(data), before)
        counts, columns = _tag(frame, tagger)
        if job.ending is None:
            return counts, b""
        made = columns if job.tokenizer is not None else columns[:2]
        table = frame.select(pl.col(column).alias(name) for name, column in job.names.items())
        table = table.with_columns([frame["response"].alias(job.text), *made] if job.text else made)
        buffer = io.BytesIO()
        if job.ending == ".parquet":
            table.write_parquet(buffer, compression="lz4")
        else:
            table.write_ndjson(buffer)
        return counts, buffer.getvalue()

    return work


def _tag(frame: pl.DataFrame, tagger: RowTagger) -> tuple[TagTotals, list[pl.Series]]:
    counts = TagTotals()
    made: list[list[pl.Series]] = []
    for part in chunks(frame):
        texts = part["response"].to_list()
        ids = part["token_ids"]
        tagged = tagger.tag(texts, ids.to_list() if ids.null_count() < part.height else None)
        tokens, planning = int(tagged.live.sum()), int((tagged.planning & tagged.live).sum())
        chars, marked = sum(map(len, texts)), int(tagged.planning_chars.sum())
        counts.add(
            TagTotals(
                part.height,
                tokens,
                planning,
                chars,
                marked,
                *tagged.marked,
                letters=Counter() if marked else letters_by_script(texts),
            )
        )
        planning_chars = pl.Series("planning_chars", tagged.planning_chars, pl.Int64)
        made.append([span_series(tagged.spans), planning_chars, mask_series(tagged.planning, tagged.live)])
    return counts, [pl.concat(columns) for columns in zip(*made, strict=True)]
