"""The training config: it is read from YAML, checked strictly, and saved with the run with all defaults filled in.

`--set a.b=c` overrides the file, and `--method` overrides both. An unknown key is refused with the nearest known one named, and a
key that stands twice is refused. A relative path in a file starts from the file's folder, and one of `--set` from the working
folder; both are recorded as absolute paths, so that a run can be resumed from anywhere.

Deviations (the paper prints none of these values):
TRAIN-1. Clipping is at 0.2 and 0.28, the loss is the token mean (`dapo`), and there is no KL term: these are the values of the
    recipe (DAPO) that the paper's baseline builds on.
TRAIN-2. There are eight rollouts per problem, the temperature is 1, and the learning rate is constant after a short warm-up.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, Field, ValidationError, model_validator

from hicra.credit import get_method
from hicra.errors import ConfigError, did_you_mean
from hicra.runs.rooted import rooted
from hicra.strict import Count, Positive, Share, Strict, validated

LARGEST_FILE = 1_000_000
FIX = "`hicra train --keys` lists every key"


_TRL_LOSSES = ("grpo", "dapo", "bnpo", "dr_grpo")


def _known_loss(name: str) -> str:
    if name not in _TRL_LOSSES:
        raise ConfigError(f"train.loss: no loss {name!r}", did_you_mean(name, _TRL_LOSSES))
    return name


class TaskConfig(Strict):
    """The task that is learnt."""

    name: str = Field(default="plan_execute", description="The task that is learnt, as in docs/reference/tasks.md.")
    settings: dict[str, Any] = Field(default={}, description="Settings of the task, as in docs/reference/tasks.md.")


class ModelConfig(Strict):
    """The start model."""

    name: str = Field(
        default="plan-execute-strong",
        description="The start model: a built-in name (plan-execute-strong, smollm2-135m-instruct), "
        "or a folder that transformers loads.",
    )
    train_layers: Count = Field(default=0, description="Number of top layers that are trained; 0 trains all.")
    lora_rank: Count = Field(
        default=0, description="Rank of LoRA on all linear layers; 0 trains the weights themselves, without LoRA."
    )


class MethodConfig(Strict):
    """The credit method."""

    name: str = Field(default="hicra", description="The credit method, a shaper of `hicra methods`.")
    settings: dict[str, Any] = Field(default={}, description="Settings of the method; absent ones take its defaults.")

    @model_validator(mode="after")
    def _known(self) -> MethodConfig:
        get_method(self.name, self.settings)
        return self


class TrainConfig(Strict):
    """How the model is trained."""

    steps: Positive = Field(default=100, description="Number of training steps.")
    save_steps: Positive = Field(default=50, description="A checkpoint is saved every so many steps.")
    keep_checkpoints: Positive = Field(default=2, description="Number of newest checkpoints that are kept.")
    seed: Count = Field(default=0, description="Seed of problems, sampling and initialisation.")
    learning_rate: float = Field(default=1e-6, gt=0, description="Learning rate of AdamW, constant after the warm-up.")
    warmup_steps: Count = Field(default=5, description="Number of steps in which the learning rate rises from 0.")
    weight_decay: float = Field(default=0.0, ge=0, description="Weight decay of AdamW.")
    skip_without_gradient: bool = Field(
        default=False,
        description="Whether a step in which no group gives a gradient leaves the weights alone. Otherwise Adam's momentum still "
        "moves them, as in TRL.",
    )
    adam_beta2: float = Field(default=0.99, gt=0, lt=1, description="Second beta of AdamW.")
    max_grad_norm: float = Field(default=1.0, gt=0, description="The gradient is clipped to this norm.")
    prompts_per_step: Positive = Field(default=32, description="Number of problems per step.")
    group_size: int = Field(default=8, ge=2, description="Number of rollouts per problem (G).")
    iterations: Positive = Field(
        default=1, description="Number of optimiser steps over the rollouts of one generation."
    )
    micro_batch: Count = Field(default=0, description="Number of rollouts per forward pass; 0 takes all at once.")
    max_new_tokens: Positive = Field(default=256, description="Longest response, in tokens.")
    temperature: float = Field(default=1.0, gt=0, description="Temperature of sampling.")
    clip_low: Share = Field(default=0.2, description="The probability ratio is clipped from below at 1 - clip_low.")
    clip_high: Share = Field(
        default=0.28,
        description="The probability ratio is clipped from above at 1 + clip_high. A value above clip_low is DAPO's clip-higher, "
        "as in the paper's baseline.",
    )
    kl: float = Field(default=0.0, ge=0, description="Weight of the KL divergence to the start model.")
    loss: Annotated[str, AfterValidator(_known_loss)] = Field(
        default="dapo",
        description="The loss, one of `hicra methods`; dapo is the mean over all tokens.",
    )
    scale: Literal["none", "std"] = Field(
        default="none",
        description="With std, advantages are divided by the standard deviation of their group. "
        "The paper only centres them on the group's mean.",
    )
    threads: Positive = Field(default=1, description="Number of threads of torch on a CPU.")
    precision: Literal["auto", "fp32", "bf16"] = Field(
        default="auto", description="Precision of training; auto is bf16 on a GPU and fp32 on a CPU."
    )

    @model_validator(mode="after")
    def _whole(self) -> TrainConfig:
        if self.save_steps % self.iterations:
            raise ValueError(
                f"train.save_steps {self.save_steps} is no multiple of train.iterations {self.iterations}: a run could not "
                "resume exactly from a checkpoint inside a generation"
            )
        if self.skip_without_gradient and self.kl:
            raise ValueError(
                "train.skip_without_gradient leaves no step out when train.kl is above 0: the KL term gives a gradient in each"
            )
        rollouts = self.prompts_per_step * self.group_size
        if self.micro_batch and rollouts % self.micro_batch:
            raise ValueError(f"train.micro_batch {self.micro_batch} does not divide the {rollouts} rollouts of a step")
        return self


class EvalConfig(Strict):
    """The evaluation on held-out problems before and after training."""

    problems: Count = Field(
        default=0,
        description="Number of held-out problems that are sampled once each, before and after training; 0 skips this.",
    )
    temperature: float = Field(default=1.0, ge=0, description="Temperature of that sampling; 0 is greedy decoding.")


class LogConfig(Strict):
    """What is saved besides the metrics."""

    rollouts_every: Count = Field(
        default=10,
        description="The rollouts of the first step, the last one and every so many steps are saved; 0 saves none.",
    )


class RunConfig(Strict):
    """Everything that decides a run: the whole config."""

    engine: str = Field(default="trl", description="The engine that trains; trl is the only one so far.")
    task: TaskConfig = TaskConfig()
    model: ModelConfig = ModelConfig()
    lexicon: str = Field(
        default="paper",
        description="What marks the planning tokens: a built-in name, a lexicon folder, or a text file.",
    )
    unit: Literal["gram", "sentence"] | None = Field(
        default=None,
        description="The span type: whether a span is a gram or a whole sentence; null takes what the lexicon is made for.",
    )
    method: MethodConfig = MethodConfig()
    train: TrainConfig = TrainConfig()
    eval: EvalConfig = EvalConfig()
    log: LogConfig = LogConfig()


def load_config(
    path: Path | None,
    sets: Iterable[str] = (),
    method: str | None = None,
    seed: int | None = None,
    *,
    base: Mapping[str, Any] | None = None,
    names: Mapping[str, Collection[str]] | None = None,
) -> tuple[RunConfig, list[str]]:
    """Reads a config, applies the overrides and checks it.

    Args:
        path: a YAML file; None starts from `base`.
        sets: "a.b=value" overrides, whose values are read as YAML.
        method: replaces method.name; settings that the new method lacks are dropped, and the notes say so.
        seed: replaces train.seed.
        base: the config to start from without a file, as a run has recorded it; None starts from the defaults.
        names: the values of a key that are names and not paths: {"lexicon": ["paper", ...]}.

    Returns:
        The config, and notes for the user.

    Raises:
        ConfigError: something is wrong; the message names the file or override, the key, and the nearest known one.
    """
    known = names or {}
    tree = deepcopy(dict(base or {})) if path is None else _read_yaml(path)
    if path is not None:
        tree = rooted(tree, path.parent, known, str(path))
    given = [("", deepcopy(tree)), *_overridden(tree, sets, seed, known)]
    notes = _switch_method(tree, method) if method else []
    try:
        return validated(RunConfig, tree, fix=FIX), notes
    except ConfigError as error:
        where = _blamed(error, given, path)
        raise ConfigError(f"{error.message}{where}", error.fix) from None


def _overridden(
    tree: dict[str, Any], sets: Iterable[str], seed: int | None, names: Mapping[str, Collection[str]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Applies the overrides to the tree one after the other; yields what each is called, and a copy of the tree after it."""
    for override in sets:
        _apply(tree, override, names)
        yield f"--set {override}", deepcopy(tree)
    if seed is not None:
        _apply(tree, f"train.seed={seed}", names)
        yield f"--seed {seed}", deepcopy(tree)


def _blamed(error: ConfigError, given: Sequence[tuple[str, dict[str, Any]]], path: Path | None) -> str:
    """Says where the mistake stands: in the first override after which the config has it, else in the file."""
    for called, tree in given:
        try:
            validated(RunConfig, tree, fix=FIX)
        except ConfigError as same:
            if same.message == error.message:
                return f" in {called or path}" if called or path else ""
    return ""


def with_defaults(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Fills the defaults into a recorded config that lacks newer keys; returns it as it is if it is not valid today."""
    try:
        return RunConfig.model_validate(recorded).model_dump(mode="json")
    except ValidationError:
        return dict(recorded)


class _NoDuplicates(yaml.SafeLoader):
    """Safe YAML that refuses aliases (they can expand without bound) and repeated keys (the last would win silently)."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not allowed")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.YAMLError(f"key {key!r} stands twice (line {node.start_mark.line + 1} on)")
        return super().construct_mapping(node, deep)


# YAML 1.1 reads 1e-5 as text; here every number that Python reads as a float is one
_NoDuplicates.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9]+)[eE][-+]?[0-9]+$"),
    list("-+0123456789."),
)


def _read_yaml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ConfigError(f"there is no config file {path}", "start from one in recipes/*/config.yaml")
    if path.stat().st_size > LARGEST_FILE:
        raise ConfigError(f"{path} is larger than {LARGEST_FILE:,} bytes", "check that this file is a config")
    try:
        tree = yaml.load(path.read_text(encoding="utf-8"), Loader=_NoDuplicates)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not readable YAML: {' '.join(str(error).split())}", "correct that line") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{path} holds {type(tree).__name__}, not a mapping", "see recipes/plan-execute/config.yaml")
    return tree


def _apply(tree: dict[str, Any], override: str, names: Mapping[str, Collection[str]]) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {override!r} is not of the form a.b=value", "for example --set train.steps=20")
    try:
        value = yaml.load(text, Loader=_NoDuplicates)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"--set {override!r}: the value is not YAML: {' '.join(str(error).split())}", "put the value in quotes"
        ) from None
    value = rooted(value, Path.cwd(), names, None, key)
    *parents, last = key.split(".")
    for parent in parents:
        inner = tree.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"--set {override!r}: {parent!r} is a value and has no keys below it", "check the key")
        tree = inner
    tree[last] = value


def _switch_method(tree: dict[str, Any], name: str) -> list[str]:
    section = tree.setdefault("method", {})
    if not isinstance(section, dict):
        return []  # validation will say so
    if section.get("name", MethodConfig().name) == name:
        return []
    known = get_method(name).settings
    given = section.get("settings") or {}
    section["name"], section["settings"] = name, {key: value for key, value in given.items() if key in known}
    return [f"method {name} has no setting {key!r}: it is left out" for key in given if key not in known]
