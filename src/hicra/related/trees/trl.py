"""Trees inside TRL's GRPOTrainer: a `rollout_func` that samples rows by a system, and a trainer that trains on their advantages.

    rollouts = TreeRollouts(CARL(n0=4, n=4), environment=Question)
    trainer = TreeGRPOTrainer(model, tree_reward, args, rollout_func=rollouts, ...)     # args.num_generations = 4 + 4

A row of a tree is a completion, whose prompt is what was read and written before it. What the policy did not write, and what must
stay out of the loss, has `env_mask` 0. The advantages of the rows, [B,T], take the place of TRL's before anything shapes
them, so a credit method such as HICRA works on them as on any others.

TRL wants `num_generations` rows of every prompt, neither more nor fewer. A tree of CARL has n0 + n rows whatever it looks
like, and VinePPO and the chain of SPO have `group_size`, so these fit. The number of segments of a tree of SPO depends on
where responses end, so that one does not.

Deviations:
CARL-11. Inside TRL, `_calculate_rewards` and the metrics of rewards see rows, so a mean reward counts the forks of a tree
    too. In an evaluation every row is a rollout of its own, and has the advantage 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from trl import GRPOTrainer

from hicra.credit import BASELINES
from hicra.engines.trl.mixin import HicraMixin
from hicra.errors import ConfigError, EngineError
from hicra.related.environments import Environment, Reply
from hicra.related.policy.sample import NetworkPolicy
from hicra.related.policy.words import TokenizerCodec
from hicra.related.rollouts import batch_of
from hicra.related.system import Arena, Generated, System, seed_of

REWARD, ADVANTAGES = "tree_reward", "tree_advantages"
Trainer: Any = object  # stands for the trainer class that TreeAdvantages is put before


def tree_reward(tree_reward: Sequence[float | None], **_: Any) -> list[float | None]:
    """The reward function of TRL for rows of trees: the reward of each row, None where the environment gave none."""
    return list(tree_reward)


class TreeRollouts:
    """A `rollout_func` for `TreeGRPOTrainer`.

    Args:
        system: samples the rows; `num_generations` of every prompt.
        environment: makes the environment of a prompt, as the dataset holds it. What its `reset` returns is what the policy
            reads, so a chat template is applied there.
    """

    def __init__(self, system: System, environment: Callable[[Any], Environment]) -> None:
        self.system, self.environment = system, environment

    def __call__(self, prompts: Sequence[Any], trainer: Any) -> dict[str, Any]:
        """Samples the rows of a generation; returns what TRL asks for, and the rewards and advantages of the rows.

        Raises:
            EngineError: the system gives another number of rows than TRL takes, or TRL gives a part of a group.
        """
        training = trainer.model.training
        size: int = trainer.num_generations if training else 1
        asked = [prompts[first] for first in range(0, len(prompts), size)]
        if any(prompts[place] != asked[place // size] for place in range(len(prompts))):
            raise EngineError(
                f"the rows of one process do not hold whole groups of num_generations={size}",
                "let per_device_train_batch_size x steps_per_generation be a multiple of num_generations",
            )
        step = int(trainer.state.global_step)
        place = self._place(asked, trainer, step)
        if not training:
            return _output(self.system.play(place, range(len(asked)), greedy=False), None)
        (made, *more) = self.system.generations(place, range(len(asked)), step)
        counts = np.bincount(made.group_ids, minlength=len(asked))
        if more or (counts != size).any():
            raise EngineError(
                f"{type(self.system).__name__} gave {'several generations' if more else f'{counts.tolist()} rows'} "
                f"for prompts of num_generations={size} rows each",
                "set num_generations to n0 + n of CARL, or to group_size of VinePPO and the chain of SPO; other systems "
                "train with `hicra train --set engine=related`",
            )
        return _output(made, self._advantages(made, place))

    def _place(self, asked: Sequence[Any], trainer: Any, step: int) -> Arena:
        codec = TokenizerCodec(trainer._tokenizer)
        seed = seed_of(trainer.args.seed, step, trainer.accelerator.process_index)  # each process draws something else
        model = trainer.accelerator.unwrap_model(trainer.model)
        policy = NetworkPolicy(model, codec, temperature=trainer.temperature, seed=seed)
        return Arena(
            lambda: _OfPrompts([self.environment(one) for one in asked]), codec, policy, trainer.max_completion_length
        )

    def _advantages(self, made: Generated, place: Arena) -> list[list[float]]:
        name, settings = self.system.baseline
        batch = batch_of(made.rows, made.rewards, made.group_ids, place.codec.pad)
        given = BASELINES[name](batch["rewards"], batch["group_ids"], batch, **settings)
        wide = np.broadcast_to(given[:, None] if given.ndim == 1 else given, batch["response_mask"].shape)
        return [wide[row, : len(one.ids)].tolist() for row, one in enumerate(made.rows)]


def _output(made: Generated, advantages: list[list[float]] | None) -> dict[str, Any]:
    """Returns rows as TRL takes them, those of a group next to each other."""
    order = np.argsort(made.group_ids, kind="stable").tolist()
    rows = [made.rows[one] for one in order]
    rewards = [made.rewards[one] for one in order]
    return {
        "prompt_ids": [list(row.context) for row in rows], "completion_ids": [row.ids for row in rows],
        "logprobs": [row.logps for row in rows], "env_mask": [[int(live) for live in row.live] for row in rows],
        REWARD: [None if reward != reward else reward for reward in rewards],
        ADVANTAGES: [[0.0] * len(row.ids) for row in rows] if advantages is None else [advantages[one] for one in order],
    }  # fmt: skip


class _OfPrompts:
    """The environments of several prompts as one, whose seed is the number of the prompt."""

    def __init__(self, environments: Sequence[Environment]) -> None:
        self.environments = environments
        self.now = environments[0]
        self.name, self.words, self.longest = self.now.name, self.now.words, max(one.longest for one in environments)

    def reset(self, seed: int) -> str:
        self.now = self.environments[seed]
        return self.now.reset(0)

    def step(self, text: str) -> Reply:
        return self.now.step(text)

    def save(self) -> object:
        return self.now.save()

    def restore(self, state: object) -> None:
        self.now.restore(state)

    def state_id(self) -> Any:
        return self.now.state_id()


class TreeAdvantages(Trainer):  # type: ignore[misc]
    """Puts the advantages of rows in the place of those that a GRPOTrainer class that stands after it makes of rewards."""

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        out: dict[str, Any] = super()._generate_and_score_completions(inputs)
        if any(ADVANTAGES not in one for one in inputs):
            raise ConfigError(
                "the rollouts of this trainer have no advantages",
                "give it rollout_func=TreeRollouts(system, environment)",
            )
        wide = torch.zeros(out["completion_ids"].shape, dtype=out["advantages"].dtype)
        for row, one in enumerate(inputs):
            given = one[ADVANTAGES]
            wide[row, : len(given)] = torch.tensor(given, dtype=wide.dtype)
        return out | {"advantages": wide.to(out["advantages"].device)}


class TreeGRPOTrainer(HicraMixin, TreeAdvantages, GRPOTrainer):  # type: ignore[misc]
    """TRL's GRPOTrainer that trains on rows of trees; its arguments are those of `HicraGRPOTrainer`, with `TreeRollouts`."""
