"""Names a few rollouts that show a finding, so that a reader can look at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from hicra.drawing.readable import printable, shorten
from hicra.findings.curves import part_size

MOST, MOST_ID = 5, 40


def examples(
    rollouts: pl.DataFrame, where: pl.Expr, by: Sequence[pl.Expr] = (), most: int = MOST
) -> tuple[dict[str, Any], ...]:
    """Returns {step, row, id} of the first rollouts for which a condition holds.

    Args:
        rollouts: columns as in a run folder; `step` must be one of them.
        where: the condition; a rollout for which it is null does not count.
        by: what they are sorted by, the largest first; equal ones and all others stand in the order of the run. A prompt (a
            group of a step) gets a second rollout only when each of the others has one.
        most: how many are named.

    Returns:
        A tuple: step; row, the number of the rollout among those of its step, from 1; id, null where it has none.
    """
    if "step" not in rollouts.columns:
        return ()
    dtype = rollouts.schema.get("id", pl.Null())
    known = dtype == pl.String or dtype.is_integer()
    named = pl.col("id").cast(pl.String) if known else pl.lit(None, pl.String)
    rows = rollouts.with_columns(pl.int_range(1, pl.len() + 1).over("step").alias("_row")).filter(
        where.fill_null(False)
    )
    if by:
        rows = rows.sort(*by, descending=True, nulls_last=True, maintain_order=True)
    if (
        "group_id" in rows.columns and not rows.schema["group_id"].is_nested()
    ):  # one of each prompt before a second of any
        again = pl.int_range(pl.len()).over("step", "group_id").alias("_again")
        rows = rows.with_columns(again).sort("_again", maintain_order=True)
    found = rows.head(most).select(pl.col("step"), pl.col("_row").alias("row"), named.alias("id"))
    return tuple(found.to_dicts())


def place_text(place: Mapping[str, Any]) -> str:
    """Says in words where a rollout stands, with its id, which others wrote and which may hold anything.

    >>> place_text({"step": 3, "row": 1, "id": "q7"})
    'step 3 row 1 (q7)'
    """
    named = f" ({shorten(printable(place['id']), MOST_ID)})" if place["id"] is not None else ""
    return f"step {place['step']} row {place['row']}{named}"


def at_end(rollouts: pl.DataFrame) -> pl.Expr:
    """Returns the condition that a rollout is of the end of the run: the part of the saved steps that `rise` compares."""
    steps = sorted(rollouts["step"].drop_nulls().unique().to_list())
    return pl.col("step") >= steps[-part_size(len(steps))] if steps else pl.lit(False)
