"""Grams that are taken up and dropped: by prompts, with an interval; what is rare or unsure is neither."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from evidence_made import evidence_of
from hicra.findings import Evidence, Finding
from hicra.findings.gram_turnover import gram_turnover

SCHEMA = {
    "step": pl.Int64,
    "group_id": pl.String,
    "spans": pl.List(pl.Struct({"start": pl.Int64, "end": pl.Int64, "gram": pl.String})),
}


def run(*steps: dict[str, int], prompts: int = 20, a_prompt: int = 2) -> Evidence:
    """A saved step for each mapping of grams to the number of prompts all of whose responses hold it."""
    rows: list[dict[str, Any]] = [
        {
            "step": step, "group_id": str(prompt),
            "spans": [{"start": 0, "end": 1, "gram": gram} for gram, n in used.items() if prompt < n],
        }
        for step, used in enumerate(steps, 1)
        for prompt in range(prompts)
        for _ in range(a_prompt)
    ]  # fmt: skip
    return evidence_of([], pl.DataFrame(rows, schema=SCHEMA))


def look(evidence: Evidence) -> Finding:
    found = gram_turnover(evidence)
    assert found is not None
    return found


def test_births_and_deaths_with_their_shares() -> None:
    first, last = {"old": 20, "steady": 10, "rare": 0}, {"new": 12, "steady": 12, "rare": 2}
    found = look(run(first, first, last, last, last, last))
    # two steps of 20 prompts with 2 responses at each end: 12 of 20 prompts hold "new", all of 20 held "old"
    assert found.figures["born"] == [{"gram": "new", "first": 0.0, "last": pytest.approx(0.6)}]
    assert found.figures["died"] == [{"gram": "old", "first": 1.0, "last": 0.0}]
    assert found.figures["tested"] == 3  # 4 prompts (2 in each of two steps) are too few to test "rare"
    assert found.alarm is None
    assert '"new" (0\u00a0% to 60\u00a0% of the responses)' in found.text


def test_a_change_that_is_not_sure_is_none() -> None:
    # 3 of 20 prompts in two steps, all of each alike: 15 % of 40 prompts, and Wilson's interval for 0 of 40 reaches 8.8 % at 95 %
    # but with z = 2.24 for two intervals 11.1 %, above the lower end of 15 %, about 6 %
    found = look(run({}, {}, {}, {}, {"new": 3}, {"new": 3}))
    assert found.alarm is False
    assert found.figures["tested"] == 1
    assert found.figures["born"] == []


def test_a_gram_that_only_grew_was_not_born() -> None:
    found = look(run({"g": 3}, {"g": 3}, {"g": 20}, {"g": 20}, {"g": 20}, {"g": 20}))
    assert found.figures["born"] == []  # 15 % at the start is more than a tenth of 100 %


def test_few_steps_and_no_spans_say_nothing() -> None:
    assert gram_turnover(run({"a": 1}, {"b": 1})) is None
    assert gram_turnover(evidence_of([], pl.DataFrame({"step": [1]}))) is None
