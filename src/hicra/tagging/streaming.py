"""Tags rollouts while they are produced: token ids come a few at a time, the mask of those that can no longer change goes out.

`StreamTagger` takes the next tokens of B rollouts in one call. `InterleavedTagger` takes those of one of many rollouts that
begin, grow and end when they like, as an engine serves requests. However the ids are cut, the masks of a rollout together are
`Tagger.mask` of the whole. Little has to wait. For `unit="gram"` it is the text from the first place on where some gram has begun
and may still be completed (never longer than the longest gram), a gram that ends at the very end (the next character decides
whether it ends inside a word), and bytes of a character that is not complete; for `unit="sentence"` it is the open sentence. A
row keeps one byte a token, the mask itself, and what waits.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from hicra.arrays import Array, Bools, as_flags, as_numpy, as_token_ids
from hicra.errors import ConfigError, DataError, did_you_mean
from hicra.tagging.streaming_row import GrowingRow, new_row
from hicra.tagging.streaming_states import WALL, reader_of
from hicra.tagging.tagger import Tagger
from hicra.text.stream import refuse_negative


class StreamTagger:
    """Tags B rollouts while they are produced.

    Args:
        tagger: a tagger with a tokenizer, of either span type.
        rows: B, the number of rollouts.

    Raises:
        ConfigError: the tagger has no tokenizer, or `rows` is no number of rollouts.
    """

    def __init__(self, tagger: Tagger, rows: int) -> None:
        self._reader = reader_of(tagger)
        if isinstance(rows, bool) or not isinstance(rows, int) or rows < 0:
            raise ConfigError(f"rows is {rows!r}", "give the number of rollouts that are fed in step")
        self._rows = [new_row(self._reader) for _ in range(rows)]
        self._finished = False

    @property
    def fed(self) -> int:
        """T, the number of tokens fed so far."""
        return len(self._rows[0].mask) if self._rows else 0

    def feed(self, ids: Any, response_mask: Any) -> list[Bools]:
        """Takes the next t tokens of every row.

        Args:
            ids: [B,t] integers, numpy or torch.
            response_mask: [B,t] bool, or numbers that are exactly 0 or 1; true where the policy produced the token. A row that
                has ended is fed zeros.

        Returns:
            For each row the mask of the tokens that became final, in order: they follow those of the calls before. They are
            read-only.

        Raises:
            DataError: shapes differ, the mask holds what is neither 0 nor 1, a policy token has an id that is negative or no
                whole number, or `finish` was called; nothing was fed then.
        """
        if self._finished:
            raise DataError("this stream was finished", "make a new StreamTagger for the next rollouts")
        array, live = as_numpy(ids), as_flags(as_numpy(response_mask), "response_mask")
        if array.ndim != 2 or array.shape != live.shape or len(array) != len(self._rows):
            raise DataError(
                f"ids {array.shape} and response_mask {live.shape} must be one shape [{len(self._rows)},t]",
                "feed every row, response_mask 0 where one has ended",
            )
        return [row.feed(tokens) for row, tokens in zip(self._rows, _tokens(array, live), strict=True)]

    def finish(self) -> list[Bools]:
        """Ends the rollouts and returns for each row the mask of the remaining tokens."""
        if not self._finished:
            for row in self._rows:
                row.close()
        self._finished = True
        return [row.release() for row in self._rows]

    def mask_so_far(self) -> Bools:
        """Returns what `Tagger.mask` gives for the tokens fed so far, [B,T] bool."""
        mask = np.zeros((len(self._rows), self.fed), np.bool_)
        for out, row in zip(mask, self._rows, strict=True):
            out[:] = row.as_if_closed()
        return mask


class InterleavedTagger:
    """Tags rollouts that begin, grow and end when they like; each is known by a key, such as the id of its request.

    Nothing here waits or locks, so one thread or event loop at a time may use it.

    Args:
        tagger: a tagger with a tokenizer, of either span type.

    Raises:
        ConfigError: the tagger has no tokenizer.
    """

    def __init__(self, tagger: Tagger) -> None:
        self._reader = reader_of(tagger)
        self._rows: dict[Hashable, GrowingRow] = {}

    def __len__(self) -> int:
        """The number of rollouts that have begun and not ended."""
        return len(self._rows)

    def feed(self, key: Hashable, ids: Any, response_mask: Any = None) -> Bools:
        """Takes the next tokens of one rollout, which begins with the first call for its key.

        Args:
            key: what tells the rollout from others.
            ids: [t] integers: a list (the fastest), numpy or torch; t may be 1.
            response_mask: [t] as for `StreamTagger.feed`; None where the policy produced all of them.

        Returns:
            The mask of the tokens that became final, in order: they follow those of the calls before. It is read-only.

        Raises:
            DataError: as for `StreamTagger.feed`; nothing was fed then.
        """
        tokens = ids if response_mask is None and _plain(ids) else _checked(ids, response_mask)
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = new_row(self._reader)
        return row.feed(tokens)

    def finish(self, key: Hashable) -> Bools:
        """Ends a rollout, forgets it, and returns the mask of its remaining tokens.

        Raises:
            DataError: no rollout of this key has begun, or it has ended.
        """
        row = self._row(key)
        del self._rows[key]
        row.close()
        return row.release()

    def mask_so_far(self, key: Hashable) -> Bools:
        """Returns what `Tagger.mask` gives for the tokens of a rollout so far, [t] bool. Raises DataError as `finish` does."""
        return self._row(key).as_if_closed()

    def _row(self, key: Hashable) -> GrowingRow:
        if key not in self._rows:
            raise DataError(
                f"no rollout of key {key!r} goes on",
                did_you_mean(str(key), map(str, self._rows)) if 0 < len(self._rows) < 100 else "feed it first",
            )
        return self._rows[key]


def _plain(ids: Any) -> bool:
    """Says whether it is a list of token ids that needs no closer look."""
    if type(ids) is not list:
        return False
    for one in ids:  # noqa: SIM110  (a generator costs more than all the rest for one id)
        if type(one) is not int or one < 0:
            return False
    return True


def _checked(ids: Any, response_mask: Any) -> list[int]:
    array = as_numpy(ids)
    live = np.ones(array.shape, np.bool_) if response_mask is None else as_numpy(response_mask)
    live = as_flags(live, "response_mask")
    if array.ndim != 1 or array.shape != live.shape:
        raise DataError(
            f"ids {array.shape} and response_mask {live.shape} must be one shape [t]",
            "feed the tokens of one rollout; for several in step there is StreamTagger",
        )
    tokens: list[int] = _tokens(array[None], live[None])[0]
    return tokens


def _tokens(array: Array, live: Bools) -> list[list[int]]:
    """Returns the ids of each row, `WALL` where the policy did not produce the token."""
    array = as_token_ids(array, live)
    refuse_negative(array, live)
    rows: list[list[int]] = np.where(live, array.astype(np.int64, copy=False), WALL).tolist()
    return rows
