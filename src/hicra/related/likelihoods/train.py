"""Trains a masked-diffusion model on a puzzle with the loss of whole responses; one step is one batch, and mu updates on it.

    sample G responses for each of some prompts, and score them
    draw mask seeds [B, mu, n_mc], and keep them with the batch
    for u in 1..mu:  old and reference parts under seeds[:, u], without gradient, before the first update
    for u in 1..mu:  loss of the policy's parts under seeds[:, u] against those; one update

Deviations:
ESPO-9. `advantage: loo` is the authors' code, the reward less the mean of the others of its group; `none` is the paper's, less
    the mean of the group. Neither is divided by the standard deviation.
ESPO-10. All weights are trained, by AdamW without weight decay, where the authors train adapters of low rank.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import Field
from safetensors.torch import load_file, save_file
from torch import Tensor

from hicra.arrays import as_numpy
from hicra.artifacts import atomic_dir, canonical_json, read_json, write_text
from hicra.credit import group_advantages
from hicra.errors import ArtifactError, ConfigError, EngineError
from hicra.related.likelihoods.denoiser import WEIGHTS, Denoiser
from hicra.related.likelihoods.elbo import ELBO
from hicra.related.likelihoods.interface import Sequences
from hicra.related.likelihoods.loss import Objective, response_losses
from hicra.related.likelihoods.pretrain import joined
from hicra.related.likelihoods.puzzle import Puzzle
from hicra.related.likelihoods.sample import respond
from hicra.strict import Count, Flat, Positive

Above = Annotated[float, Field(gt=0)]
OPTIMIZER, REFERENCE, STATE = "optimizer.safetensors", "reference.safetensors", "state.json"
SEEDS = 2**62  # mask seeds are below
FIX = "train again from the start model"


class ESPOSettings(Flat):
    """Settings of the training.

    Attributes:
        prompts: problems of a step, drawn without replacement.
        group_size: G, responses to each.
        mu: updates on a batch; the paper has 8.
        n_mc: mask seeds of an estimate; `coupled` masks are two of each.
        masks: of the likelihood, as `ELBO` has them.
        advantage: `loo` or `none` (ESPO-9).
        objective: the loss.
        learning_rate: constant.
        grad_norm: the longest gradient of an update; a longer one is cut to it.
        reference_every: steps after which the reference becomes the policy.
        block, steps: of sampling; None is one block, and one step a token.
        temperature: of sampling.
        seed: of prompts, responses and masks.
    """

    prompts: Positive = 4
    group_size: Annotated[int, Field(ge=2)] = 8
    mu: Positive = 4
    n_mc: Positive = 2
    masks: Literal["coupled", "plain", "mean_field"] = "coupled"
    advantage: Literal["loo", "none"] = "loo"
    objective: Objective = Objective()
    learning_rate: Above = 3e-4
    grad_norm: Above = 0.2
    reference_every: Positive = 64
    block: Positive | None = None
    steps: Positive | None = None
    temperature: Above = 1.0
    seed: Count = 0


class ESPO:
    """Trains a model in place.

    What a step draws depends on the seed and the step's number alone, so a training that is gone on with takes the same way.

    Args:
        model: the start model.
        puzzle: its problems; prompt and response must fit the model.
        settings: those of the training.

    Attributes:
        step: number of steps made.

    Raises:
        ConfigError: the model was made for other symbols than the puzzle's, or a step wants more problems than there are.
    """

    def __init__(self, model: Denoiser, puzzle: Puzzle, settings: ESPOSettings) -> None:
        self.model, self.puzzle, self.settings, self.step = model, puzzle, settings, 0
        self.reference = Denoiser(**model.sizes)
        self.reference.load_state_dict(model.state_dict())
        self.optimizer = torch.optim.AdamW(
            model.parameters(), lr=settings.learning_rate, betas=(0.9, 0.99), weight_decay=0.0
        )
        self._problems = puzzle.prompts("train")
        if model.sizes["symbols"] != puzzle.symbols:
            raise ConfigError(
                f"the model knows {model.sizes['symbols']} symbols, and the puzzle has {puzzle.symbols}",
                "take a model that was made for this puzzle",
            )
        if settings.prompts > len(self._problems):
            raise ConfigError(
                f"prompts is {settings.prompts}, and the puzzle has {len(self._problems)} problems to train on",
                "lower prompts, or give the puzzle more problems",
            )

    def take(self) -> dict[str, float]:
        """Takes one step.

        Returns:
            `reward` and `solved` (means of the batch), `mixed` (share of groups whose rewards differ), and means over the
            updates of `loss`, `ratio`, `clipped`, `kl`, `grad_norm` (before it is cut) and `bound` (of the policy, nats a token).

        Raises:
            EngineError: a loss or gradient is not finite.
        """
        chosen = self.settings
        chance = np.random.default_rng([chosen.seed, self.step])
        problems = self._problems[chance.choice(len(self._problems), chosen.prompts, replace=False)]
        prompts = problems.repeat_interleave(chosen.group_size, dim=0)
        responses = self.answers(prompts, chosen.temperature, int(chance.integers(SEEDS)))
        scores = self.puzzle.score(prompts, responses)
        groups = np.repeat(np.arange(chosen.prompts), chosen.group_size)
        advantages = torch.from_numpy(group_advantages(scores.rewards, groups, chosen.advantage)).float()
        seeds = torch.from_numpy(chance.integers(SEEDS, size=(len(prompts), chosen.mu, chosen.n_mc)))
        told = self._update(joined(prompts, responses), advantages, seeds)
        self.step += 1
        if self.step % chosen.reference_every == 0:
            self.reference.load_state_dict(self.model.state_dict())
        mixed = (as_numpy(advantages).reshape(chosen.prompts, -1) != 0).any(1).mean()
        return {
            "reward": float(scores.rewards.mean()), "solved": float(scores.solved.mean()), "mixed": float(mixed), **told,
        }  # fmt: skip

    def answers(self, prompts: Tensor, temperature: float, seed: int) -> Tensor:
        """Samples one response to each prompt [N,P] by the model as it is, [N,L]."""
        length = self.puzzle.response_length
        return respond(
            self.model, self.model.mask_id, prompts, length, block=self.settings.block or length,
            steps=self.settings.steps or length, temperature=temperature, chance=torch.Generator().manual_seed(seed),
        )  # fmt: skip

    def held_out(self, seed: int = 0) -> dict[str, float]:
        """Returns the mean `reward` and `solved` of one response, at temperature 1, to each held-out problem."""
        prompts = self.puzzle.prompts("eval")
        scores = self.puzzle.score(prompts, self.answers(prompts, 1.0, seed))
        return {"reward": float(scores.rewards.mean()), "solved": float(scores.solved.mean())}

    def _update(self, sequences: Sequences, advantages: Tensor, seeds: Tensor) -> dict[str, float]:
        """Makes the mu updates of a batch, and returns the means of what is told of them."""
        mu, objective = self.settings.mu, self.settings.objective
        bound = ELBO(self.model, self.model.mask_id, self.settings.masks)
        beside = ELBO(self.reference, self.model.mask_id, self.settings.masks)
        with torch.no_grad():
            old = [bound.parts(sequences, seeds[:, update]) for update in range(mu)]
            reference = [beside.parts(sequences, seeds[:, update]) if objective.beta else None for update in range(mu)]
        told: list[dict[str, float]] = []
        for update in range(mu):
            parts = bound.parts(sequences, seeds[:, update])
            losses, values = response_losses(
                parts, old[update], reference[update], advantages, sequences.live, objective
            )
            loss = losses.mean()
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.grad_norm)
            if not bool(torch.isfinite(loss) & torch.isfinite(norm)):
                raise EngineError(
                    f"step {self.step + 1}, update {update + 1}: the loss is {loss.item()}, its gradient's norm {norm.item()}",
                    "lower learning_rate, or choose kl: k2, whose gradient does not explode",
                )
            self.optimizer.step()
            of_token = float((parts.detach().sum(-1) / sequences.lengths).mean())
            told.append({"loss": loss.item(), **values, "grad_norm": norm.item(), "bound": of_token})
        return {name: float(np.mean([one[name] for one in told])) for name in told[0]}


def save_training(training: ESPO, folder: Path) -> None:
    """Writes what is needed to go on into a folder, which is replaced whole."""
    with atomic_dir(folder, overwrite=True) as made:
        save_file(training.model.state_dict(), made / WEIGHTS)
        save_file(training.reference.state_dict(), made / REFERENCE)
        save_file(_moments(training), made / OPTIMIZER)
        write_text(made / STATE, canonical_json({"step": training.step}))


def resume_training(training: ESPO, folder: Path) -> None:
    """Puts a training that was just made where a saved one was.

    Raises:
        ArtifactError: a file is missing or damaged, or is of another model.
    """
    state: dict[str, Any] = read_json(folder / STATE, FIX)
    try:
        training.model.load_state_dict(load_file(folder / WEIGHTS))
        training.reference.load_state_dict(load_file(folder / REFERENCE))
        named = dict(training.model.named_parameters())
        for key, value in load_file(folder / OPTIMIZER).items():
            part, _, name = key.partition("/")
            training.optimizer.state[named[name]][part] = value
        training.step = int(state["step"])
    except Exception as error:  # torch and safetensors raise errors of their own
        raise ArtifactError(f"{folder} cannot be gone on from: {error!r}", FIX) from None


def _moments(training: ESPO) -> dict[str, Tensor]:
    """Returns the optimizer's tensors by part and weight."""
    return {
        f"{part}/{name}": value
        for name, weight in training.model.named_parameters()
        for part, value in training.optimizer.state.get(weight, {}).items()
    }
