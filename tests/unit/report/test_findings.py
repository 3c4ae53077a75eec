"""The page tells the findings of each run: alarms first and marked, what was not seen folded away, and all text escaped."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from hicra.report import build_report
from hicra.report.answer import answer
from hicra.report.build import build_model
from hicra.report.sections import finding_rows, glance
from hicra.runs import RunFolder

GRAM = "<script>window.ran=1</script>"
SPAN = pl.Struct({"start": pl.Int64, "end": pl.Int64, "gram": pl.String})


def collapsing(path: Path, method: str, common: list[int]) -> Path:
    """A run of saved steps; of ten responses of each so many hold the one gram, and the others none."""
    run = RunFolder.create(path, method=method, seed=0, config={})
    for step, n in enumerate(common, 1):
        run.log(step, {"hicra/planning_share": 0.1, "hicra/mixed_groups": 1.0})
        spans = [[{"start": 0, "end": 1, "gram": GRAM}] if i < n else [] for i in range(10)]
        rows = {"step": [step] * 10, "response": ["a b"] * 10, "spans": spans}
        run.write_rollouts(
            step, pl.DataFrame(rows, schema={"step": pl.Int64, "response": pl.String, "spans": pl.List(SPAN)})
        )
    return path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("runs")
    return [
        collapsing(folder / "a", "none", [3] * 9),
        collapsing(folder / "b", "hicra", [1, 2, 1, 4, 5, 5, 6, 6, 7]),
    ]


def test_alarms_come_first_and_what_was_not_seen_is_apart(runs: list[Path]) -> None:
    quiet, loud = finding_rows(build_model(runs))
    described = ("planning change", False)
    assert (quiet["name"], quiet["alarms"]) == ("GRPO (none)", "no alarm")
    assert [(one["name"], one["alarm"]) for one in quiet["seen"]] == [described]
    looked_for = {
        "template collapse",
        "coverage drift",
        "no gradient",
        "mask empty",
        "mask wide",
        "repetition",
        "gram turnover",
    }
    assert looked_for == {one["name"] for one in quiet["not_seen"]}
    assert (loud["name"], loud["alarms"]) == ("HICRA", "1 alarm")
    assert [(one["name"], one["alarm"]) for one in loud["seen"]] == [("template collapse", True), described]


def test_the_page_holds_them_escaped(runs: list[Path], tmp_path: Path) -> None:
    build_report(runs, tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    section = re.search('<section id="findings".*?</section>', page, re.S)
    assert section
    assert '<a href="#findings">Findings</a>' in page
    assert section[0].count('<li class="alarm">') == 1
    assert "The strategies collapse" in section[0]
    assert "&lt;script&gt;window.ran=1" in section[0]
    assert "<script" not in section[0]
    # what an alarm rests on, where to see it, and how to go on
    (alarm,) = re.findall('<li class="alarm">.*?</ul></li>', section[0], re.S)
    for said in ("It rests on: ", "95\u00a0% interval ", "Rollouts that show it: ", "step 7 row 5", "Go on with <code"):
        assert said in alarm
    assert "Could not be looked for: " in section[0]


def test_many_runs_without_an_alarm_are_folded(runs: list[Path], tmp_path: Path) -> None:
    more = [collapsing(tmp_path / str(i), f"m{i}", [3]) for i in range(3)]
    rows = finding_rows(build_model([*runs, *more]))
    assert {row["name"]: row["open"] for row in rows} == {
        "GRPO (none)": False, "HICRA": True, "m0": False, "m1": False, "m2": False,
    }  # fmt: skip


def test_runs_of_an_arm_with_several_bear_the_names_of_their_folders(runs: list[Path], tmp_path: Path) -> None:
    more = collapsing(tmp_path / "c", "hicra", [3] * 9)
    assert [row["name"] for row in finding_rows(build_model([*runs, more]))] == ["GRPO (none)", "b", "c"]


def test_what_has_no_room_beside_the_tiles_stands_below(runs: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    model = build_model(runs[1:])
    found = answer(model, glance(model))
    assert [line.alarm for line in found["beside"]] == [True, False]
    assert found["below"] == []
    monkeypatch.setattr("hicra.report.answer.MAX_BESIDE", 0)
    assert answer(model, glance(model))["below"] == found["beside"]


def test_where_nothing_is_drawn_all_lines_stand_in_two_columns(runs: list[Path]) -> None:
    model = build_model(runs)  # two arms, and no metric to compare them by
    found = answer(model, glance(model))
    assert (found["figure"], found["tiles"], found["beside"]) == (None, [], [])
    assert [line.lead for line in found["below"] if line.alarm] == ["Template collapse in HICRA:"]


def test_a_run_in_which_nothing_could_be_looked_for_says_so(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run", method="none", seed=0, config={})
    run.log(1, {"my/number": 1.0})
    build_report([run.path], tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "</bdi>: nothing could be looked for</summary>" in page
    assert "no step has planning_share" in page


def test_an_alarm_of_two_runs_is_one_line_that_names_both(runs: list[Path], tmp_path: Path) -> None:
    same = collapsing(tmp_path / "c", "hicra", [8] * 6 + [1] * 3)
    model = build_model([*runs, same])
    alarm = next(one for one in model.runs[1].findings if one.alarm)
    falls, drops = "It falls. Look.", "It drops. Look."
    for texts, said in (((falls, falls), falls), ((falls, drops), "b: It falls. c: It drops.")):
        changed = [
            replace(run, findings=(replace(alarm, text=text),)) for run, text in zip(model.runs[1:], texts, strict=True)
        ]
        again = replace(model, runs=(model.runs[0], *changed))
        lines = [line for line in answer(again, glance(again))["below"] if line.alarm]
        assert [(line.lead, line.text) for line in lines] == [("Template collapse in b and c:", said)]
