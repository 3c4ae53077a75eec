"""Chooses the parameters of a model whose gradients are measured: all of them, those of its last layers, or LoRA adapters.

Deviations:
SIGNAL-8. `lora:R` puts an untrained adapter of rank R, W + B A, on every linear layer. As B is 0, the model is what it was, the
    gradient of A is 0, and that of B is the layer's gradient times A transposed, with A drawn at random: what the first step of
    training with LoRA sees.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from hicra.errors import ConfigError
from hicra.install import install_command
from hicra.signal.choice import check_choice


def chosen_parameters(model: Any, choice: str, seed: int = 0) -> list[Any]:
    """Returns the chosen parameters of a transformers causal LM; from now on only these have gradients.

    Args:
        model: the model; inside `as_before` it is given back as it was.
        choice: `all`, `last:K` for the last K layers (without the last norm, the embeddings and the output matrix), or `lora:R`
            for the second matrices of fresh adapters of rank R on all linear layers.
        seed: of the adapters' first matrices.

    Raises:
        ConfigError: the choice is none, the model has not so many layers, nothing that can have a gradient is left, or adapters
            need the package peft.
    """
    kind, count = check_choice(choice)
    part: Any = model
    if kind == "last":
        part = torch.nn.ModuleList(_last(layers_of(model), count))
    elif kind == "lora":
        part = _adapters(model, count, seed)
    wanted = {id(one) for one in part.parameters() if one.dtype.is_floating_point}
    if not wanted:
        raise ConfigError(
            "the model has no parameter that can have a gradient (its weights are quantised, or it has none)",
            "give a model in float32, float16 or bfloat16",
        )
    for one in model.parameters():
        one.requires_grad_(id(one) in wanted)
    return [one for one in model.parameters() if id(one) in wanted]


def _adapters(model: Any, rank: int, seed: int) -> Any:
    """Puts adapters into the model, and returns their second matrices."""
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError:
        raise ConfigError("parameters lora:R needs peft, which is not installed", install_command("train")) from None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=rank, target_modules="all-linear"), model)
    return torch.nn.ParameterList(one for name, one in model.named_parameters() if "lora_B" in name)


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
    """Gives the model back its modules and what its parameters ask for gradients now, once the block has ended."""
    modules = [(parent, name, child) for parent in model.modules() for name, child in parent.named_children()]
    before = [(one, one.requires_grad) for one in model.parameters()]
    adapted = hasattr(model, "peft_config")
    try:
        yield
    finally:
        if hasattr(model, "peft_config") and not adapted:
            del model.peft_config
        for parent, name, child in modules:
            setattr(parent, name, child)
        for one, wanted in before:
            one.requires_grad_(wanted)
