"""Runs in which nothing is wrong show nothing: the small form of benchmarks/sim_findings_null.py."""

from __future__ import annotations

import pytest

from sim_findings_null import shown


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_a_null_run_shows_nothing(seed: int) -> None:
    names, _ = shown(seed, steps=20)
    assert names == []
