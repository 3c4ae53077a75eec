"""Tags rows by the tokens that they have recorded: `token_ids`, and `token_ends`, the character where each token ends.

The rollouts of hicra's own runs have both, so they are counted in tokens without the tokenizer that made them.

Deviations:
TAG-4. A token is a planning token where any of its characters lies in a span of the response's text. In training the tagger
    reads the bytes of the tokens instead, which is the same unless a character is split over tokens at the edge of a span.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from hicra.corpus.turns import WALL
from hicra.tagging import RowTagger, TaggedRows
from hicra.tagging.rows import covered

COLUMNS = ("token_ids", "token_ends")


def have_own_tokens(rows: pl.DataFrame) -> bool:
    """Says whether every row has token_ids and token_ends of one length, with ends that never fall and end in the response."""
    if not rows.height or not all(_is_whole(rows.schema.get(name)) for name in COLUMNS):
        return False
    for text, ids, ends in zip(
        rows["response"], rows["token_ids"].to_list(), rows["token_ends"].to_list(), strict=True
    ):
        if ids is None or ends is None or None in ends or len(ids) != len(ends) or WALL in text:
            return False
        if any(a > b for a, b in zip([0, *ends], [*ends, len(text)], strict=True)):
            return False
    return True


class OwnTokensTagger:
    """Tags rows by their recorded tokens; has what measuring uses of `RowTagger`.

    Args:
        tagger: finds the spans in the text; it needs no tokenizer.
    """

    counts = "tokens"

    def __init__(self, tagger: RowTagger) -> None:
        self.tagger = tagger.tagger
        self._index = {gram: index for index, gram in enumerate(self.tagger.phrases)}

    def tag(self, texts: Sequence[str], token_ids: Sequence[Any], token_ends: Sequence[Sequence[int]]) -> TaggedRows:
        """Tags a batch of responses, whose tokens are as `have_own_tokens` asks."""
        spans = self.tagger.spans_batch(texts)
        lengths = np.array([len(ids) for ids in token_ids], np.int64)
        live = np.arange(int(lengths.max(initial=0))) < lengths[:, None]
        table, planning = np.zeros(live.shape, np.int64), np.zeros(live.shape, np.bool_)
        hits = []
        for row, (ids, ends, found) in enumerate(zip(token_ids, token_ends, spans, strict=True)):
            table[row, : len(ids)] = ids
            # a span has the tokens from the first that ends behind its start to the one with its last character
            for low, high, gram in found:
                start, stop = bisect_right(ends, low), min(bisect_left(ends, high) + 1, len(ends))
                if start < stop:
                    planning[row, start:stop] = True
                    hits.append((row, start, stop, self._index[gram]))
        columns = np.array(hits, np.int64).reshape(-1, 4).T
        chars = np.array([covered(found) for found in spans], np.int64)
        return TaggedRows(spans, chars, table, live, planning, columns[0], columns[1], columns[2], columns[3])


def _is_whole(dtype: pl.DataType | None) -> bool:
    return isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.DataType) and dtype.inner.is_integer()
