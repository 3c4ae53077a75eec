"""Refuses, for what cannot do without a text, rows of token ids that no tokenizer has read, and an input of no row at all."""

from __future__ import annotations

import polars as pl

from hicra.errors import DataError


def with_text(rows: pl.DataFrame, before: int = 0) -> pl.DataFrame:
    """Returns the rows; raises DataError where one has no response. `before` rows came earlier in the same input."""
    missing = rows["response"].null_count()
    if missing:
        first = int(rows["response"].is_null().arg_max() or 0) + 1 + before
        raise DataError(
            f"{missing} of {rows.height} rows have token ids and no text, the first is row {first}",
            "name the tokenizer that made them: --tokenizer DIR",
        )
    return rows


def some_rows(kept: int, skipped: int) -> None:
    """Raises DataError where nothing is left, since each line was skipped and --max-bad allowed it."""
    if not kept:
        raise DataError(
            f"no row is left: each of the {skipped} lines is bad and was skipped",
            "`hicra corpus inspect FILE --on-bad skip --max-bad 1` says what is wrong with each",
        )
