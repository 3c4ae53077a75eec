"""Which rollouts answer one question, in whatever steps they stand.

Deviations:
SPANS-2. A question is known by its text, in whatever step it stands. Where no rollout has a text, it is known by its group in its
    step, else by the id of the row, and else each response is one. Those of a step that do not say it are one more question.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from hicra.findings.saved import Rollouts

Numbers = npt.NDArray[np.uint64]


def question_column(rollouts: Rollouts) -> tuple[str, str]:
    """Returns what tells the questions apart, "prompt", "group_id", "id" or "" (each response is one), and its column."""
    for column in ("prompt", "problem"):
        if rollouts.schema.get(column) == pl.String and rollouts.has(column):
            return "prompt", column
    for column in ("group_id", "id"):
        dtype = rollouts.schema.get(column, pl.Null())
        if (dtype == pl.String or dtype.is_integer()) and rollouts.has(column):
            return column, column
    return "", ""


def question_numbers(rows: pl.DataFrame, name: str, column: str) -> Numbers:
    """Returns [R] a number that rows share which answer one question.

    Args:
        rows: those of a step, with `step` and the column.
        name, column: as `question_column` gives them.
    """
    if not column:
        return rows.select(pl.struct("step", pl.int_range(pl.len()).alias("_row")).hash()).to_series().to_numpy()
    own = pl.struct("step", column) if name == "group_id" else pl.col(column)
    nobody = pl.struct("step", pl.lit("nobody says").alias("_none")).hash()
    number = pl.when(pl.col(column).is_not_null()).then(own.hash()).otherwise(nobody)
    return rows.select(number).to_series().to_numpy()
