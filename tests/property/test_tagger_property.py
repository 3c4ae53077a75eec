"""Invariants of the tagger under random text: equal to the reference, blind to padding and row order, streams of bytes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra import Lexicon, Tagger
from reference_tagger import mask as slow_mask
from reference_tagger import spans as slow_spans
from tokenizers_made import byte_level, metaspace, pieces

WORDS = [
    "so",
    "Let",
    "me",
    "let\u2019s",
    "wait,",
    "\u00e9",
    "e\u0301",
    "\u4f60",
    "\U0001f914",
    "12",
    "_",
    ".",
    "\u200b",
    "\u0130",
    "?",
]
GAPS = [" ", "", "\n", "\u00a0 ", "\t"]
GRAMS = ["so", "let me", "let's", "wait, so", "me so", "\u4f60", "so.", "\u00e9", "12"]
texts = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(GAPS)), max_size=12).map(
    lambda pairs: "".join(word + gap for word, gap in pairs)
)
LEXICON = Lexicon.from_phrases(GRAMS)
MADE = {"byte-level": byte_level(), "metaspace": metaspace()}
TABLES = {family: pieces(tokenizer, family) for family, tokenizer in MADE.items()}
TAGGERS = {family: Tagger(LEXICON, tokenizer) for family, tokenizer in MADE.items()}


@given(st.one_of(texts, st.text(max_size=30)))
@settings(max_examples=300, deadline=None)
def test_spans_equal_the_reference(text):
    assert Tagger(LEXICON).spans(text) == slow_spans(text, LEXICON.phrases)


@given(st.sampled_from(sorted(MADE)), st.data())
@settings(max_examples=150, deadline=None)
def test_masks_of_any_ids_equal_the_reference(family, data):
    table, tagger = TABLES[family], TAGGERS[family]
    known = st.sampled_from(sorted(table))
    encoded = texts.map(lambda text: MADE[family].encode(text, add_special_tokens=False).ids)
    rows = data.draw(st.lists(st.one_of(encoded, st.lists(known, max_size=10)), min_size=1, max_size=4))
    width = max(1, *map(len, rows))
    ids = np.array([row + [0] * (width - len(row)) for row in rows])
    live = np.array([data.draw(st.lists(st.booleans(), min_size=width, max_size=width)) for _ in rows])
    got = tagger.mask(ids, live)
    for row in range(len(rows)):
        assert got[row].tolist() == slow_mask([table[i] for i in ids[row]], live[row], LEXICON.phrases)
    order = np.random.default_rng(0).permutation(len(rows))
    assert (tagger.mask(ids[order], live[order]) == got[order]).all()
    padded = tagger.mask(np.pad(ids, ((0, 0), (0, 3))), np.pad(live, ((0, 0), (0, 3))))
    assert (padded[:, :width] == got).all()
    assert not padded[:, width:].any()
