"""Who says what is right: one reward function judges, by name. Partial and missing rewards, and groups of another size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from hicra import corpus
from trl_tiny import Recorder, logged, make_trainer, prompts, reward, run

pytestmark = pytest.mark.engine


def named(name: str, value: Any) -> Any:
    """A reward function of that name that gives the same to all, or a value by row."""

    def score(completion_ids: list[list[int]], **_: Any) -> list[Any]:
        return [value(row) if callable(value) else value for row in range(len(completion_ids))]

    score.__name__ = name
    return score


@pytest.mark.parametrize(
    ("rewards", "accuracy"),
    [
        ([named("accuracy_reward", 0.0), named("format_reward", 1.0)], 0.0),  # well formed and wrong
        ([named("format_reward", 0.0), named("is_correct", 1.0)], 1.0),
        ([named("format_reward", 1.0), named("length_reward", 1.0)], None),  # nobody judges
        ([named("accuracy_a", 1.0), named("accuracy_b", 0.0)], None),  # two do
        ([named("anything", 0.5)], 1.0),  # the only one judges, and half is right
        ([named("anything", 0.49)], 0.0),
        ([named("accuracy", lambda row: None if row < 4 else row % 2), named("format", 1.0)], 0.5),
    ],
)
def test_the_judge_says_what_is_right_and_the_dump_is_read_by_the_same_rule(
    tmp_path: Path, rewards: Any, accuracy: Any
) -> None:
    trainer = run(tmp_path, rewards=rewards, max_steps=1, log_completions=True)
    assert logged(trainer, "hicra/accuracy") == ([] if accuracy is None else [accuracy])
    assert logged(trainer, "hicra/pass_at_4") == ([] if accuracy is None else [float(accuracy > 0)])
    read = corpus.read(tmp_path / "out").rows["correct"].cast(pl.Float64)
    assert read.mean() == accuracy


def test_the_sum_of_rewards_is_still_what_is_trained_on(tmp_path: Path) -> None:
    trainer = run(
        tmp_path, rewards=[reward, named("accuracy", 0.0)], reward_weights=[2.0, 1.0], max_steps=1, scale_rewards="none"
    )
    made = trainer.last_generation.arrays
    lists = [row[on].tolist() for row, on in zip(made["response_ids"], made["response_mask"], strict=True)]
    assert made["rewards"] == pytest.approx([2 * value for value in reward(lists)])
    assert made["correct"].tolist() == [0.0] * 8
    assert np.abs(made["base"]).max() > 0


def test_a_row_that_one_of_two_functions_scores_is_scorable(tmp_path: Path) -> None:
    def some(row: int) -> float | None:
        return None if row in (1, 2) else 1.0

    trainer = run(tmp_path, rewards=[named("format", some), named("length", lambda row: row / 8)], max_steps=1)
    made = trainer.last_generation.arrays
    assert made["rewards"] == pytest.approx([(row not in (1, 2)) + row / 8 for row in range(8)])
    assert logged(trainer, "hicra/reward_errors") == [0.0]
    assert logged(trainer, "hicra/reward")[0] == pytest.approx(logged(trainer, "reward")[0], abs=1e-6)


def test_groups_of_an_evaluation_have_their_own_size(tmp_path: Path) -> None:
    def halves(completion_ids: list[list[int]], **_: Any) -> list[float]:
        return [row % 2 for row in range(len(completion_ids))]

    trainer = make_trainer(
        tmp_path, trainer=Recorder, rewards=halves, extra={"eval_dataset": prompts(4)}, max_steps=2,
        num_generations_eval=2, per_device_eval_batch_size=4, eval_strategy="steps", eval_steps=2,
    )  # fmt: skip
    trainer.train()
    assert logged(trainer, "eval_hicra/pass_at_2") == [1.0]  # each pair holds one right response
    assert logged(trainer, "eval_hicra/pass_at_4") == []
    assert logged(trainer, "eval_hicra/mixed_groups") == [1.0]
    assert logged(trainer, "hicra/pass_at_4") == [1.0, 1.0]
