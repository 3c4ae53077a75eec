"""The training config: YAML in, strict models, every default a vetted one, the resolved form saved with the run.

Precedence: the file, then `--set a.b=c`, then `--method`. An unknown or doubled key is refused with the nearest right one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, Field, model_validator

from hicra.credit import LOSSES, get_method
from hicra.errors import ConfigError, did_you_mean
from hicra.strict import Count, Positive, Share, Strict, validated

LARGEST_FILE = 1_000_000
def _known_loss(name: str) -> str:
    if name not in LOSSES:
        raise ConfigError(f"train.loss: no loss {name!r}", did_you_mean(name, LOSSES))
    return name


class TaskConfig(Strict):
    name: str = "plan_execute"
    settings: dict[str, Any] = {}


class ModelConfig(Strict):
    """`name` is a built-in (plan-execute-strong, smollm2-135m-instruct ...) or a folder that transformers loads."""

    name: str = "plan-execute-strong"
    train_layers: Count = 0  # only the top N layers; 0 trains all
    lora_rank: Count = 0  # LoRA on all linear layers; 0 is full training


class MethodConfig(Strict):
    name: str = "hicra"
    settings: dict[str, Any] = {}

    @model_validator(mode="after")
    def _known(self) -> MethodConfig:
        get_method(self.name, self.settings)
        return self


class TrainConfig(Strict):
    steps: Positive = 100
    save_steps: Positive = 50
    keep_checkpoints: Positive = 2
    seed: Count = 0
    learning_rate: Annotated[float, Field(gt=0)] = 1e-6
    warmup_steps: Count = 5
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    adam_beta2: Annotated[float, Field(gt=0, lt=1)] = 0.99
    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    prompts_per_step: Positive = 32
    group_size: Annotated[int, Field(ge=2)] = 8
    iterations: Positive = 1  # inner epochs over one generation
    micro_batch: Count = 0  # rollouts a forward pass; 0 takes all at once
    max_new_tokens: Positive = 256
    temperature: Annotated[float, Field(gt=0)] = 1.0
    clip_low: Share = 0.2
    clip_high: Share = 0.28  # clip-higher (DAPO), as the paper's baseline has it
    kl: Annotated[float, Field(ge=0)] = 0.0
    loss: Annotated[str, AfterValidator(_known_loss)] = "dapo"  # dapo: mean over all tokens
    scale: Literal["none", "std"] = "none"  # the paper's advantage is mean-centred only
    threads: Positive = 1
    precision: Literal["auto", "fp32", "bf16"] = "auto"  # auto: bf16 on a GPU, fp32 on a CPU

    @model_validator(mode="after")
    def _whole(self) -> TrainConfig:
        if self.save_steps % self.iterations:
            raise ValueError(
                f"train.save_steps {self.save_steps} is no multiple of train.iterations {self.iterations}: a checkpoint inside a "
                "generation would not resume exactly"
            )
        rollouts = self.prompts_per_step * self.group_size
        if self.micro_batch and rollouts % self.micro_batch:
            raise ValueError(f"train.micro_batch {self.micro_batch} does not divide the {rollouts} rollouts of a step")
        return self


class EvalConfig(Strict):
    problems: Count = 0  # held-out problems, one sample each, before and after training; 0 skips evaluation
    temperature: Annotated[float, Field(ge=0)] = 1.0


class LogConfig(Strict):
    rollouts_every: Count = 10  # save the rollouts of every N-th step, the first and the last; 0 saves none


class RunConfig(Strict):
    """Everything that decides a run."""

    task: TaskConfig = TaskConfig()
    model: ModelConfig = ModelConfig()
    lexicon: str = "paper"
    unit: Literal["gram", "sentence"] | None = None  # what a planning span is; null: what the lexicon is made for
    method: MethodConfig = MethodConfig()
    train: TrainConfig = TrainConfig()
    eval: EvalConfig = EvalConfig()
    log: LogConfig = LogConfig()


def load_config(
    path: Path | None, sets: Iterable[str] = (), method: str | None = None, seed: int | None = None
) -> tuple[RunConfig, list[str]]:
    """Reads, overrides and validates a config.

    Args:
        path: a YAML file; None starts from the defaults.
        sets: "a.b=value" overrides, the value read as YAML.
        method: replaces method.name; settings that the new method lacks are dropped, and said so in the notes.
        seed: replaces train.seed.

    Returns:
        The config, and notes for the user.

    Raises:
        ConfigError: names the file or override, the key, and the nearest right one.
    """
    tree = {} if path is None else _read_yaml(path)
    for override in sets:
        _apply(tree, override)
    if seed is not None:
        _apply(tree, f"train.seed={seed}")
    notes = _switch_method(tree, method) if method else []
    return validated(RunConfig, tree, f" in {path}" if path else ""), notes


class _NoDuplicates(yaml.SafeLoader):
    """Safe YAML without aliases (they can expand without bound) and without doubled keys (the last would win silently)."""

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


# YAML 1.1 reads 1e-5 as text: take every number that Python reads as a float
_NoDuplicates.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9]+)[eE][-+]?[0-9]+$"),
    list("-+0123456789."),
)


def _read_yaml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ConfigError(f"no config file {path}", "recipes/*/config.yaml are ready ones")
    if path.stat().st_size > LARGEST_FILE:
        raise ConfigError(f"{path} is over {LARGEST_FILE:,} bytes", "is it really a config?")
    try:
        tree = yaml.load(path.read_text(encoding="utf-8"), Loader=_NoDuplicates)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not readable YAML: {' '.join(str(error).split())}", "mend that line") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{path} holds {type(tree).__name__}, not a mapping", "see recipes/plan-execute/config.yaml")
    return tree


def _apply(tree: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {override!r} is not of the form a.b=value", "for example --set train.steps=20")
    try:
        value = yaml.load(text, Loader=_NoDuplicates)
    except yaml.YAMLError as error:
        raise ConfigError(
            f"--set {override!r}: the value is not YAML: {' '.join(str(error).split())}", "quote it"
        ) from None
    *parents, last = key.split(".")
    for parent in parents:
        inner = tree.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"--set {override!r}: {parent!r} is a value, it has no keys below it", "check the key")
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
