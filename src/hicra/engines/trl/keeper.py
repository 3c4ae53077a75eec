"""What a run on TRL leaves behind: metrics of every step, rollouts, checkpoints; and what a signal does to it."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from transformers import TrainerCallback

from hicra.engines.trl.mixin import Generation
from hicra.metrics import correct_from_reward, with_nulls
from hicra.runs import RunFolder
from hicra.runs.checkpoints import publish
from hicra.runs.config import RunConfig
from hicra.tagging import SPANS, covered
from hicra.tagging.tagger import Tagger
from hicra.tasks.base import Task

Progress = Callable[[int, dict[str, Any]], None]


def rollout_table(step: int, made: Generation, tagger: Tagger, task: Task, end: int) -> pl.DataFrame:
    """The rollouts of one generation as rows of the run folder (columns: runs.py)."""
    a = made.arrays
    texts = tagger.texts(a["response_ids"], a["response_mask"])
    rows = []
    for index, (text, ends) in enumerate(texts):
        live = np.flatnonzero(a["response_mask"][index])
        mine = made.tagged.row == index
        spans = [
            {"start": int(s), "end": int(e), "gram": tagger.phrases[g]}
            for s, e, g in zip(
                made.tagged.char_start[mine], made.tagged.char_stop[mine], made.tagged.hits.gram[mine], strict=True
            )
        ]
        inputs, reward = made.inputs[index], float(a["rewards"][index])
        prompt = inputs["prompt"]
        correct = correct_from_reward(np.array([reward]))[0]
        ended = end in a["response_ids"][index, live]
        rows.append({
            "step": step, "id": str(inputs.get("id", "")), "response": text,
            "prompt": prompt if isinstance(prompt, str) else json.dumps(prompt, ensure_ascii=False),
            "group_id": str(a["group_ids"][index]), "reward": None if np.isnan(reward) else reward,
            "correct": None if np.isnan(correct) else bool(correct),
            "spans": spans, "planning_chars": covered([(s["start"], s["end"], s["gram"]) for s in spans]),
            "token_ids": a["response_ids"][index, live].tolist(),
            "planning_mask": a["planning_mask"][index, live].astype(int).tolist(),
            "token_ends": [ends[column] for column in live],
            "entropies": a["entropies"][index, live].astype(float).tolist(),
            "logprobs": a["logprobs"][index, live].astype(float).tolist(),
            "advantage": float(a["base"][index]), "advantages": a["advantages"][index, live].astype(float).tolist(),
            "labels": task.labels(text, inputs, ended),
        })  # fmt: skip
    ints, floats = pl.List(pl.Int64), pl.List(pl.Float64)
    schema: dict[str, Any] = {
        "spans": SPANS, "reward": pl.Float64,
        "correct": pl.Boolean, "labels": pl.List(pl.String), "token_ids": ints, "planning_mask": ints, "token_ends": ints,
        "entropies": floats, "logprobs": floats, "advantages": floats,
    }  # fmt: skip
    return pl.DataFrame(rows, schema_overrides=schema, infer_schema_length=None)


class Keeper(TrainerCallback):  # type: ignore[misc]
    """Logs every step, keeps rollouts and checkpoints, and turns a signal into a save and a stop."""

    def __init__(self, config: RunConfig, run: RunFolder, task: Task, progress: Progress) -> None:
        self.config, self.run, self.task, self.progress = config, run, task, progress
        self.trainer: Any = None
        self.signal = 0

    def signals(self) -> Any:
        return _Signals(self)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        every, step = self.config.log.rollouts_every, state.global_step
        if every and (step == 1 or step % every == 0 or step == self.config.train.steps):
            made = self.trainer.last_generation
            end = self.trainer._tokenizer.eos_token_id
            table = rollout_table(step, made, self.trainer.hicra_tagger, self.task, end)
            self.run.write_rollouts(step, table, part=self.trainer.accelerator.process_index)
        if self.signal:
            control.should_save = control.should_training_stop = True

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        if not logs or "loss" not in logs or not state.is_world_process_zero:
            return  # the closing summary is no step
        values = {key: value for key, value in logs.items() if isinstance(value, int | float)}
        self.run.log(state.global_step, with_nulls(values))
        self.progress(state.global_step, values)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if not state.is_world_process_zero:
            return
        made = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        publish(made, self.run, state.global_step, self.config.train.keep_checkpoints)


class _Signals:
    """SIGINT and SIGTERM ask for a save; a second one ends at once."""

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper
        self.before: dict[int, Any] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self.before[number] = signal.signal(number, self._caught)

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _caught(self, number: int, frame: object) -> None:
        if self.keeper.signal:
            raise KeyboardInterrupt
        self.keeper.signal = number
        print("\nstopping: the step ends, a checkpoint is saved (once more to stop now, without one)", file=sys.stderr)
