"""Intervals of `hicra signal` hold the truth about as often as they say: a small form of benchmarks/sim_signal_intervals.py."""

from __future__ import annotations

import pytest

import sim_signal_intervals as simulation

RUNS = 400  # a rate of 0.95 is then known to 0.011 (one standard error)


@pytest.mark.slow
@pytest.mark.parametrize("tail", simulation.TAILS)
@pytest.mark.parametrize("case", ["clear", "middling", "both_zero"])
def test_intervals_hold_what_they_say(case: str, tail: str) -> None:
    found = simulation.cell(case, 16, tail, RUNS, plain=False)
    assert len(found["held"]) >= 4
    assert min(found["told"][key] for key in found["held"]) > 0.99
    assert simulation.holds(found), found["held"]


def test_an_interval_of_half_the_width_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    # At half the width a normal interval holds the truth 67 times in 100.
    def halved(rows):
        return {
            key: (value, interval and [(value + limit) / 2 for limit in interval])
            for key, (value, interval) in measured(rows).items()
        }

    measured = simulation.measured
    monkeypatch.setattr(simulation, "measured", halved)
    found = simulation.cell("clear", 16, "normal", 60, plain=False)
    assert max(found["held"].values()) < simulation.LOW
    assert not simulation.holds(found)


def test_rates_are_judged_as_the_claim_says() -> None:
    one = {
        "case": "clear",
        "batches": 8,
        "held": {"share": 0.95, "bias_cosine": 1.0},
        "told": {"share": 1, "bias_cosine": 1},
    }
    assert simulation.holds(one)
    assert not simulation.holds(one | {"held": {"share": 0.89}})
    assert not simulation.holds(one | {"held": {"share": 0.985}})
    assert simulation.holds(one | {"held": {"share": 0.985}, "case": "both_zero"})
    assert simulation.holds(
        one | {"held": {"share": 0.5}, "told": {"share": 0.4}}
    )  # most runs say that they cannot tell
