"""Keeps the account of what is read: kept + skipped + duplicates = rows.

A row is a response: a line counts once for each response in it, and once where it is skipped. A duplicate is a row whose
explicit id (and step, where given) occurred before with the same content; null and absent are the same content. A row without
an id is never one: equal rollouts in one group are legitimate. Some writers have a key of their own, which is then all that
counts. Of a row with an id or key a digest of 16 bytes is remembered (about 100 bytes of memory), of any other row nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from hicra.corpus.records import RowPlace
from hicra.corpus.remarks import Remarks
from hicra.corpus.schema import Item
from hicra.corpus.strict_json import BadRow
from hicra.errors import DataError

Note = Callable[[dict[str, Any], bytes], None]
SKIP = "repair the line, or skip bad lines with --on-bad skip"
MAX_ERRORS = 100_000  # every skipped line is listed, so their number is limited


class BadLine(DataError):
    """Reading stopped at a bad line: `file`, `line`, `offset` (bytes; None for parquet) and `reason` say where and why."""

    def __init__(self, file: str, line: int, offset: int | None, reason: str, fix: str = "") -> None:
        self.file, self.line, self.offset, self.reason = file, line, offset, reason
        where = f"{file} line {line}" if offset is None else f"{file} line {line} (byte {offset})"
        super().__init__(f"{where}: {reason}", fix or SKIP)


class Account:
    """Counts what becomes of every row: it is kept, skipped or a duplicate.

    Args:
        stop: raise at the first bad line instead of listing it.
        keep_duplicates: let duplicates through (they are counted all the same).
        note: called with an entry of `errors` and the bytes of the line for each bad line.
        twice: which of the good rows are duplicates, by their number from 0, where another account has read the same files.

    Attributes:
        twice: the same, of what was read so far.
        remarks: what watches the rows that are kept, or None.
        without_response: lines of a known dump in which the model said nothing; they hold no row.
        without_text: rows that hold token ids and no text, since there was no tokenizer to read them.
    """

    def __init__(
        self, stop: bool, keep_duplicates: bool, note: Note | None = None, twice: frozenset[int] | None = None
    ) -> None:  # fmt: skip
        self.stop, self.keep_duplicates, self.note = stop, keep_duplicates, note
        self.kept = self.duplicates = self.without_response = self.without_text = 0
        self._fix = ""
        self.errors: list[dict[str, Any]] = []
        self.formats: dict[str, None] = {}
        self.empty_formats: dict[str, None] = {}
        self.seen: set[bytes] = set()
        self.twice: set[int] = set()
        self._known = twice
        self.remarks: Remarks | None = None

    @property
    def lines(self) -> int:
        """The number of rows read."""
        return self.kept + len(self.errors) + self.duplicates

    @property
    def format(self) -> str:
        """The formats found, joined by "+"."""
        return "+".join(self.formats or self.empty_formats)

    def counts(self) -> tuple[int, int, int]:
        """Returns (kept, skipped, duplicates)."""
        return self.kept, len(self.errors), self.duplicates

    def bad(self, place: RowPlace, bad: BadRow, data: bytes = b"") -> None:
        """Takes a bad line: raises BadLine, or lists it and raises DataError past `MAX_ERRORS`."""
        offset = None if place.offset is None else place.offset + bad.at
        if self.stop:
            raise BadLine(place.file, place.line, offset, bad.reason, bad.fix)
        self.errors.append({"file": place.file, "line": place.line, "offset": offset, "reason": bad.reason})
        self._fix = self._fix or bad.fix
        if self.note is not None:
            self.note(self.errors[-1], data)
        if len(self.errors) > MAX_ERRORS:
            raise DataError(
                f"more than {MAX_ERRORS} bad lines, the last {place}: {bad.reason}",
                "check the format of this file",
            )

    def good(self, item: Item) -> bool:
        """Counts a good row; returns False where it is a duplicate to leave out."""
        self.without_text += "response" not in item.values
        number = self.kept + self.duplicates
        if number in self._known if self._known is not None else self._occurred(item):
            self.twice.add(number)
            self.duplicates += 1
            return self.keep_duplicates
        self.kept += 1
        if self.remarks is not None:
            self.remarks.add(item)
        return True

    def _occurred(self, item: Item) -> bool:
        """Says whether a row occurred before, and remembers it."""
        if item.key is None and item.values.get("id") is None:
            return False
        before = len(self.seen)
        self.seen.add(_digest(item))
        return len(self.seen) == before

    def check(self, files: list[str], max_bad: float) -> None:
        """Raises DataError where there was no line, or more than the share `max_bad` of them was bad."""
        if not self.lines and self.without_response:
            raise DataError(
                f"{', '.join(files)}: no rows, since the model said nothing in any of {self.without_response} lines",
                "check that this is the file with the responses",
            )
        if not self.lines:
            raise DataError(f"{', '.join(files)}: no rows", "an empty file cannot be used; check the path")
        if len(self.errors) > max_bad * self.lines:
            first = self.errors[0]
            raise DataError(
                f"{len(self.errors)} of {self.lines} lines are bad, more than the allowed share of {max_bad:.3g}; "
                f"the first: {first['file']} line {first['line']}: {first['reason']}",
                self._fix or self._allow(),
            )

    def _allow(self) -> str:
        """Returns what to do where too many lines are bad."""
        if len(self.errors) == self.lines:
            return "no line is left: repair them, or check that this is the file with the rollouts"
        return f"repair them, or allow them with --max-bad {min(1.0, len(self.errors) / self.lines + 0.005):.2f}"


# made once, since json.dumps would make one for every row
_encode = json.JSONEncoder(sort_keys=True, default=lambda value: [type(value).__name__, str(value)]).encode


def _digest(item: Item) -> bytes:
    """Returns 16 bytes of the writer's key, else of id, step and content.

    1 and 1.0 are the same content, 1 and true are not, nor are 1 and "1".
    """
    if item.key is None:
        content = sorted((name, _exact(value)) for name, value in item.row.items() if value is not None)
        key = [item.values["id"], item.values.get("step"), content, *([item.part] if item.part else [])]
    else:
        key = list(item.key)
    return hashlib.blake2b(_encode(key).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _exact(value: Any) -> Any:
    return int(value) if type(value) is float and value.is_integer() else value
