"""The metrics of a step, with numbers worked out by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from hicra.engines.shaping import Generation
from hicra.metrics import RolloutStats
from hicra.related import engine
from hicra.related.record import TrainedPart, metrics_of
from hicra.related.system import Generated, reached
from hicra.related.update import Update
from hicra.runs import RunFolder

pytestmark = pytest.mark.slow  # it imports torch


def part(groups: list[int], rewards: list[float], episodes: list[int], levels: list[int]) -> TrainedPart:
    """A generation whose rows have one token each; right is what has the reward 1, and level 1 is a blueprint."""
    rows, reward = len(rewards), np.array(rewards)
    tokens: dict[str, Any] = {
        "response_mask": np.ones((rows, 1), bool), "planning_mask": np.zeros((rows, 1), bool),
        "entropies": np.ones((rows, 1)), "logprobs": -np.ones((rows, 1)), "action_ids": np.zeros((rows, 1), int),
        "episode_ids": np.array(episodes)[:, None], "level_ids": np.array(levels)[:, None],
    }  # fmt: skip
    stats = RolloutStats(
        rows=rows, tokens=rows, changed=0, reward=reward, correct=np.where(np.isnan(reward), np.nan, reward),
        group=np.array(groups),
    )  # fmt: skip
    success = [reached(reward) for reward, level in zip(rewards, levels, strict=True) if level != 1]
    made = Generated([], rewards, groups, success, interactions=rows, generated=rows)
    return TrainedPart(made, Generation([], tokens, None, stats), [])  # type: ignore[arg-type]


# two blueprints whose greedy episodes succeed; then an execution of three segments that succeeds, and one of a single
# segment that does not. So one of two sampled episodes is right: the mean reward is 1/2, pass@1 1/2 and pass@2 1.
# By rows the reward would be (1 + 1 + 3 * 1 + 0) / 6
BLUEPRINTS = ([0, 0], [1.0, 1.0], [0, 1], [1, 1])
EXECUTIONS = ([1] * 4, [1.0, 1.0, 1.0, 0.0], [5, 5, 5, 6], [0, 0, 2, 0])
JOINED = [one + other for one, other in zip(BLUEPRINTS, EXECUTIONS, strict=True)]


@pytest.mark.parametrize("parts", [[part(*BLUEPRINTS), part(*EXECUTIONS)], [part(*JOINED)]])
def test_an_episode_counts_once_however_many_rows_it_has_and_a_greedy_one_never(parts):
    values = metrics_of(parts, "himac")
    assert values["hicra/reward"] == 0.5
    assert {name: value for name, value in values.items() if "pass_at" in name} == {
        "hicra/pass_at_1": 0.5, "hicra/pass_at_2": 1.0,
    }  # fmt: skip
    assert values["hicra/length"] == 1.0  # of a row
    assert values["hicra/mixed_groups"] == 0.5  # that of the blueprints is flat


def test_an_episode_without_a_reward_is_counted_wherever_it_was_played():
    broken = part([0, 0], [float("nan"), 1.0], [0, 1], [1, 1])
    values = metrics_of([broken, part([1, 1], [0.0, 1.0], [2, 3], [0, 0])], "himac")
    assert values["hicra/reward_errors"] == 1.0
    assert values["hicra/reward"] == 0.5


def test_an_episode_that_could_not_be_scored_is_no_failure():
    nan = float("nan")
    values = metrics_of([part([1] * 3, [nan, 1.0, 0.0], [2, 3, 4], [0] * 3)], "flat")
    assert values["hicra/accuracy"] == 0.5  # one of the two that were scored
    assert metrics_of([part([1], [nan], [2], [0])], "flat")["hicra/accuracy"] is None


def test_a_row_without_levels_and_episodes_counts_by_itself():
    one = part([1, 1], [0.0, 1.0], [2, 2], [0, 0])
    for name in ("level_ids", "episode_ids"):
        del one.shaped.arrays[name]
    assert metrics_of([one], "carl")["hicra/pass_at_1"] == 0.5


def test_the_rows_of_every_refused_generation_of_a_step_are_kept(tmp_path, monkeypatch):
    rows = pl.DataFrame({"generation": [0, 1, 1, 2], "response": ["plan", "one", "two", "three"]})
    monkeypatch.setattr(engine, "rollouts_of", lambda step, parts, tagger, codec: rows)
    training: Any = object.__new__(engine.Training)
    training.config = SimpleNamespace(log=SimpleNamespace(rollouts_every=0))
    training.run, training.codec = RunFolder(tmp_path, {}), None
    training.shape = SimpleNamespace(tagger=None)
    parts = [part(*BLUEPRINTS), part(*EXECUTIONS), part(*EXECUTIONS)]
    for number, why in ((0, "the loss is not finite"), (1, "the gradient is not finite")):
        parts[number].updates.append(Update(refused=why))
    with pytest.warns(UserWarning, match="an update of step 7 is not applied: the loss is not finite"):
        training._write(7, parts)
    kept = pl.read_parquet(tmp_path / "refused" / "step-000007.parquet")
    assert kept["response"].to_list() == ["plan", "one", "two"]
    assert kept["refused"].to_list() == ["the loss is not finite", *["the gradient is not finite"] * 2]
