"""Lays the columns with one value a token end to end, for findings that count tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from hicra.arrays import Floats, Ints
from hicra.findings.columns import with_columns_of


@dataclass(frozen=True)
class FlatTokens:
    """Holds the tokens of some rollouts, one after the other.

    Attributes:
        rollouts: the B rollouts that they come from, in the order of the table.
        row: [N] row of each token in `rollouts`, ascending.
        at: [N] its place in the response, from 0.
        values: column -> [N] its values; not finite where a list held null.
        left_out: number of rollouts of the table that are not here.
    """

    rollouts: pl.DataFrame
    row: Ints
    at: Ints
    values: dict[str, Floats]
    left_out: int

    @property
    def step(self) -> Ints:
        """[N] step of each token."""
        return self.rollouts["step"].to_numpy().astype(np.int64)[self.row]


def tokens_of(rollouts: pl.DataFrame, *columns: str) -> FlatTokens | None:
    """Returns the tokens of the rollouts that have all of these columns, in equally long lists of at least one number.

    Args:
        rollouts: columns as in a run folder.
        columns: names of columns with one number a token.

    Returns:
        The tokens, or None where no rollout has the columns.
    """
    complete = with_columns_of(rollouts, step="integer", **dict.fromkeys(columns, "numbers"))
    if complete is None:
        return None
    lengths = [pl.col(name).list.len() for name in columns]
    kept = complete.filter(lengths[0] > 0, *(length == lengths[0] for length in lengths[1:]))
    if not kept.height:
        return None
    sizes = kept[columns[0]].list.len().to_numpy().astype(np.int64)
    begins = np.cumsum(sizes) - sizes
    values = {name: kept[name].explode().cast(pl.Float64).to_numpy() for name in columns}
    return FlatTokens(
        rollouts=kept, row=np.repeat(np.arange(len(sizes)), sizes),
        at=np.arange(int(sizes.sum())) - np.repeat(begins, sizes), values=values, left_out=rollouts.height - kept.height,
    )  # fmt: skip
