"""Blocks and threads: the same result for any number of either, and a memory that does not grow with the rows."""

import gc
import tracemalloc

import numpy as np
import pytest

from hicra import Lexicon, Tagger
from hicra.errors import ConfigError, DataError
from hicra.tagging import tagger as module
from tokenizers_made import byte_level

TEXTS = ["so let me check, ", "Let  me check it again. ", "e\u0301so \U0001f914 so ", "also then: ", "wait, so "]
TOKENIZER = byte_level(TEXTS, 300)
LEXICON = Lexicon.from_phrases(["let me check", "so", "check it", "wait"])


def with_threads(threads, unit="gram"):
    tagger = Tagger(LEXICON, TOKENIZER, unit)
    tagger.threads = threads
    return tagger


def batch(rows, width, seed=0):
    """Rows of the texts in a drawn order, ragged, with holes; [B,T] ids and policy tokens."""
    draw = np.random.default_rng(seed)
    ids, live = np.zeros((rows, width), np.int64), np.zeros((rows, width), np.bool_)
    for row in range(rows):
        text = "".join(draw.choice(TEXTS, width // 4))
        found = TOKENIZER.encode(text, add_special_tokens=False).ids[: int(draw.integers(0, width + 1))]
        ids[row, : len(found)], live[row, : len(found)] = found, draw.random(len(found)) < 0.98
    return ids, live


@pytest.mark.parametrize("unit", ["gram", "sentence"])
def test_the_result_depends_neither_on_blocks_nor_on_threads(monkeypatch, unit):
    ids, live = batch(60, 40)
    one = with_threads(1, unit).tag(ids, live)
    assert one.mask.any()
    assert len(one.row) > 60
    for block, threads in ((1, 1), (1, 3), (100, 2), (333, 4), (10**6, 2)):
        monkeypatch.setattr(module, "BLOCK", block)
        tagger = with_threads(threads, unit)
        found = tagger.tag(ids, live)
        assert np.array_equal(tagger.mask(ids, live), one.mask)
        assert np.array_equal(found.mask, one.mask)
        for ours, theirs in zip((found.row, *found.hits, *found[3:]), (one.row, *one.hits, *one[3:]), strict=True):
            assert np.array_equal(ours, theirs)


def test_blocks_hold_whole_rows_and_about_so_many_tokens(monkeypatch):
    # a row counts its policy tokens, an eighth of its width (16 // 8 = 2) and 1: here 16 + 3 = 19, and 3 where nothing is live
    monkeypatch.setattr(module, "BLOCK", 40)
    live = np.ones((7, 16), np.bool_)
    assert module._cut(live) == [slice(0, 2), slice(2, 4), slice(4, 6), slice(6, 7)]  # 2 x 19 = 38 fit into 40
    live[1:6] = False
    assert module._cut(live) == [slice(0, 6), slice(6, 7)]  # 19 + 5 x 3 = 34, and 19 more are too many
    monkeypatch.setattr(module, "BLOCK", 1)
    assert module._cut(live[:2]) == [slice(0, 1), slice(1, 2)]
    assert module._cut(live[:0]) == []


def peak(tagger, ids, live):
    """Bytes that a call needs at most, without its mask."""
    tagger.mask(ids, live)
    gc.collect()
    tracemalloc.start()
    try:
        tagger.mask(ids, live)
        return tracemalloc.get_traced_memory()[1] - live.nbytes
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_rows(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 2048)
    ids, live = batch(8, 512)
    live[:] = True
    one, three = with_threads(1), with_threads(3)
    block = peak(one, ids[:4], live[:4])  # less than a block has
    many = np.tile(ids, (20, 1)), np.tile(live, (20, 1))  # 160 rows, 53 blocks: all at once would take 53 times as much
    assert peak(one, *many) < 1.3 * block
    assert peak(three, *many) < 3 * 1.3 * block


def test_the_row_of_an_error_is_that_of_the_batch(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 1)
    ids, live = batch(20, 8)
    live[:] = True
    ids[13, 2] = ids[17, 0] = -1
    for threads in (1, 4):
        with pytest.raises(DataError, match="token id -1 at a policy token of row 13"):
            with_threads(threads).mask(ids, live)
    with pytest.raises(ConfigError, match="threads is 0"):
        with_threads(0).mask(ids, live)
