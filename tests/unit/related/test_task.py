"""An environment as a task: seeds that no two splits share, and a config that is completed or refused before anything is read."""

from __future__ import annotations

import builtins
import sys
from typing import Any

import pytest

from hicra.engines.open import ENGINES, begin, open_engine
from hicra.errors import ConfigError
from hicra.related.environments.chain import Chain
from hicra.related.systems import SYSTEMS, open_system
from hicra.related.task import UNUSED, EnvironmentTask
from hicra.runs.config import load_config
from hicra.runs.sections import RunConfig
from hicra.strict import fields_of


def config(**given: Any) -> RunConfig:
    sets = {"engine": "related", "task.name": "chain", "system.name": "carl"} | given
    return load_config(None, [f"{name}={value}" for name, value in sets.items()])[0]


def test_no_seed_is_in_both_splits_and_a_longer_list_begins_as_a_shorter_one():
    task = EnvironmentTask("chain", Chain)
    train, held = task.seeds("train", 500, seed=3), task.seeds("eval", 500)
    assert not {*train} & {*held}
    assert len({*train}) == 500
    assert held[:3] == [1, 3, 5]
    assert task.seeds("train", 7, seed=3) == train[:7]
    assert task.seeds("train", 7, seed=4) != train[:7]
    assert task.seeds("eval", 7, seed=9) == held[:7]


def test_rows_say_what_is_read_first():
    (row,) = EnvironmentTask("chain", Chain).rows("eval", 1)
    assert row == {"id": "chain-1", "prompt": "s0", "seed": 1}


def test_a_config_is_completed_by_its_system_and_environment():
    made, task = begin(config())
    assert task.name == "chain"
    assert made.baseline.name == "carl"
    assert made.system.settings["n0"] == 8
    assert made.task.settings["steps"] == 20
    # what was recorded comes out as it is
    assert begin(RunConfig.model_validate(made.model_dump(mode="json")))[0] == made


def test_a_baseline_that_is_named_stays():
    made, _ = begin(config(**{"baseline.name": "dr_grpo"}))
    assert made.baseline.name == "dr_grpo"


def test_naming_the_baseline_of_the_system_changes_nothing():
    of_system = {"system.name": "hiper", "system.settings": "{gamma: 0.9, scale: none}"}
    plain, named = (begin(config(**of_system | more))[0].baseline for more in ({}, {"baseline.name": "hiper"}))
    assert named == plain
    assert (plain.settings["gamma"], plain.settings["scale"]) == (0.9, "none")
    own = begin(config(**of_system, **{"baseline.name": "hiper", "baseline.settings": "{gamma: 0.8}"}))[0].baseline
    assert (own.settings["gamma"], own.settings["scale"]) == (0.8, "none")


def test_the_group_size_of_the_run_is_that_of_a_system_without_one():
    assert open_system("grpo", {}, 5)[1]["group_size"] == 5
    assert open_system("grpo", {"group_size": 3}, 5)[1]["group_size"] == 3


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_opens_with_its_defaults_and_names_its_baseline(name):
    system, _ = open_system(name, {}, 4)
    made, _ = begin(config(**{"system.name": name}))
    assert made.baseline.name == system.baseline[0]
    assert begin(RunConfig.model_validate(made.model_dump(mode="json")))[0].system.settings == made.system.settings
    missing = set(made.assignment().needs) - set(ENGINES["related"].fields)
    assert not missing


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"system.name": "karl"}, "did you mean 'carl'"),
        ({"system.name": "null"}, "system.name is not given"),
        ({"system.settings": "{n: -1}"}, "system.settings.n"),
        ({"system.settings": "{n0: 1, n: 0}"}, "single rollout"),
        ({"system.settings": "{forks: 3}"}, "no setting 'forks'"),
        ({"task.name": "chains"}, "task.name: no environment 'chains'"),
        ({"task.name": "arithmetic"}, "single responses"),
        ({"task.name": "arithmetic"}, "the environment `task` asks for the answers of such a task"),
        ({"task.settings": "{step: 3}"}, "task.settings.step"),
        ({"task.settings": "{critical: [99]}"}, "critical"),
        ({"engine": "trl", "task.name": "plan_execute"}, "trains no system"),
        ({"engine": "relatd"}, "did you mean 'related'"),
        ({"train.precision": "bf16"}, "fp32"),
        ({"train.signal_every": 2}, "train.signal_every is 2"),
    ],
)
def test_what_is_wrong_is_named(given, said):
    with pytest.raises(ConfigError) as raised:
        begin(config(**given))
    assert said in str(raised.value)


def test_keys_without_a_use_are_keys():
    assert {*UNUSED} <= {key for key, _ in fields_of(RunConfig)}


def test_a_package_that_is_missing_names_the_extra(monkeypatch):
    real = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name == "torch":
            raise ImportError("no torch", name="torch")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    monkeypatch.delitem(sys.modules, "hicra.related.engine", raising=False)
    with pytest.raises(ConfigError, match="needs torch") as raised:
        open_engine("related")
    assert "[train]" in str(raised.value)
