"""What TRL itself writes with `log_completions`, in a real run, goes to a page with findings in two commands."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from hicra import corpus
from trl_tiny import GRAMS, TOKENIZER, WORDS, make_model, prompts, settings
from two_commands import two_commands

pytestmark = pytest.mark.engine
CHAT = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<end>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


class Judge:
    """A reward function that keeps what it was asked and what it answered; one word in two makes a response right."""

    __name__ = "accuracy_reward"

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, float]] = []

    def __call__(self, prompts: list[Any], completions: list[Any], **_: Any) -> list[float]:
        texts = [one if isinstance(one, str) else one[0]["content"] for one in completions]
        asked = [one if isinstance(one, str) else one[-1]["content"] for one in prompts]
        verdicts = [float("so" in text.split()) for text in texts]
        self.seen += zip(asked, texts, verdicts, strict=True)
        return verdicts


def form(completions: list[Any], log_extra: Callable[..., None] | None = None, **_: Any) -> list[float]:
    """A second reward, which is no verdict; it also writes a column of its own into the dump."""
    if log_extra is not None:
        log_extra("seen", ["yes"] * len(completions))
    return [0.25] * len(completions)


def trained(folder: Path, judge: Judge, data: Dataset, tokenizer: Any = TOKENIZER, **changed: Any) -> Path:
    """Trains TRL's own trainer, and returns its output folder."""
    options = settings(folder, max_steps=3, log_completions=True, **changed)
    trainer = GRPOTrainer(
        model=make_model(), reward_funcs=[judge, form], args=GRPOConfig(**options), train_dataset=data,
        processing_class=tokenizer,
    )  # fmt: skip
    trainer.train()
    return Path(options["output_dir"])


def grams(folder: Path) -> str:
    (folder / "grams.txt").write_text("\n".join(GRAMS) + "\n", encoding="utf-8")
    return str(folder / "grams.txt")


def test_completions_of_a_run_in_two_commands(tmp_path: Path) -> None:
    judge = Judge()
    out = trained(tmp_path, judge, prompts())
    assert sorted(one.name for one in (out / "completions").iterdir()) == [
        f"completions_{step:05d}.parquet" for step in (1, 2, 3)
    ]
    made = two_commands(out, tmp_path, "--lexicon", grams(tmp_path))
    steps = [judge.seen[start : start + 8] for start in range(0, 24, 8)]
    assert made.rows == {1: 8, 2: 8, 3: 8}
    assert made.metric("accuracy") == pytest.approx([sum(one[2] for one in step) / 8 for step in steps])
    assert made.metric("reward") == pytest.approx([sum(one[2] + 0.25 for one in step) / 8 for step in steps])
    words = [sum(len(text.split()) for _, text, _ in step) / 8 for step in steps]
    assert made.metric("length") == pytest.approx(words)
    assert all(share > 0 for share in made.metric("planning_share"))
    shown = Counter((row["prompt"], row["response"]) for row in made.rollouts)
    assert shown == Counter((asked, text) for asked, text, _ in judge.seen)
    read = corpus.inspect([out])
    assert (read["format"], read["rows"], read["steps"]) == ("trl", 24, 3)
    assert read["questions"] == len({asked for asked, _, _ in judge.seen})
    assert read["columns"]["reward"] == "accuracy_reward + form"
    assert {"seen", "advantage"} <= {*read["extra_columns"]}


def test_completions_that_are_conversations(tmp_path: Path) -> None:
    judge, tokenizer = Judge(), copy.deepcopy(TOKENIZER)
    tokenizer.chat_template = CHAT
    asked = [" ".join(WORDS[i : i + 3]) for i in range(8)]
    data = Dataset.from_list(
        [{"prompt": [{"role": "system", "content": "Think."}, {"role": "user", "content": one}]} for one in asked]
    )
    out = trained(tmp_path, judge, data, tokenizer)
    made = two_commands(out, tmp_path, "--lexicon", grams(tmp_path))
    assert made.rows == {1: 8, 2: 8, 3: 8}
    rows = corpus.read([out]).rows
    assert rows.select("question", "response", pl.col("correct").cast(pl.Float64)).rows() == judge.seen
    assert rows["group_id"].n_unique() == len({one for one, _, _ in judge.seen})


def test_a_generation_that_is_trained_on_twice_is_in_the_dump_twice_and_that_is_said(tmp_path: Path) -> None:
    """TRL writes the latest generation at every logging step, also where it was generated for an earlier one."""
    judge = Judge()
    out = trained(tmp_path, judge, prompts(), num_iterations=2)
    assert len(judge.seen) == 16
    made = two_commands(out, tmp_path, "--lexicon", grams(tmp_path))
    assert made.rows == {1: 8, 2: 8, 3: 8}
    (said,) = (one for one in made.diagnosis["warnings"] if "step before" in one)
    assert said.startswith("step 2 holds the rollouts of the step before again")
