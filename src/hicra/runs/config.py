"""The training config: it is read from YAML, checked strictly, and saved with the run with all defaults filled in.

`--set a.b=c` overrides the file, and `--method` overrides both. An unknown key is refused with the nearest known one named, and a
key that stands twice is refused. A relative path in a file starts from the file's folder, and one of `--set` from the working
folder; both are recorded as absolute paths, so that a run can be resumed from anywhere.

Deviations (the paper prints none of these values):
TRAIN-1. Clipping is at 0.2 and 0.28, the loss is the mean over all tokens, and there is no KL term: these are the values of the
    recipe (DAPO) that the paper's baseline builds on.
TRAIN-2. There are eight rollouts per problem, the temperature is 1, and the learning rate is constant after a short warm-up.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from hicra.credit import Assignment, assign, get_method
from hicra.credit.presets import preset_of
from hicra.errors import ConfigError
from hicra.runs.difference import flat
from hicra.runs.rooted import rooted
from hicra.strict import Count, Positive, Strict, validated

LARGEST_FILE = 1_000_000
FIX = "`hicra train --keys` lists every key"


# keys of before, and what holds their value now
MOVED = {
    "train.clip_low": "loss.settings.clip_low",
    "train.clip_high": "loss.settings.clip_high",
    "train.loss": "loss.name and loss.settings.mean",
    "train.scale": "baseline.name (grpo divides by the deviation, dr_grpo does not)",
}


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


class BaselineConfig(Strict):
    """The baseline: rewards to advantages."""

    name: str = Field(
        default="dr_grpo",
        description="The baseline of `hicra methods`, or module:function. The paper only centres rewards on their group's mean, "
        "as dr_grpo does; grpo also divides by the group's standard deviation.",
    )
    settings: dict[str, Any] = Field(default={}, description="Settings of the baseline; absent ones take its defaults.")


class ShaperConfig(Strict):
    """A further shaper."""

    name: str = Field(description="A shaper of `hicra methods`, or module:function.")
    settings: dict[str, Any] = Field(default={}, description="Its settings; absent ones take its defaults.")


class MethodConfig(Strict):
    """The credit method."""

    name: str = Field(
        default="hicra", description="The credit method, a shaper of `hicra methods`, or module:function."
    )
    settings: dict[str, Any] = Field(default={}, description="Settings of the method; absent ones take its defaults.")
    then: list[ShaperConfig] = Field(
        default=[], description="Further shapers, a list of {name, settings}, which are applied after it in this order."
    )


class LossConfig(Strict):
    """The loss: advantages to the number that is minimised."""

    name: str = Field(default="clip", description="The loss of `hicra methods`, or module:function.")
    settings: dict[str, Any] = Field(
        default={},
        description="Settings of the loss; absent ones take its defaults. Every loss has `mean`: tokens, responses or constant.",
    )


class RewardConfig(Strict):
    """What is added to the reward of the task before the baseline."""

    overlong_cache: Count = Field(
        default=0,
        description="Number of last tokens before max_new_tokens over which a length penalty grows from 0 to -1 (DAPO's soft "
        "overlong punishment); 0 adds none.",
    )
    tool_bonus: Literal["none", "paper", "code"] = Field(
        default="none", description="The bonus for tool calls of GRPO-TCR, as its paper or its code has it."
    )


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
    kl: float = Field(default=0.0, ge=0, description="Weight of the KL divergence to the start model.")
    dynamic_sampling: Count = Field(
        default=0,
        description="Most further generations in which groups without a gradient are replaced by groups of other problems "
        "(DAPO's dynamic sampling); 0 replaces none.",
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
    preset: str | None = Field(
        default=None,
        description="A preset of `hicra methods`, which sets keys that this config does not set; null takes the defaults.",
    )
    baseline: BaselineConfig = BaselineConfig()
    method: MethodConfig = MethodConfig()
    loss: LossConfig = LossConfig()
    reward: RewardConfig = RewardConfig()
    train: TrainConfig = TrainConfig()
    eval: EvalConfig = EvalConfig()
    log: LogConfig = LogConfig()

    @model_validator(mode="after")
    def _together(self) -> RunConfig:
        chosen = self.assignment()
        if self.train.skip_without_gradient and chosen.loss and chosen.loss.entry.needs:
            raise ValueError(
                f"train.skip_without_gradient leaves no step out with the loss {chosen.loss.entry.name}: its term of the entropy "
                "gives a gradient in each"
            )
        return self

    def assignment(self) -> Assignment:
        """Returns the baseline, the shapers and the loss that the config names, checked alone and together."""
        then = [one.model_dump() for one in self.method.then]
        return assign(self.method.model_dump(), then, self.baseline.model_dump(), self.loss.model_dump())


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
    tree = _with_preset(tree)
    given = [(called, _with_preset(part)) for called, part in given]
    for key, now in MOVED.items():
        if key in flat(tree):
            where = next((f" in {called or path}" for called, part in given if key in flat(part)), "")
            raise ConfigError(f"there is no config key {key!r} any more{where}", f"it is {now} now")
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


def _with_preset(tree: dict[str, Any]) -> dict[str, Any]:
    """Returns the config with the keys of its preset filled in where it does not set them itself."""
    name = tree.get("preset")
    return tree if name is None else _under(tree, preset_of(name).tree())


def _under(tree: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Fills in, at any depth, what a mapping does not hold."""
    out = dict(tree)
    if "name" in defaults and out.get("name", defaults["name"]) != defaults["name"]:
        return out  # the config names another entry, whose settings are not those of the preset's
    for key, value in defaults.items():
        if isinstance(value, Mapping) and isinstance(out.get(key, {}), Mapping):
            out[key] = _under(out.get(key, {}), value)
        else:
            out.setdefault(key, value)
    return out


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
