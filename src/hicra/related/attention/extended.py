"""Extending token computation (Liao and Vargas 2024, arXiv:2403.14932): deeper layers attend more where the first layer does.

In layer 0, each head has the set M = {(i, j): a_0(i, j) > threshold, j != i} of queries i and keys j. In every later layer l, up
to the last one h, the weights of the same head on M are multiplied by 1 + alpha (1 - l / h) after the softmax. Rows are not
normalised again, so a row then sums to 1 + alpha (1 - l / h) times its mass on M. Layer 0 and layer h stay as they are.

    with extended_attention(model, alpha=0.2):
        model.generate(**inputs)

Nothing is trained. In reinforcement learning the same patch must be on while sampling and while log-probabilities are computed,
since the model with it is another policy than the model without.

Deviations:
EXTEND-1. The heads of layer 0 and of later layers are paired by their number. Heads that share keys and values (grouped queries)
    each have a set of their own, as each query head has weights of its own; the authors' model shares none.
EXTEND-2. With a cache, M of a query is found when the query is computed, and its own key is the last one that it may look at. So
    a sequence that is read in pieces gets what it gets in one go; the cache must have been filled under the same patch.
EXTEND-3. Padding has no meaning of its own here: what a mask hides has weight 0 and is never in M.
EXTEND-4. Set and factor are those of the authors' code. Their paper writes A_l + A_l (1 - l / h) outside of a set that it
    excludes, without alpha.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hicra.errors import ConfigError, DataError, EngineError
from hicra.generation.attention import Layer, attention_weights, check_model

ALPHA, THRESHOLD = 0.2, 0.01  # the authors'


def factor(alpha: float, layer: int, last: int) -> float:
    """Returns 1 + alpha (1 - l / h), by which layer l of 1 to h multiplies weights; 1 in the last layer."""
    return 1.0 + alpha * (1.0 - layer / last)


@contextmanager
def extended_attention(
    model: Any, *, alpha: float = ALPHA, threshold: float = THRESHOLD, everywhere: bool = False
) -> Iterator[None]:
    """Patches a model for as long as the block lasts; `attention_weights` says what may be patched, and what is restored.

    Args:
        model: a causal LM of transformers with L layers.
        alpha: strength, at least 0; 0 changes nothing, bit for bit.
        threshold: the least weight in layer 0 that is in M is above this; in [0, 1).
        everywhere: a control: every later layer multiplies all of its weights, whatever layer 0 attends to.

    Raises:
        ConfigError: a setting is out of its range, or the model cannot be patched.
        DataError: in the block, a sequence has more tokens than the model has positions.
        EngineError: in the block, a layer has other heads or keys than layer 0, or is computed without it.
    """
    if not (math.isfinite(alpha) and alpha >= 0):
        raise ConfigError(f"alpha is {alpha}, it must be a number of at least 0", "the authors use alpha=0.2")
    if not 0 <= threshold < 1:
        raise ConfigError(f"threshold is {threshold}, it must lie in [0, 1)", "the authors use threshold=0.01")
    check_model(model)
    last = int(model.config.num_hidden_layers) - 1
    with attention_weights(model, _Extended(alpha, threshold, everywhere, last, _positions(model))):
        yield


class _Extended:
    """Keeps M of layer 0 for one forward pass of one thread."""

    def __init__(self, alpha: float, threshold: float, everywhere: bool, last: int, positions: int | None) -> None:
        self.alpha, self.threshold, self.everywhere = alpha, threshold, everywhere
        self.last, self.positions = last, positions
        self.kept = threading.local()

    def __call__(self, layer: Layer) -> Any:
        if layer.number == 0:
            self._begin(layer)
            return None
        if not self.alpha or layer.number == self.last:
            self.kept.chosen = None  # what the first layer chose is of this forward pass alone
            return None
        by = factor(self.alpha, layer.number, self.last)
        if self.everywhere:
            return layer.weights * by
        return layer.weights * self._chosen(layer).to(layer.weights.dtype).mul_(by - 1.0).add_(1.0)

    def _begin(self, layer: Layer) -> None:
        import torch

        keys = layer.weights.shape[-1]
        if self.positions is not None and keys > self.positions:
            raise DataError(
                f"the sequence has {keys} tokens, and the model has {self.positions} positions",
                "cut the prompt, or allow fewer new tokens",
            )
        if self.alpha and self.last and not self.everywhere:
            other = torch.arange(keys, device=layer.weights.device) != layer.own()
            self.kept.chosen = (layer.weights > self.threshold) & other

    def _chosen(self, layer: Layer) -> Any:
        chosen = getattr(self.kept, "chosen", None)
        if chosen is None:
            raise EngineError(
                f"layer {layer.number} is computed without layer 0, whose weights choose where it attends more",
                "turn gradient checkpointing off, which computes layers one by one; a model whose first layer has no softmax "
                "attention cannot be patched",
            )
        if chosen.shape[1] != layer.weights.shape[1]:
            raise EngineError(
                f"layer {layer.number} has {layer.weights.shape[1]} heads and layer 0 has {chosen.shape[1]}, so heads cannot be "
                "paired by their number",
                "take a model whose layers have equally many heads, or everywhere=True",
            )
        if chosen.shape != layer.weights.shape:
            raise EngineError(
                f"layer {layer.number} looks at {layer.weights.shape[-1]} keys and layer 0 at {chosen.shape[-1]}",
                "take a model whose layers all look at the same keys, or sequences within its sliding window",
            )
        return chosen


def _positions(model: Any) -> int | None:
    found = getattr(model.config, "max_position_embeddings", None)
    return None if found is None else int(found)
