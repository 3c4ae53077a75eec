"""A new small network for an environment, and a folder that holds a network with its tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from hicra.artifacts import atomic_dir
from hicra.errors import ConfigError


def new_network(tokenizer: Any, *, width: int = 96, layers: int = 3, heads: int = 4, seed: int = 0) -> Any:
    """Makes a `LlamaForCausalLM` in float32 with initial values from which small networks learn.

    Args:
        tokenizer: its vocabulary, its end and padding tokens, and its longest text are the network's.
        width, layers, heads: sizes; `heads` must divide `width` into even parts.
        seed: of the initial values.

    Raises:
        ConfigError: the width cannot be shared among the heads.
    """
    from transformers import LlamaConfig, LlamaForCausalLM

    if width % heads or (width // heads) % 2:
        raise ConfigError(
            f"a width of {width} gives {heads} heads no even size each", "give a width that 2 x heads divides"
        )
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
        num_key_value_heads=heads, intermediate_size=width * 8 // 3, max_position_embeddings=tokenizer.model_max_length,
        rms_norm_eps=1e-6, rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, tie_word_embeddings=True,
        attention_bias=False, mlp_bias=False, pad_token_id=tokenizer.pad_token_id, bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id, dtype="float32",
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    initialise(model, seed)
    return model


def initialise(model: Any, seed: int) -> None:
    """Gives a small Llama its initial values in place, in the order of its weights.

    Embeddings (tied) have the standard deviation 0.1, matrices fan_in^-0.5, and those that write into the stream 0.4 of that:
    with the usual 0.02 a small network learns no step that combines two tokens.
    """
    chance = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim < 2:
                weight.fill_(1.0)
                continue
            scale = 0.1 if "embed_tokens" in name else weight.shape[1] ** -0.5
            if "o_proj" in name or "down_proj" in name:
                scale *= 0.4
            weight.normal_(0.0, scale, generator=chance)


def save_network(model: Any, tokenizer: Any, folder: Path, overwrite: bool = False) -> None:
    """Writes a folder that transformers loads, whole or not at all.

    Raises:
        ArtifactError: the folder exists, and it may not be replaced.
    """
    with atomic_dir(folder, overwrite) as made:
        write_network(model, tokenizer, made)


def write_network(model: Any, tokenizer: Any, folder: Path) -> None:
    """Writes the files of a network and its tokenizer into a folder that exists."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    for file in folder.iterdir():
        if file.is_file():
            file.chmod(0o644)
