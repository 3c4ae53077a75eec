"""PEAR's two levels on stable-baselines3: psi = 0 is plain two-level SAC, and imitation is in the gradient of the actor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

import torch
from gymnasium import spaces
from stable_baselines3 import SAC

from goal_world import OpenSquare
from hicra.errors import ConfigError, DataError
from hicra.related.classic.pear import levels as two_levels
from hicra.related.classic.pear.imitate import ImitatingSAC
from hicra.related.classic.pear.levels import HighLevel, LowLevel, low_learner
from hicra.related.classic.pear.train import threshold

pytestmark = pytest.mark.slow
BOUNDS = np.array([[-1.0, -1.0], [1.0, 1.0]])
SMALL: dict[str, Any] = {"batch_size": 16, "policy_kwargs": {"net_arch": [8, 8]}, "buffer_size": 500}


def levels(every: int = 2, seed: int = 0) -> HighLevel:
    world = OpenSquare()
    return HighLevel(world, low_learner(world, 0.2, seed, learning_starts=30, **SMALL), BOUNDS, 0.2, 5, every)


def weights(learner: SAC) -> np.ndarray:
    return np.concatenate([one.detach().numpy().ravel() for one in learner.policy.parameters()])


def trained(made: type[SAC], psi: float | None) -> tuple[np.ndarray, np.ndarray]:
    """The weights of both levels after 40 steps of the high level."""
    inside = levels()
    high = made("MlpPolicy", inside, seed=0, learning_starts=10, **SMALL)
    if psi is not None:
        shown = np.zeros((4, 6), np.float32), np.full((4, 2), 0.5)
        high.imitate(psi, lambda: shown)
        inside.low.imitate(psi, lambda: None)
    high.learn(16)
    return weights(high), weights(inside.low)


def test_psi_0_is_plain_two_level_sac_number_for_number(monkeypatch: pytest.MonkeyPatch) -> None:
    none, some = trained(ImitatingSAC, 0.0), trained(ImitatingSAC, 0.5)
    monkeypatch.setattr(two_levels, "ImitatingSAC", SAC)  # so that both levels are the library's
    plain = trained(SAC, None)
    assert (plain[0] == none[0]).all()
    assert (plain[1] == none[1]).all()
    assert (plain[0] != some[0]).any()


def test_the_threshold_is_the_value_of_a_subgoal_at_the_reach() -> None:
    # the low level walks 0.25 a step to a subgoal 0.75 away: paid -1, -1 and, where it arrives, 0
    after = np.array([[0.25, 0.0], [0.5, 0.0], [0.75, 0.0]])
    paid = LowLevel(OpenSquare(), 0.2).compute_reward(after, np.array([[0.75, 0.0]] * 3), None)
    assert paid.tolist() == [-1, -1, 0]
    assert threshold(3, 0.5) == pytest.approx((0.5 ** np.arange(3) * paid).sum()) == pytest.approx(-1.5)


def test_the_gradient_that_is_stepped_is_the_sum() -> None:
    world = OpenSquare()
    learner = low_learner(world, 0.2, 0, **SMALL)
    seen = {key: space.sample()[None].repeat(3, 0) for key, space in world.observation_space.items()}
    actions, psi = np.full((3, 2), 0.7), 0.3
    parameters = list(learner.actor.parameters())
    wanted = torch.autograd.grad(psi * learner.imitation_loss(seen, actions), parameters, allow_unused=True)
    learner.imitate(psi, lambda: (seen, actions))
    for one in parameters:
        one.grad = torch.ones_like(one)
    learner.actor.optimizer.step()
    for one, gradient in zip(parameters, wanted, strict=True):
        np.testing.assert_allclose(one.grad, 1 + (0 if gradient is None else gradient), atol=1e-6)
    assert any(gradient is not None and gradient.abs().max() > 0 for gradient in wanted)


def test_imitation_alone_brings_the_actor_to_what_was_shown() -> None:
    learner = low_learner(OpenSquare(), 0.2, 0, learning_rate=1e-2, **SMALL)
    chance = np.random.default_rng(0)
    places = chance.uniform(-1, 1, (64, 2))
    seen = {"observation": np.tile(places, 2), "achieved_goal": places, "desired_goal": np.zeros((64, 2))}
    actions = -0.5 * places
    learner.imitate(1.0, lambda: (seen, actions))
    before = float(learner.imitation_loss(seen, actions).detach())
    for _ in range(150):
        for one in learner.actor.parameters():
            one.grad = torch.zeros_like(one)
        learner.actor.optimizer.step()
    assert float(learner.imitation_loss(seen, actions).detach()) < 0.1 * before


def test_psi_below_0_is_refused() -> None:
    with pytest.raises(ConfigError, match="psi is -1"):
        low_learner(OpenSquare(), 0.2, 0, **SMALL).imitate(-1, lambda: None)


@pytest.mark.parametrize("level", ["high", "low"])
@pytest.mark.parametrize("network", ["critic", "actor"])
def test_a_network_that_is_not_finite_is_named(level: str, network: str) -> None:
    inside = levels()
    high = ImitatingSAC("MlpPolicy", inside, seed=0, learning_starts=10, gradient_steps=2, **SMALL).learn(16)
    learner = high if level == "high" else inside.low
    with torch.no_grad():
        next(getattr(learner, network).parameters()).fill_(torch.nan)
    with pytest.raises(DataError, match="a weight of the .* is not finite after"):
        learner.train(2, 16)


class Pushed(OpenSquare):
    """A square in which one of three pushes is chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.action_space = spaces.Discrete(3)


class Aimless(OpenSquare):
    """A square without a goal."""

    def __init__(self) -> None:
        super().__init__()
        self.observation_space = spaces.Box(-1.0, 1.0, (4,))


@pytest.mark.parametrize("world", [Pushed, Aimless])
def test_a_world_without_goals_or_vectors_is_refused(world: type[OpenSquare]) -> None:
    with pytest.raises(ConfigError, match="take a goal environment"):
        low_learner(world(), 0.2, 0, **SMALL)
    low = low_learner(OpenSquare(), 0.2, 0, **SMALL)
    with pytest.raises(ConfigError, match="take a goal environment"):
        HighLevel(world(), low, BOUNDS, 0.2, 5, 2)
    with pytest.raises(ConfigError, match="an interval of 0 steps"):
        HighLevel(OpenSquare(), low, BOUNDS, 0.2, 0, 2)


def test_the_low_level_is_paid_at_its_subgoal_alone() -> None:
    reward = LowLevel(OpenSquare(), near=0.5).compute_reward(
        np.zeros((3, 2)), np.array([[0.3, 0.4], [0.4, 0.4], [0, 0]]), None
    )
    assert reward.tolist() == [0, -1, 0]  # distances 0.5, 0.57 and 0


def test_a_step_of_the_high_level_ends_at_the_subgoal_or_after_c_steps() -> None:
    made = levels(every=0)
    seen, _ = made.reset(seed=3)
    assert seen.shape == (6,)
    made.low.predict = lambda asked, deterministic: (np.array([1.0, 0.0], np.float32), None)
    made.world.at, made.world.goal = np.array([-1.0, 0.0]), np.array([1.0, 1.0])
    made._seen = made.world._seen()
    after, total, won, cut, _ = made.step(np.array([-0.5, 0.0]))  # 0.2 a step: within 0.2 of -0.5 after two
    assert (made.world.clock, after[0], total, won, cut) == (2, pytest.approx(-0.6), 0.0, False, False)
    made.step(np.array([-1.0, -1.0]))  # never reached: c = 5 steps more
    assert made.world.clock == 7
    made.world.goal = made.world.at + np.array([0.3, 0.0])
    made._seen = made.world._seen()
    _, total, won, _, info = made.step(np.array([1.0, 1.0]))
    assert (made.world.clock, total, won, info["success"]) == (8, 1.0, True, True)


def test_what_the_low_level_remembers() -> None:
    made = levels(every=1000)
    made.reset(seed=0)
    made.step(np.array([1.0, 1.0]))
    buffer: Any = made.low.replay_buffer
    kept = buffer.pos
    assert kept == made.steps_taken >= 1
    assert buffer.dones[kept - 1, 0] == 1
    assert buffer.timeouts[kept - 1, 0] == (buffer.rewards[kept - 1, 0] < 0)  # out of time is no end for the values
    assert (buffer.observations["desired_goal"][:kept, 0] == 1).all()  # of every step the subgoal, not the goal
