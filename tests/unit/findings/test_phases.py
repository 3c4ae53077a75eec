"""Phases: a run with planted changes, one without, and one that is too short."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from evidence_made import evidence_of
from hicra.findings import Evidence, look
from hicra.findings.phases import course, phases
from hicra.stats import change_points


def evidence(n: int, *, noise: float = 0.02, **curves: tuple[list[int], list[float]]) -> Evidence:
    """Curves through the given points at the given steps, with independent noise."""
    rng = np.random.default_rng(0)
    lines = {
        f"hicra/{name}": np.interp(np.arange(1, n + 1), *points) + rng.normal(0, noise, n)
        for name, points in curves.items()
    }
    rows = [{"step": i + 1, **{name: float(values[i]) for name, values in lines.items()}} for i in range(n)]
    return evidence_of(rows, pl.DataFrame())


def test_two_phases_at_step_30_and_step_50() -> None:
    found = phases(
        evidence(100, ppl_execution=([1, 30, 100], [2, 1.2, 1.2]), semantic_entropy=([1, 50, 100], [2, 2, 3]))
    )
    assert found is not None
    assert found.alarm is None
    at, low, high = found.figures["first_phase_ends"]
    assert low <= 30 <= high
    assert abs(at - 30) <= 3
    at, low, high = found.figures["second_phase_begins"]
    assert low <= 50 <= high
    assert abs(at - 50) <= 5
    assert "The first phase ends at step " in found.text
    assert "A second phase begins at step " in found.text
    assert "before the first phase has ended" not in found.text
    assert [one["direction"] for one in found.figures["curves"]["hicra/ppl_execution"]["pieces"]] == ["falls", "stays"]


def test_the_order_is_said_where_it_is_the_other_way_round() -> None:
    found = phases(
        evidence(100, ppl_execution=([1, 70, 100], [2, 1.2, 1.2]), semantic_entropy=([1, 25, 100], [2, 2, 3]))
    )
    assert found is not None
    assert "before the first phase has ended" in found.text


def test_no_second_phase() -> None:
    level = phases(evidence(60, ppl_execution=([1, 20, 60], [2, 1.2, 1.2]), semantic_entropy=([1, 60], [2, 2])))
    assert level is not None
    assert "No second phase seen: semantic entropy has no bend from which on it rises." in level.text
    assert level.figures["second_phase_begins"] is None
    steady = phases(evidence(60, semantic_entropy=([1, 60], [2, 3])))
    assert steady is not None
    assert "No second phase seen: semantic entropy rises from the first step on" in steady.text
    assert "no first phase can be seen" in steady.text


def test_no_change_at_all() -> None:
    found = phases(evidence(60, ppl_execution=([1, 60], [1.2, 1.2]), length=([1, 60], [40, 40]), noise=0.1))
    assert found is not None
    assert "No end of a first phase seen" in found.text
    assert "Semantic entropy is not known" in found.text
    assert all(one["bends"] == [] for one in found.figures["curves"].values())


def test_the_rarefied_entropy_goes_before_the_plain_one() -> None:
    found = phases(evidence(60, semantic_entropy=([1, 30, 60], [2, 2, 3]), semantic_entropy_rarefied=([1, 60], [2, 2])))
    assert found is not None
    assert found.figures["second_phase_begins"] is None


@pytest.mark.parametrize("n", [2, 19])
def test_short_runs_could_not_be_looked_at(n: int) -> None:
    looked = look(evidence(n, length=([1, n], [10, 90])))
    assert "phases" not in [one.name for one in looked.found]
    listed = "ppl_execution or entropy_execution or semantic_entropy or length"
    assert looked.unlooked["phases"] == f"{n} steps have {listed}, and it takes 20"


def test_a_single_step_and_unknown_curves_say_nothing() -> None:
    assert phases(evidence(1, length=([1], [10]))) is None
    assert phases(evidence_of([{"step": step, "hicra/length": None} for step in range(50)], pl.DataFrame())) is None


def test_a_course_in_words() -> None:
    found = change_points(range(60), [1 + max(30 - step, 0) / 10 for step in range(60)])
    assert course(found) == "falls from 4 to 1 until step 30 (95 % 30 to 30), then stays near 1"
