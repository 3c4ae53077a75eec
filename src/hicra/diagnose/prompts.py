"""Finds the prompt of each row of a dump: messages where the dump has them, else the text of the question.

Deviations (the paper scores what it samples itself):
TOKENS-2. Messages are written by the model's own chat template where it has one, and as `Question:` and `Answer:` blocks else. A
    text is taken as it is, and never made a message: it may be a rendered prompt already. It gets the special tokens that
    the tokenizer puts before a text, unless it begins with them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from hicra.generation.render import Prompt, render
from hicra.tasks.prompts import Messages

ASKED = ("prompt", "question (input)")  # where messages stand that are the prompt, `question` being text
WHOLE = "messages"  # where a conversation stands that may hold the response, too
ROLES = ("system", "user", "assistant")
TEMPLATE, TEXT = "chat template", "plain text"


class UnusablePrompt(Exception):
    """A prompt that this model cannot be given; the message says why, for a list of reasons."""


def prompts_of(rows: pl.DataFrame) -> list[Prompt | None]:
    """Returns the prompt of each row of `corpus.read`, None where it has none."""
    found: list[Prompt | None] = [_from_text(text) for text in rows["question"].to_list()]
    for name in (WHOLE, *ASKED):
        dtype = rows.schema.get(name)
        if isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct):
            for at, (value, response) in enumerate(zip(rows[name].to_list(), rows["response"].to_list(), strict=True)):
                messages = _messages(value)
                if messages and name == WHOLE:
                    messages = _before(messages, response)
                if messages:
                    found[at] = messages
    return found


def prompt_ids(tokenizer: Any, prompt: Prompt) -> tuple[list[int], str]:
    """Returns the token ids of a prompt, and how it was written: `TEMPLATE` or `TEXT`.

    Raises:
        UnusablePrompt: the chat template refuses the messages, they hold what is no text, or nothing is written.
    """
    from jinja2 import TemplateError

    templated = not isinstance(prompt, str) and bool(getattr(tokenizer, "chat_template", None))
    if not isinstance(prompt, str):
        prompt = [_in_text(message) for message in prompt]
        if not templated and any(message["role"] not in ROLES for message in prompt):
            raise UnusablePrompt("its messages have other roles than system, user and assistant")
    try:
        text, special = render(tokenizer, prompt)
    except TemplateError:
        raise UnusablePrompt("the model's chat template refuses its messages") from None
    begins = getattr(tokenizer, "bos_token", None)
    special = special and not (begins and text.startswith(begins))
    ids = list(tokenizer(text, add_special_tokens=special)["input_ids"])
    if not ids:
        raise UnusablePrompt("its prompt is empty")
    return ids, TEMPLATE if templated else TEXT


def _from_text(text: str | None) -> Prompt | None:
    """Returns the messages that a text holds as JSON, as the run folders of hicra have them, or the text."""
    if text is not None and text.startswith("[{"):
        try:
            value = json.loads(text)
        except ValueError:
            return text
        return _messages(value) or text
    return text


def _messages(value: Any) -> Messages | None:
    """Returns a value as messages without their null keys; None where it is no list of messages."""
    if not isinstance(value, Sequence) or not value or not all(isinstance(one, Mapping) for one in value):
        return None
    if not all(isinstance(one.get("role"), str) and one.get("content") is not None for one in value):
        return None
    return [{key: part for key, part in one.items() if part is not None} for one in value]


def _before(messages: Messages, response: str) -> Messages:
    """Returns what stands before the response in a conversation: all of it where no assistant turn at its end is the response."""
    last = max((at for at, one in enumerate(messages) if one["role"] == "assistant"), default=len(messages))
    is_response = last == len(messages) - 1 or (last < len(messages) and messages[last]["content"] == response)
    return messages[:last] if is_response else messages


def _in_text(message: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a message whose content is text; raises UnusablePrompt where a part of it is none."""
    content = message["content"]
    if not isinstance(content, str):
        parts = [part.get("text") if isinstance(part, Mapping) else part for part in content]
        texts = [part for part in parts if isinstance(part, str)]
        if len(texts) < len(parts):
            raise UnusablePrompt("its messages hold what is no text")
        content = "".join(texts)
    return {**message, "content": content}
