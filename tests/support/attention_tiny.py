"""A tiny random Llama with grouped queries, whose attention is far from even."""

from __future__ import annotations

from typing import Any

import torch
import transformers

IDS = torch.tensor([[3, 41, 7, 7, 12, 30, 1, 9], [5, 2, 44, 8, 8, 8, 19, 20]])


def llama(*, seed: int = 0, attn_implementation: str = "sdpa", **changed: Any) -> Any:
    """Returns a Llama of 4 layers with 4 heads, each two of which share keys and values, and 64 positions."""
    torch.manual_seed(seed)
    settings: dict[str, Any] = {
        "vocab_size": 50, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4,
        "num_key_value_heads": 2, "max_position_embeddings": 64, "initializer_range": 0.5,
    }  # fmt: skip
    config = transformers.LlamaConfig(**settings | changed, attn_implementation=attn_implementation)
    return transformers.LlamaForCausalLM(config).eval()


def logits(model: Any, ids: Any = IDS, **more: Any) -> Any:
    """Returns [B,T,V] without a gradient."""
    with torch.no_grad():
        return model(ids, **more).logits
