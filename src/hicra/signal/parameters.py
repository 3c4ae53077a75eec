"""Chooses the parameters of a model whose gradients are measured: all of them, or those of its last layers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from hicra.errors import ConfigError
from hicra.signal.choice import check_choice


def chosen_parameters(model: Any, choice: str) -> list[Any]:
    """Returns the chosen parameters of a transformers causal LM; from now on only these have gradients.

    Args:
        model: the model.
        choice: `all`, or `last:K` for the last K layers (without the last norm, the embeddings and the output matrix).

    Raises:
        ConfigError: the choice is none, the model has not so many layers, or nothing that can have a gradient is left.
    """
    count = check_choice(choice)
    part = torch.nn.ModuleList(_last(layers_of(model), count)) if count else model
    wanted = {id(one) for one in part.parameters() if one.dtype.is_floating_point}
    if not wanted:
        raise ConfigError(
            "the model has no parameter that can have a gradient (its weights are quantised, or it has none)",
            "give a model in float32, float16 or bfloat16",
        )
    for one in model.parameters():
        one.requires_grad_(id(one) in wanted)
    return [one for one in model.parameters() if id(one) in wanted]


def layers_of(model: Any) -> Sequence[Any]:
    """Returns the transformer layers of a model, the first list of modules that is as long as its config says.

    Raises:
        ConfigError: there is no such list.
    """
    count = getattr(model.config.get_text_config(), "num_hidden_layers", None)
    for module in model.modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) == count:
            return list(module)
    raise ConfigError(
        f"the layers of this {type(model).__name__} cannot be told apart", "measure all parameters, with a projection"
    )


def _last(layers: Sequence[Any], count: int) -> Sequence[Any]:
    if count > len(layers):
        raise ConfigError(
            f"parameters is last:{count}, and the model has {len(layers)} layers", "give a smaller number"
        )
    return layers[-count:]


@contextlib.contextmanager
def as_before(model: Any) -> Iterator[None]:
    """Gives the model's parameters back the gradients that they ask for now, once the block has ended."""
    before = [(one, one.requires_grad) for one in model.parameters()]
    try:
        yield
    finally:
        for one, wanted in before:
            one.requires_grad_(wanted)
