"""Reads conversations: what the model said in them, stretch by stretch, and what it was asked.

The response is every assistant turn in order; of each turn the reasoning comes before the content. User, tool and system turns
are no response. In the text of a response `WALL` stands between two stretches: its record separator is no white space and no
part of a word, so no gram matches across it, and its line ends keep sentences and n-grams apart as well.

Deviations (the contract says that no span crosses from one turn to the next):
READ-5. Reasoning and content of one turn are two stretches, since the model ended the one before it began the other. Between
    two stretches stands a line with U+001E alone, in the text that is read, tagged and written; offsets count it.
READ-6. The parts of one content are joined without anything between them; a part that holds reasoning is a stretch of its own,
    a part without text (an image) is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hicra.corpus.strict_json import BadRow

WALL = "\n\x1e\n"
REASONING = ("reasoning_content", "reasoning", "thinking")


def joined(stretches: Iterable[str]) -> str:
    """Returns the text of a response; empty stretches are left out."""
    return WALL.join(filter(None, stretches))


def spoken(messages: list[Any], key: str, role: str = "assistant") -> str | None:
    """Returns all that `role` says, or None where no message of that role has text.

    Args:
        messages: objects with `role` and `content`: a string, a list of parts, or null.
        key: names the messages in errors.

    Raises:
        BadRow: a message without a role, or whose content is no text.
    """
    said = [turn(message, key) for message in of_role(messages, key, role)]
    found = [stretches for stretches in said if stretches is not None]
    return joined(stretch for stretches in found for stretch in stretches) if found else None


def asked(messages: list[Any], key: str) -> str | None:
    """Returns the first user turn that has text, or None. Errors are as for `spoken`."""
    for message in of_role(messages, key, "user"):
        stretches = turn(message, key)
        if stretches:
            return joined(stretches)
    return None


def of_role(messages: list[Any], key: str, role: str) -> list[dict[str, Any]]:
    """Returns the messages of that role. Raises BadRow where one has no role."""
    for message in messages:
        if type(message) is not dict or type(message.get("role")) is not str:
            raise BadRow(f"{key} holds a message without a role")
    return [message for message in messages if message["role"] == role]


def turn(message: dict[str, Any], key: str) -> list[str] | None:
    """Returns the stretches of one message, reasoning first; None where it has neither reasoning nor content."""
    reasoning = next((message[name] for name in REASONING if type(message.get(name)) is str and message[name]), None)
    content = message.get("content")
    if content is None and reasoning is None:
        return None
    return [*([] if reasoning is None else [reasoning]), *([] if content is None else _content(content, key))]


def _content(content: Any, key: str) -> list[str]:
    if type(content) is str:
        return [content]
    if type(content) is not list or not all(type(part) is dict for part in content):
        raise BadRow(f"the content of a message in {key} must be a string or a list of parts")
    stretches = [""]
    for part in content:
        text = part.get("text")
        thought = next((part[name] for name in REASONING if type(part.get(name)) is str), None)
        if type(text) is str:
            stretches[-1] += text
        elif thought is not None:
            stretches += [thought, ""]
    return stretches
