"""Shows the attention weights of a transformers model to a function, layer by layer, and may put others in their place.

    with attention_weights(model, look):
        model(input_ids=ids)      # calls look(Layer(number, weights, mask)) once a layer

It registers one more implementation with transformers' attention interface for as long as the block lasts, and the model's own
eager function computes in it. So only one layer's weights exist at a time, for any model whose layers call that interface.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from hicra.errors import ConfigError, EngineError

PREFIX = "hicra_attention_"
REPLACEABLE = ("eager", "sdpa")  # what the eager function computes, too
_numbers = itertools.count()


@dataclass(frozen=True)
class Layer:
    """The attention of one layer in one forward pass.

    Attributes:
        number: the layer, from 0.
        weights: [B,H,Q,K] after the softmax: Q queries, and K keys with those of the cache.
        mask: [B,1,Q,K] what was added to the scores, 0 where a query may look; None where all keys were visible.
    """

    number: int
    weights: Any
    mask: Any

    def own(self) -> Any:
        """Returns the place of each query among the keys, [B or 1,1,Q,1]: the last key that it may look at."""
        queries, keys = self.weights.shape[-2:]
        places = torch.arange(keys, device=self.weights.device)
        if self.mask is None:
            return (places[keys - queries :])[None, None, :, None]
        return torch.where(self.mask == 0, places, -1).amax(dim=-1, keepdim=True)


Look = Callable[[Layer], Any]


@contextmanager
def attention_weights(model: Any, look: Look) -> Iterator[None]:
    """Calls a function with the attention of every layer, in every forward pass inside of the block.

    Blocks may be nested on one model: the inner one sees, and changes, what the outer one has made. Several threads may call a
    model inside of a block, but one thread enters and leaves the blocks of a model. Models that share one config object are shown
    together. After the block, also after an error, the model has the implementation that it had before, and the interface the
    names that it had.

    Args:
        model: a causal LM of transformers, in any implementation that `REPLACEABLE` names.
        look: takes a `Layer`; returns weights [B,H,Q,K] to be used in place of those, or None to leave them.

    Raises:
        ConfigError: the model does not use the attention interface, is no single decoder, or has another implementation. In the
            block, EngineError where a layer's attention is not its weights times its values, so that other weights mean nothing.
    """
    before = check_model(model)
    from transformers.masking_utils import AttentionMaskInterface, eager_mask
    from transformers.modeling_utils import AttentionInterface

    name = f"{PREFIX}{next(_numbers)}"
    inner = AttentionInterface._global_mapping[before] if before.startswith(PREFIX) else None
    AttentionInterface.register(name, _attend(look, inner))
    AttentionMaskInterface.register(name, eager_mask)
    try:
        model.set_attn_implementation(name)
        yield
    finally:
        model.set_attn_implementation(before)
        for interface in (AttentionInterface, AttentionMaskInterface):
            interface._global_mapping.pop(name)  # there is no public way back from `register`


def check_model(model: Any) -> str:
    """Returns the attention implementation of a model; raises ConfigError where `attention_weights` cannot replace it."""
    kind = type(model).__name__
    if not (getattr(model, "_supports_attention_backend", False) and hasattr(model, "set_attn_implementation")):
        raise ConfigError(
            f"{kind} does not compute its attention through transformers' attention interface",
            "take a causal LM of transformers that does, such as Llama, Qwen or Gemma (of a peft model give get_base_model())",
        )
    config = model.config
    if config.get_text_config() is not config or getattr(config, "is_encoder_decoder", False):
        raise ConfigError(
            f"{kind} is made of several models, whose layers have the same numbers", "give its language model alone"
        )
    before = str(config._attn_implementation)
    if before not in REPLACEABLE and not before.startswith(PREFIX):
        raise ConfigError(
            f"the attention implementation of this {kind} is {before!r}, which computes no weights to look at",
            f"model.set_attn_implementation('eager') first; {' and '.join(REPLACEABLE)} are known",
        )
    return before


def _attend(look: Look, inner: Callable[..., Any] | None) -> Callable[..., tuple[Any, Any]]:
    """Returns an attention function as the interface asks for it."""
    checked = False

    def attend(
        module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **given: Any
    ) -> tuple[Any, Any]:  # [B,Q,H,D], [B,H,Q,K]
        nonlocal checked
        if module.training and given.get("dropout", 0.0):
            raise EngineError(
                "attention has dropout in training, so its weights are not those of the softmax",
                "model.eval(), or set config.attention_dropout to 0",
            )
        output, weights = (inner or _eager(module))(module, query, key, value, attention_mask, **given)
        chosen = look(Layer(module.layer_idx, weights, attention_mask))
        if chosen is None:
            return output, weights
        values = value.repeat_interleave(weights.shape[1] // value.shape[1], dim=1)
        if not checked:
            _check_product(output, weights, values, module)
            checked = True
        return _product(chosen, values), chosen

    return attend


def _eager(module: Any) -> Callable[..., Any]:
    found = getattr(sys.modules[type(module).__module__], "eager_attention_forward", None)
    if found is None:
        raise EngineError(
            f"{type(module).__module__} has no eager attention function", "take another model, such as Llama or Qwen"
        )
    eager: Callable[..., Any] = found
    return eager


def _product(weights: Any, values: Any) -> Any:
    """Returns [B,Q,H,D] as the eager functions of transformers do."""
    return torch.matmul(weights, values).transpose(1, 2).contiguous()


def _check_product(output: Any, weights: Any, values: Any, module: Any) -> None:
    if not torch.allclose(_product(weights, values), output, rtol=1e-3, atol=1e-5, equal_nan=True):
        raise EngineError(
            f"the attention of {type(module).__name__} is not its weights times its values, so they cannot be replaced",
            "take another model, such as Llama or Qwen",
        )
