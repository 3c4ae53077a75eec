"""In which order and how many at a time rows are scored, and which ones where not all are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

AT_ONCE, ROWS_AT_ONCE = 2**14, 64  # tokens and rows between two words on progress; the logits are bounded apart


def batches_of(lengths: Mapping[int, int]) -> Iterator[list[int]]:
    """Yields rows of like length together, the shortest first: at most `ROWS_AT_ONCE`, and `AT_ONCE` tokens with padding.

    Args:
        lengths: row -> number of its tokens.
    """
    batch: list[int] = []
    for at in sorted(lengths, key=lambda row: (lengths[row], row)):
        if batch and (len(batch) == ROWS_AT_ONCE or (len(batch) + 1) * lengths[at] > AT_ONCE):
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


def spread(rows: pl.DataFrame, limit: int) -> list[int]:
    """Returns the rows that are scored: all, or whole prompts that are spread evenly over the step, of at most `limit` rows.

    One prompt is always taken, also where it has more rows.

    Args:
        rows: rows with the number of their group in `_group`; each of those with -1 counts as a prompt of its own.
        limit: the most rows; 0 for all.
    """
    if not limit or rows.height <= limit:
        return list(range(rows.height))
    prompts: dict[Any, list[int]] = {}
    for at, group in enumerate(rows["_group"].to_list()):
        prompts.setdefault(group if group >= 0 else ("row", at), []).append(at)
    units = list(prompts.values())
    taken = max(1, limit * len(units) // rows.height)
    found: list[int] = []
    for number in range(taken):
        unit = units[number * len(units) // taken]
        if found and len(found) + len(unit) > limit:
            continue
        found += unit
    return sorted(found)
