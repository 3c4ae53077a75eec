"""Does one training run on TRL, from a resolved config to a run folder; what is specific to TRL and transformers stands here.

transformers writes checkpoints into a hidden folder, and `hicra.runs.checkpoints` publishes them.
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hicra.engines.trl.versions import refuse_tools, refuse_unknown

refuse_unknown()  # before anything of TRL is imported, since another version may lack it
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing is downloaded, and TRL sends no usage statistics
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import torch
from accelerate.utils import gather_object
from datasets import Dataset

from hicra.arrays import Array
from hicra.credit.rewards import RewardParts
from hicra.engines.interface import Interrupted, Prepared, Progress
from hicra.engines.ranks import shared
from hicra.engines.signals import StopRequest
from hicra.engines.trl.beside import write_beside
from hicra.engines.trl.config import HicraGRPOConfig
from hicra.engines.trl.keeper import Keeper
from hicra.engines.trl.mixin import HicraGRPOTrainer
from hicra.engines.trl.ranks import largest, leave_at_exit, of_first_rank, refuse_different
from hicra.engines.trl.resample import Resampler
from hicra.errors import ArtifactError
from hicra.generation.ends import end_tokens, has_ended
from hicra.generation.ruined import refuse_ruined
from hicra.generation.sampling import load
from hicra.generation.tools import last_turn, refuse_without_templates, tool_calls
from hicra.runs import RunFolder
from hicra.runs.checkpoints import replace
from hicra.runs.difference import flat
from hicra.runs.sections import RunConfig
from hicra.tasks.base import Row, Task, score_all

WORK = ".work"
BY_HASH = ("lexicon", "model.name")  # what counts is the content, which `inputs` has by hash


def train(prepared: Prepared, run: RunFolder, resume: Path | None, progress: Progress) -> None:
    """Trains one run on TRL, as `hicra.engines.interface.Engine` says."""
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")  # TRL's own use of renamed options
    config, task = prepared.config, prepared.task
    arguments = _arguments(config, run)  # from here on the processes know each other, where there are several
    leave_at_exit()
    keys = {key: str(value) for key, value in flat(config.model_dump(mode="json")).items() if key not in BY_HASH}
    refuse_different({**keys, **prepared.inputs})
    resume = of_first_rank(resume)
    model, tokenizer = load_model(config, prepared.model)
    stop = StopRequest()
    keeper = Keeper(prepared, run, stop, progress)
    correct: list[float] = []
    tools = list(getattr(task, "tools", ()))
    if tools:
        refuse_tools()
        refuse_without_templates(tokenizer)
    parts = RewardParts(config.train.max_new_tokens, **config.reward.model_dump())
    trainer = TaskTrainer(
        model=model,
        reward_funcs=[_reward(task, end_tokens(tokenizer, model), correct, parts)],
        args=arguments,
        train_dataset=Dataset.from_list(_rows(config, task)),
        processing_class=tokenizer,
        callbacks=[keeper],
        peft_config=_lora(config),
        tools=tools or None,
    )
    keeper.trainer, trainer.task_correct = trainer, correct
    trainer.hicra_guard.skip = config.train.skip_without_gradient
    if config.train.dynamic_sampling:
        trainer.hicra_resampler = Resampler(trainer, config.train.dynamic_sampling)
    for unwanted in ("ProgressCallback", "PrinterCallback"):
        trainer.callback_handler.callbacks = [
            c for c in trainer.callback_handler.callbacks if type(c).__name__ != unwanted
        ]
    with stop:
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    if number := largest(stop.number):
        uses = config.train.iterations
        raise Interrupted(number, trainer.state.global_step // uses * uses)  # the last step that was saved (TRAIN-5)
    if trainer.is_world_process_zero():
        _write_final(trainer, config, run)
    trainer.accelerator.wait_for_everyone()


def _write_final(trainer: Any, config: RunConfig, run: RunFolder) -> None:
    """Writes the trained model into `final/`, whole or not at all."""
    final = trainer.accelerator.unwrap_model(trainer.model)
    refuse_ruined(final, "at the end, so final/ is not written")
    final = final.merge_and_unload() if config.model.lora_rank else final
    staged = run.path / ".tmp-final"
    final.save_pretrained(staged)
    trainer.processing_class.save_pretrained(staged)
    write_beside(staged, trainer)
    replace(staged, run.path / "final")
    shutil.rmtree(run.checkpoints / WORK, ignore_errors=True)


class TaskTrainer(HicraGRPOTrainer):
    """The trainer of `hicra train`: the task says which responses are right, whatever their rewards are.

    Attributes:
        task_correct: what the task said of the rollouts of this process that were scored last, 1 or 0, NaN where unknown.
    """

    task_correct: Sequence[float]

    def _hicra_correct(self, given: Array) -> Array:
        return np.concatenate([np.array(part, np.float64) for part in gather_object([list(self.task_correct)])])


def load_model(config: RunConfig, folder: Path) -> tuple[Any, Any]:
    """Loads (model, tokenizer) and freezes the layers that are not to be trained."""
    model, tokenizer = load(folder, config.train.threads)
    if config.model.train_layers:
        layers = model.model.layers
        if config.model.train_layers > len(layers):
            raise ArtifactError(
                f"model.train_layers is {config.model.train_layers}, the model has {len(layers)} layers",
                "lower model.train_layers, or set it to 0 to train all layers",
            )
        model.requires_grad_(False)
        layers[-config.model.train_layers :].requires_grad_(True)
    return model, tokenizer


def _rows(config: RunConfig, task: Task) -> list[Row]:
    # they keep the order of the seed and are not shuffled again, so that a longer run starts with the same problems
    needed = config.train.steps * config.train.prompts_per_step
    rows = task.rows("train", needed, config.train.seed)
    if len(rows) < config.train.prompts_per_step:
        raise ArtifactError(f"task {task.name} has {len(rows)} training problems", "lower train.prompts_per_step")
    return rows


def _arguments(config: RunConfig, run: RunFolder) -> HicraGRPOConfig:
    t, gpu = config.train, torch.cuda.is_available()
    micro, passes = shared(t.prompts_per_step * t.group_size, t.micro_batch)
    return HicraGRPOConfig(
        output_dir=str(run.checkpoints / WORK),
        lexicon=config.lexicon, unit=config.unit, method=config.method.name, method_settings=dict(config.method.settings),
        method_then=[one.model_dump() for one in config.method.then],
        baseline=config.baseline.name, baseline_settings=dict(config.baseline.settings),
        policy_loss=config.loss.name, policy_loss_settings=dict(config.loss.settings),
        max_steps=t.steps, save_steps=t.save_steps, save_strategy="steps", logging_steps=1, seed=t.seed, data_seed=t.seed,
        learning_rate=t.learning_rate, lr_scheduler_type="constant_with_warmup", warmup_steps=t.warmup_steps,
        weight_decay=t.weight_decay, adam_beta2=t.adam_beta2, max_grad_norm=t.max_grad_norm,
        per_device_train_batch_size=micro, gradient_accumulation_steps=passes,
        num_generations=t.group_size, num_iterations=t.iterations,
        max_completion_length=t.max_new_tokens, temperature=t.temperature, top_k=0, top_p=1.0,
        beta=t.kl, scale_rewards=False,
        use_cpu=not gpu, bf16=t.precision == "bf16" or (t.precision == "auto" and gpu), gradient_checkpointing=False,
        signal_every=t.signal_every, report_to=[], shuffle_dataset=False, disable_tqdm=True, logging_nan_inf_filter=False,
    )  # fmt: skip


def _lora(config: RunConfig) -> Any:
    if not config.model.lora_rank:
        return None
    from peft import LoraConfig

    rank = config.model.lora_rank
    return LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")


def _reward(task: Task, ends: Sequence[int], correct: list[float], parts: RewardParts) -> Any:
    """Makes TRL's reward function: the task's score of each completion with what is added to it, None where unscorable.

    Args:
        task: scores the completions.
        ends: the tokens that end a response.
        correct: is filled with 1 where the task says that a completion is right, 0 where not, and NaN where it does not know.
        parts: what is added to the task's score.
    """

    def score(
        prompts: list[Any], completions: list[Any], completion_ids: list[list[int]], **columns: Any
    ) -> list[float | None]:
        texts = [one if isinstance(one, str) else last_turn(one) for one in completions]
        kept = {key: values for key, values in columns.items() if isinstance(values, list)}
        rows = [
            {"prompt": prompt, **{key: values[i] for key, values in kept.items()}} for i, prompt in enumerate(prompts)
        ]
        ended = [has_ended(ids, ends) for ids in completion_ids]
        scores = score_all(task, texts, rows, ended)
        correct[:] = [float("nan") if one.correct is None else float(one.correct) for one in scores]
        rewards = np.array([np.nan if one.reward is None else one.reward for one in scores])
        calls = [tool_calls(one) for one in completions]
        made = parts(rewards, np.array(correct), [len(ids) for ids in completion_ids], calls)
        return [None if np.isnan(one) else float(one) for one in made]

    score.__name__ = task.name
    return score
