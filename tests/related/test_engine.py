"""`hicra train` with the engine related: what a run writes, that a resume changes nothing, and what is refused."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from hicra.engines.held_out import read_evaluation
from hicra.engines.train import train
from hicra.errors import ConfigError, EngineError
from hicra.runs import RunFolder
from hicra.runs.config import load_config
from related_world import settings
from train_small import same_run, weights

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:lexicon")]  # its grams stand nowhere in the corridor


def run(out: Path, sets: list[str], resume: bool = False, said: list[str] | None = None) -> dict[str, Any]:
    config, _ = load_config(None, sets)
    say = (said if said is not None else []).append
    return train(config, out, resume=resume, say=say, progress=lambda step, values: None)


def test_a_run_learns_and_writes_what_every_run_does(tmp_path, start, grams):
    done = run(
        tmp_path / "run",
        settings(start, grams, system__name="grpo", train__steps=12, eval__problems=40, train__group_size=8),
    )
    folder = RunFolder.open(tmp_path / "run")
    rows = folder.metrics()
    assert [row["step"] for row in rows] == list(range(1, 13))
    assert done["final"]["eval/accuracy"] == read_evaluation(folder)["final"]["accuracy"]
    assert read_evaluation(folder)["final"]["accuracy"] > read_evaluation(folder)["start"]["accuracy"] + 0.2
    for row in rows:
        # 2 seeds x 8 episodes, of at most 6 actions each
        assert 16 <= row["hicra/interactions"] == row["hicra/generated_actions"] == row["hicra/updated_actions"] <= 96
        assert row["hicra/changed_share"] == 0
        assert row["hicra/advantage_mean_before"] == row["hicra/advantage_mean_after"]
        assert row["hicra/steps_refused"] == 0
        assert "hicra/pass_at_8" in row
    config = folder.config
    assert config["baseline"] == {"name": "grpo", "settings": {}}
    assert config["system"]["settings"]["group_size"] == 8
    tables = list(folder.rollouts())
    assert len(tables) == 12
    assert tables[0].height == 16
    assert set(tables[0].columns) >= {"response", "prompt", "reward", "action_ids", "level_ids", "tree", "subgoals"}
    for name in ("token_ids", "logprobs", "entropies", "advantages", "action_ids"):
        assert tables[0][name].list.len().to_list() == tables[0]["token_ends"].list.len().to_list()
    assert weights(folder.path / "final") != weights(start)


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, start, grams):
    run(tmp_path / "whole", settings(start, grams, system__name="grpo", train__steps=5, train__iterations=1))
    run(tmp_path / "parts", settings(start, grams, system__name="grpo", train__steps=2))
    said: list[str] = []
    run(tmp_path / "parts", settings(start, grams, system__name="grpo", train__steps=5), resume=True, said=said)
    assert any("from step 2" in line for line in said)
    same_run(tmp_path / "whole", tmp_path / "parts")


def test_a_resumed_run_of_a_model_with_dropout_drops_the_same(tmp_path, start, grams):
    model = tmp_path / "dropping"
    shutil.copytree(start, model)
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | {"attention_dropout": 0.3}))
    sets = {"system__name": "grpo", "train__save_steps": 1, "train__group_size": 8}
    run(tmp_path / "whole", settings(model, grams, train__steps=3, **sets))
    run(tmp_path / "parts", settings(model, grams, train__steps=1, **sets))
    run(tmp_path / "parts", settings(model, grams, train__steps=3, **sets), resume=True)
    assert all(row["grad_norm"] > 0 for row in RunFolder.open(tmp_path / "whole").metrics())
    same_run(tmp_path / "whole", tmp_path / "parts")


def test_a_stopped_run_saves_and_goes_on(tmp_path, start, grams, monkeypatch):
    from hicra.engines.signals import StopRequest

    sets = settings(start, grams, system__name="grpo", train__steps=3, train__save_steps=3)
    run(tmp_path / "whole", sets)
    monkeypatch.setattr(StopRequest, "__enter__", lambda self: setattr(self, "number", 2) or self)
    monkeypatch.setattr(StopRequest, "__exit__", lambda self, *_: None)
    assert run(tmp_path / "parts", sets)["interrupted"] == 2
    assert not (tmp_path / "parts" / "final").exists()
    monkeypatch.undo()
    from hicra.related.environments import open as opening
    from related_world import ENTRY

    monkeypatch.setitem(opening.ENVIRONMENTS, "corridor", ENTRY)
    run(tmp_path / "parts", sets, resume=True)
    same_run(tmp_path / "whole", tmp_path / "parts")


def test_several_updates_on_a_generation_move_further(tmp_path, start, grams):
    sets = {"system__name": "grpo", "train__steps": 2}
    run(tmp_path / "one", settings(start, grams, **sets))
    run(tmp_path / "two", settings(start, grams, train__iterations=2, **sets))
    one, two = (RunFolder.open(tmp_path / name).metrics()[0] for name in ("one", "two"))
    assert one["hicra/accuracy"] == two["hicra/accuracy"]  # the first generation is sampled before any update
    assert weights(tmp_path / "one" / "final") != weights(tmp_path / "two" / "final")


def test_micro_batches_train_the_same_within_rounding(tmp_path, start, grams):
    from safetensors.numpy import load_file

    sets = {
        "system__name": "grpo",
        "train__steps": 1,
        "train__kl": 0.1,
        "train__iterations": 2,
        "train__save_steps": 2,
        "train__group_size": 8,
        "train__prompts_per_step": 4,
    }
    run(tmp_path / "whole", settings(start, grams, **sets))
    run(tmp_path / "parts", settings(start, grams, train__micro_batch=2, **sets))
    one, two = (load_file(tmp_path / name / "final" / "model.safetensors") for name in ("whole", "parts"))
    before = load_file(start / "model.safetensors")
    moved = max(float(np.abs(one[name] - before[name]).max()) for name in one)
    apart = [float(np.median(np.abs(one[name] - two[name]))) for name in one]
    assert moved > 1e-3
    assert max(apart) < 1e-4  # Adam turns rounding of a gradient near 0 into a step, so the median is looked at


def test_a_reward_that_is_not_a_number_is_left_out_and_counted(tmp_path, start, grams):
    run(tmp_path / "run", settings(start, grams, system__name="grpo", train__steps=2, task__settings="{broken: true}"))
    rows = RunFolder.open(tmp_path / "run").metrics()
    assert all(row["hicra/advantage_mean_after"] == 0 and row["hicra/steps_without_gradient"] == 1 for row in rows)
    assert sum(row["hicra/reward_errors"] for row in rows) > 0


def test_steps_that_are_not_finite_are_refused_and_end_the_run(tmp_path, start, grams):
    sets = settings(start, grams, system__name="grpo", train__steps=8, loss__name="related_world:broken_loss")
    with (
        pytest.warns(UserWarning, match="is not applied"),
        pytest.raises(EngineError, match="3 steps in a row were refused"),
    ):
        run(tmp_path / "run", sets)
    folder = RunFolder.open(tmp_path / "run")
    assert [row["hicra/steps_refused"] for row in folder.metrics()] == [1.0, 1.0, 1.0]
    assert len(list((folder.path / "refused").glob("*.parquet"))) == 3
    assert weights(sorted(folder.checkpoints.glob("step-*"))[-1]) == weights(start)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"system__name": "grop"}, "did you mean 'grpo'"),
        ({}, "system.name is not given"),
        ({"system__name": "grpo", "system__settings": "{groupsize: 4}"}, "did you mean 'group_size'"),
        ({"system__name": "grpo", "task__name": "corridors"}, "did you mean 'corridor'"),
        ({"system__name": "grpo", "task__name": "plan_execute"}, "is a task of single responses"),
        ({"system__name": "grpo", "task__settings": "{longer: 2}"}, "no setting 'longer'"),
        ({"system__name": "grpo", "model__lora_rank": 4}, "model.lora_rank is 4"),
        ({"system__name": "grpo", "engine": "trl"}, "trains no system"),
        ({"system__name": "grpo", "baseline__name": "lambda_grpoo"}, "did you mean 'lambda_grpo'"),
    ],
)
def test_what_is_wrong_in_a_config_is_named_before_anything_is_written(tmp_path, start, grams, wrong, said):
    with pytest.raises(ConfigError, match=said.replace(".", r"\.")):
        run(tmp_path / "run", settings(start, grams, **wrong))
    assert not (tmp_path / "run").exists()


def test_a_model_with_too_short_a_context_is_named(tmp_path, start, grams):
    sets = settings(
        start, grams, system__name="grpo", train__max_new_tokens=3, task__settings="{longest: 60}", train__steps=1
    )
    with pytest.raises(EngineError, match="this one reads 160"):
        run(tmp_path / "run", sets)


def test_metrics_and_shaping_hold_for_hicra(tmp_path, start, grams):
    grams.write_text("right\n")
    run(
        tmp_path / "run",
        settings(
            start,
            grams,
            system__name="grpo",
            method__name="hicra",
            train__steps=2,
            system__settings="{planning_action: tagged}",
        ),
    )
    for row in RunFolder.open(tmp_path / "run").metrics():
        assert 0 < row["hicra/planning_share"] < 1
        assert row["hicra/changed_share"] <= row["hicra/planning_share"]
        assert math.isfinite(row["hicra/entropy_planning"])
    table = pl.concat(RunFolder.open(tmp_path / "run").rollouts(), how="diagonal_relaxed")
    marked = table["planning_mask"].explode().to_list()
    assert 0 < sum(marked) < len(marked)
