"""Prompts to what a model reads: the model's own chat template where it has one, plain text where not."""

from __future__ import annotations

from typing import Any

from hicra.tasks.prompts import Messages, plain

Prompt = str | Messages


def render(tokenizer: Any, prompt: Prompt) -> tuple[str, bool]:
    """(text of a prompt, whether the tokenizer adds its special tokens: a chat template writes its own)."""
    if isinstance(prompt, str):
        return prompt, True
    if getattr(tokenizer, "chat_template", None):
        return str(tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)), False
    return plain(prompt), True


def rendered_ids(tokenizer: Any, prompt: Prompt) -> tuple[str, list[int]]:
    """(text of a prompt, its token ids)."""
    text, special = render(tokenizer, prompt)
    return text, list(tokenizer(text, add_special_tokens=special)["input_ids"])
