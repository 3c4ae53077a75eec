"""Writes prompts as a model reads them: by the model's own chat template if it has one, else as plain text."""

from __future__ import annotations

import json
from pathlib import Path
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


def has_chat_template(folder: Path) -> bool:
    """Says whether the model or tokenizer in a folder has a chat template, which turns messages into text."""
    files = [folder / "chat_template.jinja", folder / "chat_template.json"]
    if any(file.is_file() and file.stat().st_size for file in files):
        return True
    try:
        config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and bool(config.get("chat_template"))
