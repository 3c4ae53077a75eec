"""The critic of a causal language model: a value for each word of the vocabulary wherever the model writes a token.

Its target, from which values are backed up, follows it by Polyak averaging. Nothing of its loss goes back into the policy.

Deviations:
ETPO-2. The authors hold four whole language models: policy, reference, critic and target. Here critic and target are copies of
    the start model as well, unless `own_trunk` is false: then they are heads that read what the policy's output matrix reads.
    The reference is asked once for each episode.
ETPO-3. The authors read the critic's logits as values. Here the head is new and has one hidden layer. Its last layer begins at 0,
    so before the first update every value is 0, and the policy that it asks for is the reference.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hicra.signal.gradients import EncodedRollouts, token_distributions


class TokenCritic:
    """Values of tokens, and the slow copy that targets are made from.

    Args:
        model: the policy, a causal LM of transformers with an output matrix.
        own_trunk: whether the critic reads with a copy of the policy's trunk that learns values; else it reads what the
            policy has read, and is a second head alone.
        hidden: width of the hidden layer of the head.
        seed: of the head's initial values.

    Attributes:
        online, target: the head and, with its own trunk, the copy of the model; the second is never trained.
    """

    def __init__(self, model: Any, *, own_trunk: bool = True, hidden: int = 128, seed: int = 0) -> None:
        vocabulary, inputs = model.get_output_embeddings().weight.shape
        first, last = nn.Linear(inputs, hidden), nn.Linear(hidden, vocabulary)
        chance = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            first.weight.normal_(0.0, inputs**-0.5, generator=chance)
            for zero in (first.bias, last.weight, last.bias):
                zero.zero_()
        parts = {"head": nn.Sequential(first, nn.SiLU(), last)}
        if own_trunk:
            parts["trunk"] = copy.deepcopy(model).requires_grad_(True)
        self.online = nn.ModuleDict(parts).to(next(model.parameters()).device).eval()
        self.target = copy.deepcopy(self.online).requires_grad_(False)

    def __call__(self, encoded: EncodedRollouts, seen: Tensor) -> Tensor:
        """Returns the values [B,T,V] of every word where the tokens of a batch stand.

        Args:
            encoded: the batch.
            seen: [B,T,D] what the policy has read there; no gradient goes back to it.
        """
        return self._values(self.online, encoded, seen)

    def slow(self, encoded: EncodedRollouts, seen: Tensor) -> Tensor:
        """Returns the values [B,T,V] by the target, without a gradient."""
        with torch.no_grad():
            return self._values(self.target, encoded, seen)

    def follow(self, polyak: float) -> None:
        """Moves the target: `polyak` of itself, and the rest of what the critic is now."""
        with torch.no_grad():
            for slow, fast in zip(self.target.parameters(), self.online.parameters(), strict=True):
                slow.lerp_(fast, 1 - polyak)

    def _values(self, parts: Any, encoded: EncodedRollouts, seen: Tensor) -> Tensor:
        if "trunk" in parts:
            _, seen, _ = read_with_inputs(parts["trunk"], encoded)
        else:
            seen = seen.detach()
        values: Tensor = parts["head"](seen)
        return values


def read_with_inputs(model: Any, encoded: EncodedRollouts) -> tuple[Tensor, Tensor, Tensor]:
    """Returns log-probabilities [B,T,V], what the output matrix has read for them [B,T,D], and the ids that were chosen [B,T].

    Args:
        model: a causal LM of transformers with an output matrix.
        encoded: the batch; every row has a token that the policy wrote, the longest at the end of its row.
    """
    read = list[Tensor]()
    hook = model.get_output_embeddings().register_forward_pre_hook(lambda _, given: read.append(given[0]))
    try:
        logs, chosen, places = token_distributions(model, encoded, np.arange(len(encoded.live)), 1.0)
    finally:
        hook.remove()
    (inputs,) = read
    return logs, inputs.gather(1, places[..., None].expand(-1, -1, inputs.shape[2])), chosen
