"""Reading a corpus: which files, which format, and the law rows = kept + skipped + duplicates.

Deviations: the paper names no format. The contract is DESIGN's; docs/corpus.md lists what it leaves open.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import polars as pl

from hicra.corpus.fields import CANONICAL, Normal, reader_of
from hicra.corpus.frame import FIXED, Columns, identifiers, series
from hicra.corpus.lines import MAX_LINE, MAX_RATIO, read_lines, shown
from hicra.corpus.strict_json import BOM, BadRow, parse_object
from hicra.errors import DataError

SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet")
MAX_BAD = 0.01
Paths = str | Path | Iterable[str | Path]


class BadLine(DataError):
    """The first bad line, where reading stops; `file`, `line`, `offset` (bytes, None for parquet) and `reason` say which."""

    def __init__(self, file: str, line: int, offset: int | None, reason: str) -> None:
        self.file, self.line, self.offset, self.reason = file, line, offset, reason
        where = f"{file} line {line}" if offset is None else f"{file} line {line} (byte {offset})"
        super().__init__(f"{where}: {reason}", "mend the line, or read on with --on-bad skip")


@dataclass(frozen=True)
class Corpus:
    """What was read.

    Attributes:
        rows: the kept rows, in order; the canonical columns (null where absent), then the extra ones.
        format: "trl", "verl", "jsonl" or "parquet"; several joined by "+".
        columns: canonical column -> the input column it came from (or the rule it was derived by).
        kept, skipped, duplicates: they add up to the number of lines read.
        errors: one {file, line, offset, reason} a skipped line.
        files: the files read, in order.
        json_columns: extra columns whose values had no common type and are JSON text now.
        input_names: input column -> column of `rows`, in the order of the input.
    """

    rows: pl.DataFrame
    format: str
    columns: dict[str, str]
    kept: int
    skipped: int
    duplicates: int
    errors: list[dict[str, Any]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    json_columns: list[str] = field(default_factory=list)
    input_names: dict[str, str] = field(default_factory=dict)

    @property
    def lines(self) -> int:
        """Lines read."""
        return self.kept + self.skipped + self.duplicates

    def as_input(self) -> pl.DataFrame:
        """The rows under the input's own column names and order, without the derived columns."""
        return self.rows.select(pl.col(column).alias(name) for name, column in self.input_names.items())


def read(
    paths: Paths,
    on_bad: Literal["stop", "skip"] = "stop",
    max_bad: float = MAX_BAD,
    *,
    keep_duplicates: bool = False,
    max_line: int = MAX_LINE,
    max_ratio: float = MAX_RATIO,
) -> Corpus:
    """Reads rollouts strictly.

    Args:
        paths: files or folders (all known files inside, in natural order); their order is the order of the rows.
        on_bad: "stop" raises at the first bad line; "skip" lists it in `errors` and goes on.
        max_bad: with "skip", the largest share of skipped lines.
        keep_duplicates: leave duplicates in `rows` (they are counted all the same).
        max_line: longest line in bytes.
        max_ratio: most decompressed bytes for a compressed one.

    Raises:
        BadLine: (a DataError) a bad line with on_bad="stop".
        DataError: a missing, unknown or damaged file, no rows, or more than `max_bad` skipped.
        ValueError: an unknown `on_bad`, or `max_bad` outside 0..1.
    """
    if on_bad not in ("stop", "skip"):
        raise ValueError(f"on_bad must be 'stop' or 'skip', not {on_bad!r}")
    if not 0 <= max_bad <= 1:
        raise ValueError(f"max_bad must be in [0, 1], not {max_bad!r}")
    state = _State(on_bad == "stop", keep_duplicates)
    files = files_of(paths)
    for path in files:
        if path.name.lower().endswith(".parquet"):
            state.take(_parquet_rows(path, state))
        else:
            state.take(_json_rows(path, state, max_line, max_ratio))
    lines = state.kept + state.duplicates + len(state.errors)
    if not lines:
        raise DataError(f"{', '.join(shown(path) for path in files)}: no rows", "an empty file cannot be used; check the path")
    if len(state.errors) > max_bad * lines:
        first = state.errors[0]
        raise DataError(
            f"{len(state.errors)} of {lines} lines are bad, over the {max_bad:.3g} allowed; "
            f"the first: {first['file']} line {first['line']}: {first['reason']}",
            f"mend them, or allow them with --max-bad {min(1.0, len(state.errors) / lines + 0.005):.2f}",
        )
    return state.finish(files)


def inspect(paths: Paths, on_bad: Literal["stop", "skip"] = "stop", max_bad: float = MAX_BAD) -> dict[str, Any]:
    """What `hicra corpus inspect` prints: format, columns, rows (lines read), kept, skipped, duplicates, errors, files."""
    corpus = read(paths, on_bad, max_bad)
    return {
        "format": corpus.format,
        "columns": corpus.columns,
        "extra_columns": [column for column in corpus.rows.columns if column not in CANONICAL],
        "json_columns": corpus.json_columns,
        "rows": corpus.lines,
        "kept": corpus.kept,
        "skipped": corpus.skipped,
        "duplicates": corpus.duplicates,
        "errors": corpus.errors,
        "files": corpus.files,
    }


# ---- which files
def files_of(paths: Paths) -> list[Path]:
    """The files behind the paths. A folder stands for the known files in it (of a hicra run: in its rollouts/; of a TRL
    output folder without any: in its completions/), sorted by name with numbers as numbers; hidden ones are left out.

    Raises:
        DataError: a path that does not exist, of an unknown suffix, or a folder without a known file.
    """
    listed = [paths] if isinstance(paths, str | Path) else list(paths)
    if not listed:
        raise DataError("no path to read", "name a file or folder")
    return [file for path in listed for file in _files(Path(path))]


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        inner = path / "rollouts"
        found = _known(inner if (path / "hicra.json").exists() and inner.is_dir() else path)
        if not found and (path / "completions").is_dir():
            found = _known(path / "completions")
        if not found:
            raise DataError(f"folder {shown(path)} holds no {', '.join(SUFFIXES)} file", "check the path")
        return found
    if not path.exists():
        parent = path.parent
        names = os.listdir(parent) if parent.is_dir() else []
        close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.5)
        raise DataError(f"no such file: {shown(path)}", f"did you mean {shown(parent / close[0])}?" if close else "check the path")
    if not path.name.lower().endswith(SUFFIXES):
        raise DataError(f"{shown(path)}: unknown kind of file", f"hicra reads {', '.join(SUFFIXES)}")
    return [path]


def _known(folder: Path) -> list[Path]:
    found = [
        path
        for path in folder.iterdir()
        if path.is_file() and not path.name.startswith(".") and path.name.lower().endswith(SUFFIXES)
    ]
    return sorted(found, key=lambda path: (_natural(path.name), path.name))


def _natural(name: str) -> list[tuple[int, int, str]]:
    parts = re.split(r"([0-9]+)", name)
    return [(0, int(part), "") if index % 2 else (1, 0, part) for index, part in enumerate(parts) if part]


# ---- rows of one file
Item = tuple[dict[str, Any], Normal]


def _json_rows(path: Path, state: _State, max_line: int, max_ratio: float) -> Iterator[Item]:
    normal = None
    name = shown(path)
    for line in read_lines(path, max_line, max_ratio):
        data, shift = line.data, 0
        if line.number == 1 and data.startswith(BOM):
            data, shift = data[len(BOM) :], len(BOM)
        try:
            if line.too_long:
                raise BadRow(f"longer than {max_line} bytes")
            row = parse_object(data)
            if normal is None:
                kind, normal = reader_of(row, path.name)
                state.formats[kind if kind != "plain" else "jsonl"] = None
            yield row, normal(row)
        except BadRow as bad:
            state.bad(name, line.number, line.offset + shift + bad.at, bad.reason)
    if normal is None:
        state.empty_formats["jsonl"] = None


def _parquet_rows(path: Path, state: _State) -> Iterator[Item]:
    name = shown(path)
    try:
        with open(path, "rb") as file:  # a handle: polars would read [ ] * ? in a name as a pattern
            frame = pl.read_parquet(file)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{name} is no readable parquet: {error}", "it may be half written; write or fetch it again") from None
    floats = [column for column, dtype in frame.schema.items() if dtype.is_float()]
    kind, normal = reader_of(frame.columns, path.name, floats)
    state.formats[kind if kind != "plain" else "parquet"] = None
    for number, row in enumerate(frame.iter_rows(named=True), 1):
        try:
            yield row, normal(row)
        except BadRow as bad:
            state.bad(name, number, None, bad.reason)


class _State:
    """What grows while reading."""

    def __init__(self, stop: bool, keep_duplicates: bool) -> None:
        self.stop, self.keep_duplicates = stop, keep_duplicates
        self.kept = self.duplicates = 0
        self.errors: list[dict[str, Any]] = []
        self.formats: dict[str, None] = {}
        self.empty_formats: dict[str, None] = {}
        self.canonical, self.raw = Columns(), Columns()
        self.sources: dict[str, str] = {}
        self.seen: set[tuple[Any, ...]] = set()

    def bad(self, file: str, line: int, offset: int | None, reason: str) -> None:
        if self.stop:
            raise BadLine(file, line, offset, reason)
        self.errors.append({"file": file, "line": line, "offset": offset, "reason": reason})

    def take(self, items: Iterator[Item]) -> None:
        for row, (values, taken) in items:
            if values.get("id") is not None and self._seen_before(row, values):
                self.duplicates += 1
                if not self.keep_duplicates:
                    continue
            else:
                self.kept += 1
            for canonical, source in taken.items():
                self.sources.setdefault(canonical, source)
            self.canonical.add(values)
            self.raw.add(row)

    def _seen_before(self, row: dict[str, Any], values: dict[str, Any]) -> bool:
        """Whether this id (and step) came before with the same content; null and absent are the same content."""
        content = json.dumps({key: row[key] for key in sorted(row) if row[key] is not None}, sort_keys=True, default=str)
        digest = hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        key = (type(values["id"]), values["id"], values.get("step"), digest)
        if key in self.seen:
            return True
        self.seen.add(key)
        return False

    def finish(self, files: list[Path]) -> Corpus:
        """The typed frame. An input column that equals the canonical one made of it is kept once."""
        names = list(self.raw.values)
        canonical = {name: self.canonical.pop(name) for name in CANONICAL}
        columns = [
            identifiers(name, values) if name.endswith("id") else series(name, values, FIXED[name])[0]
            for name, values in canonical.items()
        ]
        made_of = {source: name for name, source in self.sources.items()}
        input_names: dict[str, str] = {}
        json_columns: list[str] = []
        for name in names:
            values = self.raw.pop(name)
            if name in made_of and values == canonical[made_of[name]]:
                input_names[name] = made_of[name]
                continue
            input_names[name] = f"{name} (input)" if name in CANONICAL else name
            column, as_json = series(input_names[name], values)
            columns.append(column)
            json_columns += [column.name] * as_json
        return Corpus(
            rows=pl.DataFrame(columns),
            format="+".join(self.formats or self.empty_formats),
            columns=self.sources,
            kept=self.kept,
            skipped=len(self.errors),
            duplicates=self.duplicates,
            errors=self.errors,
            files=[shown(path) for path in files],
            json_columns=json_columns,
            input_names=input_names,
        )
