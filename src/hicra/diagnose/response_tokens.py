"""Reads responses as the tokens of a model: the ids that a dump has recorded where they spell its text, else its text cut anew.

Deviations (the paper scores what it samples itself):
TOKENS-1. Recorded ids count as the model's where the model's tokenizer knows all of them and they spell the response, but for
    special tokens and for white space at its ends, which writers strip. All other texts are cut by the model's tokenizer,
    without an end token, since a text does not say whether there was one. A stretch of a conversation is cut by itself, as
    tagging does it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hicra.corpus.turns import WALL
from hicra.tagging import Tagger
from hicra.text.tokenizer import plain_encoder


@dataclass(frozen=True)
class ResponseTokens:
    """The tokens of B responses.

    Attributes:
        ids: the token ids of each response.
        ends: of each response the characters where its tokens end.
        recorded: [B] whether the ids are those of the dump.
        others: number of responses whose recorded ids are not the model's.
    """

    ids: list[list[int]]
    ends: list[list[int]]
    recorded: list[bool]
    others: int


class ResponseReader:
    """Reads responses by one tokenizer.

    Args:
        source: the folder of the model, with tokenizer.json, or its tokenizer.
        tagger: has the bytes of the same tokenizer.

    Raises:
        ConfigError: the folder has no tokenizer.json.
    """

    def __init__(self, source: Any, tagger: Tagger) -> None:
        self._encoder, self._tagger = plain_encoder(source), tagger
        self.largest = max(self._encoder.get_vocab(with_added_tokens=True).values(), default=-1)

    def read(self, texts: Sequence[str], recorded: Sequence[Sequence[int] | None]) -> ResponseTokens:
        """Reads some responses.

        Args:
            texts: the responses; the stretches of a conversation stand with `WALL` between them.
            recorded: the token ids of each as a dump has them, or None.
        """
        ids: list[list[int]] = [[] for _ in texts]
        ends: list[list[int]] = [[] for _ in texts]
        own = [False] * len(texts)
        known = [at for at, one in enumerate(recorded) if one is not None and max(one, default=0) <= self.largest]
        for at, (text, stops) in zip(known, self._spelled([recorded[at] or () for at in known]), strict=True):
            stretches = texts[at].split(WALL)
            whole = "".join(stretches)
            if text.strip() == whole.strip():
                ids[at], own[at] = list(recorded[at] or ()), True
                moved = _indent(whole) - _indent(text)
                ends[at] = [_in_whole(min(max(stop + moved, 0), len(whole)), stretches) for stop in stops]
        for at, (made, stops) in zip(
            (at for at, one in enumerate(own) if not one),
            self._cut([text for text, one in zip(texts, own, strict=True) if not one]),
            strict=True,
        ):
            ids[at], ends[at] = made, stops
        others = sum(one is not None and not kept for one, kept in zip(recorded, own, strict=True))
        return ResponseTokens(ids, ends, own, others)

    def _spelled(self, ids: Sequence[Sequence[int]]) -> list[tuple[str, list[int]]]:
        """Returns the text of each row of ids, and the character where each of its tokens ends."""
        width = max(map(len, ids), default=0)
        if not width:
            return [("", []) for _ in ids]
        table, live = np.zeros((len(ids), width), np.int64), np.zeros((len(ids), width), np.bool_)
        for row, one in enumerate(ids):
            table[row, : len(one)], live[row, : len(one)] = one, True
        found = self._tagger.texts(table, live)
        return [(text, stops[: len(one)]) for (text, stops), one in zip(found, ids, strict=True)]

    def _cut(self, texts: Sequence[str]) -> list[tuple[list[int], list[int]]]:
        """Returns ids and ends of each text; the ends never fall, whatever a tokenizer makes equal before it cuts."""
        stretches = [text.split(WALL) for text in texts]
        encoded: list[Any] = self._encoder.encode_batch(
            list(itertools.chain.from_iterable(stretches)), add_special_tokens=False
        )
        made, at = [], 0
        for own in stretches:
            ids, ends, begin = list[int](), list[int](), 0
            for stretch in own:
                ids += encoded[at].ids
                ends += [begin + stop for _, stop in encoded[at].offsets]
                begin += len(stretch) + len(WALL)
                at += 1
            made.append((ids, np.maximum.accumulate(np.array(ends, np.int64)).tolist()))
        return made


def _indent(text: str) -> int:
    """Returns the number of white characters before a text; of a blank one 0."""
    return len(text) - len(text.lstrip()) if text.strip() else 0


def _in_whole(stop: int, stretches: Sequence[str]) -> int:
    """Turns a place in the joined stretches into that of the text with `WALL` between them."""
    begin = before = 0
    for stretch in stretches:
        if stop <= before + len(stretch):
            return begin + stop - before
        before += len(stretch)
        begin += len(stretch) + len(WALL)
    return begin - len(WALL)
