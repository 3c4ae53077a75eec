"""The critic of a causal language model: a value for each word of the vocabulary wherever the model writes a token.

It reads what the model's output matrix reads, and is a second head beside it. Nothing of its loss goes back into the model. Its
target, from which values are backed up, follows it by Polyak averaging.

Deviations:
ETPO-2. The authors hold four whole language models: policy, reference, critic and target. Here the critic and its target are heads
    on the policy's own trunk, and the reference is read once for each episode.
ETPO-3. A head has one hidden layer, since what the trunk has learnt for writing need not tell values on a line. Its last layer begins
    at 0, so before the first update every value is 0, and the policy that it asks for is the reference.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn


class TokenCritic(nn.Module):
    """Values of tokens, and the slow copy that targets are made from.

    Args:
        inputs: D, the width of the model.
        vocabulary: V, the number of its words.
        hidden: width of the hidden layer.
        seed: of the initial values.

    Attributes:
        online, target: map [...,D] to [...,V].
    """

    def __init__(self, inputs: int, vocabulary: int, *, hidden: int = 128, seed: int = 0) -> None:
        super().__init__()
        first, last = nn.Linear(inputs, hidden), nn.Linear(hidden, vocabulary)
        chance = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            first.weight.normal_(0.0, inputs**-0.5, generator=chance)
            for zero in (first.bias, last.weight, last.bias):
                zero.zero_()
        self.online = nn.Sequential(first, nn.SiLU(), last)
        self.target = copy.deepcopy(self.online).requires_grad_(False)

    def forward(self, seen: Tensor) -> Tensor:
        """Returns the values [...,V] of what was seen [...,D]; no gradient goes back to that."""
        values: Tensor = self.online(seen.detach())
        return values

    @torch.no_grad()
    def slow(self, seen: Tensor) -> Tensor:
        """Returns the values [...,V] by the target, without a gradient."""
        values: Tensor = self.target(seen)
        return values

    @torch.no_grad()
    def follow(self, polyak: float) -> None:
        """Moves the target: `polyak` of itself, and the rest of what the critic is now."""
        for slow, fast in zip(self.target.parameters(), self.online.parameters(), strict=True):
            slow.lerp_(fast, 1 - polyak)


def read_with_inputs(model: Any, encoded: Any, rows: Any, temperature: float) -> tuple[Tensor, Tensor, Tensor]:
    """Returns log-probabilities [b,t,V], what the output matrix has read for them [b,t,D], and the ids that were chosen [b,t].

    Args:
        model, encoded, rows, temperature: as for `hicra.signal.gradients.token_distributions`.
    """
    from hicra.signal.gradients import token_distributions

    read = list[Tensor]()
    hook = model.get_output_embeddings().register_forward_pre_hook(lambda _, given: read.append(given[0]))
    try:
        logs, chosen, places = token_distributions(model, encoded, rows, temperature)
    finally:
        hook.remove()
    (inputs,) = read
    return logs, inputs.gather(1, places[..., None].expand(-1, -1, inputs.shape[2])), chosen
