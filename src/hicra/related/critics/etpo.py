"""ETPO: a language agent learns by the soft Bellman backup of its tokens (Wen et al. 2024, arXiv:2402.06700).

A step plays episodes, and then updates critic and policy a few times on the newest ones. It plays by the same code and in the
same prompts as the flat agents of the engine `related` (`hicra.related.agents.flat`), so that what they differ in is the
credit. It is a loop of its own, since a critic with a state and losses over the whole vocabulary are no baseline, shaper and
loss of one number a token.

What is certain: both losses, the backup and the target critic, from the paper's abstract and the authors' code. What is a
reconstruction: the heads (ETPO-2, ETPO-3) and the settings of so small a scale.

Deviations:
ETPO-5. Their settings are those of a model of 7 billion weights (beta 0.01, Lion at 1e-6, Polyak 0.995). The defaults here
    are of small networks: AdamW, larger rates, a faster target, several updates on a generation. gamma is theirs, 0.99.
ETPO-6. They sample at temperature 0.5 from the 50 likeliest words; here it is temperature 1 from all, the policy that is trained.
ETPO-7. An episode that the clock ends counts as ended: nothing follows its last action. So does theirs.
ETPO-8. With `replay` above 1 also episodes of the generations before are learnt from. A backup takes the expectation under
    the policy as it now is, so they need no correction. Their code has such a buffer, of one generation.
ETPO-9. Policy and critic take their step on the same batch, the policy by the critic as it was before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from pydantic import Field

from hicra.errors import ConfigError, EngineError
from hicra.related.agents.execute import Manner, Played
from hicra.related.agents.stage import Stage, Wanted, figures_of, interactions_of
from hicra.related.critics.backup import token_targets
from hicra.related.critics.critic import TokenCritic, read_with_inputs
from hicra.related.critics.experience import Episode, Lesson, encoded_rows, lesson_of, plain_row
from hicra.related.critics.losses import policy_loss, value_loss
from hicra.related.critics.places import credit_by_place, places_of
from hicra.related.critics.soft import divergence, policy_value, soft_value
from hicra.related.system import Arena, accuracy
from hicra.runs.sections import TrainConfig
from hicra.strict import Flat, Positive, Share


class ETPOSettings(Flat):
    """The settings of ETPO."""

    beta: Annotated[float, Field(gt=0)] = Field(default=0.1, description="Weight of the KL term, in units of reward.")
    gamma: Share = Field(default=0.99, description="Discount of an action; there is none inside an action.")
    polyak: Share = Field(default=0.9, description="Share of itself that the target critic keeps at an update.")
    critic_rate: Annotated[float, Field(gt=0)] = Field(
        default=1e-3, description="Learning rate of the critic, by AdamW."
    )
    own_trunk: bool = Field(
        default=True, description="Whether the critic has a trunk of its own, a copy of the start model's."
    )
    hidden: Positive = Field(default=128, description="Width of the hidden layer of the critic.")
    replay: Positive = Field(default=4, description="Generations that are learnt from, the newest among them.")
    updates: Positive = Field(default=8, description="Updates on each generation, each on a batch of its size.")


class ETPO:
    """Trains a model in place.

    Args:
        model: a causal LM of transformers with an output matrix; the policy.
        reference: the start model, which is never changed; its distance is what the KL term measures.
        place: where it plays; its policy samples from `model` at temperature 1.
        settings: of ETPO.
        train: learning rate of the policy, the norm that both gradients are clipped to, and the seed of the critic's initial
            values and of the batches.

    Attributes:
        critic: of the policy.

    Raises:
        ConfigError: the two models have different vocabularies.
    """

    Settings: ClassVar[type[Flat]] = ETPOSettings

    def __init__(self, model: Any, reference: Any, place: Arena, settings: ETPOSettings, train: TrainConfig) -> None:
        output, words = model.get_output_embeddings(), reference.get_output_embeddings().weight.shape[0]
        if output.weight.shape[0] != words:
            raise ConfigError(
                f"the policy has {output.weight.shape[0]} words and the reference {words}",
                "take the start model of the policy as the reference",
            )
        self.model, self.reference, self.place, self.settings = model, reference.eval(), place, settings
        self.critic = TokenCritic(model, own_trunk=settings.own_trunk, hidden=settings.hidden, seed=train.seed)
        self._of_policy = torch.optim.AdamW(model.parameters(), lr=train.learning_rate, weight_decay=0.0)
        self._of_critic = torch.optim.AdamW(self.critic.online.parameters(), lr=settings.critic_rate, weight_decay=0.0)
        self._norm = train.max_grad_norm
        self._kept: deque[list[Episode]] = deque(maxlen=settings.replay)
        self._chance = np.random.default_rng(train.seed)
        self.model.eval()  # dropout would make other policies

    def take(self, seeds: Sequence[int]) -> dict[str, float]:
        """Plays one episode of each seed, and learns; returns the figures of the step by name.

        Raises:
            EngineError: a loss or a gradient is not finite.
        """
        played = Stage(self.place).execute([Wanted(seed) for seed in seeds], Manner(self.place.most))
        newest = self.episodes(played)
        self._kept.append(newest)
        known = [one for generation in self._kept for one in generation]
        figures = [self._update(self._batch(known, len(seeds))) for _ in range(self.settings.updates)]
        advantages, lesson = self.advantages(newest)
        by_place = credit_by_place(advantages, places_of(lesson.action_ids, lesson.mask))
        return {
            "hicra/accuracy": accuracy([one.success for one in played]),
            "hicra/reward": float(np.mean([one.reward for one in played])),
            "hicra/interactions": float(interactions_of(played)),
            **{f"etpo/{name}": float(np.mean([one[name] for one in figures])) for name in figures[0]},
            "etpo/invalid_actions": figures_of(played)["invalid_actions"],
            **{f"etpo/credit_{place}": float(one) for place, one in enumerate(by_place)},
        }

    def episodes(self, played: Sequence[Played]) -> list[Episode]:
        """Returns episodes with what the reference says of their tokens."""
        rows = [plain_row(one) for one in played]
        encoded, _ = encoded_rows(rows, self.place.codec.pad)
        with torch.no_grad():
            log_rho, _, _ = read_with_inputs(self.reference, encoded)
        lengths = [len(row.ids) for row in rows]
        return [
            Episode(row, tuple(one.rewards), log_rho[number, : lengths[number]])
            for number, (row, one) in enumerate(zip(rows, played, strict=True))
        ]

    def advantages(self, episodes: Sequence[Episode]) -> tuple[Any, Lesson]:
        """Returns Q(s, w_<j, w_j) - V(s, w_<j) of each token, [B,T] float64, 0 where the policy wrote nothing, and the batch."""
        lesson = lesson_of(episodes, self.place.codec.pad)
        with torch.no_grad():
            _, seen, chosen = read_with_inputs(self.model, lesson.encoded)
            q = self.critic(lesson.encoded, seen)
            apart = q.gather(2, chosen[..., None])[..., 0] - soft_value(q, lesson.log_rho, self.settings.beta)
        return np.where(lesson.mask, apart.double().cpu().numpy(), 0.0), lesson

    def _batch(self, known: Sequence[Episode], size: int) -> Lesson:
        """Returns a batch of a generation's size, each episode at most once."""
        chosen = range(len(known)) if len(known) <= size else self._chance.permutation(len(known))[:size].tolist()
        return lesson_of([known[one] for one in chosen], self.place.codec.pad)

    def _update(self, lesson: Lesson) -> dict[str, float]:
        """Does one update of policy and critic; returns its figures."""
        beta = self.settings.beta
        log_pi, seen, chosen = read_with_inputs(self.model, lesson.encoded)
        mask = torch.from_numpy(lesson.mask).to(log_pi.device)
        with torch.no_grad():
            values = policy_value(self.critic.slow(lesson.encoded, seen), log_pi, lesson.log_rho, beta)
        made = token_targets(values.cpu(), lesson.rewards, lesson.action_ids, lesson.mask, self.settings.gamma)
        targets = torch.from_numpy(made).to(log_pi)
        q = self.critic(lesson.encoded, seen)
        of_values = value_loss(q, chosen, targets, mask)
        of_policy = policy_loss(log_pi, q, lesson.log_rho, beta, mask)
        self._step(self._of_policy, of_policy, "policy")
        self._step(self._of_critic, of_values, "critic")
        self.critic.follow(self.settings.polyak)
        with torch.no_grad():
            apart = divergence(log_pi, lesson.log_rho)[mask].mean()
        return {
            "value_loss": of_values.item(), "policy_loss": of_policy.item(), "kl": apart.item(),
            "value": values[mask].mean().item(),
        }  # fmt: skip

    def _step(self, optimizer: Any, loss: Any, name: str) -> None:
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(weights, self._norm)
        if not (torch.isfinite(loss) and torch.isfinite(norm)):
            raise EngineError(
                f"the loss or the gradient of the {name} is not finite",
                "lower train.learning_rate and system.settings.critic_rate, or raise system.settings.beta",
            )
        optimizer.step()
