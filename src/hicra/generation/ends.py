"""At which tokens a response ends; chat models may have two, an end of turn and an end of text."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any


def end_tokens(tokenizer: Any, model: Any) -> tuple[int, ...]:
    """Returns the tokens at which a response ends: the tokenizer's, and those of the model's generation config.

    What samples in training stops at either, so evaluation and tasks must too.
    """
    own = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    known = [tokenizer.eos_token_id, *(own if isinstance(own, list | tuple) else [own])]
    return tuple(dict.fromkeys(token for token in known if token is not None))


def has_ended(ids: Sequence[int], ends: Collection[int]) -> bool:
    """Tells whether the last of ids is an end token; with a tool, earlier turns hold one too."""
    return bool(ids) and ids[-1] in ends


def cut_at_end(ids: Sequence[int], ends: Collection[int]) -> tuple[list[int], bool]:
    """Cuts ids after the first end token, and tells whether there is one; the pad id is not used, since it may equal an end.

    >>> cut_at_end([5, 6, 9, 9], (8, 9)), cut_at_end([5, 6], (8, 9))
    (([5, 6, 9], True), ([5, 6], False))
    """
    for at, token in enumerate(ids):
        if token in ends:
            return list(ids[: at + 1]), True
    return list(ids), False
