"""Two levels as one environment: what the high level calls a step is c steps of the low level, which learns meanwhile.

So the library's own loop trains the high level, and the low level is trained by the library's own `train`, on what its replay
buffer holds, with hindsight goals (HER).

Deviations (arXiv:2306.06394 is known from descriptions and from the code of a sibling method):
PEAR-4. The low level is paid 0 at its subgoal and -1 elsewhere, the high level 1 at the goal and 0 elsewhere. A subgoal is a
    place, given in the coordinates of the world. An option that has run for c steps ends without an end for the values (they
    are bootstrapped).
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from stable_baselines3 import HerReplayBuffer

from hicra.arrays import Array
from hicra.errors import ConfigError
from hicra.related.classic.pear.imitate import ImitatingSAC

Seen = dict[str, Array]  # observation [D], achieved_goal [G], desired_goal [G]
KEYS = ("observation", "achieved_goal", "desired_goal")


class LowLevel(gym.Env[Seen, Array]):  # type: ignore[misc]
    """What the low level's learner is told of its world: spaces, and the reward of hindsight goals. It is never stepped.

    Args:
        world: the goal environment that both levels act in.
        near: distance within which a subgoal is reached.

    Raises:
        ConfigError: the world is no goal environment, or its actions are no vectors.
    """

    def __init__(self, world: gym.Env[Any, Any], near: float) -> None:
        seen, actions = world.observation_space, world.action_space
        vectors = isinstance(seen, spaces.Dict) and all(isinstance(seen.spaces.get(key), spaces.Box) for key in KEYS)
        if not vectors or not isinstance(actions, spaces.Box):
            raise ConfigError(
                f"two levels cannot act in a world with observations {seen} and actions {actions}",
                f"take a goal environment: observations with {', '.join(KEYS)}, and actions, that are vectors (Box)",
            )
        self.observation_space, self.action_space = world.observation_space, world.action_space
        self._near = near

    def compute_reward(self, achieved: Array, desired: Array, info: Any) -> Array:
        """Returns 0 where achieved [...,G] is near desired [...,G], else -1."""
        apart = np.linalg.norm(np.asarray(achieved) - np.asarray(desired), axis=-1)
        return np.where(apart <= self._near, 0.0, -1.0).astype(np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Seen, dict[str, Any]]:
        """Returns any observation; the library asks for one before it begins."""
        super().reset(seed=seed)
        return self.observation_space.sample(), {}


def low_learner(world: gym.Env[Any, Any], near: float, seed: int, **given: Any) -> ImitatingSAC:
    """Makes the low level: SAC with hindsight goals (HER, future, k = 4).

    Args:
        world, near: as of `LowLevel`.
        seed: of its weights and its chance.
        given: further arguments of SAC.

    Raises:
        ConfigError: as of `LowLevel`.
    """
    made = ImitatingSAC(
        "MultiInputPolicy",
        LowLevel(world, near),
        replay_buffer_class=HerReplayBuffer,
        replay_buffer_kwargs={"n_sampled_goal": 4, "goal_selection_strategy": "future"},
        seed=seed,
        **given,
    )
    made._setup_learn(total_timesteps=1, callback=None)  # gives it the logger that `train` writes to
    return made


class HighLevel(gym.Env[Array, Array]):  # type: ignore[misc]
    """The world as the high level sees it: an action is a subgoal, a step is at most c steps of the low level.

    Observations are the world's observation and goal in one vector.

    Args:
        world: a goal environment whose episodes end at success.
        low: learner of the low level.
        places: subgoals [2,G], the least and the greatest of each coordinate.
        near: distance within which a subgoal is reached.
        interval: c.
        every: low steps for each update of the low level; 0 never updates it, as in an evaluation.

    Raises:
        ConfigError: as of `LowLevel`, or the interval is below 1.
    """

    def __init__(
        self, world: gym.Env[Any, Any], low: ImitatingSAC, places: Array, near: float, interval: int, every: int
    ) -> None:
        if interval < 1:
            raise ConfigError(
                f"an interval of {interval} steps", "give the low level 1 step or more to reach a subgoal"
            )
        self._reward = LowLevel(world, near).compute_reward
        self.world, self.low = world, low
        self.near, self.interval, self.every = near, interval, every
        inner: Any = world.observation_space
        width = inner["observation"].shape[0] + inner["desired_goal"].shape[0]
        self.observation_space = spaces.Box(-np.inf, np.inf, (width,), np.float32)
        self.action_space = spaces.Box(places[0].astype(np.float32), places[1].astype(np.float32))
        self._seen: Seen = {}
        self.steps_taken = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """Begins an episode of the world."""
        super().reset(seed=seed)
        self._seen, _ = self.world.reset(seed=seed)
        return self.flat(self._seen), {}

    @staticmethod
    def flat(seen: Seen) -> Array:
        """Returns the world's observation and goal in one vector."""
        return np.concatenate([seen["observation"], seen["desired_goal"]]).astype(np.float32)

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Sends the low level to a subgoal; it learns on the way, if it learns at all."""
        total, won, cut = 0.0, False, False
        for number in range(self.interval):
            asked = {**self._seen, "desired_goal": np.asarray(action, np.float64)}
            random = self.every > 0 and self.steps_taken < self.low.learning_starts
            chosen = (
                self.low.action_space.sample() if random else self.low.predict(asked, deterministic=not self.every)[0]
            )
            after, reward, won, cut, info = self.world.step(chosen)
            total += float(reward)
            arrived = self._reward(after["achieved_goal"], asked["desired_goal"], None)
            over = arrived == 0 or won or cut or number == self.interval - 1
            if self.every:
                self._learn(asked, {**after, "desired_goal": asked["desired_goal"]}, chosen, arrived, over)
            self._seen = after
            if over:
                break
        return self.flat(self._seen), total, bool(won), bool(cut), {"success": bool(info.get("success", won))}

    def _learn(self, asked: Seen, after: Seen, action: Array, reward: Array, over: bool) -> None:
        """Remembers a step of the low level, and updates it where that is due."""
        low: Any = self.low
        one, other = ({key: value[None] for key, value in seen.items()} for seen in (asked, after))
        scaled = low.policy.scale_action(action)[None]
        info = [{"TimeLimit.truncated": bool(over and reward < 0)}]
        low.replay_buffer.add(one, other, scaled, np.array([reward]), np.array([over]), info)
        self.steps_taken += 1
        if self.steps_taken > low.learning_starts and self.steps_taken % self.every == 0:
            low.train(gradient_steps=1, batch_size=low.batch_size)
