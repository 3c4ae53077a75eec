"""Which grams the saved steps use: counted by hand, nested ones once."""

from __future__ import annotations

import polars as pl
import pytest

from hicra.findings.gram_use import gram_use


def row(step: int, *spans: tuple[int, int, str]) -> dict[str, object]:
    return {"step": step, "spans": [{"start": start, "end": end, "gram": gram} for start, end, gram in spans]}


A, B, A2, NESTED = (0, 3, "a"), (4, 7, "b"), (8, 11, "a"), (1, 3, "short")
ROWS = [
    # step 2 comes first in the file, so the order of steps is not that of the rows
    row(2, A, B, A2), row(2, B, A2), row(2, A, B), row(2),
    row(1, A, NESTED), row(1, A2, B),
]  # fmt: skip


def test_by_hand() -> None:
    found = gram_use(pl.DataFrame(ROWS))
    assert found is not None
    assert found.steps.tolist() == [1, 2]
    assert found.responses.tolist() == [2, 4]
    # step 1: a alone (the nested one does not count), and b a; step 2: a b a, b a, a b, none
    assert [dict(counts) for counts in found.counts] == [{"a": 2, "b": 1}, {"a": 4, "b": 3}]
    # each sequence of step 1 is that of one of two responses, the first in order of the alphabet is named; the same at step 2
    assert found.template.tolist() == [0.5, 0.25]
    assert found.sequences == (("a",), ("a", "b"))
    assert found.covered.tolist() == [1, 0.75]
    # of the seven occurrences of step 2 one repeats its gram in its response
    assert found.repeated.tolist() == pytest.approx([0, 1 / 7])


def test_the_most_common_sequence() -> None:
    found = gram_use(pl.DataFrame([row(1, B), row(1, A, B), row(1, A, B), row(1)]))
    assert found is not None
    assert found.sequences == (("a", "b"),)
    assert found.template.tolist() == [0.5]


def test_rows_without_spans() -> None:
    assert gram_use(pl.DataFrame()) is None
    assert gram_use(pl.DataFrame({"step": [1], "spans": ["no list"]})) is None
    assert gram_use(pl.DataFrame({"step": [1], "spans": [[{"start": 0, "gram": "a"}]]})) is None
    empty = gram_use(pl.DataFrame([row(1), row(1)], schema=pl.DataFrame(ROWS).schema))
    assert empty is not None
    assert (empty.template.tolist(), empty.repeated.tolist(), empty.sequences) == ([0], [0], ((),))
