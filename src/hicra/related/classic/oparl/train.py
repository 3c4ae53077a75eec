"""One training of OPARL or TD3 on a control task of gymnasium, its return in an evaluation, and the states that it visited.

Deviations (of arXiv:2312.15965 and its authors' code):
OPARL-4. The tasks are Pendulum and MountainCarContinuous, with 10,000 steps, 64 hidden units, a first 1,000 random steps and a
    reset every 2,000 updates; the paper has a million steps of MuJoCo and DeepMind Control.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3.common.noise import NormalActionNoise

from hicra.arrays import Array
from hicra.errors import ConfigError
from hicra.related.classic.oparl.agent import OPARL
from hicra.related.classic.oparl.coverage import coverage


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
    """

    arm: Literal["oparl", "td3"] = "oparl"
    task: str = "Pendulum-v1"
    seed: int = 0
    steps: int = 10_000
    random_steps: int = 1_000
    reset_every: int = 2_000
    noise: float = 0.1
    rate: float = 1e-3
    width: int = 64


@dataclass(frozen=True)
class OparlTrained:
    """What came of a training.

    Attributes:
        returns: of each held-out episode of the evaluation at the end, by the pessimistic actor.
        coverage: share of the cells of the observation space that training visited; NaN where it has no bounds.
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
        ConfigError: gymnasium has no such environment, or its actions are no vectors.
    """
    try:
        env = gym.make(settings.task)
    except gym.error.Error as error:
        raise ConfigError(f"task: {error}", "name an environment of gymnasium, such as Pendulum-v1") from None
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
    bounded = np.isfinite(space.low).all() and np.isfinite(space.high).all()
    share = coverage(seen, space.low, space.high) if bounded else float("nan")
    return OparlTrained(evaluated_returns(agent, settings.task, episodes), share, agent)


def evaluated_returns(agent: OPARL, task: str, episodes: int) -> list[float]:
    """Returns the return of each episode of the pessimistic actor; their seeds are the same for every agent."""
    env, found = gym.make(task), []
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
