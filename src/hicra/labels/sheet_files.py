"""Writes a sheet as CSV and its key as JSON, and reads filled sheets strictly.

The columns of a sheet are `sheet` (its name), `item` (a number), `phrase`, `context` (with the phrase in [[ ]]), `mark` (empty:
the rater fills it) and `note` (free). A mark is s or strategic, o or other, or ? where the rater cannot say; letter case does not
matter. The key is one JSON object (docs/how-to/lexicons.md).

The texts are a model's, and a sheet is opened in a spreadsheet: a cell that begins like a formula gets an apostrophe before it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hicra.artifacts import atomic_file, canonical_json, read_manifest
from hicra.drawing.readable import counted
from hicra.errors import ArtifactError, DataError, did_you_mean, refused_by_system
from hicra.labels.sheet import FOIL, GRAM, Sheet

KIND, SCHEMA_VERSION = "hicra.sheet-key", 1
COLUMNS = ("sheet", "item", "phrase", "context", "mark", "note")
FIELDS = ("item", "kind", "gram", "n", "cluster", "doc_freq", "occurrences")  # of an item in the key
READ = ("sheet", "item", "mark")  # the columns that are read again
MARKS = {"s": True, "strategic": True, "o": False, "other": False, "?": None}
AGAIN = "make the sheet again: hicra lexicon sheet"
_FORMULA = re.compile(r"[=+\-@\t\r]")
_SHOWN = 5  # lines named in a message


@dataclass(frozen=True)
class SheetKey:
    """Holds what the items of a sheet are.

    Attributes:
        sheet: its name.
        lexicon: name and content hash.
        items: {kind, gram, n, cluster, doc_freq, occurrences} of item 1, 2 and so on.
        absent: grams that no item shows, since they occur in no rollout.
    """

    sheet: str
    lexicon: Mapping[str, str]
    items: list[dict[str, Any]]
    absent: list[str]


@dataclass(frozen=True)
class Rater:
    """Holds the marks of one rater, in the order of the key: True for strategic, False for other, None for "cannot say"."""

    name: str
    marks: list[bool | None]


def write(sheet: Sheet, path: Path, key: Path, *, overwrite: bool = True) -> None:
    """Writes the sheet and its key; there is never one of them without the other, unless the system fails between two renames."""
    rows = [
        (
            sheet.name,
            number,
            _cell(one.place.phrase),
            _cell(f"{one.place.before}[[{one.place.phrase}]]{one.place.after}"),
            "",
            "",
        )
        for number, one in enumerate(sheet.items, 1)
    ]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    encoded = text.getvalue().encode("utf-8", "replace")
    with atomic_file(key, overwrite) as new_key, atomic_file(path, overwrite) as new_sheet:
        new_key.write_text(canonical_json(_key_of(sheet)), encoding="utf-8", errors="replace")
        new_sheet.write_bytes(b"\xef\xbb\xbf" + encoded)  # the mark by which spreadsheets know UTF-8


def _key_of(sheet: Sheet) -> dict[str, Any]:
    return {
        "kind": KIND, "schema_version": SCHEMA_VERSION, "sheet": sheet.name, "seed": sheet.seed, "lexicon": sheet.lexicon,
        "responses": sheet.responses, "absent": sheet.absent, "left_out": sheet.left_out,
        "items": [
            {"item": number, **{name: getattr(one, name) for name in FIELDS[1:]}} for number, one in enumerate(sheet.items, 1)
        ],
    }  # fmt: skip


def _cell(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text.lstrip()) else text


def read_key(path: Path) -> SheetKey:
    """Reads a key.

    Raises:
        ArtifactError, FileError: it is absent, damaged, or no key of a sheet.
    """
    if path.is_dir():
        raise ArtifactError(f"{path} is a folder", "name the key that `hicra lexicon sheet` wrote")
    found = read_manifest(path, KIND, SCHEMA_VERSION)
    items, lexicon, absent = found.get("items"), found.get("lexicon"), found.get("absent")
    right = {
        "sheet": isinstance(found.get("sheet"), str),
        "lexicon": isinstance(lexicon, dict)
        and all(isinstance(lexicon.get(one), str) for one in ("name", "content_hash")),
        "absent": isinstance(absent, list) and all(isinstance(one, str) for one in absent),
        "items": isinstance(items, list) and bool(items) and all(map(_is_item, items, range(1, len(items) + 1))),
    }
    if wrong := [name for name, holds in right.items() if not holds]:
        raise ArtifactError(f"{path}: `{wrong[0]}` is not what a key holds", AGAIN)
    known = [{name: one.get(name) for name in FIELDS} for one in found["items"]]
    return SheetKey(str(found["sheet"]), dict(found["lexicon"]), known, list(found["absent"]))


def _is_item(one: Any, number: int) -> bool:
    if not isinstance(one, dict) or one.get("item") != number or one.get("kind") not in (GRAM, FOIL):
        return False
    counts = [one.get(name) for name in ("cluster", "doc_freq", "occurrences")]
    return isinstance(one.get("gram"), str) and all(count is None or type(count) is int for count in counts)


def read_sheets(paths: Sequence[Path], key: SheetKey) -> list[Rater]:
    """Reads filled sheets, one a rater, who is called by the name of the file.

    Raises:
        DataError: a sheet is of another key, lacks a column or an item, or a mark is missing or unknown; the message names file
            and lines. Or two files have one name.
        FileError: the system does not let us read a file.
    """
    raters = [Rater(path.stem, _read(path, key)) for path in paths]
    names = [one.name for one in raters]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise DataError(f"two sheets are called {twice!r}", "give each rater's file a name of its own")
    if not raters:
        raise DataError("no sheet is given", "name the filled sheets, one for each rater")
    return raters


def _read(path: Path, key: SheetKey) -> list[bool | None]:
    rows = _rows(path)
    header = [name.strip().lower() for name in next(rows, (0, [""]))[1]]
    for name in READ:
        if name not in header:
            raise DataError(
                f"{path} has no column {name!r}",
                f"{did_you_mean(name, header)}; the first line names the columns of the sheet",
            )
    places = [header.index(name) for name in READ]
    marks: dict[int, bool | None] = {}
    missing: list[int] = []
    unknown: list[tuple[int, str]] = []
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue  # spreadsheets leave empty lines at the end
        sheet, item, mark = (cells[place].strip() if place < len(cells) else "" for place in places)
        number = _item(path, line, sheet, item, key)
        if number in marks:
            raise DataError(
                f"{path}, line {line}: item {number} stands here a second time", "remove one of the two lines"
            )
        marks[number] = MARKS.get(mark.lower())
        if not mark:
            missing.append(line)
        elif mark.lower() not in MARKS:
            unknown.append((line, mark))
    _refuse(path, missing, unknown)
    if lost := [number for number in range(1, len(key.items) + 1) if number not in marks]:
        named = ", ".join(map(str, lost[:_SHOWN])) + (f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else "")
        raise DataError(
            f"{path} lacks {counted(len(lost), 'item')}: {named}", "keep every line; mark ? where you cannot say"
        )
    return [marks[number] for number in range(1, len(key.items) + 1)]


def _item(path: Path, line: int, sheet: str, item: str, key: SheetKey) -> int:
    if sheet != key.sheet:
        raise DataError(
            f"{path}, line {line} is of {sheet!r:.40}, and the key is of {key.sheet!r}", "give --key of that sheet"
        )
    if not item.isascii() or not item.isdigit() or not 1 <= int(item[:9]) <= len(key.items):
        raise DataError(
            f"{path}, line {line}: item {item!r:.40} is none of 1 to {len(key.items)}", "leave the numbers as they are"
        )
    return int(item)


def _refuse(path: Path, missing: Sequence[int], unknown: Sequence[tuple[int, str]]) -> None:
    """Raises DataError where marks are missing or unknown."""
    said = []
    if unknown:
        named = ", ".join(f"line {line}: {mark!r:.40}" for line, mark in unknown[:_SHOWN])
        said.append(f"{counted(len(unknown), 'unknown mark')} ({named}{_more(unknown)})")
    if missing:
        named = ", ".join(map(str, missing[:_SHOWN]))
        lines = "line" if len(missing) == 1 else "lines"
        said.append(f"{counted(len(missing), 'item')} without a mark ({lines} {named}{_more(missing)})")
    if said:
        raise DataError(f"{path}: {' and '.join(said)}", "a mark is s (strategic), o (other) or ? (cannot say)")


def _more(listed: Sequence[Any]) -> str:
    return f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""


def _rows(path: Path) -> Any:
    """Yields (line, cells) of a file of comma, semicolon or tab separated values, whichever its first line uses."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise refused_by_system(error, f"{path} cannot be read") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: byte {error.start} is not UTF-8, so it is no sheet as text", "save it as CSV in UTF-8"
        ) from None
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}", "save it as CSV in UTF-8") from None
