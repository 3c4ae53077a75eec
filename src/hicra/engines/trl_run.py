"""One training run on TRL: a resolved config in, a run folder out. What is specific to TRL and transformers stands here.

Checkpoints are written by transformers into a hidden folder, get a manifest of sha256 sums, and are then renamed into
`checkpoints/step-NNNNNN`: an entry there is complete or it is not there.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing is fetched, and TRL sends no ping
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import polars as pl
import torch
from datasets import Dataset
from transformers import TrainerCallback

from hicra.artifacts import canonical_json, fsync_dir, sha256_file, write_text
from hicra.config import RunConfig
from hicra.engines.trl import Generation, HicraGRPOConfig, HicraGRPOTrainer
from hicra.errors import ArtifactError
from hicra.metrics import correct_from_reward, with_nulls
from hicra.runs import STEP_NAME, RunFolder
from hicra.sampling import cut_at_end, load
from hicra.tagger import Tagger
from hicra.tasks.base import Row, Task

MANIFEST = "manifest.json"
WORK = ".work"
Progress = Callable[[int, dict[str, Any]], None]


class Interrupted(Exception):
    """The run was asked to stop and has saved; holds the signal number and the step."""

    def __init__(self, number: int, step: int) -> None:
        super().__init__(f"signal {number} at step {step}")
        self.number, self.step = number, step


def load_model(config: RunConfig, folder: Path) -> tuple[Any, Any]:
    """(model, tokenizer) with what is not to be trained frozen."""
    model, tokenizer = load(folder, config.train.threads)
    if config.model.train_layers:
        layers = model.model.layers
        if config.model.train_layers > len(layers):
            raise ArtifactError(
                f"model.train_layers is {config.model.train_layers}, the model has {len(layers)} layers"
            )
        model.requires_grad_(False)
        layers[-config.model.train_layers :].requires_grad_(True)
    return model, tokenizer


def train(config: RunConfig, run: RunFolder, folder: Path, task: Task, resume: Path | None, progress: Progress) -> Any:
    """Trains to the end and writes `final/`.

    Args:
        folder: the start model.
        resume: a checkpoint of this run that verifies, or None.
        progress: called after every step with (step, its metrics).

    Returns:
        (model, tokenizer) as trained.

    Raises:
        Interrupted: SIGINT or SIGTERM came; a checkpoint is there.
    """
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")  # TRL's own use of renamed options
    model, tokenizer = load_model(config, folder)
    rows = _rows(config, task)
    keeper = _Keeper(config, run, task, progress)
    trainer = HicraGRPOTrainer(
        model=model,
        reward_funcs=[_reward(task, tokenizer.eos_token_id)],
        args=_arguments(config, run),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        callbacks=[keeper],
        peft_config=_lora(config),
    )
    keeper.trainer = trainer
    for unwanted in ("ProgressCallback", "PrinterCallback"):
        trainer.callback_handler.callbacks = [
            c for c in trainer.callback_handler.callbacks if type(c).__name__ != unwanted
        ]
    with keeper.signals():
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    if keeper.signal:
        raise Interrupted(keeper.signal, trainer.state.global_step)
    final = trainer.accelerator.unwrap_model(trainer.model)
    final = final.merge_and_unload() if config.model.lora_rank else final
    staged = run.path / ".tmp-final"
    final.save_pretrained(staged)
    tokenizer.save_pretrained(staged)
    shutil.rmtree(run.path / "final", ignore_errors=True)
    os.rename(staged, run.path / "final")
    shutil.rmtree(run.checkpoints / WORK, ignore_errors=True)
    return final, tokenizer


def newest_checkpoint(run: RunFolder, say: Callable[[str], None]) -> tuple[int, Path] | None:
    """(step, folder) of the newest checkpoint whose files have the sums its manifest states; says what it passes over."""
    found = [
        (int(name[1]), path) for path in run.checkpoints.glob("step-*") if (name := STEP_NAME.fullmatch(path.name))
    ]
    for step, path in sorted(found, reverse=True):
        if problem := _damage(path):
            say(f"checkpoint {path.name} is passed over: {problem}")
        else:
            return step, path
    return None


def _damage(path: Path) -> str:
    try:
        sums = json.loads((path / MANIFEST).read_text(encoding="utf-8"))["sha256"]
    except (OSError, ValueError, KeyError):
        return f"it has no readable {MANIFEST}"
    for name, expected in sums.items():
        if not (path / name).is_file():
            return f"{name} is missing"
        if sha256_file(path / name) != expected:
            return f"{name} is damaged"
    return ""


def _rows(config: RunConfig, task: Task) -> list[Row]:
    # in the order of the seed and not shuffled again: a longer run starts with the same problems
    needed = config.train.steps * config.train.prompts_per_step
    rows = task.rows("train", needed, config.train.seed)
    if len(rows) < config.train.prompts_per_step:
        raise ArtifactError(f"task {task.name} has {len(rows)} training problems", "lower train.prompts_per_step")
    return rows


def _arguments(config: RunConfig, run: RunFolder) -> HicraGRPOConfig:
    t, gpu = config.train, torch.cuda.is_available()
    rollouts = t.prompts_per_step * t.group_size
    micro = t.micro_batch or rollouts
    return HicraGRPOConfig(
        output_dir=str(run.checkpoints / WORK),
        lexicon=config.lexicon, method=config.method.name, method_settings=dict(config.method.settings),
        max_steps=t.steps, save_steps=t.save_steps, save_strategy="steps", logging_steps=1, seed=t.seed, data_seed=t.seed,
        learning_rate=t.learning_rate, lr_scheduler_type="constant_with_warmup", warmup_steps=t.warmup_steps,
        weight_decay=t.weight_decay, adam_beta2=t.adam_beta2, max_grad_norm=t.max_grad_norm,
        per_device_train_batch_size=micro, gradient_accumulation_steps=rollouts // micro,
        num_generations=t.group_size, num_iterations=t.iterations,
        max_completion_length=t.max_new_tokens, temperature=t.temperature, top_k=0, top_p=1.0,
        epsilon=t.clip_low, epsilon_high=t.clip_high, beta=t.kl, loss_type=t.loss,
        scale_rewards={"none": "none", "std": "group"}[t.scale],
        use_cpu=not gpu, bf16=t.precision == "bf16" or (t.precision == "auto" and gpu), gradient_checkpointing=False,
        report_to="none", shuffle_dataset=False, disable_tqdm=True, logging_nan_inf_filter=False,
    )  # fmt: skip


def _lora(config: RunConfig) -> Any:
    if not config.model.lora_rank:
        return None
    from peft import LoraConfig

    rank = config.model.lora_rank
    return LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")


def _reward(task: Task, end: int) -> Any:
    """TRL's reward function: the task's score of each completion; None where it cannot be scored."""

    def score(
        prompts: list[Any], completions: list[Any], completion_ids: list[list[int]], **columns: Any
    ) -> list[float | None]:
        out = []
        for index, completion in enumerate(completions):
            text = completion if isinstance(completion, str) else completion[-1]["content"]
            row = {key: values[index] for key, values in columns.items() if isinstance(values, list)}
            ended = cut_at_end(completion_ids[index], end)[1]
            out.append(task.score(text, {"prompt": prompts[index], **row}, ended).reward)
        return out

    score.__name__ = task.name
    return score


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
            "spans": spans, "planning_chars": len(set().union(*(range(s["start"], s["end"]) for s in spans))) if spans else 0,
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
        "spans": pl.List(pl.Struct({"start": pl.Int64, "end": pl.Int64, "gram": pl.String})), "reward": pl.Float64,
        "correct": pl.Boolean, "labels": pl.List(pl.String), "token_ids": ints, "planning_mask": ints, "token_ends": ints,
        "entropies": floats, "logprobs": floats, "advantages": floats,
    }  # fmt: skip
    return pl.DataFrame(rows, schema_overrides=schema, infer_schema_length=None)


class _Keeper(TrainerCallback):  # type: ignore[misc]
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
        target = self.run.checkpoints / f"step-{state.global_step:06d}"
        files = sorted(path for path in made.rglob("*") if path.is_file())
        sums = {str(path.relative_to(made)): sha256_file(path) for path in files}
        write_text(made / MANIFEST, canonical_json({"step": state.global_step, "sha256": sums}))
        shutil.rmtree(target, ignore_errors=True)
        os.rename(made, target)
        fsync_dir(self.run.checkpoints)
        for old in sorted(self.run.checkpoints.glob("step-*"))[: -self.config.train.keep_checkpoints]:
            shutil.rmtree(old)


class _Signals:
    """SIGINT and SIGTERM ask for a save; a second one ends at once."""

    def __init__(self, keeper: _Keeper) -> None:
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
