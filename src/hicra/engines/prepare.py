"""Finds and checks once what a config's run needs: task, model, lexicon, engine, and the folder to write into."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

from hicra.artifacts import canonical_json, write_text
from hicra.credit.rewards import RewardParts
from hicra.engines.interface import PACKAGES, Prepared, Say
from hicra.engines.open import begin, entry_of, open_engine
from hicra.engines.ranks import shared
from hicra.engines.shaping import refuse_missing
from hicra.errors import ArtifactError, ConfigError
from hicra.generation import models
from hicra.generation.folder import weights_hash
from hicra.generation.render import has_chat_template
from hicra.lexicon import Lexicon
from hicra.runs import RunFolder, checkpoints
from hicra.runs.arms import OWN_CODE
from hicra.runs.config import with_defaults
from hicra.runs.difference import difference, flat
from hicra.runs.find import MANIFEST
from hicra.runs.repair import rewind, sweep
from hicra.runs.sections import RunConfig
from hicra.tasks.base import Task
from hicra.tasks.identity import hashes_of
from hicra.tasks.overlap import task_warning

GROWS = "train.steps"  # a finished run may be resumed to more steps
FREE = ("preset",)  # what it filled in stands in the config
BY_HASH = ("lexicon", "model.name")  # what counts is the content, which `inputs` has by hash; a file may have moved


def prepare(config: RunConfig, say: Say) -> Prepared:
    """Finds and checks everything that a config names; writes nothing.

    Raises:
        ConfigError, ArtifactError: something is wrong with the config, model, task, lexicon or engine.
    """
    config, task = begin(config)
    credit = config.assignment()
    refuse_missing(credit, entry_of(config.engine).fields)
    shared(config.train.prompts_per_step * config.train.group_size, config.train.micro_batch)
    os.environ.setdefault("OMP_NUM_THREADS", str(config.train.threads))
    model = models.resolve(config.model.name)
    if warning := task_warning(task):
        say(f"warning: {warning}")
    lexicon = Lexicon.load(config.lexicon)
    engine = open_engine(config.engine)
    inputs = {"lexicon": lexicon.content_hash, "model": weights_hash(model), **hashes_of(task), **credit.hashes()}
    fitted = _fitting(config.resolved(), task)
    _refuse_reward(fitted, task)
    _refuse_messages(fitted, task, model)
    return Prepared(fitted, task, model, lexicon, inputs, engine)


def open_run(
    prepared: Prepared, out: Path, resume: bool, say: Say, overwrite: bool = False
) -> tuple[RunFolder, tuple[int, Path] | None]:
    """Creates, replaces or reopens the run folder; returns it with the (step, checkpoint) to resume from, or None.

    Raises:
        ArtifactError: `out` is in use, is damaged beyond repair, or was made with another config or from other inputs
            (train.steps may grow).
    """
    config = prepared.config
    settings = config.model_dump(mode="json")
    if not (resume and (out / MANIFEST).exists()):
        if resume:
            say(f"{out} holds no run to resume: starting a new one")
        sweep(out)  # of a start that was killed before the folder was one
        versions = {name: importlib.metadata.version(name) for name in PACKAGES} | {"python": platform.python_version()}
        run = RunFolder.create(
            out, method=config.method.whole_name, seed=config.train.seed, config=settings, inputs=prepared.inputs,
            versions=versions, overwrite=overwrite,
        )  # fmt: skip
        return run, None
    run = RunFolder.open(out)
    differing = difference(with_defaults(run.config), settings)
    if differing := [one for one in differing if not _may_differ(*one)]:
        key, old, new = differing[0]
        raise ArtifactError(
            f"{out} was made with {key} = {old!r}, this run has {new!r}",
            "`hicra train -o RUN --resume` alone goes on with the config of the run; or choose another -o",
        )
    inputs = run.manifest.get("inputs") or {}
    if changed := [name for name, value in prepared.inputs.items() if inputs.get(name) != value]:
        code = changed[0] in OWN_CODE
        raise ArtifactError(
            f"{out} was made with another {changed[0]}" + (", whose file has changed since" if code else ""),
            f"restore that {'file' if code else 'input'}, or choose another -o",
        )
    checkpoint = checkpoints.newest(run, say)
    rewind(run, checkpoint, say)
    run.manifest["config"] = settings
    write_text(run.path / "hicra.json", canonical_json(run.manifest))
    step = checkpoint[0] if checkpoint else 0
    say(
        f"resuming {out} from step {step}" if step else f"{out} has no undamaged checkpoint: starting again from step 0"
    )
    return run, checkpoint


def refuse_run(out: Path) -> None:
    """Raises ArtifactError if `out` is a run; it says how far the run has come."""
    if not (out / MANIFEST).exists():
        return
    run = RunFolder.open(out)
    steps = flat(run.config).get(GROWS)
    done = len(run.metrics())
    if steps is None or (done >= steps and (out / "final").exists()):
        raise ArtifactError(
            f"the run folder {out} already exists, and its run has ended",
            "replace it by --overwrite, or choose another -o",
        )
    raise ArtifactError(
        f"the run folder {out} already exists, and its run is not finished",
        f"add --resume to go on (step {done} of {steps}), replace it by --overwrite, or choose another -o",
    )


def _fitting(config: RunConfig, task: Task) -> RunConfig:
    """Returns the config with the task's own bound on response length if that is lower."""
    most = getattr(task, "max_new_tokens", None)
    if most and most < config.train.max_new_tokens:
        return config.model_copy(update={"train": config.train.model_copy(update={"max_new_tokens": most})})
    return config


def _refuse_reward(config: RunConfig, task: Task) -> None:
    """Raises ConfigError where the parts of the reward do not fit the task or the longest response."""
    parts = RewardParts(config.train.max_new_tokens, **config.reward.model_dump())
    if parts.counts_calls and not getattr(task, "tools", ()):
        raise ConfigError(
            f"reward.tool_bonus is {parts.tool_bonus!r}, and the task {task.name} has no tools to call",
            "set reward.tool_bonus=none, or take a task with tools such as calculator",
        )


def _refuse_messages(config: RunConfig, task: Task, model: Path) -> None:
    """Raises ConfigError where the prompts of the task are messages, and the model has no chat template to write them with."""
    if getattr(task, "tools", ()) or has_chat_template(model):
        return  # what a model needs to call tools is asked where they are offered to it
    first = task.rows("train", 1, config.train.seed)
    if first and not isinstance(first[0]["prompt"], str):
        raise ConfigError(
            f"the prompts of task {task.name} are messages, and the model {config.model.name} has no chat template",
            "set task.settings.chat=false where the task has it (docs/reference/tasks.md), or take an instruction-tuned model",
        )


def _may_differ(key: str, old: Any, new: Any) -> bool:
    """Says whether a resumed run may have another value there."""
    return key in (*BY_HASH, *FREE) or (key == GROWS and isinstance(old, int) and isinstance(new, int) and new >= old)
