"""TD3 with an ensemble of K critics and two actors.

    target        y = r + gamma min_k Q'_k(s', pi_pes'(s') + clipped noise)
    pessimistic   makes min_k Q_k(s, pi_pes(s)) large; it is in the targets, and what an evaluation plays
    optimistic    makes max_k Q_k(s, pi_opt(s)) large; it plays every other step, and now and then starts anew from the other

The library's TD3 already takes the least of its critics in the target. So the subclass only makes its actor look at the least
as well, and adds the optimistic actor. With K = 1 and no optimistic steps it is TD3, number for number.

Deviations (of arXiv:2312.15965 and its authors' code):
OPARL-1. The optimistic actor is updated on a batch of its own, as often as the pessimistic one.
OPARL-2. Choosing among several noisy candidates the one on which the critics disagree most, an option of the paper, is left
    out.
OPARL-3. At a reset the optimiser of the optimistic actor forgets its moments.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import torch
from gymnasium import error, spaces
from stable_baselines3 import TD3
from stable_baselines3.common.policies import ContinuousCritic
from stable_baselines3.td3.policies import TD3Policy

from hicra.arrays import Array
from hicra.errors import ConfigError
from hicra.related.classic.refusals import refuse_ruined


class LeastCritic(ContinuousCritic):  # type: ignore[misc]
    """The library's K critics; what its TD3 shows the actor is their least value, and not the first one's."""

    def q1_forward(self, obs: Any, actions: Any) -> Any:
        """Returns min over k of Q_k, [B,1]."""
        return torch.cat(self(obs, actions), dim=1).min(dim=1, keepdim=True).values


class TwoActors(TD3Policy):  # type: ignore[misc]
    """TD3's networks with an optimistic actor beside the other; `exploring` says which of both plays."""

    exploring = False

    def _build(self, lr_schedule: Any) -> None:
        super()._build(lr_schedule)
        self.optimistic = deepcopy(self.actor)  # a copy draws no random numbers, so all else is as in TD3
        del self.optimistic.optimizer
        self.renew(lr_schedule(1))

    def renew(self, rate: float) -> None:
        """Gives the optimistic actor the weights of the pessimistic one, and an optimiser that remembers nothing."""
        self.optimistic.load_state_dict(self.actor.state_dict())
        self.optimistic.optimizer = self.optimizer_class(self.optimistic.parameters(), lr=rate, **self.optimizer_kwargs)

    def make_critic(self, features_extractor: Any = None) -> Any:
        """Returns new critics."""
        return LeastCritic(**self._update_features_extractor(self.critic_kwargs, features_extractor)).to(self.device)

    def _predict(self, observation: Any, deterministic: bool = False) -> Any:
        return (self.optimistic if self.exploring else self.actor)(observation)


class OPARL(TD3):  # type: ignore[misc]
    """TD3 with an optimistic actor that explores.

    Args:
        env: an environment, or the name of one; actions are vectors.
        critics: K.
        optimistic_every: the optimistic actor plays one of so many steps, in all environments that run side by side; 0 never,
            and it is not trained then.
        reset_every: updates after which it starts from the pessimistic one again.
        net_arch: widths of the hidden layers of every network.
        given: further arguments of TD3.

    Raises:
        ConfigError: a number is below its least, there is no such environment, or its actions or observations are no vectors.
    """

    def __init__(
        self,
        env: Any,
        critics: int = 5,
        optimistic_every: int = 2,
        reset_every: int = 20_000,
        net_arch: tuple[int, ...] = (256, 256),
        **given: Any,
    ) -> None:
        if critics < 1 or optimistic_every < 0 or reset_every < 1:
            raise ConfigError(
                f"{critics} critics, an optimistic step of {optimistic_every}, a reset every {reset_every} updates",
                "give 1 critic and 1 update or more; 0 optimistic steps are TD3",
            )
        self.optimistic_every, self.reset_every = optimistic_every, reset_every
        kwargs = {"n_critics": critics, "net_arch": list(net_arch)}
        try:
            super().__init__(TwoActors, env, policy_kwargs=kwargs, **given)
        except (
            AssertionError,
            error.Error,
        ) as refused:  # the library's check of the spaces, and a name that is not known
            raise ConfigError(
                f"OPARL cannot act in this environment: {refused}",
                "take one whose actions are vectors (Box) with finite bounds",
            ) from None
        if isinstance(self.observation_space, spaces.Dict):
            raise ConfigError(
                "OPARL cannot read this environment: its observations are a Dict",
                "put gymnasium.wrappers.FlattenObservation around it",
            )

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Updates critics and pessimistic actor as TD3 does, then the optimistic actor, step by step.

        Raises:
            DataError: a critic is not finite.
        """
        policy: Any = self.policy
        for _ in range(gradient_steps):
            super().train(1, batch_size)
            refuse_ruined(self._n_updates, critic=self.critic)
            if self.optimistic_every and self._n_updates % self.policy_delay == 0:
                self._optimism(policy, batch_size)
            if self._n_updates % self.reset_every == 0:
                policy.renew(self.lr_schedule(self._current_progress_remaining))

    def _optimism(self, policy: Any, batch_size: int) -> None:
        """Makes one step of the optimistic actor towards larger values of the most hopeful critic."""
        self._update_learning_rate(policy.optimistic.optimizer)
        seen = self.replay_buffer.sample(batch_size, env=self._vec_normalize_env).observations
        hoped = torch.cat(self.critic(seen, policy.optimistic(seen)), dim=1).max(dim=1).values.mean()
        policy.optimistic.optimizer.zero_grad()
        (-hoped).backward()
        policy.optimistic.optimizer.step()

    def _sample_action(self, learning_starts: int, action_noise: Any = None, n_envs: int = 1) -> tuple[Array, Array]:
        policy: Any = self.policy
        taken = self.num_timesteps // n_envs  # the library counts the steps of all environments together
        policy.exploring = self.optimistic_every > 0 and taken % self.optimistic_every == 0
        try:
            found: tuple[Array, Array] = super()._sample_action(learning_starts, action_noise, n_envs)
        finally:
            policy.exploring = False
        return found

    def values(self, observations: Array, optimistic: bool = False) -> dict[str, Array]:
        """Returns the least, mean and greatest value [N] of an actor's actions over the critics.

        Args:
            observations: [N,D].
            optimistic: of the optimistic actor, else of the pessimistic one.
        """
        policy: Any = self.policy
        with torch.no_grad():
            seen, _ = policy.obs_to_tensor(observations)
            actor = policy.optimistic if optimistic else policy.actor
            found = np.asarray(torch.cat(self.critic(seen, actor(seen)), dim=1).cpu().numpy())
        return {"least": found.min(axis=1), "mean": found.mean(axis=1), "greatest": found.max(axis=1)}
