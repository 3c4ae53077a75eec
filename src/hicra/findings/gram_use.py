"""Which grams the responses of each saved step use, and in which order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import polars as pl

from hicra.arrays import Floats, Ints
from hicra.findings.saved import Rollouts
from hicra.metrics.rollouts import longest_hits


@dataclass(frozen=True)
class GramUse:
    """The grams of the saved steps; S is their number. Of nested occurrences only the longest counts (METRIC-1).

    Attributes:
        steps: [S] ascending.
        responses: [S] number of responses.
        counts: of each step, gram -> occurrences.
        template: [S] share of responses whose sequence of grams is the most common one; responses without a gram have none.
        sequences: of each step, that sequence.
        covered: [S] share of responses with at least one gram.
        repeated: [S] share of occurrences whose gram stood in the same response before; 0 where there is no occurrence.
    """

    steps: Floats
    responses: Ints
    counts: tuple[Counter[str], ...]
    template: Floats
    sequences: tuple[tuple[str, ...], ...]
    covered: Floats
    repeated: Floats


def gram_use(rollouts: pl.DataFrame) -> GramUse | None:
    """Counts them; None where the rollouts have no steps or no spans."""
    if not {"step", "spans"} <= set(rollouts.columns) or not are_spans(rollouts.schema["spans"]):
        return None
    known = rollouts.filter(pl.col("step").is_not_null() & pl.col("spans").is_not_null()).select("step", "spans")
    if not known.height:
        return None
    known = known.sort("step", maintain_order=True).with_row_index("row")
    hits = known.select("row", "spans").explode("spans").drop_nulls("spans").unnest("spans").drop_nulls()
    hits = hits.sort("row", "start", "end", "gram")
    kept = longest_hits(*(hits[name].cast(pl.Int64).to_numpy() for name in ("row", "start", "end")))
    hits = hits.filter(pl.Series(kept, dtype=pl.Boolean))
    of_row: dict[int, tuple[str, ...]] = {
        row: tuple(gram for _, gram in pairs)
        for row, pairs in groupby(
            zip(hits["row"].to_list(), hits["gram"].to_list(), strict=True), key=lambda pair: pair[0]
        )
    }
    steps, responses = np.unique(known["step"].to_numpy(), return_counts=True)
    counts, template, sequences, covered, repeated, first = [], [], [], [], [], 0
    for size in responses.tolist():
        rows = [of_row[row] for row in range(first, first + size) if row in of_row]
        first += size
        used = Counter(gram for row in rows for gram in row)
        common, times = min(Counter(rows).items(), key=lambda one: (-one[1], one[0])) if rows else ((), 0)
        counts.append(used)
        sequences.append(common)
        template.append(times / size)
        covered.append(len(rows) / size)
        repeated.append(1 - sum(len(set(row)) for row in rows) / used.total() if used else 0.0)
    shares = (np.array(values, np.float64) for values in (covered, repeated))
    return GramUse(steps.astype(np.float64), responses, tuple(counts), np.array(template), tuple(sequences), *shares)


def run_gram_use(rollouts: Rollouts) -> GramUse | None:
    """Counts them over the steps of a run, one step at a time; call it as `rollouts.once(run_gram_use)`, which counts once."""
    if not {"step", "spans"} <= set(rollouts.schema) or not are_spans(rollouts.schema["spans"]):
        return None
    found = [use for table in rollouts.by_step("spans") if (use := gram_use(table)) is not None]
    if not found:
        return None
    steps, responses, template, covered, repeated = (
        np.concatenate([getattr(use, name) for use in found])
        for name in ("steps", "responses", "template", "covered", "repeated")
    )
    counts = tuple(counter for use in found for counter in use.counts)
    sequences = tuple(sequence for use in found for sequence in use.sequences)
    return GramUse(steps, responses, counts, template, sequences, covered, repeated)


def are_spans(dtype: pl.DataType) -> bool:
    """Says whether a column holds lists of {start, end, gram}."""
    inner = dtype.inner if isinstance(dtype, pl.List) else None
    if not isinstance(inner, pl.Struct):
        return False
    fields = {field.name: field.dtype for field in inner.fields}
    return (
        {"start", "end", "gram"} <= set(fields)
        and isinstance(fields["gram"], pl.String)
        and all(isinstance(fields[name], pl.DataType) and fields[name].is_integer() for name in ("start", "end"))
    )
