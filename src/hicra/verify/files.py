"""`hicra verify CASES.jsonl -o OUT.jsonl` judges the rows of a file, in order; the output is written completely or not at all.

An input row has `id` (string or integer, each once), `completion` (string, or null for none), `gold` (string, number, list of
them, or null, which is a bad gold answer), optional `error` and `is_multiple_answer` (gold.py), and anything else. A file whose
first row has no `gold` holds rollouts, which the reader of all verbs reads: then the response is judged by `answer`, and a row
without an id is called by its number. An output row has `id`, `verdict`, `extracted` and `seconds`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from hicra import corpus
from hicra.artifacts import atomic_file
from hicra.corpus.files import SUFFIXES
from hicra.corpus.formats.interface import Decode
from hicra.corpus.lines import shown
from hicra.corpus.need_text import with_text
from hicra.corpus.records import RowPlace, raw_records, records, stop
from hicra.corpus.strict_json import BadRow
from hicra.errors import DataError, did_you_mean
from hicra.verify.item import Answer
from hicra.verify.reading.extract import Mode
from hicra.verify.reading.gold import Gold, gold_of
from hicra.verify.reward import counts
from hicra.verify.verifier import Verifier

BATCH = 256
KEYS = ("id", "completion", "gold")


class Case(NamedTuple):
    """One row to judge."""

    id: str | int
    completion: str
    gold: Gold


def read_cases(path: Path, mapping: Mapping[str, str] | None = None, decode: Decode | None = None) -> Iterator[Case]:
    """Yields the cases of a file, or of rollouts, one after the other.

    Args:
        path: a file, or a folder of rollouts.
        mapping, decode: as for `corpus.read`; with a mapping the rows are rollouts.

    Raises:
        DataError: there is no such file, or it has no rows. Or a row is no JSON object, a key is missing, stands twice or has a
            wrong type, or an id stands twice; the message has file and line. Or `corpus.read` refuses the rollouts, or none of
            them has an answer.
    """
    if not path.exists():
        raise DataError(f"no such file: {shown(path)}", "check the path")
    if path.is_file() and not path.name.lower().endswith(SUFFIXES):
        raise DataError(f"{shown(path)}: unknown file format", f"hicra verify reads {', '.join(SUFFIXES)}")
    if path.is_file() and not mapping and "gold" in _first_row(path):
        yield from _cases(path)
    else:
        yield from _rollouts(path, mapping, decode)


def _first_row(path: Path) -> dict[str, Any]:
    def refuse(place: RowPlace, bad: BadRow, _: bytes) -> None:
        stop(place, bad)

    record = next(raw_records(path, refuse, half_surrogates=True), None)
    if record is None:
        raise DataError(f"{shown(path)}: no rows", "check the path; an empty file cannot be judged")
    return record.row


def _cases(path: Path) -> Iterator[Case]:
    seen: dict[str | int, int] = {}
    for place, row in records(path, half_surrogates=True):  # whatever a model wrote is judged
        try:
            case = _case(row)
        except DataError as error:
            raise DataError(f"{place}: {error.message}", error.fix) from None
        first = seen.setdefault(case.id, place.line)
        if first != place.line:
            raise DataError(f"{place}: id {case.id!r} was on line {first} already", "give each row its own id")
        yield case


def _rollouts(path: Path, mapping: Mapping[str, str] | None, decode: Decode | None) -> Iterator[Case]:
    source = corpus.batches(path, mapping=mapping, decode=decode, keep_duplicates=True).prepare()
    if "answer" not in source.columns:
        raise DataError(
            f"{shown(path)}: no gold answers: the rows have neither `gold` nor `answer`",
            f"say which column holds them: --map answer=COLUMN (columns: {', '.join(list(source.input_names)[:20])})",
        )
    before = 0
    for frame in source:
        for number, row in enumerate(with_text(frame, before).iter_rows(named=True), before + 1):
            try:
                gold = gold_of(row["answer"], row)
            except DataError as error:
                raise DataError(f"{shown(path)} row {number}: {error.message}", error.fix) from None
            yield Case(number if row["id"] is None else row["id"], row["response"], gold)
        before += frame.height


def _case(row: dict[str, Any]) -> Case:
    for key in KEYS:
        if key not in row:
            raise DataError(f"no {key!r}", did_you_mean(key, row) if row else f"give each row {', '.join(KEYS)}")
    name, completion = row["id"], row["completion"]
    if isinstance(name, bool) or not isinstance(name, str | int):
        raise DataError(f"id is {type(name).__name__}", "give a string or an integer")
    if completion is not None and not isinstance(completion, str):
        raise DataError(f"completion is {type(completion).__name__}", "give a string, or null for none")
    return Case(name, completion or "", gold_of(row["gold"], row))


def verify_file(
    path: Path,
    out: Path | None,
    workers: int = 2,
    timeout: float = 2.0,
    mode: Mode = "boxed",
    *,
    mapping: Mapping[str, str] | None = None,
    decode: Decode | None = None,
    overwrite: bool = True,
) -> dict[str, int | float]:
    """Judges a file of cases, or rollouts.

    Args:
        path: the cases, or a file or folder of rollouts.
        out: the file of verdicts, which appears once every row is judged; None only counts.
        workers, timeout, mode: as for the `Verifier`.
        mapping, decode: as for `corpus.read`; with a mapping the rows are rollouts.
        overwrite: whether `out` is replaced where it exists.

    Returns:
        `n`, the number of each verdict, and `seconds` (elapsed time of the whole).

    Raises:
        DataError: the file or a row is bad; nothing is written then.
        ConfigError: a setting is out of its range.
        EngineError: algebra is needed and math-verify is not installed.
    """
    start = time.perf_counter()
    total = counts([])
    with Verifier(workers, timeout, mode) as verifier, _writer(out, overwrite) as write:
        for batch in _batches(read_cases(path, mapping, decode)):
            answers = verifier.check([case.completion for case in batch], [case.gold for case in batch])
            for case, answer in zip(batch, answers, strict=True):
                write(_line(case, answer))
            for verdict, number in counts(answers).items():
                total[verdict] += number
    return {"n": sum(total.values()), **total, "seconds": round(time.perf_counter() - start, 3)}


@contextmanager
def _writer(out: Path | None, overwrite: bool) -> Iterator[Callable[[str], Any]]:
    if out is None:
        yield lambda line: None
        return
    with atomic_file(out, overwrite) as temporary, open(temporary, "w", encoding="utf-8") as file:
        yield file.write


def _batches(cases: Iterator[Case]) -> Iterator[list[Case]]:
    batch: list[Case] = []
    for case in cases:
        batch.append(case)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _line(case: Case, answer: Answer) -> str:
    """Writes one output row; half of a surrogate pair, which is no text, becomes U+FFFD."""
    row = {"id": case.id, "verdict": answer.verdict, "extracted": answer.extracted, "seconds": round(answer.seconds, 6)}
    text = json.dumps(row, ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace") + "\n"
