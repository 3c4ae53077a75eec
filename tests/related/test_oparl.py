"""OPARL on stable-baselines3: TD3 where nothing is optimistic, targets without optimism, the reset, and the order of values."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

import gymnasium as gym
import torch
from gymnasium import spaces
from stable_baselines3 import TD3
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.noise import NormalActionNoise

from hicra.errors import ConfigError, DataError
from hicra.related.classic.oparl.agent import OPARL, TwoActors
from hicra.related.classic.oparl.train import OparlSettings, train_oparl

pytestmark = pytest.mark.slow
SMALL: dict[str, Any] = {
    "learning_starts": 40,
    "buffer_size": 200,
    "batch_size": 16,
    "seed": 0,
    "train_freq": 1,
    "gradient_steps": 1,
}


def noise() -> NormalActionNoise:
    return NormalActionNoise(np.zeros(1), np.full(1, 0.1))


def oparl(steps: int = 0, **given: Any) -> OPARL:
    made = OPARL("Pendulum-v1", net_arch=(8, 8), action_noise=noise(), **{**SMALL, **given})
    return made.learn(steps) if steps else made


def state(module: Any) -> np.ndarray:
    return np.concatenate([one.detach().numpy().ravel() for one in module.parameters()])


def test_one_critic_without_optimism_is_td3_number_for_number() -> None:
    ours = oparl(100, critics=1, optimistic_every=0)
    kwargs = {"n_critics": 1, "net_arch": [8, 8]}
    theirs = TD3("MlpPolicy", "Pendulum-v1", action_noise=noise(), policy_kwargs=kwargs, **SMALL).learn(100)
    for name in ("actor", "actor_target", "critic", "critic_target"):
        assert (state(getattr(ours, name)) == state(getattr(theirs, name))).all(), name
    assert (ours.replay_buffer.actions == theirs.replay_buffer.actions).all()
    assert ours._n_updates == 60


def test_optimism_changes_what_is_played() -> None:
    calm, bold = oparl(100, critics=2, optimistic_every=0), oparl(100, critics=2, optimistic_every=2)
    same = calm.replay_buffer.actions == bold.replay_buffer.actions
    assert same[:40].all()  # random steps
    assert not same.all()


def test_the_least_critic_is_what_the_actor_sees_and_what_targets_hold() -> None:
    made = oparl(60, critics=3)
    seen = torch.as_tensor(made.replay_buffer.observations[:5, 0])
    actions = torch.zeros(5, 1)
    every = torch.cat(made.critic(seen, actions), dim=1)
    assert every.shape == (5, 3)
    assert (made.critic.q1_forward(seen, actions)[:, 0] == every.min(dim=1).values).all()


def test_targets_never_use_the_optimistic_actor() -> None:
    plain = oparl(60, critics=3)
    other = deepcopy_of(plain)
    with torch.no_grad():
        for one in other.policy.optimistic.parameters():
            one.add_(5.0)
    for made in (plain, other):
        torch.manual_seed(1)
        np.random.seed(1)  # noqa: NPY002 (the library draws its batches from it)
        made.train(4, 16)
    assert (state(plain.policy.optimistic) != state(other.policy.optimistic)).any()
    for name in ("actor", "critic", "critic_target", "actor_target"):
        assert (state(getattr(plain, name)) == state(getattr(other, name))).all(), name
    one, two = (made.policy.predict(np.zeros((1, 3), np.float32))[0] for made in (plain, other))
    assert one == two  # an evaluation plays the pessimistic one


def deepcopy_of(made: OPARL) -> OPARL:
    """A second agent in the same state."""
    twin = oparl(critics=3)
    twin.policy.load_state_dict(made.policy.state_dict())
    for name in ("actor", "critic"):
        getattr(twin, name).optimizer.load_state_dict(deepcopy(getattr(made, name).optimizer.state_dict()))
    twin.replay_buffer, twin._n_updates = deepcopy(made.replay_buffer), made._n_updates
    twin.set_logger(made.logger)
    return twin


def test_after_a_reset_both_actors_are_equal() -> None:
    made = oparl(
        40 + 31, critics=2, reset_every=30
    )  # 31 updates: a reset at the 30th, and no step of an actor after it
    assert made._n_updates == 31
    assert (state(made.policy.optimistic) == state(made.actor)).all()
    made.train(1, 16)  # the 32nd: both actors step, each its own way
    assert (state(made.policy.optimistic) != state(made.actor)).any()


def test_values_are_in_order_and_optimism_hopes_for_more() -> None:
    made = oparl(40, critics=3)
    seen = made.replay_buffer.observations[:32, 0]
    for _ in range(60):
        made._optimism(made.policy, 32)
    pessimistic, optimistic = made.values(seen), made.values(seen, optimistic=True)
    for found in (pessimistic, optimistic):
        assert (found["greatest"] >= found["mean"]).all()
        assert (found["mean"] >= found["least"]).all()
    assert optimistic["greatest"].mean() > pessimistic["greatest"].mean()


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="0 critics"):
        oparl(critics=0)
    with pytest.raises(ConfigError, match=r"vectors \(Box\)"):
        OPARL("CartPole-v1")
    with pytest.raises(ConfigError, match="Did you mean: `Pendulum`"):
        OPARL("Pendulm-v1")
    with pytest.raises(ConfigError, match="FlattenObservation"):
        OPARL(Still(spaces.Dict({"a": spaces.Box(-1, 1, (2,))})))
    with pytest.raises(ConfigError, match="cannot make the environment 'Pendulm-v1'"):
        train_oparl(OparlSettings(task="Pendulm-v1"))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"arm": "opral"}, "did you mean 'oparl'"), ({"seed": -1}, "seed is -1"), ({"steps": 0}, "steps is 0"),
        ({"rate": float("nan")}, "rate is nan"), ({"reset_every": 0}, "reset_every is 0"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        OparlSettings(**given)


@pytest.mark.parametrize("optimistic_every", [0, 2])
def test_a_critic_that_is_not_finite_ends_a_training_of_either_arm(optimistic_every: int) -> None:
    made = oparl(60, optimistic_every=optimistic_every)
    with torch.no_grad():
        next(made.critic.parameters()).fill_(torch.nan)
    with pytest.raises(DataError, match="a weight of the critic is not finite after 21 updates"):
        made.learn(10, reset_num_timesteps=False)


def test_the_optimistic_actor_plays_every_other_step_of_two_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    played: list[bool] = []
    plain = TwoActors._predict
    monkeypatch.setattr(
        TwoActors, "_predict", lambda self, *a, **b: played.append(self.exploring) or plain(self, *a, **b)
    )
    OPARL(make_vec_env("Pendulum-v1", 2), critics=1, net_arch=(8, 8), **SMALL).learn(80)
    assert played == [True, False] * 10  # 20 steps of both after the 40 random ones


def test_a_schedule_of_the_learning_rate_is_that_of_both_actors() -> None:
    made = oparl(60, critics=2, learning_rate=lambda left: 1e-3 * left)
    rates = [one.optimizer.param_groups[0]["lr"] for one in (made.actor, made.policy.optimistic)]
    assert rates[0] == rates[1] < 1e-4


class Still(gym.Env[Any, Any]):
    """A world in which nothing happens."""

    action_space = spaces.Box(-1, 1, (1,))

    def __init__(self, seen: Any = None) -> None:
        self.observation_space, self.clock = seen or spaces.Box(-1, 1, (4,)), 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return np.zeros(4, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.clock += 1
        return np.zeros(4, np.float32), 0.0, False, self.clock % 10 == 0, {}


def test_what_has_too_many_dimensions_for_a_grid_has_no_coverage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(gym.registry, "Still-v0", gym.envs.registration.EnvSpec("Still-v0", entry_point=Still))
    found = train_oparl(OparlSettings(task="Still-v0", steps=30, random_steps=20, width=8), episodes=1)
    assert np.isnan(found.coverage)
    assert found.returns == [0.0]


def test_a_short_training_says_what_it_visited() -> None:
    found = train_oparl(
        OparlSettings(task="MountainCarContinuous-v0", steps=150, random_steps=100, width=8), episodes=1
    )
    assert 0 < found.coverage < 0.2
    assert len(found.returns) == 1
