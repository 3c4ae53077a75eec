"""Turns token ids into the text in which grams are found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hicra.text.stream import Vocabulary
from hicra.text.tokenizer import token_bytes


def decoder(tokenizer: Any) -> Callable[[Sequence[int]], str]:
    """Returns a function from token ids to their text, without special tokens; bytes that are no text become U+FFFD.

    Args:
        tokenizer: as for `Tagger`; it is loaded when the function is first called.
    """
    loaded: list[Vocabulary] = []

    def decode(ids: Sequence[int]) -> str:
        if not loaded:
            loaded.append(Vocabulary(token_bytes(tokenizer)))
        table = np.asarray(ids, np.int64).reshape(1, -1)
        return loaded[0].texts(table, np.ones(table.shape, np.bool_))[0][0] if table.size else ""

    return decode
