"""SAC of stable-baselines3 whose actor also imitates: psi times the squared error to what was demonstrated.

The gradient of the imitation is added to that of SAC just before the optimiser of the actor steps, so the step is one of the
sum. With psi = 0 nothing is added, nothing is drawn, and the learner is SAC, number for number.

Deviations (arXiv:2306.06394 is known from descriptions and from the code of a sibling method):
PEAR-3. The imitation is behaviour cloning, the squared error of the actor's mean action. The form with a discriminator is not
    built, nor the margin that keeps values of unseen subgoals down.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from stable_baselines3 import SAC

from hicra.arrays import Array
from hicra.errors import ConfigError
from hicra.related.classic.refusals import refuse_ruined

Shown = tuple[Any, Array]  # observations as the policy takes them, and actions [n,A] between -1 and 1


class ImitatingSAC(SAC):  # type: ignore[misc]
    """SAC with imitation in the gradient of its actor; see `imitate`."""

    def imitate(self, psi: float, draw: Callable[[], Shown | None]) -> None:
        """Adds imitation from now on.

        Args:
            psi: weight of the imitation; 0 leaves SAC as it is.
            draw: gives a batch that is imitated at the next step of the actor, or None where there is nothing yet.

        Raises:
            ConfigError: psi is below 0.
        """
        if not psi >= 0:
            raise ConfigError(f"psi is {psi}", "give a weight of 0 or more")
        if psi:
            self.actor.optimizer.register_step_pre_hook(lambda *_: self._add_imitation(psi, draw))

    def train(self, gradient_steps: int, batch_size: int = 64) -> None:
        """Updates critics and actor as SAC does.

        Raises:
            DataError: a weight is not finite.
        """
        try:
            super().train(gradient_steps, batch_size)
        except ValueError:  # so the library ends where its actor is not finite
            refuse_ruined(self._n_updates, critic=self.critic, actor=self.actor)
            raise
        refuse_ruined(self._n_updates, critic=self.critic, actor=self.actor)

    def _add_imitation(self, psi: float, draw: Callable[[], Shown | None]) -> None:
        if (shown := draw()) is None:
            return
        loss = psi * self.imitation_loss(*shown)
        parameters = [one for one in self.actor.parameters() if one.grad is not None]
        for one, gradient in zip(parameters, torch.autograd.grad(loss, parameters, allow_unused=True), strict=True):
            if gradient is not None:
                one.grad += gradient

    def imitation_loss(self, observations: Any, actions: Array) -> torch.Tensor:
        """Returns the mean squared error of the actor's mean actions, between -1 and 1, a number."""
        seen, _ = self.policy.obs_to_tensor(observations)
        shown = torch.as_tensor(actions, dtype=torch.float32, device=self.device)
        loss: torch.Tensor = torch.nn.functional.mse_loss(self.actor(seen, deterministic=True), shown)
        return loss
