"""Reads a corpus of any size as frames of bounded size, with one schema for all, and keeps the account.

The schema of a column is decided from all of its values, so a corpus is read twice: once to learn the schema (and to
judge every line: what is wrong is known before the first frame), once to make the frames. A small corpus is kept from the
first pass. The canonical columns alone have types that are known beforehand and take one pass.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import polars as pl

from hicra.corpus.account import Account, Note
from hicra.corpus.files import Paths, files_of
from hicra.corpus.formats.interface import Decode
from hicra.corpus.lines import MAX_LINE, MAX_RATIO, shown
from hicra.corpus.mapping import checked
from hicra.corpus.quarantine import quarantine as quarantined
from hicra.corpus.remarks import Remarks
from hicra.corpus.rows import How, rows_of
from hicra.corpus.schema import CANONICAL_ONLY, Batch, Item, Layout, Schema
from hicra.errors import DataError

MAX_BAD = 0.01
SIZE = 4096
SIZE_BYTES = 2**24
KEEP_BYTES = 2**24  # input below this is not read twice


def in_batches(items: Iterable[Item], account: Account, size: int, size_bytes: int, extras: bool) -> Iterator[Batch]:
    """Yields rows in batches of at most `size`, without those that the account leaves out; other arguments as for `batches`."""
    batch = Batch()
    for item in items:
        if not account.good(item):
            continue
        batch.add(item, extras)
        if batch.height == size or batch.size >= size_bytes:
            yield batch
            batch = Batch()
    if batch.height:
        yield batch


class Batches:
    """Iterates frames of at most `size` rows in the order of the input; the attributes are the account.

    They are known after `prepare()`, which iterating calls; with `extras=False` after the last frame. Iterating again reads
    the files again.

    Attributes:
        format, columns, json_columns, input_names, errors, files: as in `Corpus`.
        kept, skipped, duplicates, lines: the counts; kept + skipped + duplicates = lines.
        without_response, without_text: as in `Account`.
        warnings, in_two_files: what a user should know of the rows; see there.
        rows: the number of rows of all frames together.
    """

    def __init__(
        self,
        files: list[Path],
        *,
        stop: bool,
        max_bad: float,
        keep_duplicates: bool,
        size: int,
        size_bytes: int,
        extras: bool,
        how: How,
        quarantine: Path | None = None,
        keep_bytes: float = KEEP_BYTES,
    ) -> None:
        self._paths = files
        self._stop, self._max_bad, self._keep_duplicates = stop, max_bad, keep_duplicates
        self._size, self._size_bytes, self._extras = size, size_bytes, extras
        self._how, self._quarantine, self._keep_bytes = how, quarantine, keep_bytes
        self._account = Account(stop, keep_duplicates)
        self._remarks = Remarks(len(files))
        self._layout: Layout | None = None if extras else CANONICAL_ONLY
        self._kept: list[Batch] | None = None
        self.columns: dict[str, str] = {}
        self.files = [shown(path) for path in files]

    # ---- the account
    @property
    def format(self) -> str:
        """The formats found, joined by "+"."""
        return self._account.format

    @property
    def kept(self) -> int:
        """The number of good rows that are no duplicates."""
        return self._account.kept

    @property
    def skipped(self) -> int:
        """The number of bad lines."""
        return len(self._account.errors)

    @property
    def duplicates(self) -> int:
        """The number of rows that occurred before."""
        return self._account.duplicates

    @property
    def lines(self) -> int:
        """The number of rows read, whatever became of them."""
        return self._account.lines

    @property
    def without_response(self) -> int:
        """The number of lines of a known dump in which the model said nothing."""
        return self._account.without_response

    @property
    def without_text(self) -> int:
        """The number of rows that hold token ids and no text."""
        return self._account.without_text

    @property
    def errors(self) -> list[dict[str, Any]]:
        """One {file, line, offset, reason} for each skipped line."""
        return self._account.errors

    @property
    def warnings(self) -> list[str]:
        """What a user should know of the rows: equal ones in two files, what is right by their rewards, numbers in text."""
        return self._remarks.warnings(self.files)

    @property
    def in_two_files(self) -> list[dict[str, Any]]:
        """One {files: [a file, a later one], rows} for each pair of files with rows of the same id, step and response."""
        return self._remarks.in_two_files.as_json(self.files)

    @property
    def rows(self) -> int:
        """The number of rows of all frames together."""
        return self.kept + (self.duplicates if self._keep_duplicates else 0)

    @property
    def layout(self) -> Layout:
        """The schema; the corpus is read once where it is not known yet."""
        if self._layout is None:
            self.prepare()
        assert self._layout is not None
        return self._layout

    @property
    def json_columns(self) -> list[str]:
        """The extra columns whose values had no common type and are JSON text."""
        return self.layout.json_columns

    @property
    def input_names(self) -> dict[str, str]:
        """The column of the frames for each input column, in the order of the input."""
        return self.layout.input_names

    def empty(self) -> pl.DataFrame:
        """Returns a frame of no rows, which shows the schema."""
        return self.layout.frame(Batch())

    def as_input(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Returns a frame under the input's own column names and order, without the derived columns."""
        return frame.select(pl.col(column).alias(name) for name, column in self.input_names.items())

    # ---- reading
    def prepare(self, each: Callable[[Batch], None] | None = None) -> Batches:
        """Makes the first pass, which judges every line and learns the schema; does nothing where the schema is known.

        Args:
            each: called with every batch of the pass.

        Raises:
            DataError: as for `read`.
        """
        if self._layout is not None:
            return self
        schema = Schema()
        kept: list[Batch] | None = []
        size = 0
        with quarantined(self._quarantine) as note:
            account = self._new_account(note)
            for batch in self._pass(account):
                schema.add(batch)
                if each is not None:
                    each(batch)
                size += batch.size
                if kept is not None:
                    kept.append(batch)
                    kept = kept if size <= self._keep_bytes else None
        account.check(self.files, self._max_bad)
        account.seen.clear()
        self._account, self._kept = account, kept
        self.columns, self._layout = schema.sources, schema.layout()
        return self

    def __iter__(self) -> Iterator[pl.DataFrame]:
        if not self._extras:
            yield from self._one_pass()
            return
        self.prepare()
        layout = self.layout
        if self._kept is not None:
            batches, self._kept = self._kept[::-1], None
            while batches:
                yield layout.frame(batches.pop())
            return
        again = Account(self._stop, self._keep_duplicates, twice=frozenset(self._account.twice))
        try:
            for batch in self._pass(again):
                yield layout.frame(batch)
        except (pl.exceptions.PolarsError, TypeError, OverflowError):
            raise self._changed() from None
        if again.counts() != self._account.counts():
            raise self._changed()

    def _one_pass(self) -> Iterator[pl.DataFrame]:
        with quarantined(self._quarantine) as note:
            self._account, self.columns = self._new_account(note), {}
            for batch in self._pass(self._account):
                for name, source in batch.sources.items():
                    self.columns.setdefault(name, source)
                yield CANONICAL_ONLY.frame(batch)
        self._account.check(self.files, self._max_bad)

    def _new_account(self, note: Note | None = None) -> Account:
        self._remarks = Remarks(len(self._paths))
        account = Account(self._stop, self._keep_duplicates, note)
        account.remarks = self._remarks
        return account

    def _pass(self, account: Account) -> Iterator[Batch]:
        items = itertools.chain.from_iterable(self._files(account))
        return in_batches(items, account, self._size, self._size_bytes, self._extras)

    def _files(self, account: Account) -> Iterator[Iterator[Item]]:
        for number, path in enumerate(self._paths):
            if account.remarks is not None:
                account.remarks.file = number
            yield rows_of(path, account, self._how)

    def _changed(self) -> DataError:
        return DataError(f"{', '.join(self.files)} changed while it was read", "read it when nothing writes to it")


def batches(
    paths: Paths,
    on_bad: Literal["stop", "skip"] = "stop",
    max_bad: float = MAX_BAD,
    *,
    mapping: Mapping[str, str] | None = None,
    decode: Decode | None = None,
    quarantine: Path | None = None,
    keep_duplicates: bool = False,
    size: int = SIZE,
    size_bytes: int = SIZE_BYTES,
    extras: bool = True,
    max_line: int = MAX_LINE,
    max_ratio: float = MAX_RATIO,
    keep_bytes: float = KEEP_BYTES,
) -> Batches:
    """Reads rollouts strictly, as `read` does, in frames of at most `size` rows: memory does not grow with the rows.

    Args:
        paths, on_bad, max_bad, mapping, decode, quarantine, keep_duplicates, max_line, max_ratio: as for `read`.
        size: largest number of rows of a frame.
        size_bytes: a frame ends with the row that reaches so many bytes of input, however few its rows.
        extras: with False only the canonical columns are read, in one pass; `id` and `group_id` are then strings always,
            and what is wrong (also too large a share of bad lines) is found when iterating reaches it.
        keep_bytes: input up to this many bytes is kept from the first pass instead of read again (pipes always are).

    Raises:
        DataError: as for `read`, when iterating (or at `prepare()`); a missing or unknown file at once.
        ValueError: `on_bad` is unknown, `max_bad` is outside 0..1, or `size` is below 1.
    """
    if on_bad not in ("stop", "skip"):
        raise ValueError(f"on_bad must be 'stop' or 'skip', not {on_bad!r}")
    if not 0 <= max_bad <= 1:
        raise ValueError(f"max_bad must be in [0, 1], not {max_bad!r}")
    if size < 1:
        raise ValueError(f"size must be at least 1, not {size!r}")
    files = files_of(paths)
    if not all(path.is_file() for path in files):
        keep_bytes = math.inf  # a named pipe gives its bytes once
    return Batches(
        files, stop=on_bad == "stop", max_bad=max_bad, keep_duplicates=keep_duplicates, size=size,
        size_bytes=size_bytes, extras=extras, how=How(checked(mapping), decode, max_line, max_ratio), quarantine=quarantine,
        keep_bytes=keep_bytes,
    )  # fmt: skip
