"""`hicra train` with the recipe GRPO-TCR on the calculator: rewards by hand, dynamic sampling, exact resume, evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hicra.diagnose.diagnose import diagnose
from hicra.engines.held_out import read_evaluation
from hicra.engines.train import train
from hicra.engines.trl.versions import has_tools
from hicra.errors import ConfigError
from hicra.generation.models import resolve
from hicra.generation.sampling import load, sample
from hicra.lexicon import Lexicon
from hicra.runs import RunFolder
from hicra.runs.config import load_config
from hicra.tasks.calculator import Calculator
from hicra.tasks.calculator.language import VOCABULARY
from paths import ROOT
from train_small import same_run

pytestmark = [pytest.mark.engine, pytest.mark.skipif(not has_tools(), reason="this TRL has no tools for us")]
RECIPE = ROOT / "recipes/grpo-tcr/config.yaml"
SMALL = (
    "train.prompts_per_step=4", "train.group_size=4", "train.save_steps=2", "train.iterations=1", "log.rollouts_every=1",
    "train.dynamic_sampling=2", "train.warmup_steps=0", "train.learning_rate=2e-3",
)  # fmt: skip


def run(out: Path, *sets: str, resume: bool = False) -> None:
    config, _ = load_config(RECIPE, [*SMALL, *sets])
    train(config, out, resume=resume, say=lambda text: None, progress=lambda step, values: None)


@pytest.fixture(scope="module")
def straight(tmp_path_factory: Any) -> Path:
    out = tmp_path_factory.mktemp("tcr") / "straight"
    run(out, "train.steps=4", "eval.problems=16")
    return out


def test_the_rewards_are_those_of_the_recipe(straight: Path) -> None:
    config, _ = load_config(RECIPE, SMALL)
    assert (config.loss.name, config.loss.settings["c"], config.baseline.name) == ("dual_clip", 10.0, "grpo")
    rows = pl.concat(RunFolder.open(straight).rollouts())
    seen = set()
    for row in rows.iter_rows(named=True):
        words = row["response"].split()
        calls = words.count("<call>")
        # a call without a result is one that did not fit; a result has 3 tokens of its own: <tool> x <model>
        length = len(row["token_ids"]) + 3 * calls
        reward = 1.0 if row["correct"] else min(-0.6, -1 + 0.1 * calls)
        if length < 48 and "<unk>" not in row["response"]:
            # the penalty: 0 up to 48 - 9 = 39 tokens, then 1/9 for each
            assert row["reward"] == pytest.approx(reward - max(0, length - 39) / 9, abs=1e-6), row["response"]
            seen.add((row["correct"], calls))
    assert {(True, 2), (False, 2), (False, 1)} <= seen


def test_what_the_calculator_returned_is_saved(straight: Path) -> None:
    rows = pl.concat(RunFolder.open(straight).rollouts())
    told = 0
    for row in rows.iter_rows(named=True):
        assert len(row["tool_outputs"]) == row["n_tool_calls"]
        assert "<tool>" not in row["response"]
        for output in row["tool_outputs"]:
            assert row["response"][: output["at"]].rstrip().endswith("</call>"), row["response"]
            told += any(letter.isdigit() for letter in output["text"])
    assert told > 0


def test_diagnosing_the_run_counts_what_training_counted(straight: Path, tmp_path: Path) -> None:
    run = RunFolder.open(straight)
    found = diagnose(
        [straight], Lexicon.load(run.config["lexicon"]), tokenizer=None, out=None, on_bad="stop", max_bad=0.0,
    )  # fmt: skip
    assert found["counts"] == "tokens"
    trained = {row["step"]: row for row in run.metrics()}
    names = ("hicra/length", "hicra/planning_share", "hicra/gram_hits", "hicra/semantic_entropy")
    for step in found["steps"]:
        assert [step[name] for name in names] == pytest.approx([trained[step["step"]][name] for name in names])


def test_metrics_name_the_rounds(straight: Path) -> None:
    rows = RunFolder.open(straight).metrics()
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    for row in rows:
        assert 1 <= row["hicra/sampling_rounds"] <= 3
        assert 0 <= row["hicra/groups_replaced"] <= 1 - row["hicra/mixed_groups"] + 1e-9
    assert any(row["hicra/accuracy"] not in (0, None) for row in rows)


def test_a_resumed_run_is_the_straight_one(straight: Path, tmp_path: Path) -> None:
    out = tmp_path / "resumed"
    run(out, "train.steps=2", "eval.problems=16")
    run(out, "train.steps=4", "eval.problems=16", resume=True)
    same_run(straight, out)


def test_evaluation_lets_the_model_call(straight: Path) -> None:
    found = read_evaluation(RunFolder.open(straight))
    assert found["start"]["problems"] == 16
    assert found["start"]["calls"] > 1
    assert found["final"]["called_share"] > 0.5


def test_the_start_model_is_right_sometimes_and_calls_nearly_always() -> None:
    folder = resolve("calculator-start")
    assert sum(file.stat().st_size for file in folder.iterdir()) < 500_000
    model, tokenizer = load(folder, 1)
    assert tokenizer.get_vocab() == {word: at for at, word in enumerate(VOCABULARY)}
    task = Calculator()
    made = sample(model, tokenizer, task, task.rows("eval", 256), max_new_tokens=task.max_new_tokens)
    right = sum(bool(one.score.correct) for one in made) / 256
    figures = task.summary([one.text for one in made], [one.row for one in made], [one.ended for one in made])
    assert 0.3 < right < 0.6  # measured: 0.43
    assert figures["called_share"] > 0.95
    assert figures["ended_share"] > 0.95


def test_a_model_that_cannot_call_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the task has tools, and the model's tokenizer has no chat_template"):
        run(tmp_path / "out", "model.name=plan-execute-strong", "eval.problems=0")
