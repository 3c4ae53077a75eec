"""Reads the rows of a .json file: the objects of one array, the samples of an Inspect log, or one object.

The text is held in memory, the rows one at a time. A file that is broken somewhere is refused whole, since what comes after the
break is unknown. JSON Lines under such a name are left to the reader of lines.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from hicra.corpus.first_bytes import refuse_other
from hicra.corpus.lines import shown
from hicra.corpus.strict_json import BOM, BadRow, JsonParser
from hicra.errors import DataError

MAX_BYTES = 2**30
_BLANK = " \t\r\n"
_END = json.JSONDecoder().raw_decode  # finds where a value ends that the strict parser refuses


class Found(NamedTuple):
    """Holds a value of the file: where it stands, its bytes, and what its row has beside it.

    Attributes:
        value: None where `bad` says why it is no row.
        offset: the byte where it begins; None where it stands in a compressed part.
        data: its text.
        beside: further columns of its row, from around it.
    """

    value: Any
    offset: int | None
    data: bytes
    bad: BadRow | None = None
    beside: dict[str, Any] = {}  # noqa: RUF012  never changed


def is_json(path: Path) -> bool:
    """Says whether a file is a JSON file by its name."""
    return path.name.lower().endswith(".json")


def json_values(path: Path, parser: JsonParser) -> Iterator[Found] | None:
    """Returns an iterator over the values that are the rows of a file, or None where it holds one object a line.

    Raises:
        DataError: the file cannot be read, is too large, or is not JSON.
    """
    text = _text(path)
    start = _skip(text, 0)
    first, more, rest = text[start:].partition("\n")
    if text[start : start + 1] == "{" and more and rest.strip(_BLANK) and _is_object(first):
        return None
    return _values(path, text, start, parser)


def _values(path: Path, text: str, start: int, parser: JsonParser) -> Iterator[Found]:
    reader = _Reader(path, text, parser)
    if text[start : start + 1] == "[":
        end = yield from reader.array(start, {})
    elif text[start : start + 1] == "{":
        end = yield from reader.object(start)
    elif start == len(text):
        return
    else:
        raise reader.error("it is neither an array nor an object", start)
    if _skip(text, end) < len(text):
        raise reader.error("there is more after its end", _skip(text, end))


class _Reader:
    """Walks over the text of a file."""

    def __init__(self, path: Path, text: str, parser: JsonParser) -> None:
        self.path, self.text, self.parser = path, text, parser
        self._char = self._byte = 0

    def array(self, at: int, beside: dict[str, Any]) -> Generator[Found, None, int]:
        """Yields the values of the array that begins at a character; returns where it ends."""
        at = _skip(self.text, at + 1)
        while self.text[at : at + 1] != "]":
            found, at = self._one(at, beside)
            yield found
            at = self._next(at, "]", "array")
        return at + 1

    def object(self, at: int) -> Generator[Found, None, int]:
        """Yields the samples of an Inspect log, or any other object as the one row; returns where it ends."""
        start, values = at, dict[str, Any]()
        samples = False
        at = _skip(self.text, at + 1)
        while self.text[at : at + 1] != "}":
            key, at = self._value(at)
            at = _skip(self.text, at)
            if self.text[at : at + 1] != ":" or type(key) is not str:
                raise self.error("a key and a colon are missing", at)
            at = _skip(self.text, at + 1)
            if key == "samples" and "eval" in values and self.text[at : at + 1] == "[":
                samples = True
                at = yield from self.array(at, {"eval": values["eval"]})
            else:
                values[key], at = self._value(at)
                samples = samples or (key == "samples" and "eval" in values)
            at = self._next(at, "}", "object")
        if not samples:
            yield self._one(start, {})[0]
        return at + 1

    def _next(self, at: int, close: str, what: str) -> int:
        """Returns where the entry behind a comma begins, or where the mark stands that closes the array or object."""
        at = _skip(self.text, at)
        mark = self.text[at : at + 1]
        if mark == ",":
            return _skip(self.text, at + 1)
        if mark != close:
            raise self.error(f"the {what} does not end" if not mark else "a comma is missing", at)
        return at

    def error(self, what: str, at: int) -> DataError:
        """Returns the error of a file that is broken at a character."""
        return DataError(
            f"{shown(self.path)} is not JSON: {what} at character {at}", "repair it, or write the rows as JSON Lines"
        )

    def _one(self, at: int, beside: dict[str, Any]) -> tuple[Found, int]:
        """Returns the value that begins at a character as a row, and where it ends."""
        value, bad = None, None
        try:
            value, end = self.parser.value(self.text, at)
        except json.JSONDecodeError as error:
            raise self.error(error.msg.removesuffix(" at"), error.pos) from None
        except BadRow as refused:
            bad, end = refused, self._end(at)
        self._byte += len(self.text[self._char : at].encode())
        self._char = at
        return Found(value, self._byte, self.text[at:end].encode(), bad, beside), end

    def _value(self, at: int) -> tuple[Any, int]:
        try:
            return self.parser.value(self.text, at)
        except json.JSONDecodeError as error:
            raise self.error(error.msg.removesuffix(" at"), error.pos) from None
        except BadRow as refused:
            raise self.error(refused.reason, at) from None

    def _end(self, at: int) -> int:
        try:
            return _END(self.text, at)[1]
        except (ValueError, RecursionError):
            raise self.error("it cannot be read", at) from None


def _text(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DataError(
            f"{shown(path)} cannot be read: {error.strerror or error}", "check the path and its permissions"
        ) from None
    refuse_other(shown(path), data, "text")
    if len(data) > MAX_BYTES:
        raise DataError(f"{shown(path)} is larger than {MAX_BYTES} bytes", "write the rows as JSON Lines (.jsonl)")
    try:
        return data.removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{shown(path)}: byte 0x{data[error.start]:02x} at {error.start} is not UTF-8", "fetch or write it again"
        ) from None


def _is_object(line: str) -> bool:
    try:
        return type(json.loads(line)) is dict
    except (ValueError, RecursionError):
        return False


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANK:
        at += 1
    return at
