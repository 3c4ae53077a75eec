"""An empty or a wide planning mask, where a system plays: an alarm only if something that the run is trained with reads it."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from evidence_made import evidence_of
from hicra.findings import Evidence, Finding
from hicra.findings.mask import mask_empty, mask_wide


def evidence(share: float, **config: Any) -> Evidence:
    return evidence_of([{"step": 1, "hicra/planning_share": share}], pl.DataFrame(), config)


def only(finding: Finding | None) -> Finding:
    assert finding is not None
    return finding


TREE = {"system": {"name": "carl"}, "baseline": {"name": "carl"}}
READS = [
    ({}, True),  # nothing is known of it
    ({"method": {"name": "none"}}, True),  # of responses
    (TREE | {"method": {"name": "none"}}, False),
    (TREE | {"method": {"name": "hicra"}}, True),
    (TREE | {"method": {"name": "none", "then": [{"name": "planning_only"}]}}, True),
    (TREE | {"method": {"name": "mine:shape"}}, True),  # one's own, which may read it
    (TREE | {"method": {"name": ["none"]}}, True),  # no name at all
    (TREE | {"method": {"name": "entropy_advantage"}}, False),
]


@pytest.mark.parametrize(("config", "reads"), READS)
def test_the_alarm_needs_something_that_reads_the_mask(config: dict[str, Any], reads: bool) -> None:
    assert evidence(0.0, **config).needs_mask is reads
    empty, wide = only(mask_empty(evidence(0.0, **config))), only(mask_wide(evidence(0.75, **config)))
    assert (empty.alarm, wide.alarm) == ((True, True) if reads else (None, None))
    unread = "Nothing that this run is trained with reads the planning mask."
    assert empty.text.endswith(unread) is not reads
    assert wide.text.endswith(unread) is not reads
    assert only(mask_empty(evidence(0.5, **config))).alarm is False
    assert only(mask_wide(evidence(0.5, **config))).alarm is False


def test_a_wide_mask_of_an_agent_may_come_from_its_plans() -> None:
    config = {"system": {"name": "himac"}, "baseline": {"name": "himac"}, "method": {"name": "hicra"}}
    assert "plans are most of what is written" in only(mask_wide(evidence(0.75, **config))).text
    assert "the responses do little else" in only(mask_wide(evidence(0.75))).text
