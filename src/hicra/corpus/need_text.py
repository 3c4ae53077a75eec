"""Refuses rows without a text, for what cannot do without one."""

from __future__ import annotations

import polars as pl

from hicra.errors import DataError


def with_text(rows: pl.DataFrame, before: int = 0) -> pl.DataFrame:
    """Returns the rows; raises DataError where one has no response. `before` rows came earlier in the same input."""
    missing = rows["response"].null_count()
    if missing:
        first = int(rows["response"].is_null().arg_max() or 0)
        ids = rows["token_ids"][first] is not None
        raise DataError(
            f"{missing} of {rows.height} rows have {'token ids and no text' if ids else 'no response'}, "
            f"the first is row {first + 1 + before}",
            "name the tokenizer that made them: --tokenizer DIR" if ids else "drop those rows first",
        )
    return rows
