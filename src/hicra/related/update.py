"""One update of the policy on the rows of a generation: loss, gradient, clip of its norm, AdamW.

What the loss computes is the same as on TRL: a mean over the tokens of the whole generation, with a KL term to the start model
where one is asked for. Rows whose advantages are all 0 are left out where the loss can do nothing with them.

Deviations:
RELATED-3. A generation is trained on with `train.iterations` updates, all of them within one training step; probability ratios
    are against the policy before the first of them. The learning rate follows the training steps, not the updates.
RELATED-4. An update whose loss or gradient is not finite is not applied, as on TRL (TRAIN-3); neither is one that makes a weight
    so. Weight decay leaves vectors (the scales of norms) alone.
RELATED-5. With `train.micro_batch` 0, rows of similar length go through the model together, so many that it reads about 16,000
    tokens at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hicra.arrays import Bools, Floats, Ints
from hicra.credit import Loss
from hicra.credit.assignment import Picked
from hicra.credit.loss import averaged
from hicra.credit.own import is_own
from hicra.engines.interface import RISKY_RATE
from hicra.errors import DataError, EngineError
from hicra.related.rollouts import Row
from hicra.runs.sections import TrainConfig
from hicra.signal.gradients import EncodedRollouts, stopped, token_distributions

AT_ONCE = 2**14  # tokens of a forward pass


@dataclass
class Update:
    """What one update did.

    Attributes:
        loss: the value of the loss.
        norm: of the gradient before it was clipped.
        moving, clipped: numbers of tokens with an advantage, and of those among them that the loss does not move.
        refused: why it was not applied; "" if it was.
        still: whether it had no gradient, since every advantage was 0.
    """

    loss: float = 0.0
    norm: float = 0.0
    moving: int = 0
    clipped: int = 0
    refused: str = ""
    still: bool = False


class Updater:
    """Updates a model in place.

    Args:
        model: a causal LM of transformers.
        loss: the loss with its settings.
        train: the section of the config.
        reference: the start model, frozen, for the KL term; None where there is none.

    Attributes:
        optimizer: AdamW, whose state goes into checkpoints.
    """

    def __init__(self, model: Any, loss: Picked[Loss], train: TrainConfig, reference: Any = None) -> None:
        self.model, self.loss, self.train, self.reference = model, loss, train, reference
        named = [weight for weight in model.parameters() if weight.requires_grad]
        groups = [
            {"params": [one for one in named if one.ndim >= 2], "weight_decay": train.weight_decay},
            {"params": [one for one in named if one.ndim < 2], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=train.learning_rate, betas=(0.9, train.adam_beta2))

    def rate(self, step: int) -> float:
        """Returns the learning rate of a training step, from 1: it rises from 0 over the warm-up and is constant then."""
        warm = self.train.warmup_steps
        return self.train.learning_rate * (min(1.0, (step - 1) / warm) if warm else 1.0)

    def updates(self, rows: Sequence[Row], arrays: Mapping[str, Any], step: int) -> list[Update]:
        """Trains on a generation.

        Args:
            rows: B rows, for what was read before each.
            arrays: response_ids, response_mask and advantages [B,T].
            step: the training step.
        """
        encoded = encoded_of(rows, arrays["response_ids"], arrays["response_mask"])
        advantages = np.where(encoded.live, arrays["advantages"], 0.0)
        old: dict[int, Tensor] = {}
        return [self._update(encoded, advantages, old, step) for _ in range(self.train.iterations)]

    def _update(self, encoded: EncodedRollouts, advantages: Floats, old: dict[int, Tensor], step: int) -> Update:
        """Does one update; `old` gets the log-probabilities of each row at the first one."""
        made = Update(moving=int((advantages != 0).sum()))
        made.still = not made.moving
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        for rows in self._parts(encoded, self._used(encoded, advantages)):
            value, clipped = self._part(encoded, rows, advantages, old)
            if not np.isfinite(value):
                made.refused = f"the loss {self.loss.entry.name!r} is not finite"
                break
            made.loss, made.clipped = made.loss + value, made.clipped + clipped
        weights = [weight for group in self.optimizer.param_groups for weight in group["params"]]
        if not made.refused:
            for weight in weights:
                if weight.grad is None:  # where nothing moves, the momentum of Adam still does, as on TRL
                    weight.grad = torch.zeros_like(weight)
            made.norm = float(torch.nn.utils.clip_grad_norm_(weights, self.train.max_grad_norm))
            made.refused = "" if np.isfinite(made.norm) else "the gradient is not finite"
        if not made.refused and not (made.still and self.train.skip_without_gradient):
            made.refused = self._apply(weights, self.rate(step))
        self.optimizer.zero_grad(set_to_none=True)
        self.model.eval()
        return made

    def _apply(self, weights: Sequence[Tensor], rate: float) -> str:
        """Moves the weights; returns what was wrong, where they were put back.

        Adam moves a weight by a few times the learning rate at most, so below a rate of 1 no finite weight overflows, and no copy
        is kept.
        """
        before = [weight.detach().clone() for weight in weights] if rate >= RISKY_RATE else []
        state = {
            weight: {name: value.clone() for name, value in self.optimizer.state.get(weight, {}).items()}
            for weight in weights[: len(before)]
        }
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        if all(bool(torch.isfinite(weight).all()) for weight in weights):
            return ""
        if not before:
            raise EngineError(
                f"a weight is not finite after an update with the learning rate {rate:g}",
                "lower train.learning_rate, and go on from the newest checkpoint",
            )
        for weight, value in zip(weights, before, strict=True):
            weight.data.copy_(value)
            self.optimizer.state[weight] = state[weight]
        return "a weight is not finite"

    def _part(
        self, encoded: EncodedRollouts, rows: Ints, advantages: Floats, old: dict[int, Tensor]
    ) -> tuple[float, int]:
        """Adds the gradient of some rows; returns their share of the loss, and how many tokens it does not move."""
        every, chosen, _ = token_distributions(self.model, encoded, rows, self.train.temperature)
        logps = every.gather(2, chosen[..., None])[..., 0]
        width = logps.shape[1]
        live = torch.from_numpy(encoded.live[rows, :width]).to(logps.device)
        given = torch.from_numpy(advantages[rows, :width]).to(logps.device, logps.dtype)
        for place, row in enumerate(rows.tolist()):
            old.setdefault(row, logps[place].detach().clone())
        before = torch.stack([old[row][:width] for row in rows.tolist()])
        batch = {"entropies": torch.special.entr(every.exp()).sum(-1)} if self.loss.entry.needs else {}
        settings = dict(self.loss.settings)
        tokens = self.loss.entry.tokens(logps, before, given, live, batch, **settings)
        count, longest = int(encoded.live.sum()), settings["most_tokens"] or encoded.live.shape[1]
        policy = averaged(tokens, live, settings["mean"], count, len(encoded.live), longest)
        loss = policy
        if self.reference is not None:
            with torch.no_grad():
                of_start, _, _ = token_distributions(self.reference, encoded, rows, self.train.temperature)
            apart = of_start.gather(2, chosen[..., None])[..., 0] - logps
            loss = loss + self.train.kl * averaged(apart.exp() - apart - 1, live, "tokens", count, 1, 1)
        value, clipped = float(loss.detach()), int(stopped(policy, logps, given, live))
        if loss.requires_grad and np.isfinite(value):
            loss.backward()
        return value, clipped

    def _used(self, encoded: EncodedRollouts, advantages: Floats) -> Ints:
        """Returns the rows that can give a gradient."""
        entry = self.loss.entry
        every = self.reference is not None or entry.needs or entry.by_part or is_own(entry)
        return np.flatnonzero((encoded.live if every else advantages != 0).any(axis=1))

    def _parts(self, encoded: EncodedRollouts, rows: Ints) -> Iterator[Ints]:
        """Yields the rows in parts that go through the model together, the longest first."""
        ends = encoded.live.shape[1] - encoded.live[:, ::-1].argmax(axis=1)
        lengths = np.array([len(one) for one in encoded.prompts]) + ends
        rows = rows[np.argsort(-lengths[rows], kind="stable")]
        while len(rows):
            size = self.train.micro_batch or max(1, AT_ONCE // int(lengths[rows[0]]))
            yield rows[:size]
            rows = rows[size:]


def encoded_of(rows: Sequence[Row], ids: Ints, live: Bools) -> EncodedRollouts:
    """Returns rows as the functions that read a model take them.

    Raises:
        DataError: a row has nothing that was read before its first token.
    """
    for number, row in enumerate(rows):
        if not row.context:
            raise DataError(
                f"row {number} has no context", "put what is read first into the context of a row, not into its tokens"
            )
    return EncodedRollouts([row.context for row in rows], ids, live)
