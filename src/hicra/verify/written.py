"""What `hicra verify` writes: a row of each verdict, and the rows that were judged with the verdicts as their `correct`.

The second goes back into `hicra diagnose`. It has the columns under the names of hicra, so that any format comes out as plain
rows; `reward` stays what the run was trained on. Half of a surrogate pair, which is no text, becomes U+FFFD in both.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from hicra.artifacts import atomic_file, finite
from hicra.corpus.fields import CANONICAL
from hicra.corpus.formats.interface import Context
from hicra.corpus.formats.plain import PLAIN
from hicra.corpus.formats.recognise import format_of
from hicra.verify.item import Answer
from hicra.verify.reward import reward


class RowWriter:
    """Writes rows into a file of JSON lines, or nowhere."""

    def __init__(self, file: TextIO | None) -> None:
        self._file = file

    @property
    def wanted(self) -> bool:
        """Whether there is a file."""
        return self._file is not None

    def add(self, row: Mapping[str, Any]) -> None:
        """Writes a row; does nothing without a file."""
        if self._file is not None:
            text = json.dumps(finite(dict(row)), ensure_ascii=False, default=str)
            self._file.write(text.encode("utf-8", "surrogatepass").decode("utf-8", "replace") + "\n")


@contextmanager
def row_writer(path: Path | None, overwrite: bool) -> Iterator[RowWriter]:
    """Yields the writer of a file that appears once the block has ended well; of no file where `path` is None."""
    if path is None:
        yield RowWriter(None)
        return
    with atomic_file(path, overwrite) as temporary, open(temporary, "w", encoding="utf-8") as file:
        yield RowWriter(file)


def verdict_row(name: str | int, answer: Answer) -> dict[str, Any]:
    """Returns {id, verdict, extracted, seconds}."""
    return {"id": name, "verdict": answer.verdict, "extracted": answer.extracted, "seconds": round(answer.seconds, 6)}


def judged_row(row: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    """Returns a row with `correct` as judged: false without an answer, and null where it could not be judged.

    >>> judged_row({"response": "x", "correct": True}, Answer("no_answer", None, 0.0))
    {'response': 'x', 'correct': False}
    """
    [value] = reward([answer]).values
    return {**row, "correct": None if value is None else bool(value)}


def kept_columns(columns: Collection[str]) -> list[str]:
    """Returns the columns of rollouts that are written again: all but those by which the format of another writer would be known.

    What such a column means stands in ours: the file would be read by its old layout otherwise, with the old verdicts.

    >>> kept_columns(["response", "correct", "stage", "generations", "problem", "is_reasoning_complete"])
    ['response', 'correct', 'stage']
    """
    kept = list(columns)
    while (known := format_of(kept, Context(Path()))) is not PLAIN:
        theirs = (known.needs | known.one_of) - {*CANONICAL}
        left = [name for name in kept if name not in theirs]
        if left == kept:
            break
        kept = left
    return kept
