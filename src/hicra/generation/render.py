"""Writes prompts as a model reads them: by the model's own chat template if it has one, else as plain text."""

from __future__ import annotations

from typing import Any

from hicra.tasks.prompts import Messages, plain

Prompt = str | Messages


def render(tokenizer: Any, prompt: Prompt) -> tuple[str, bool]:
    """Returns the text of a prompt, and whether the tokenizer must add its special tokens (a chat template writes its own)."""
    if isinstance(prompt, str):
        return prompt, True
    if getattr(tokenizer, "chat_template", None):
        return str(tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)), False
    return plain(prompt), True


def rendered_ids(tokenizer: Any, prompt: Prompt) -> tuple[str, list[int]]:
    """Returns the text of a prompt and its token ids."""
    text, special = render(tokenizer, prompt)
    return text, list(tokenizer(text, add_special_tokens=special)["input_ids"])
