"""The models of `gpu_step.py`, and the text that its rollouts are drawn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from hicra.generation.models import resolve
from trl_own_tests import build_tokenizer

SMOLLM2 = "smollm2-135m-instruct"
PROSE = (
    "The train leaves at nine and takes four hours.", "Let me check the units again, since miles and hours are mixed.",
    "So the speed is the distance over the time.", "Alternatively, we can count the stops and add five minutes for each.",
    "Two hundred and forty miles in four hours is sixty miles an hour.", "Wait, the second part of the way is uphill.",
    "First, we need to find how long the first part takes.", "That gives one hundred and twenty miles, which is half.",
    "Hold on, the question asks for the way back.", "Then the answer is the sum of both times, seven and a half hours.",
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """A model by its name, and what makes it with its tokenizer; the folder is for weights that vLLM must read from a disk."""

    name: str
    make: Callable[[Path], tuple[Any, Any]]


def _smollm2(folder: Path) -> tuple[Any, Any]:
    place = resolve(SMOLLM2)
    model = transformers.AutoModelForCausalLM.from_pretrained(place, dtype=torch.float32)
    return model, transformers.AutoTokenizer.from_pretrained(place)


def _random_1b(folder: Path) -> tuple[Any, Any]:
    """A Llama of 1.07 billion random weights with the vocabulary of SmolLM2."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(resolve(SMOLLM2))
    sizes = {
        "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32,
        "num_key_value_heads": 8, "max_position_embeddings": 8192, "tie_word_embeddings": True,
    }  # fmt: skip
    return _llama(tokenizer, len(tokenizer), sizes), tokenizer


def _tiny(width: int) -> Callable[[Path], tuple[Any, Any]]:
    """Makes a Llama of one layer, with heads of 32 numbers, which are the smallest that vLLM knows."""

    def make(folder: Path) -> tuple[Any, Any]:
        tokenizer = build_tokenizer(2048)
        sizes = {
            "hidden_size": width, "intermediate_size": 2 * width, "num_hidden_layers": 1,
            "num_attention_heads": width // 32, "num_key_value_heads": width // 32, "max_position_embeddings": 256,
        }  # fmt: skip
        model = _llama(tokenizer, 2048, sizes)
        model.save_pretrained(folder / "model")
        tokenizer.save_pretrained(folder / "model")
        return transformers.AutoModelForCausalLM.from_pretrained(folder / "model", dtype=torch.float32), tokenizer

    return make


def _llama(tokenizer: Any, vocabulary: int, sizes: dict[str, Any]) -> Any:
    transformers.set_seed(0)
    ends = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id, "bos_token_id": None}
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=vocabulary, **sizes, **ends))


WHOLE = Source("SmolLM2-135M", _smollm2), Source("random 1.07B", _random_1b)
SMALL = Source("random, 32 wide", _tiny(32)), Source("random, 64 wide", _tiny(64))
