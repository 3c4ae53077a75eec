"""Names a few rollouts that show a finding, so that a reader can look at them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from hicra.drawing.readable import printable, shorten
from hicra.findings.curves import part_size
from hicra.findings.saved import Rollouts

MOST, MOST_ID = 5, 40


def examples(
    rollouts: Rollouts,
    where: pl.Expr,
    by: Sequence[pl.Expr] = (),
    most: int = MOST,
    *,
    made: Callable[[pl.DataFrame], pl.DataFrame] | None = None,
    columns: Sequence[str] = (),
) -> tuple[dict[str, Any], ...]:
    """Returns {step, row, id} of the first rollouts for which a condition holds.

    Args:
        rollouts: columns as in a run folder; `step` must be one of them.
        where: the condition; a rollout for which it is null does not count.
        by: what they are sorted by, the largest first; equal ones and all others stand in the order of the run. A prompt (a
            group of a step) gets a second rollout only when each of the others has one.
        most: how many are named.
        made: adds the columns that `where` and `by` read to the rollouts of a step, where they are not those of the run.
        columns: what `made` reads.

    Returns:
        A tuple: step; row, the number of the rollout among those of its step, from 1; id, null where it has none.
    """
    if "step" not in rollouts.schema:
        return ()
    roots = [name for expression in (where, *by) for name in expression.meta.root_names()]
    keys = [expression.alias(f"_by{number}") for number, expression in enumerate(by)]
    found = []
    for table in rollouts.by_step("id", "group_id", *columns, *roots):
        table = table.with_columns(pl.int_range(1, pl.len() + 1).alias("_row"))
        rows = (table if made is None else made(table)).filter(where.fill_null(False))
        if rows.height:
            rows = _in_order(rows.with_columns(keys).with_columns(_again(rows, keys)), len(keys))
            found.append(rows.head(most).select("step", "_row", _id(rollouts), "_again", "^_by.*$"))
    if not found:
        return ()
    first = _in_order(pl.concat(found), len(keys)).head(most)
    return tuple(first.select(pl.col("step"), pl.col("_row").alias("row"), pl.col("id")).to_dicts())


def _again(rows: pl.DataFrame, keys: Sequence[pl.Expr]) -> pl.Expr:
    """[rows of a step] how many rollouts of its prompt stand before each, in the order of the keys."""
    if "group_id" not in rows.columns or rows.schema["group_id"].is_nested():
        return pl.lit(0, pl.Int64).alias("_again")
    order = rows.select(pl.col("group_id"), *keys).with_row_index("_at")
    if keys:
        names = [f"_by{number}" for number in range(len(keys))]
        order = order.sort(*names, descending=True, nulls_last=True, maintain_order=True)
    order = order.with_columns(pl.int_range(pl.len()).over("group_id").alias("_again"))
    return pl.lit(order.sort("_at")["_again"].cast(pl.Int64)).alias("_again")


def _in_order(rows: pl.DataFrame, keys: int) -> pl.DataFrame:
    names = [f"_by{number}" for number in range(keys)]
    return rows.sort("_again", *names, descending=[False, *[True] * keys], nulls_last=True, maintain_order=True)


def _id(rollouts: Rollouts) -> pl.Expr:
    dtype = rollouts.schema.get("id", pl.Null())
    known = dtype == pl.String or dtype.is_integer()
    return (pl.col("id").cast(pl.String) if known else pl.lit(None, pl.String)).alias("id")


def place_text(place: Mapping[str, Any]) -> str:
    """Says in words where a rollout stands, with its id, which others wrote and which may hold anything.

    >>> place_text({"step": 3, "row": 1, "id": "q7"})
    'step 3 row 1 (q7)'
    """
    named = f" ({shorten(printable(place['id']), MOST_ID)})" if place["id"] is not None else ""
    return f"step {place['step']} row {place['row']}{named}"


def at_end(steps: Sequence[int]) -> pl.Expr:
    """Returns the condition that a rollout is of the end of the run: the part of the saved steps (ascending) that `rise`
    compares.
    """
    return pl.col("step") >= steps[-part_size(len(steps))] if steps else pl.lit(False)
