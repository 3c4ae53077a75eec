"""Runs of a system are called by it, in `hicra compare` and on the page alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from hicra.compare.arms import remarks
from hicra.report.build import build_model
from hicra.report.sections import parts_shown, run_rows
from hicra.runs import RunFolder
from hicra.runs.arms import name_arms


def run(path: Path, name: str, system: str, method: str = "none", seed: int = 0, **more: Any) -> RunFolder:
    settings = more.pop("settings", {})
    config = {"engine": "related", "system": {"name": system, "settings": settings}, "method": {"name": method}, **more}
    folder = RunFolder.create(path / name, method=method, seed=seed, config=config)
    folder.log(1, {"hicra/accuracy": 0.5, "hicra/planning_share": 0.0})
    folder.write_rollouts(1, pl.DataFrame([{"step": 1, "id": "a", "response": "right"}]))
    return folder


def test_a_system_names_its_arm_and_a_method_stands_behind_it(tmp_path: Path) -> None:
    runs = [run(tmp_path, "a", "carl"), run(tmp_path, "b", "himac", "hicra"), run(tmp_path, "c", "spo_tree")]
    assert name_arms(runs) == ["carl", "himac+hicra", "spo_tree"]


def test_runs_of_one_system_are_told_apart_by_what_differs_in_them(tmp_path: Path) -> None:
    one, two = ({"settings": {"n0": n0, "n": 16}} for n0 in (1, 8))
    runs = [run(tmp_path, "a", "carl", **one), run(tmp_path, "b", "carl", **two), run(tmp_path, "c", "gigpo")]
    assert name_arms(runs) == ["carl(system.settings.n0=1)", "carl(system.settings.n0=8)", "gigpo"]


def test_settings_of_two_systems_are_no_further_difference_and_another_baseline_is(tmp_path: Path) -> None:
    runs = [
        run(tmp_path, "a", "carl", settings={"n0": 8}, baseline={"name": "carl"}),
        run(tmp_path, "b", "vineppo", settings={"k": 9}, baseline={"name": "vineppo"}),
    ]
    (said,) = remarks(runs, name_arms(runs))
    assert said == "the arms also differ in baseline: carl carl, vineppo vineppo"


def test_a_run_without_a_system_is_called_by_its_method(tmp_path: Path) -> None:
    plain = RunFolder.create(tmp_path / "a", method="none", seed=0, config={"system": {"name": None, "settings": {}}})
    bare = RunFolder.create(tmp_path / "b", method="hicra", seed=0, config={})
    assert name_arms([plain, bare]) == ["none", "hicra"]


def test_the_page_calls_a_run_by_its_system_and_raises_no_alarm_for_a_mask_that_nothing_reads(tmp_path: Path) -> None:
    run(tmp_path, "a", "carl", settings={"n0": 8}, baseline={"name": "carl"})
    model = build_model([tmp_path / "a"])
    assert model.arms == ("carl",)
    assert parts_shown(model) == ["system", "baseline", "method"]
    (row,) = run_rows(model)
    assert row["parts"]["system"] == "carl(n0=8)"
    assert not [one for one in model.runs[0].findings if one.alarm]
