"""Rows of agents and trees: which groups gave a gradient, and what it means that a row is cut."""

from __future__ import annotations

from typing import Any

import polars as pl

from evidence_made import evidence_of
from hicra.findings import Finding
from hicra.findings.length import truncation
from hicra.findings.no_gradient import group_outcomes, no_gradient
from hicra.findings.saved import Rollouts

TREE = {"system": {"name": "carl"}}


def row(group: str, prompt: str, reward: float, *advantages: float, cut: bool = False) -> dict[str, Any]:
    return {
        "step": 1, "group_id": group, "prompt": prompt, "reward": reward, "correct": reward == 1.0, "truncated": cut,
        "advantages": list(advantages),
    }  # fmt: skip


def only(finding: Finding | None) -> Finding:
    assert finding is not None
    return finding


ROWS = pl.DataFrame([
    # two rollouts from the root were wrong and a fork was right: one tree, whose edges have advantages
    row("0", "root", 0.0, -0.25, -0.5), row("0", "root", 0.0, -0.25), row("0", "root a1", 1.0, 0.5),
    row("1", "root", 1.0, 0.0), row("1", "root", 1.0, 0.0, 0.0),  # all right
    # both were right, and the values before their steps were lower than 1
    row("2", "root", 1.0, 0.5), row("2", "root", 1.0, 0.25),
])  # fmt: skip


def test_a_group_of_a_system_gave_a_gradient_where_a_token_has_an_advantage() -> None:
    nothing = {"all wrong": 0, "all cut": 0, "unscorable": 0, "equal rewards": 0}
    assert group_outcomes(Rollouts([ROWS]), of_system=True) == {"mixed": 2, "all right": 1, **nothing}
    found = only(no_gradient(evidence_of([], ROWS, TREE)))
    assert (found.figures["no_gradient"], found.figures["groups"], found.alarm) == (1, 3, False)
    # of responses, the prompt tells groups apart, and equal rewards give no gradient: the fork is alone, and none is mixed
    assert group_outcomes(Rollouts([ROWS])) == {"mixed": 0, "all right": 2, **nothing, "all wrong": 1}


def test_without_advantages_rewards_say_what_they_can() -> None:
    assert group_outcomes(Rollouts([ROWS.drop("advantages")]), of_system=True) == group_outcomes(Rollouts([ROWS]))


def test_a_row_that_is_cut_is_not_called_wrong_where_a_system_plays() -> None:
    rows = pl.DataFrame([row("0", "root", 1.0, 0.5, cut=True)] * 40)
    played, written = (only(truncation(evidence_of([], rows, config))) for config in (TREE, {}))
    assert played.alarm is written.alarm is True
    assert "raise train.max_new_tokens" in played.text
    assert "cannot be right" not in played.text
    assert "cannot be right" in written.text
