"""The sections of a run's config: every key with its type, default and meaning.

Deviations (the paper prints none of these values):
TRAIN-1. Clipping is at 0.2 and 0.28, the loss is the mean over all tokens, and there is no KL term: these are the values of the
    recipe (DAPO) that the paper's baseline builds on.
TRAIN-2. There are eight rollouts per problem, the temperature is 1, and the learning rate is constant after a short warm-up.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from hicra.credit import Assignment, assign
from hicra.strict import Count, Positive, Strict


class TaskConfig(Strict):
    """The task that is learnt."""

    name: str = Field(default="plan_execute", description="The task that is learnt, as in docs/reference/tasks.md.")
    settings: dict[str, Any] = Field(default={}, description="Settings of the task, as in docs/reference/tasks.md.")


class SystemConfig(Strict):
    """The related system that the engine `related` trains."""

    name: str | None = Field(
        default=None,
        description="The system that makes the rollouts of the engine related (carl, vineppo, spo_chain, spo_tree, himac, hiper, "
        "grpo, gigpo); null for other engines.",
    )
    settings: dict[str, Any] = Field(default={}, description="Settings of the system; absent ones take its defaults.")


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


def _named(given: Any) -> Any:
    return {"name": given} if isinstance(given, str) else given


class MethodConfig(Strict):
    """The credit method."""

    name: str = Field(
        default="hicra", description="The credit method, a shaper of `hicra methods`, or module:function."
    )
    settings: dict[str, Any] = Field(default={}, description="Settings of the method; absent ones take its defaults.")
    then: list[Annotated[ShaperConfig, BeforeValidator(_named)]] = Field(
        default=[],
        description="Further shapers, a list of names or of {name, settings}, which are applied after it in this order.",
    )

    @property
    def whole_name(self) -> str:
        """The names of all shapers, joined by "+"."""
        return "+".join([self.name, *(one.name for one in self.then)])


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

    steps: Positive = Field(default=100, description="Number of training steps (optimiser steps).")
    save_steps: Positive = Field(default=50, description="A checkpoint is saved every so many steps.")
    keep_checkpoints: Positive = Field(default=2, description="Number of newest checkpoints that are kept.")
    seed: Count = Field(default=0, description="Seed of problems, sampling and initialisation.")
    learning_rate: float = Field(default=1e-6, gt=0, description="Learning rate of AdamW, constant after the warm-up.")
    warmup_steps: Count = Field(
        default=5,
        description="Number of steps in which the learning rate rises from 0. Unless this is 0, step 1 has the rate 0 and leaves "
        "the weights as they are.",
    )
    weight_decay: float = Field(default=0.0, ge=0, description="Weight decay of AdamW.")
    skip_without_gradient: bool = Field(
        default=False,
        description="Whether a step in which no group gives a gradient leaves the weights alone. Otherwise Adam's momentum still "
        "moves them, as in TRL.",
    )
    adam_beta2: float = Field(default=0.99, gt=0, lt=1, description="Second beta of AdamW.")
    max_grad_norm: float = Field(default=1.0, gt=0, description="The gradient is clipped to this norm.")
    prompts_per_step: Positive = Field(default=32, description="Number of problems per generation.")
    group_size: int = Field(default=8, ge=2, description="Number of rollouts per problem (G).")
    iterations: Positive = Field(
        default=1, description="Number of optimiser steps over the rollouts of one generation; each is a training step."
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
    signal_every: Count = Field(
        default=0,
        description="The steps k, 2k and so on measure how much signal and noise the gradient has on planning and on execution "
        "tokens; 0 measures none, or each step where the method reads it.",
    )
    threads: Positive = Field(default=1, description="Number of threads of torch on a CPU.")
    precision: Literal["auto", "fp32", "bf16"] = Field(
        default="auto", description="Precision of training; auto is bf16 on a GPU and fp32 on a CPU."
    )

    @model_validator(mode="after")
    def _whole(self) -> TrainConfig:
        if self.save_steps % self.iterations:
            below = self.save_steps // self.iterations * self.iterations
            right = " or ".join(str(steps) for steps in (below, below + self.iterations) if steps)
            raise ValueError(
                f"train.save_steps {self.save_steps} is no multiple of train.iterations {self.iterations}: a run could not "
                f"resume exactly from a checkpoint inside a generation; give {right}"
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

    engine: str = Field(
        default="trl",
        description="The engine that trains: trl, or related for agents and trees in an environment, which task.name then names.",
    )
    task: TaskConfig = TaskConfig()
    system: SystemConfig = SystemConfig()
    model: ModelConfig = ModelConfig()
    lexicon: str = Field(
        default="paper",
        description="What marks the planning tokens: a built-in name, a lexicon folder, a text file, or hub:OWNER/NAME@REVISION.",
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
        measured = self.train.signal_every or "kind_weights" in chosen.needs
        if measured and self.train.prompts_per_step < 2:
            who = "train.signal_every" if self.train.signal_every else f"the method {self.method.whole_name}"
            raise ValueError(
                f"{who} measures the signal with halves of a generation by prompt, and train.prompts_per_step is 1: "
                "give at least 2"
            )
        changed = [
            key for key, off in (("overlong_cache", 0), ("tool_bonus", "none")) if getattr(self.reward, key) != off
        ]
        binary = [one.entry.name for one in (chosen.baseline, *chosen.shapers) if one and one.entry.binary]
        if changed and binary:
            raise ValueError(
                f"{binary[0]} needs rewards of 0 and 1, and reward.{changed[0]} makes them others: leave one of them out"
            )
        return self

    def resolved(self) -> RunConfig:
        """Returns the config with the defaults of every entry's settings filled in, as a run records it."""
        chosen = self.assignment()
        first, *then = ({"settings": dict(one.settings)} for one in chosen.shapers)
        further = [one.model_copy(update=given) for one, given in zip(self.method.then, then, strict=True)]
        update = {"method": self.method.model_copy(update=first | {"then": further})}
        for part, one in (("baseline", chosen.baseline), ("loss", chosen.loss)):
            assert one is not None
            update[part] = getattr(self, part).model_copy(update={"settings": dict(one.settings)})
        return self.model_copy(update=update)

    def assignment(self) -> Assignment:
        """Returns the baseline, the shapers and the loss that the config names, checked alone and together."""
        then = [one.model_dump() for one in self.method.then]
        return assign(
            self.method.model_dump(exclude={"then"}), then, self.baseline.model_dump(), self.loss.model_dump()
        )
