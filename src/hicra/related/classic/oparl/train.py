"""One training of OPARL or TD3 on a control task of gymnasium, its return in an evaluation, and the states that it visited.

Deviations (of arXiv:2312.15965 and its authors' code):
OPARL-4. The tasks are Pendulum and MountainCarContinuous, with 10,000 steps, 64 hidden units, a first 1,000 random steps and a
    reset every 2,000 updates, batches of 128, a learning rate of 1e-3 and the discount 0.98. The paper has a million steps of
    MuJoCo and DeepMind Control, and its code 256 units, batches of 256 and a rate of 3e-4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.noise import NormalActionNoise

from hicra.arrays import Array
from hicra.related.classic.oparl.agent import OPARL
from hicra.related.classic.oparl.coverage import MOST_DIMENSIONS, coverage
from hicra.related.classic.refusals import opened, refuse_out_of_range

Arm = Literal["oparl", "td3"]
FIX = "take one that gymnasium has, such as Pendulum-v1, and install what it needs"


@dataclass(frozen=True)
class OparlSettings:
    """One training.

    Attributes:
        arm: oparl (five critics, an optimistic actor at every other step) or td3 (two critics, no optimism).
        task: name of the environment in gymnasium.
        seed: of everything drawn.
        steps: of the environment.
        random_steps: at the beginning.
        reset_every: updates.
        noise: standard deviation of the noise of exploration, of actions between -1 and 1.
        rate: learning rate.
        width: of the two hidden layers of every network.

    Raises:
        ConfigError: there is no such arm, or a number is out of its range.
    """

    arm: Arm = "oparl"
    task: str = "Pendulum-v1"
    seed: int = 0
    steps: int = 10_000
    random_steps: int = 1_000
    reset_every: int = 2_000
    noise: float = 0.1
    rate: float = 1e-3
    width: int = 64

    def __post_init__(self) -> None:
        refuse_out_of_range(
            self, get_args(Arm), steps=1, random_steps=0, reset_every=1, noise=0, rate=0, width=1,
        )  # fmt: skip


@dataclass(frozen=True)
class OparlTrained:
    """What came of a training.

    Attributes:
        returns: of each held-out episode of the evaluation at the end, by the pessimistic actor.
        coverage: share of the cells of the observation space that training visited; NaN where it has no bounds, or more than
            three dimensions.
        agent: the learner.
    """

    returns: list[float]
    coverage: float
    agent: OPARL


def train_oparl(settings: OparlSettings, episodes: int = 10) -> OparlTrained:
    """Trains an arm and evaluates it.

    Args:
        settings: of the training.
        episodes: of the evaluation.

    Raises:
        ConfigError: the task cannot be made, or OPARL cannot act in it.
        DataError: a critic is not finite.
    """
    env = opened(settings.task, FIX)
    space: Any = env.observation_space
    shape: Any = env.action_space.shape
    ours = settings.arm == "oparl"
    agent = OPARL(
        env,
        critics=5 if ours else 2,
        optimistic_every=2 if ours else 0,
        reset_every=settings.reset_every,
        net_arch=(settings.width, settings.width),
        seed=settings.seed,
        learning_starts=settings.random_steps,
        learning_rate=settings.rate,
        buffer_size=settings.steps,
        batch_size=128,
        gamma=0.98,
        train_freq=1,
        gradient_steps=1,
        action_noise=NormalActionNoise(np.zeros(shape), np.full(shape, settings.noise)),
    )
    agent.learn(settings.steps)
    buffer: Any = agent.replay_buffer
    seen: Array = buffer.observations[: buffer.size(), 0]
    share = coverage(seen, space.low, space.high) if _has_cells(space) else float("nan")
    return OparlTrained(evaluated_returns(agent, settings.task, episodes), share, agent)


def _has_cells(space: Any) -> bool:
    """Says whether an observation space can be cut into an even grid of few cells."""
    flat = isinstance(space, spaces.Box) and len(space.shape) == 1 and space.shape[0] <= MOST_DIMENSIONS
    return flat and bool(np.isfinite([space.low, space.high]).all())


def evaluated_returns(agent: OPARL, task: str, episodes: int) -> list[float]:
    """Returns the return of each episode of the pessimistic actor; their seeds are the same for every agent."""
    env, found = opened(task, FIX), []
    for number in range(episodes):
        seen, _ = env.reset(seed=50_000 + number)
        total, over = 0.0, False
        while not over:
            with torch.no_grad():
                action, _ = agent.predict(seen, deterministic=True)
            seen, reward, ended, cut, _ = env.step(action)
            total += float(reward)
            over = ended or cut
        found.append(total)
    return found
