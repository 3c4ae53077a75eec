"""Agents trained by name: what a step says, and that a resumed run is the same run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hicra.engines.train import train
from hicra.runs import RunFolder
from hicra.runs.config import load_config
from related_world import settings
from train_small import same_run, weights

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:lexicon")]  # its grams stand nowhere in the corridor


def run(out: Path, sets: list[str], resume: bool = False) -> dict[str, Any]:
    config, _ = load_config(None, sets)
    return train(config, out, resume=resume, say=lambda line: None, progress=lambda step, values: None)


def test_himac_trains_by_name_and_a_resumed_run_equals_an_uninterrupted_one(tmp_path, start, grams):
    sets = {"system__name": "himac", "system__settings": "{blueprints: 4, budget: 2, blueprint_tokens: 6}"}
    run(tmp_path / "whole", settings(start, grams, train__steps=4, **sets))
    run(tmp_path / "parts", settings(start, grams, train__steps=2, **sets))
    run(tmp_path / "parts", settings(start, grams, train__steps=4, **sets), resume=True)
    same_run(tmp_path / "whole", tmp_path / "parts")
    folder = RunFolder.open(tmp_path / "whole")
    assert folder.config["baseline"] == {"name": "himac", "settings": {"scale": "std"}}
    for row in folder.metrics():
        assert 0 <= row["himac/blueprint_fallbacks"] <= 1
        assert row["hicra/generated_actions"] > row["hicra/updated_actions"]  # greedy scoring is not trained on
        assert row["hicra/steps_refused"] == 0
    table = next(iter(folder.rollouts()))
    # 2 seeds x 4 blueprints in the first generation; each row has tokens of one level alone
    levels = {
        number: {level for row in table.filter(table["generation"] == number)["level_ids"] for level in row}
        for number in (0, 1)
    }
    assert levels == {0: {1}, 1: {0}}
    assert table.filter(table["generation"] == 0).height == 8
    assert weights(folder.path / "final") != weights(start)


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("hiper", "{subgoal_tokens: 4}"),
        ("gigpo", "{thought_tokens: 3}"),
        ("himac", "{alternate: false, keep_past: true}"),
    ],
)
def test_every_agent_trains_by_name(name, own, tmp_path, start, grams):
    run(tmp_path / "run", settings(start, grams, train__steps=2, system__name=name, system__settings=own))
    folder = RunFolder.open(tmp_path / "run")
    assert [row["step"] for row in folder.metrics()] == [1, 2]
    assert all(row["hicra/interactions"] > 0 and row["hicra/steps_refused"] == 0 for row in folder.metrics())
    assert folder.config["baseline"]["name"] == name
    assert next(iter(folder.rollouts()))["subgoals"].is_not_null().any()
    assert weights(folder.path / "final") != weights(start)


def test_hicra_amplifies_the_blueprints_of_an_agent(tmp_path, start, grams):
    sets = {"system__name": "himac", "method__name": "hicra", "train__steps": 2, "train__prompts_per_step": 4}
    run(tmp_path / "run", settings(start, grams, **sets))
    rows = RunFolder.open(tmp_path / "run").metrics()
    assert all(0 < row["hicra/planning_share"] < 1 for row in rows)  # all of phase A, nothing of phase B
    assert all(row["hicra/changed_share"] <= row["hicra/planning_share"] for row in rows)
