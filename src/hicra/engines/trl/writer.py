"""Writes what a training on TRL produces into a run folder, step by step: metrics, rollouts, and the steps that were refused."""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from transformers import TrainerCallback
from trl import GRPOConfig

from hicra.artifacts import check_output
from hicra.engines.interface import PACKAGES
from hicra.engines.rollouts import rollout_table
from hicra.engines.shaping import Generation
from hicra.errors import ArtifactError
from hicra.metrics import with_nulls
from hicra.runs import RunFolder
from hicra.runs.difference import difference
from hicra.runs.lock import one_writer
from hicra.runs.repair import rewind
from hicra.tasks.base import Task
from hicra.version import installed

# options of TRL that change what is learnt and have no key in hicra's config; runs that differ in one are two arms
OF_TRL = (
    "importance_sampling_level", "delta", "top_entropy_quantile", "off_policy_mask_threshold", "mask_truncated_completions",
    "multi_objective_aggregation", "reward_weights", "entropy_coef", "use_adaptive_entropy", "entropy_target",
    "use_bias_correction_kl", "sync_ref_model", "ref_model_sync_steps", "ref_model_mixup_alpha", "sapo_temperature_pos",
    "sapo_temperature_neg", "vespo_k_pos", "vespo_lambda_pos", "vespo_k_neg", "vespo_lambda_neg", "top_p", "top_k", "min_p",
    "repetition_penalty", "use_vllm", "vllm_importance_sampling_correction", "vllm_importance_sampling_mode",
    "vllm_importance_sampling_cap", "optim", "adam_beta1", "adam_epsilon", "lr_scheduler_type", "warmup_steps", "shuffle_dataset",
)  # fmt: skip


class RunWriter(TrainerCallback):  # type: ignore[misc]
    """Writes metrics of every step, and the rollouts of a generation once, at the first step that has trained on all of them.

    Where a step has several generations (`steps_per_generation` below `gradient_accumulation_steps`), it is the last of them.

    Args:
        every: the rollouts of the first step, the last one and every so many steps are saved; 0 saves none.
        task: knows the exact function of each token, where there is one.

    Attributes:
        run: the run folder.
        trainer: the trainer, which reads its rollouts (`reading.py`); whoever makes it sets this, where the trainer is made with
            the callback.
    """

    run: RunFolder
    trainer: Any

    def __init__(self, every: int, task: Task | None = None) -> None:
        self.every, self.task = every, task
        self._saved: Generation | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if guard := self.trainer.hicra_guard:
            guard.keep = self.keep_refused
            guard.in_a_row = _refused_at_the_end(self.run.metrics()[: state.global_step])

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        made, step = self.trainer.last_generation, state.global_step
        if made is None or made is self._saved or not _seen(made):
            return
        self._saved = made
        used = self.trainer.hicra_steps  # it may begin before this step, the first that has seen all of it
        if self.every and any(one == 1 or one % self.every == 0 or one == state.max_steps for one in used):
            self._write(step, made)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        if not logs or "loss" not in logs or not state.is_world_process_zero:
            return  # TRL's summary at the end of training is no step
        values = {key: value for key, value in logs.items() if isinstance(value, int | float)}
        self.run.log(state.global_step, with_nulls(values, self.trainer.num_generations))

    def keep_refused(self, step: int, why: str) -> None:
        """Keeps the rollouts of a step that was not applied, for whoever looks for the reason."""
        made = self.trainer.last_generation
        where = "" if made is None else f"; its rollouts are in {self._write(step, made, why)}"
        warnings.warn(f"step {step} is not applied: {why}{where}", stacklevel=2)

    def _write(self, step: int, made: Generation, refused: str = "") -> Path:
        table = rollout_table(step, made, self.trainer.hicra_shaping.tagger, self.task, self.trainer.hicra_ends)
        if refused:
            table = table.with_columns(refused=pl.lit(refused))
        part = self.trainer.accelerator.process_index
        return self.run.write_rollouts(step, table, part, "refused" if refused else "rollouts")


class OwnRun(RunWriter):
    """Writes the run folder of a script on TRL that names one (`run_dir`); weights stay where the script has TRL put them."""

    def __init__(self, path: Path | str, trainer: Any) -> None:
        super().__init__(every=10)
        self.path, self.trainer = Path(path), trainer
        self._held = contextlib.ExitStack()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            self._held.close()
            self._held.enter_context(one_writer(self.path))
            config = _config(self.trainer, args, state.max_steps)
            self.run = self._resumed(config, state.global_step) if state.global_step else self._new(args, config)
        self.trainer.accelerator.wait_for_everyone()
        self.run = RunFolder.open(self.path)
        super().on_train_begin(args, state, control)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._held.close()

    def _new(self, args: Any, config: dict[str, Any]) -> RunFolder:
        shaping = self.trainer.hicra_shaping
        check_output(self.path, "the run folder", folder=True, option="run_dir", replaces=False)
        return RunFolder.create(
            self.path, method=shaping.credit.shapers[0].entry.name, seed=args.seed, config=config,
            inputs=self._inputs(),
            versions={name: version for name in PACKAGES if (version := installed(name))},
        )  # fmt: skip

    def _inputs(self) -> dict[str, str]:
        """Returns the hashes of what the training reads from files of which the config says only the name."""
        shaping = self.trainer.hicra_shaping
        return {"lexicon": shaping.lexicon.content_hash, **shaping.credit.hashes()}

    def _resumed(self, config: dict[str, Any], step: int) -> RunFolder:
        run = RunFolder.open(self.path)
        differing = [one for one in difference(run.config, config) if one[0] != "train.steps"]
        if differing:
            key, old, new = differing[0]
            raise ArtifactError(
                f"{self.path} was made with {key} = {old!r}, this training has {new!r} (the key is that of its hicra.json)",
                "choose another run_dir, or resume with the settings of before",
            )
        inputs = run.manifest.get("inputs") or {}
        for part, content in self._inputs().items():
            if inputs.get(part) != content:
                raise ArtifactError(
                    f"{self.path} was made with another {part}, whose file has changed since",
                    "restore that file, or choose another run_dir",
                )
        rewind(run, (step, None), lambda text: warnings.warn(text, stacklevel=2))
        return run


def _config(trainer: Any, args: Any, steps: int) -> dict[str, Any]:
    """Returns what is known of a TRL training under the names of hicra's config."""
    credit, asked = trainer.hicra_shaping.credit, trainer.hicra_asked
    first, *then = (one.described() for one in credit.shapers)
    epsilon_high = args.epsilon if args.epsilon_high is None else args.epsilon_high
    settings = {"loss_type": args.loss_type, "epsilon": args.epsilon, "epsilon_high": epsilon_high}
    return {
        "engine": "trl", "task": {"name": " + ".join(trainer.reward_func_names)},
        "model": {"name": str(getattr(trainer.model.config, "_name_or_path", "") or type(trainer.model).__name__)},
        "lexicon": asked["lexicon"], "unit": asked["unit"],
        "method": {**first, "then": then},
        "baseline": credit.baseline.described() if credit.baseline else {"name": f"TRL's, scale_rewards {args.scale_rewards}"},
        "loss": credit.loss.described() if credit.loss else {"name": "TRL's", "settings": settings},
        "train": {
            "steps": steps, "seed": args.seed, "learning_rate": args.learning_rate, "weight_decay": args.weight_decay,
            "adam_beta2": args.adam_beta2, "max_grad_norm": args.max_grad_norm, "group_size": args.num_generations,
            "prompts_per_step": args.generation_batch_size // args.num_generations, "iterations": args.num_iterations,
            "max_new_tokens": args.max_completion_length, "temperature": args.temperature, "kl": args.beta,
            "signal_every": asked["signal_every"] or None,
        },
        "trl": of_trl(args),
    }  # fmt: skip


def of_trl(args: Any) -> dict[str, Any]:
    """Returns the options of `OF_TRL` that are not at TRL's default, and the steps of a generation where they are not one."""
    fields = GRPOConfig.__dataclass_fields__
    given = {name: getattr(args, name) for name in OF_TRL if name in fields}
    found = {name: getattr(value, "value", value) for name, value in given.items() if value != fields[name].default}
    steps = args.steps_per_generation / args.gradient_accumulation_steps
    return found if steps == 1 else found | {"optimiser_steps_per_generation": steps}


def _seen(made: Generation) -> bool:
    """Says whether the loss has seen every rollout, so that their entropies and log-probabilities are known."""
    return not np.isnan(made.arrays["entropies"][made.arrays["response_mask"]]).any()


def _refused_at_the_end(rows: list[dict[str, Any]]) -> int:
    """Counts the last steps of a run that were refused, so that a resume goes on counting."""
    count = 0
    for row in reversed(rows):
        if not row.get("hicra/steps_refused"):
            break
        count += 1
    return count
