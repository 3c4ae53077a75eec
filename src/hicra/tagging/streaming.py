"""Tags a rollout while it is produced: token ids come a few at a time, the mask of those that can no longer change goes out.

However the ids are cut, the masks together are `Tagger.mask` of the whole. Little has to wait. For `unit="gram"` it is the text
from the first place on where some gram has begun and may still be completed (never longer than the longest gram), a gram that
ends at the very end (the next character decides whether it ends inside a word), and bytes of a character that is not
complete; for `unit="sentence"` it is the open sentence. What waits is kept folded, a stretch of white space as one
character, so a row that goes on with line ends alone does not grow either. Everything before is forgotten but for one thing:
whether the last character was part of a word.

Matching is the tagger's own (`spans_batch`); this file decides only where to cut. Cutting where no gram is open is exact,
since folding looks at one character at a time (and folded text folds to itself), and a word border depends on one character on
each side.
"""

from __future__ import annotations

import bisect
from typing import Any

import numpy as np

from hicra.arrays import Array, Bools, as_flags, as_numpy, as_token_ids
from hicra.errors import DataError
from hicra.tagging.streaming_row import GrowingRow, Part, Piece, folded, inside_word
from hicra.tagging.tagger import Tagger
from hicra.text.stream import refuse_negative


class StreamTagger:
    """Tags B rollouts while they are produced.

    Args:
        tagger: a tagger with a tokenizer, of either span type.
        rows: B, the number of rollouts.

    Raises:
        ConfigError: the tagger has no tokenizer.
    """

    def __init__(self, tagger: Tagger, rows: int) -> None:
        self._tagger = tagger
        self._raw = tagger.vocabulary.raw
        self._pieces: dict[int, Piece | None] = {}
        self._grams = _Grams(tagger.phrases)
        self._rows = [GrowingRow() for _ in range(rows)]
        self._finished = False

    @property
    def fed(self) -> int:
        """T, the number of tokens fed so far."""
        return self._rows[0].fed if self._rows else 0

    def feed(self, ids: Any, response_mask: Any) -> list[Bools]:
        """Takes the next t tokens of every row.

        Args:
            ids: [B,t] integers, numpy or torch.
            response_mask: [B,t] bool, or numbers that are exactly 0 or 1; true where the policy produced the token. A row that
                has ended is fed zeros.

        Returns:
            For each row the mask of the tokens that became final, in order: they follow those of the calls before.

        Raises:
            DataError: shapes differ, the mask holds what is neither 0 nor 1, a policy token has an id that is negative or no
                whole number, or `finish` was called.
        """
        if self._finished:
            raise DataError("this stream was finished", "make a new StreamTagger for the next rollouts")
        array, live = as_numpy(ids), as_flags(as_numpy(response_mask), "response_mask")
        if array.ndim != 2 or array.shape != live.shape or len(array) != len(self._rows):
            raise DataError(
                f"ids {array.shape} and response_mask {live.shape} must be one shape [{len(self._rows)},t]",
                "feed every row, response_mask 0 where one has ended",
            )
        array = as_token_ids(array, live)
        refuse_negative(array, live)
        parts = [
            part for row, own, on in zip(self._rows, array, live, strict=True) for part in self._read(row, own, on)
        ]
        self._match(parts)
        return [row.release(row.boundary()) for row in self._rows]

    def finish(self) -> list[Bools]:
        """Ends the rollouts and returns for each row the mask of the remaining tokens."""
        self._match([part for row in self._rows for part in self._close(row)])
        self._finished = True
        return [row.release(row.fed) for row in self._rows]

    def mask_so_far(self) -> Bools:
        """Returns what `Tagger.mask` gives for the tokens fed so far, [B,T] bool."""
        mask = np.zeros((len(self._rows), self.fed), np.bool_)
        if self._sentences:
            for row in self._rows:
                row.maybe = []
            self._match([row.open_sentence() for row in self._rows])
        for out, row in zip(mask, self._rows, strict=True):
            out[: row.done] = np.frombuffer(row.past, np.bool_)
            out[row.done :] = row.masked(row.fed, [*row.ranges, *row.maybe])
        return mask

    @property
    def _sentences(self) -> bool:
        return self._tagger.unit == "sentence"

    # ---- ids to text
    def _read(self, row: GrowingRow, ids: Array, live: Bools) -> list[Part]:
        """Appends tokens to a row and returns the texts to match in: those that ended, and for grams also the open one."""
        parts: list[Part] = []
        row.maybe = []
        size = self._raw.vocabulary
        for token, on in zip(ids.tolist(), live.tolist(), strict=True):
            piece = self._piece(token) if on and token < size else None
            if piece is None:
                parts += self._close(row)
            else:
                row.append(piece)
            row.fed += 1
        if self._sentences:
            return parts + row.ended()
        return [*parts, Part(row, row.text, row.first, row.last, row.before, False)]

    def _close(self, row: GrowingRow) -> list[Part]:
        """Closes the text of a row, at a boundary or at the end, and returns what is left to match in."""
        row.flush()
        parts = row.ended() if self._sentences else []
        before = "" if self._sentences else row.before
        parts.append(Part(row, row.text, row.first, row.last, before, True))
        row.forget()
        return parts

    def _piece(self, token: int) -> Piece | None:
        """Returns a token's bytes; None for a boundary."""
        if token not in self._pieces:
            begin = int(self._raw.start[token])
            data = self._raw.blob[begin : begin + int(self._raw.length[token])].tobytes()
            self._pieces[token] = None if self._raw.wall[token] else Piece(data, folded(data))
        return self._pieces[token]

    # ---- text to ranges of tokens
    def _match(self, parts: list[Part]) -> None:
        """Finds and notes the spans of all parts in one pass; for grams it cuts an open text before the first open gram."""
        parts = [part for part in parts if part.text]
        if not parts:
            return
        found = self._tagger.spans_batch([part.before + "".join(part.text) for part in parts])
        for part, spans in zip(parts, found, strict=True):
            shift, size = len(part.before), len(part.text)
            for start, stop, _ in spans:
                if start < shift:
                    continue  # it begins with the character that only stands for the text before
                start, stop = start - shift, stop - shift
                sure = part.closed or (stop < size and not self._sentences)
                noted = part.row.ranges if sure else part.row.maybe
                noted.append((part.first[start], part.last[stop - 1] + 1))
            if not part.closed and not self._sentences:
                part.row.cut(self._grams.open_at(part.text, part.before))


class _Grams:
    """Says where in a text a gram may have begun that is not complete yet."""

    def __init__(self, phrases: list[str]) -> None:
        self.sorted = sorted(phrases)
        self.longest = max(map(len, phrases))
        self.firsts = {phrase[0] for phrase in phrases}

    def open_at(self, text: list[str], before: str) -> int:
        """Returns the first index at which the rest of the text is a gram or begins one; the text's length without one."""
        size = len(text)
        for at in range(max(0, size - self.longest), size):
            if text[at] not in self.firsts or inside_word(text, at, before):
                continue
            rest = "".join(text[at:]).replace("\n", " ")
            index = bisect.bisect_left(self.sorted, rest)
            if index < len(self.sorted) and self.sorted[index].startswith(rest):
                return at
        return size
