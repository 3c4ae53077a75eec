"""Tagging piece by piece equals tagging at once, for any way of cutting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra import Lexicon, Tagger
from hicra.lexicon.lexicon import SCHEMA
from hicra.tagging import InterleavedTagger, StreamTagger, streaming_states
from tokenizers_made import byte_level, gemma_like, metaspace, pieces, wordpiece

GRAMS = [
    "so",
    "let me",
    "let me check",
    "let's",
    "so so",
    "me so",
    "\u4f60",
    "so.",
    "\u00e9",
    "e\u0301",
    "a b",
    "a-",
    ". a",
    "-",
    "等你",
    "你so",
    "か",
    "等か\u3099",
    "น",
    "\u0301so",
]
# few words, so that grams, near misses and cuts inside them are common
WORDS = [
    [
        "so",
        "me",
        "let",
        "let\u2019s",
        "check",
        "\u00e9",
        "e\u0301",
        "\u0301",
        "\u4f60",
        "\U0001f914",
        "_",
        "\u200b",
        "\u0130",
    ],
    ["so", "Let", "me", "check", "x"],
    ["a", "b", "so", "-", "x", "\u0301"],
    ["so", "x", "\U0001f914"],
    ["等", "你", "so", "か\u3099", "か", "\u3099", "。", "น้"],
]
GAPS = [
    [" ", "", "\n", "\u00a0 ", "\t", "   ", "\n\n\n", "\u3000", "\r"],
    [" ", ". ", "? ", ".\n", ".", "", ", "],
    [" ", "", " \n"],
]
texts = st.tuples(st.sampled_from(WORDS), st.sampled_from(GAPS)).flatmap(
    lambda kind: st.lists(st.tuples(st.sampled_from(kind[0]), st.sampled_from(kind[1])), max_size=14).map(
        lambda pairs: "".join(word + gap for word, gap in pairs)
    )
)
MADE = {"byte-level": byte_level(), "metaspace": metaspace(), "gemma": gemma_like(), "wordpiece": wordpiece()}
PLAIN = Lexicon.from_phrases(GRAMS)
WEIGHTED = Lexicon.from_table(
    PLAIN.table.with_columns(weight=np.resize([1.0, -0.5, 0.4], PLAIN.table.height)).select(list(SCHEMA)),
    name="weighted", threshold=0.5,
)  # fmt: skip
TAGGERS = {
    (family, unit, lexicon.name): Tagger(lexicon, tokenizer, unit)
    for family, tokenizer in MADE.items()
    for unit in ("gram", "sentence")
    for lexicon in (PLAIN, WEIGHTED)
}
KNOWN = {family: sorted(pieces(tokenizer, family)) for family, tokenizer in MADE.items()}


def drawn_batch(data, family):
    """Some rollouts as ids [B,T] and policy tokens [B,T], real text or any ids, with holes or without."""
    encoded = texts.map(lambda text: MADE[family].encode(text, add_special_tokens=False).ids)
    junk = st.lists(st.one_of(st.sampled_from(KNOWN[family]), st.just(10**6)), max_size=12)
    rows = data.draw(st.lists(st.one_of(encoded, junk), min_size=1, max_size=3))
    width = max(map(len, rows))
    ids = np.array([row + [0] * (width - len(row)) for row in rows], np.int64).reshape(len(rows), width)
    live = np.arange(width) < np.array([[len(row)] for row in rows])
    if data.draw(st.booleans()):
        live &= np.array([data.draw(st.lists(st.booleans(), min_size=width, max_size=width)) for _ in rows], bool)
    return ids, live


@pytest.mark.parametrize("which", sorted(TAGGERS), ids="-".join)
@given(data=st.data())
@settings(max_examples=120, deadline=None)
@pytest.mark.slow
def test_any_way_of_cutting_gives_the_mask_of_the_whole(which, data):
    family, tagger = which[0], TAGGERS[which]
    ids, live = drawn_batch(data, family)
    rows, width = ids.tolist(), ids.shape[1]
    cuts = sorted(data.draw(st.lists(st.integers(0, width), max_size=width)))
    stream = StreamTagger(tagger, len(rows))
    final: list[list[np.ndarray]] = [[] for _ in rows]
    for low, high in zip([0, *cuts], [*cuts, width], strict=True):
        for row, mask in zip(final, stream.feed(ids[:, low:high], live[:, low:high]), strict=True):
            row.append(mask)
        whole = tagger.mask(ids[:, :high], live[:, :high])
        assert stream.mask_so_far().tolist() == whole.tolist()
        assert stream.fed == high
    for row, mask in zip(final, stream.finish(), strict=True):
        row.append(mask)
    assert [np.concatenate(row).tolist() for row in final] == tagger.mask(ids, live).tolist()
    assert stream.mask_so_far().tolist() == tagger.mask(ids, live).tolist()


@pytest.mark.parametrize("which", sorted(TAGGERS), ids="-".join)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
@pytest.mark.slow
def test_rollouts_that_grow_in_any_order_have_their_own_masks(which, data):
    family, tagger = which[0], TAGGERS[which]
    ids, live = drawn_batch(data, family)
    stream, (rows, width) = InterleavedTagger(tagger), ids.shape
    fed, final = [0] * rows, [[np.empty(0, bool)] for _ in range(rows)]
    for row in data.draw(st.lists(st.integers(0, rows - 1), max_size=30)):
        part = slice(fed[row], fed[row] + data.draw(st.integers(0, 5)))
        fed[row] = min(part.stop, width)
        mine, on = ids[row, part], live[row, part]
        found = stream.feed(row, mine.tolist()) if on.all() else stream.feed(row, mine, on)
        final[row].append(found)
        upto = ids[row : row + 1, : fed[row]], live[row : row + 1, : fed[row]]
        assert stream.mask_so_far(row).tolist() == tagger.mask(*upto)[0].tolist()
        # what is final is so whatever follows: it is the mask of the whole
        certain = np.concatenate(final[row])
        assert certain.tolist() == tagger.mask(ids[row : row + 1], live[row : row + 1])[0, : len(certain)].tolist()
    for row in range(rows):
        final[row].append(stream.feed(row, ids[row, fed[row] :], live[row, fed[row] :]))
        final[row].append(stream.finish(row))
    assert len(stream) == 0
    assert [np.concatenate(one).tolist() for one in final] == tagger.mask(ids, live).tolist()


@given(data=st.data(), most=st.integers(1, 20))
@settings(max_examples=60, deadline=None)
@pytest.mark.slow
def test_what_was_learnt_may_be_forgotten_at_any_time(data, most):
    ids, live = drawn_batch(data, "byte-level")
    for unit in ("gram", "sentence"):
        tagger = Tagger(PLAIN, MADE["byte-level"], unit)
        stream = StreamTagger(tagger, len(ids))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(streaming_states, "MOST_STEPS", most)
            parts = [stream.feed(ids[:, at : at + 1], live[:, at : at + 1]) for at in range(ids.shape[1])]
        parts.append(stream.finish())
        assert [np.concatenate(row).tolist() for row in zip(*parts, strict=True)] == tagger.mask(ids, live).tolist()
