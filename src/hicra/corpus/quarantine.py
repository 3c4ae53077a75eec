"""Writes the lines that were skipped, and why, as JSON Lines: file, line, reason, and the line itself where it is text."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hicra.artifacts import atomic_file, check_output
from hicra.corpus.account import Note


@contextlib.contextmanager
def quarantine(path: Path | None) -> Iterator[Note | None]:
    """Yields what an `Account` calls for each skipped line, or None without a path.

    The file is there when the reading has ended, whether or not more was skipped than is allowed; where nothing was skipped
    it is empty. A reading that ends early leaves none.

    Raises:
        ArtifactError: the file exists.
    """
    if path is None:
        yield None
        return
    check_output(path, "the quarantine file", option="--quarantine", replaces=False)
    with atomic_file(path) as temporary, open(temporary, "w", encoding="utf-8") as file:

        def note(error: dict[str, Any], data: bytes) -> None:
            file.write(line_of(error, data))

        yield note


def line_of(error: dict[str, Any], data: bytes) -> str:
    """Returns the line about one skipped line; `raw` is null where it is no text of its own (too long, not UTF-8, parquet)."""
    try:
        raw = data.decode("utf-8") if data else None
    except UnicodeDecodeError:
        raw = None
    told = {name: error[name] for name in ("file", "line", "reason")}
    text = json.dumps({**told, "raw": raw}, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode() + "\n"
