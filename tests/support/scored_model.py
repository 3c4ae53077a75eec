"""A tiny random causal model in a folder, and what it says of a response, computed row by row in plain torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers

from tokenizers_made import byte_level

CHAT = (
    "{% for one in messages %}<{{ one['role'] }}>{{ one['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def model_folder(path: Path, *, context: int = 256, chat: str | None = None, seed: int = 0) -> Path:
    """Writes a random Llama of one layer with a byte-level tokenizer into a folder."""
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=byte_level(), pad_token="<pad>", eos_token="<eos>", chat_template=chat
    )
    torch.manual_seed(seed)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=context, initializer_range=0.5,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def opened(path: Path) -> tuple[Any, Any]:
    """Returns the model and the tokenizer of a folder."""
    model = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    return model.eval(), transformers.AutoTokenizer.from_pretrained(path)


def token_logs(model: Any, prompt: list[int], response: list[int]) -> Any:
    """Returns the log-probabilities [T,V] of what may stand at each place of a response, from one row without padding."""
    logits = model(input_ids=torch.tensor([prompt + response])).logits[0]
    return torch.log_softmax(logits[len(prompt) - 1 : len(prompt) + len(response) - 1].double(), -1)


def by_hand(model: Any, prompt: list[int], response: list[int]) -> tuple[list[float], list[float]]:
    """Returns entropies and log-probabilities (nats) of the tokens of a response."""
    with torch.no_grad():
        logs = token_logs(model, prompt, response)
    entropies = -(logs.exp() * logs).sum(-1)
    return entropies.tolist(), [float(logs[at, token]) for at, token in enumerate(response)]
