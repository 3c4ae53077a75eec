"""Empty and wide masks, cut responses, growing length, collapsed templates; and how findings are parted and read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from evidence_made import evidence_of
from hicra.findings import FINDINGS, Evidence, Finding, findings, told
from hicra.findings.length import length_hacking, truncation
from hicra.findings.mask import mask_empty, mask_wide
from hicra.findings.saved import Rollouts
from hicra.findings.template_collapse import template_collapse
from hicra.runs import RunFolder

SPAN = pl.Struct({"start": pl.Int64, "end": pl.Int64, "gram": pl.String})


def metric(name: str, values: list[Any]) -> Evidence:
    return evidence_of([{"step": i + 1, f"hicra/{name}": value} for i, value in enumerate(values)], pl.DataFrame())


def only(finding: Finding | None) -> Finding:
    assert finding is not None
    return finding


# ---- masks
@pytest.mark.parametrize(
    ("share", "empty", "wide"), [([0, 0], True, False), ([0, 0.1], False, False), ([0.4, 0.7], False, True)]
)
def test_masks(share: list[float], empty: bool, wide: bool) -> None:
    assert only(mask_empty(metric("planning_share", share))).alarm is empty
    assert only(mask_wide(metric("planning_share", share))).alarm is wide


@pytest.mark.parametrize(
    ("config", "what"),
    [
        ({}, "token"),
        ({"counts": "tokens"}, "token"),
        ({"counts": "words"}, "word"),
        ({"counts": {"words": 1}}, "token"),
    ],
)
def test_what_was_counted_is_what_is_said(config: dict[str, Any], what: str) -> None:
    def said(finding: Any, evidence: Evidence) -> str:
        return only(finding(replace(evidence, config=config))).text

    assert said(mask_wide, metric("planning_share", [0.75])).startswith(
        f"75\u00a0% of the {what}s are planning {what}s,"
    )
    assert said(mask_empty, metric("planning_share", [0.0])).startswith(f"No {what} of 1 step is a planning {what}:")
    assert f"1 of 2 steps have no planning {what}." in said(mask_empty, metric("planning_share", [0.0, 0.5]))
    assert f"every step has planning {what}s." in said(mask_empty, metric("planning_share", [0.5]))
    assert f" went from 100 to 200 {what}s while " in said(length_hacking, growing(200, 0.5))


def test_masks_that_nobody_knows() -> None:
    assert mask_empty(metric("planning_share", [None])) is None
    assert mask_wide(evidence_of([], pl.DataFrame())) is None


# ---- length
def cut(*shares: int) -> Evidence:
    """A saved step for each number: so many of 100 responses are cut."""
    rows = [{"step": step, "truncated": i < share} for step, share in enumerate(shares, 1) for i in range(100)]
    return evidence_of([], pl.DataFrame(rows))


@pytest.mark.parametrize(
    ("shares", "alarm"),
    [
        ((18,), True),  # of 100: the interval begins at 11.7 %
        ((11,), False),  # it begins at 6.3 %, so this is not sure
        ((0, 0, 5, 7, 9, 8), True),
        ((4, 6, 5, 6, 4, 5), False),
        ((30, 20, 9, 8, 7, 6), False),
    ],
)
def test_truncation(shares: tuple[int, ...], alarm: bool) -> None:
    # 0 0 | 9 8: 8.5 points more, surely; 30 20 | 7 6: fewer at the end than a tenth
    assert only(truncation(cut(*shares))).alarm is alarm


def test_truncation_that_nobody_knows() -> None:
    assert truncation(evidence_of([], pl.DataFrame({"step": [1], "truncated": ["yes"]}))) is None


def growing(last: float, accuracy: float) -> Evidence:
    rows = [
        {"step": i, "hicra/length": 100.0 if i <= 20 else last, "hicra/accuracy": 0.5 if i <= 20 else accuracy}
        for i in range(1, 41)
    ]
    return evidence_of(rows, pl.DataFrame())


@pytest.mark.parametrize(("last", "accuracy", "alarm"), [(130, 0.5, True), (115, 0.5, False), (130, 0.8, False)])
def test_length_hacking(last: float, accuracy: float, alarm: bool) -> None:
    assert only(length_hacking(growing(last, accuracy))).alarm is alarm


def test_length_of_a_short_run_says_nothing() -> None:
    whole = growing(130, 0.5)
    assert length_hacking(evidence_of(whole.metrics[:19], whole.rollouts)) is None


# ---- templates
def templates(*common: int) -> Evidence:
    """A saved step for each number: of ten responses so many have the grams a b, and each of the others a gram of its own."""

    def spans(names: list[str]) -> list[dict[str, Any]]:
        return [{"start": 9 * i, "end": 9 * i + 5, "gram": name} for i, name in enumerate(names)]

    rows = [
        {"step": step, "spans": spans(["a", "b"] if i < n else [f"other {i}"])}
        for step, n in enumerate(common, 1)
        for i in range(10)
    ]  # fmt: skip
    return evidence_of([], pl.DataFrame(rows, schema={"step": pl.Int64, "spans": pl.List(SPAN)}))


@pytest.mark.parametrize(
    ("common", "alarm"),
    [
        ((1, 2, 1, 4, 5, 5, 6, 6, 7), True),
        ((4, 4, 4, 5, 5, 6, 7, 7, 7), False),
        ((1, 2, 1, 2, 2, 3, 4, 4, 4), False),
        ((1, 2, 1, 9, 9, 9, 1, 9, 7), False),
    ],
)
def test_template_collapse(common: tuple[int, ...], alarm: bool) -> None:
    # 13 % to 63 %; less than twice; less than half; 57 %, but the last steps differ too much to be sure
    found = only(template_collapse(templates(*common)))
    assert found.alarm is alarm
    assert found.figures["template"] == ["a", "b"]


def test_few_saved_steps_say_nothing_of_templates() -> None:
    assert template_collapse(templates(1, 9)) is None


# ---- the table, and how it is told
def test_findings_of_nothing_are_none() -> None:
    assert findings(evidence_of([], pl.DataFrame())) == []
    assert len(FINDINGS) == len(set(FINDINGS))


def test_told_parts_alarms_descriptions_and_what_was_not_seen() -> None:
    one, two, three = Finding("one", ""), Finding("two", "", alarm=False), Finding("three", "", alarm=True)
    assert told([one, two, three]) == ([three, one], [two])
    nothing = {"headline": None, "rollouts": [], "then": ""}
    assert three.as_json() == {"name": "three", "text": "", "figures": {}, "alarm": True, **nothing}


def test_evidence_of_a_run_folder(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run", method="none", seed=0, config={"lexicon": "paper"})
    run.log(1, {"hicra/accuracy": 0.5})
    run.write_rollouts(1, pl.DataFrame({"response": ["a"], "reward": [1]}))
    run.write_rollouts(2, pl.DataFrame({"step": [2], "response": ["b"], "reward": [0.5], "odd": [[1]]}))
    found = Evidence.of(RunFolder.open(run.path))
    assert found.metrics == [{"step": 1, "hicra/accuracy": 0.5}]
    assert found.rollouts.steps == [1, 2]  # the first from the name of its file
    assert [table["reward"].to_list() for table in found.rollouts.by_step("reward")] == [[1.0], [0.5]]
    assert found.config == {"lexicon": "paper"}


def test_columns_that_do_not_go_together_are_left_out() -> None:
    tables = [pl.DataFrame({"step": [1], "spans": [["a"]]}), pl.DataFrame({"step": [2], "spans": ["none"]})]
    found = Rollouts(tables)
    assert (found.steps, set(found.schema)) == ([1, 2], {"step"})
    assert Rollouts().height == 0
