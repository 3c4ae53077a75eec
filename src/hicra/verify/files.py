"""`hicra verify CASES.jsonl -o OUT.jsonl` judges the rows of a file, in order; the output is written completely or not at all.

An input row has `id` (string or integer, each once), `completion` (string, or null for none), `gold` (string, number, list of
them, or null, which is a bad gold answer), optional `error` and `is_multiple_answer` (gold.py), and anything else. A file whose
first row has no `gold` holds rollouts, which the reader of all verbs reads: then the response is judged by `answer`, and a row
without an id is called by its number. An output row has `id`, `verdict`, `extracted` and `seconds`; `written.py` writes it, and
the rows that were judged.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hicra import corpus
from hicra.corpus.fields import CANONICAL
from hicra.corpus.files import files_of
from hicra.corpus.formats.interface import Decode
from hicra.corpus.lines import shown
from hicra.corpus.need_text import with_text
from hicra.corpus.records import RowPlace, raw_records, records, stop
from hicra.corpus.strict_json import BadRow
from hicra.errors import DataError, did_you_mean
from hicra.verify.reading.extract import Mode
from hicra.verify.reading.gold import Gold, gold_of
from hicra.verify.reward import counts
from hicra.verify.verifier import Verifier
from hicra.verify.written import judged_row, kept_columns, row_writer, verdict_row

BATCH = 256
KEYS = ("id", "completion", "gold")


class Case(NamedTuple):
    """One row to judge; `row` is all of it, of rollouts under the names of hicra."""

    id: str | int
    completion: str
    gold: Gold
    row: Mapping[str, Any]


def read_cases(
    paths: Sequence[Path], mapping: Mapping[str, str] | None = None, decode: Decode | None = None
) -> Iterator[Case]:
    """Yields the cases of files, or of rollouts, one after the other.

    Args:
        paths: files, or files and folders of rollouts.
        mapping, decode: as for `corpus.read`; with a mapping the rows are rollouts.

    Raises:
        DataError: there is no such file, or it has no rows, or only some of several hold cases. Or a row is no JSON object, a
            key is missing, stands twice or has a wrong type, or an id stands twice; the message has file and line. Or
            `corpus.read` refuses the rollouts, or none of them has an answer.
    """
    if not paths:
        raise DataError("nothing to judge", "name a file of cases, or files and folders of rollouts")
    files_of(paths)  # which says what is wrong with a path
    of_cases = [path.is_file() and not mapping and "gold" in _first_row(path) for path in paths]
    if len({*of_cases}) > 1:
        one, other = paths[of_cases.index(True)], paths[of_cases.index(False)]
        raise DataError(
            f"{shown(one)} has `gold` in its rows and {shown(other)} has not, so these are cases and those rollouts",
            "judge them one after the other",
        )
    yield from _cases(paths) if of_cases[0] else _rollouts(paths, mapping, decode)


def _first_row(path: Path) -> dict[str, Any]:
    def refuse(place: RowPlace, bad: BadRow, _: bytes) -> None:
        stop(place, bad)

    record = next(raw_records(path, refuse, half_surrogates=True), None)
    if record is None:
        raise DataError(f"{shown(path)}: no rows", "check the path; an empty file cannot be judged")
    return record.row


def _cases(paths: Sequence[Path]) -> Iterator[Case]:
    seen: dict[str | int, RowPlace] = {}
    for path in paths:
        for place, row in records(path, half_surrogates=True):  # whatever a model wrote is judged
            try:
                case = _case(row)
            except DataError as error:
                raise DataError(f"{place}: {error.message}", error.fix) from None
            first = seen.setdefault(case.id, place)
            if first is not place:
                where = f"on line {first.line}" if len(paths) == 1 else f"in {first}"
                raise DataError(f"{place}: id {case.id!r} was {where} already", "give each row its own id")
            yield case


def _rollouts(paths: Sequence[Path], mapping: Mapping[str, str] | None, decode: Decode | None) -> Iterator[Case]:
    source = corpus.batches(paths, mapping=mapping, decode=decode, keep_duplicates=True).prepare()
    said = ", ".join(map(shown, paths))
    if "answer" not in source.columns:
        raise DataError(
            f"{said}: no gold answers: the rows have neither `gold` nor `answer`",
            f"say which column holds them: --map answer=COLUMN (columns: {', '.join(list(source.input_names)[:20])})",
        )
    there = [name for name in source.empty().columns if name in source.columns or name not in CANONICAL]
    kept = kept_columns(there)
    before = 0
    for frame in source:
        for number, row in enumerate(with_text(frame, before).iter_rows(named=True), before + 1):
            try:
                gold = gold_of(row["answer"], row)
            except DataError as error:
                raise DataError(f"{said} row {number}: {error.message}", error.fix) from None
            name = number if row["id"] is None else row["id"]
            yield Case(name, row["response"], gold, {name: row[name] for name in kept})
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
    return Case(name, completion or "", gold_of(row["gold"], row), row)


def verify_file(
    path: Path | Sequence[Path],
    out: Path | None,
    workers: int = 2,
    timeout: float = 2.0,
    mode: Mode = "boxed",
    *,
    mapping: Mapping[str, str] | None = None,
    decode: Decode | None = None,
    overwrite: bool = True,
    judged: Path | None = None,
) -> dict[str, int | float]:
    """Judges a file of cases, or rollouts, or several of one kind.

    Args:
        path: the cases, or files and folders of rollouts.
        out: the file of verdicts, which appears once every row is judged; None writes none.
        workers, timeout, mode: as for the `Verifier`.
        mapping, decode: as for `corpus.read`; with a mapping the rows are rollouts.
        overwrite: whether `out` and `judged` are replaced where they exist.
        judged: a file to write of the same rows, with `correct` as judged (null where it could not be); None writes none.

    Returns:
        `n`, the number of each verdict, and `seconds` (elapsed time of the whole).

    Raises:
        DataError: the file or a row is bad; nothing is written then.
        ConfigError: a setting is out of its range.
        EngineError: algebra is needed and math-verify is not installed.
    """
    start = time.perf_counter()
    total = counts([])
    paths = [path] if isinstance(path, Path) else list(path)
    with (
        Verifier(workers, timeout, mode) as verifier,
        row_writer(out, overwrite) as verdicts,
        row_writer(judged, overwrite) as rows,
    ):
        for batch in _batches(read_cases(paths, mapping, decode)):
            answers = verifier.check([case.completion for case in batch], [case.gold for case in batch])
            for case, answer in zip(batch, answers, strict=True):
                verdicts.add(verdict_row(case.id, answer))
                if rows.wanted:
                    rows.add(judged_row(case.row, answer))
            for verdict, number in counts(answers).items():
                total[verdict] += number
    return {"n": sum(total.values()), **total, "seconds": round(time.perf_counter() - start, 3)}


def _batches(cases: Iterator[Case]) -> Iterator[list[Case]]:
    batch: list[Case] = []
    for case in cases:
        batch.append(case)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
