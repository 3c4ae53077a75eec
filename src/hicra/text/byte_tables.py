"""Reads tables of token bytes that need no tokenizer.json: `{id: bytes}`, a tiktoken encoding, a `.tiktoken` file.

Deviations:
TEXT-7. In a table of bytes an id without an entry is a boundary, and so is a special token of an encoding. A table says nothing
    of special tokens: leave them out of it.
"""

from __future__ import annotations

import base64
import binascii
import operator
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hicra.errors import ConfigError

MOST_IDS = 2**24
SUFFIX = ".tiktoken"
AS_TABLE = "a table {id: bytes} of the bytes of each token, special tokens left out"


def table_of(source: Any) -> Mapping[Any, Any] | None:
    """Returns the table {id: bytes} of a mapping, a tiktoken encoding or a `.tiktoken` file; None for anything else.

    Raises:
        ConfigError: the file cannot be read as such a table.
    """
    if isinstance(source, Mapping):
        return source
    if _is_tiktoken(source):
        return _of_encoding(source)
    if isinstance(source, str | Path) and Path(source).suffix == SUFFIX and Path(source).is_file():
        return _of_file(Path(source))
    return None


def pieces_of_table(table: Mapping[Any, Any]) -> list[bytes | None]:
    """Returns the bytes of each id from 0 to the largest one, None for a boundary.

    Raises:
        ConfigError: the table is empty, an id is no integer from 0 to 2**24, or a value is not bytes.
    """
    if not table:
        raise ConfigError("the table of token bytes is empty", f"give {AS_TABLE}")
    if all(isinstance(key, str) for key in table):
        raise ConfigError(
            f"the table of token bytes has text as keys ({next(iter(table))!r})", "turn it round: {id: bytes}"
        )
    found: dict[int, bytes] = {}
    for key, value in table.items():
        try:
            index = operator.index(key)
        except TypeError:
            index = -1
        if not 0 <= index < MOST_IDS:
            raise ConfigError(f"{key!r} in the table of token bytes is no token id", f"give {AS_TABLE}")
        if not isinstance(value, bytes | bytearray):
            raise ConfigError(
                f"id {key} in the table of token bytes holds {type(value).__name__} ({str(value)[:40]!r}), not bytes",
                "give the raw bytes; of text, text.encode()",
            )
        found[index] = bytes(value)
    return [found.get(index) for index in range(max(found) + 1)]


def encoder_of(source: Any) -> Callable[[Sequence[str]], list[list[int]]] | None:
    """Returns the function from texts to their token ids of a tiktoken encoding; None where only the bytes are known."""
    return source.encode_ordinary_batch if _is_tiktoken(source) else None


def label(source: Any) -> str | None:
    """Returns how a file names a tokenizer: by its path, else by its type; None stays None."""
    return None if source is None else str(source) if isinstance(source, str | Path) else type(source).__name__


def _is_tiktoken(source: Any) -> bool:
    return all(hasattr(source, name) for name in ("decode_single_token_bytes", "encode_ordinary_batch", "n_vocab"))


def _of_encoding(encoding: Any) -> dict[int, bytes]:
    special = {encoding.encode_single_token(text) for text in encoding.special_tokens_set}
    found = {}
    for index in range(encoding.n_vocab):
        if index not in special:
            try:
                found[index] = encoding.decode_single_token_bytes(index)
            except KeyError:  # an id that no token has
                continue
    return found


def _of_file(path: Path) -> dict[int, bytes]:
    """Reads lines of a token in base64, a space, and its id."""
    found = {}
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if line.strip():
            try:
                token, index = line.split()
                found[int(index)] = base64.b64decode(token, validate=True)
            except (ValueError, binascii.Error):
                raise ConfigError(
                    f"{path}, line {number} is not a token in base64, a space and its id", "copy the file again"
                ) from None
    return found
