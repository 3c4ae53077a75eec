"""Loops: the share at the end with Wilson's interval by hand, the rollouts that show it, and what is no alarm."""

from __future__ import annotations

import polars as pl
import pytest

from evidence_made import evidence_of
from hicra.findings import Evidence, Finding
from hicra.findings.repetition import repetition

LOOP = "so we go on and on again " * 20
PLAIN = " ".join(f"word{i}" for i in range(100))


def run(*loops: int, of: int = 20) -> Evidence:
    """A saved step for each number: so many of its responses are loops, the last ones."""
    rows = [
        {"step": step, "id": f"{step}-{i}", "response": LOOP if i >= of - n else PLAIN}
        for step, n in enumerate(loops, 1)
        for i in range(of)
    ]
    return evidence_of([], pl.DataFrame(rows))


def look(evidence: Evidence) -> Finding:
    found = repetition(evidence)
    assert found is not None
    return found


def test_many_loops_at_the_end_by_hand() -> None:
    found = look(run(0, 0, 4))
    # of 3 steps the last is the end: 4 of 20. Wilson, z = 1.96: (0.2 + 0.0960) / 1.1921 -+ 1.96 sqrt(.16/20 + .0024) / 1.1921
    assert found.alarm is True
    assert found.headline is not None
    assert found.headline.value == pytest.approx(0.2)
    assert (found.headline.low, found.headline.high) == pytest.approx((0.0807, 0.4160), abs=2e-4)
    assert [one["row"] for one in found.rollouts] == [17, 18, 19, 20]
    assert found.rollouts[0] == {"step": 3, "row": 17, "id": "3-16"}
    assert found.then.startswith("hicra ")


@pytest.mark.parametrize(("loops", "alarm"), [((0, 0, 0), False), ((1, 1, 2), False), ((2, 2, 0, 0, 3, 4), True)])
def test_what_is_an_alarm(loops: tuple[int, ...], alarm: bool) -> None:
    """2 of 20 is unsure (1.8 % to 30 %); 3 and 4 of 20 are 17.5 % of 40, from 8.7 % on."""
    assert look(run(*loops)).alarm is alarm


def test_a_column_that_a_diagnosis_wrote_is_read_and_not_computed_again() -> None:
    rows = pl.concat(run(0).rollouts.by_step("response")).with_columns(repeated=pl.lit(0.9))
    assert look(evidence_of([], rows)).headline.value == 1.0  # type: ignore[union-attr]


def test_without_texts_it_says_nothing() -> None:
    assert repetition(evidence_of([], pl.DataFrame({"step": [1]}))) is None
    assert (
        repetition(
            evidence_of([], pl.DataFrame({"step": [1], "response": [None]}, schema_overrides={"response": pl.String}))
        )
        is None
    )
