"""One training of one arm of PEAR in a point maze, and its success on held-out episodes.

Arms: `pear` cuts demonstrations by the low level's critic, `fixed` at equal distances, and `plain` imitates nothing: two-level
SAC.

Deviations (arXiv:2306.06394 is known from descriptions and from the code of a sibling method):
PEAR-6. psi is one weight for both levels: the high level imitates the subgoals, the low level the demonstrated actions on the
    way to them. The threshold is the value of a low level which needs `reach` steps, and is paid 0 for the one that arrives:
    -(1 - gamma^(reach - 1)) / (1 - gamma).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from hicra.arrays import Array
from hicra.related.classic.pear.imitate import ImitatingSAC, Shown
from hicra.related.classic.pear.levels import HighLevel, low_learner
from hicra.related.classic.pear.maze import NEAR, Demonstration, demonstrate, open_maze, places
from hicra.related.classic.pear.relabel import Pairs, every, relabelled

Arm = Literal["pear", "fixed", "plain"]


@dataclass(frozen=True)
class PearSettings:
    """One training.

    Attributes:
        arm: pear, fixed or plain.
        seed: of everything drawn.
        steps: of the world.
        interval: c, the most steps of the low level towards a subgoal.
        psi: weight of the imitation; 0 in the arm plain whatever it is here.
        reach: steps that a subgoal may be away, by the low level's critic.
        demonstrations: number of them.
        relabel_every: steps of the high level between two relabellings (p).
        update_every: steps of the world for each update of the low level.
        gamma: discount of the low level.
        width: of the two hidden layers of every network.
        batch: of every update.
    """

    arm: Arm = "pear"
    seed: int = 0
    steps: int = 20_000
    interval: int = 15
    psi: float = 1.0
    reach: float = 15.0
    demonstrations: int = 20
    relabel_every: int = 100
    update_every: int = 2
    gamma: float = 0.95
    width: int = 64
    batch: int = 128


def threshold(reach: float, gamma: float) -> float:
    """Returns the value of a subgoal that is `reach` steps away: -1 a step, and 0 for the step that arrives (PEAR-4).

    >>> round(threshold(3, 0.5), 3)  # -1 - 0.5 + 0
    -1.5
    """
    return float(-(1 - gamma ** (reach - 1)) / (1 - gamma))


def low_critic(low: ImitatingSAC) -> Callable[[Array, Array], Array]:
    """Returns the critic of the low level as relabelling wants it: the least of its values of its own mean action."""

    def critic(states: Array, goals: Array) -> Array:
        asked = {"observation": states, "achieved_goal": states[:, : goals.shape[1]], "desired_goal": goals}
        with torch.no_grad():
            seen, _ = low.policy.obs_to_tensor(asked)
            values = torch.cat(low.critic(seen, low.actor(seen, deterministic=True)), dim=1)
        return np.asarray(values.min(dim=1).values.cpu().numpy())

    return critic


class Imitated:
    """The subgoals of demonstrations as both levels imitate them (D_g), with its own random numbers.

    Args:
        shown: the demonstrations.
        seed: of what is drawn.
        batch: pairs of a draw.
    """

    def __init__(self, shown: Sequence[Demonstration], seed: int, batch: int) -> None:
        self._shown, self._chance, self._batch = shown, np.random.default_rng(seed), batch
        self.pairs: list[Pairs] = [[] for _ in shown]
        self._high: Any = None
        self._low: Any = None

    def cut(self, cut: Callable[[Demonstration], Pairs], scale_high: Any, scale_low: Any) -> None:
        """Cuts every demonstration anew; the scales turn subgoals and actions into numbers between -1 and 1."""
        self.pairs = [cut(one) for one in self._shown]
        high, low = [], []
        for one, pairs in zip(self._shown, self.pairs, strict=True):
            for here, there in pairs:
                high.append((np.concatenate([one.states[here], one.goal]), one.places[there]))
                low += [
                    (one.states[step], one.places[step], one.places[there], one.actions[step])
                    for step in range(here, there)
                ]
        self._high = self._low = None
        if high:
            seen, goals = (np.array(column, np.float32) for column in zip(*high, strict=True))
            self._high = seen, np.clip(scale_high(goals), -1, 1)
            states, at, to, actions = (np.array(column, np.float64) for column in zip(*low, strict=True))
            self._low = {"observation": states, "achieved_goal": at, "desired_goal": to}, scale_low(actions)

    def draw_high(self) -> Shown | None:
        """Draws pairs for the high level; None where no subgoal is within reach."""
        if self._high is None:
            return None
        chosen = self._chance.integers(len(self._high[1]), size=self._batch)
        return self._high[0][chosen], self._high[1][chosen]

    def draw_low(self) -> Shown | None:
        """Draws pairs for the low level; None where no subgoal is within reach."""
        if self._low is None:
            return None
        chosen = self._chance.integers(len(self._low[1]), size=self._batch)
        return {key: value[chosen] for key, value in self._low[0].items()}, self._low[1][chosen]


@dataclass(frozen=True)
class PearTrained:
    """What came of a training.

    Attributes:
        success: share of held-out episodes that reach the goal, at each evaluation: (steps of the world, share).
        subgoals: mean number of subgoals of a demonstration at each relabelling; empty in the arm plain.
        high, low: the learners.
    """

    success: list[tuple[int, float]]
    subgoals: list[float]
    high: ImitatingSAC
    low: ImitatingSAC


def train_pear(settings: PearSettings, evaluations: int = 5, episodes: int = 20) -> PearTrained:
    """Trains an arm.

    Args:
        settings: of the training.
        evaluations: at equal distances, the last one at the end.
        episodes: of each evaluation, the same in all, with seeds that training does not have.
    """
    torch.manual_seed(settings.seed)
    world = open_maze()
    bounds = places(world)
    given: dict[str, Any] = {
        "gamma": settings.gamma, "learning_rate": 1e-3, "batch_size": settings.batch, "buffer_size": settings.steps + 1000,
        "policy_kwargs": {"net_arch": [settings.width] * 2},
    }  # fmt: skip
    low = low_learner(world, NEAR, settings.seed, learning_starts=500, **given)
    levels = HighLevel(world, low, bounds, NEAR, settings.interval, settings.update_every)
    given |= {"learning_starts": 50, "buffer_size": settings.steps}
    high = ImitatingSAC("MlpPolicy", levels, seed=settings.seed, train_freq=1, gradient_steps=2, **given)
    # demonstrations have a world of their own, so that every arm meets the same episodes
    shown = [demonstrate(open_maze(longest=600), 10_000 + number) for number in range(settings.demonstrations)]
    imitated = Imitated(shown, settings.seed, settings.batch)
    if settings.arm != "plain":
        high.imitate(settings.psi, imitated.draw_high)
        low.imitate(settings.psi, imitated.draw_low)
    found: list[tuple[int, float]] = []
    subgoals: list[float] = []

    def cut(one: Demonstration) -> Pairs:
        if settings.arm == "fixed":
            return every(one.states, one.places, settings.interval)
        return relabelled(one.states, one.places, low_critic(low), threshold(settings.reach, settings.gamma))

    def after_step(local: dict[str, Any], _: dict[str, Any]) -> bool:
        """Called by the library after each step of the high level; returns whether to go on."""
        if settings.arm != "plain" and high.num_timesteps % settings.relabel_every == 1:
            imitated.cut(cut, high.policy.scale_action, low.policy.scale_action)
            subgoals.append(float(np.mean([len(pairs) for pairs in imitated.pairs])))
        due = settings.steps * (len(found) + 1) / evaluations
        if levels.steps_taken >= due:
            found.append((levels.steps_taken, evaluated(high, low, settings, episodes)))
        return levels.steps_taken < settings.steps

    high.learn(total_timesteps=settings.steps, callback=after_step)
    return PearTrained(found, subgoals, high, low)


def evaluated(high: ImitatingSAC, low: ImitatingSAC, settings: PearSettings, episodes: int) -> float:
    """Returns the share of held-out episodes that reach the goal, both levels by their mean actions."""
    world = open_maze()
    levels = HighLevel(world, low, places(world), NEAR, settings.interval, every=0)
    won = 0
    for number in range(episodes):
        seen, _ = levels.reset(seed=20_000 + number)
        ended = False
        while not ended:
            action, _ = high.predict(seen, deterministic=True)
            seen, _, success, cut, _ = levels.step(action)
            ended = success or cut
            won += success
    return won / episodes
