"""Invariants of the tagger under random text: equal to the reference, blind to padding and row order, streams of bytes."""

from unittest import mock

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra import Lexicon, Tagger
from hicra.text.automaton import Automaton
from reference_tagger import mask as slow_mask
from reference_tagger import sentence_spans
from reference_tagger import spans as slow_spans
from tokenizers_made import byte_level, gemma_like, metaspace, pieces

WORDS = [
    "so",
    "Let",
    "me",
    "let\u2019s",
    "wait,",
    "\u00e9",
    "e\u0301",
    "\u4f60",
    "等",
    "か\u3099",
    "น้อ",
    "\U0001f914",
    "12",
    "。",
    "_",
    ".",
    "\u200b",
    "\u0130",
    "?",
]
GAPS = [" ", "", "\n", "\u00a0 ", "\t"]
GRAMS = ["so", "let me", "let's", "wait, so", "me so", "\u4f60", "so.", "\u00e9", "12", "等你", "so 等", "น้", "か"]
texts = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(GAPS)), max_size=12).map(
    lambda pairs: "".join(word + gap for word, gap in pairs)
)
LEXICON = Lexicon.from_phrases(GRAMS)
MADE = {"byte-level": byte_level(), "metaspace": metaspace(), "gemma": gemma_like()}
TABLES = {family: pieces(tokenizer, family) for family, tokenizer in MADE.items()}
TAGGERS = {family: Tagger(LEXICON, tokenizer) for family, tokenizer in MADE.items()}


@given(st.one_of(texts, st.text(max_size=30)))
@settings(max_examples=300, deadline=None)
def test_spans_equal_the_reference(text):
    assert Tagger(LEXICON).spans(text) == slow_spans(text, LEXICON.phrases)


SCRIPTS = "aé1_' ,\n等再你。ーかカ\u3099กอ้ำ๑ກຂ\u0eb8កខ\u17d2\u17c1စက\u1039\u103d한글жשב\u05b0अ\u093fⅣ〇\u0301\U0001f914"


@pytest.mark.slow
@given(st.text(SCRIPTS, min_size=1, max_size=20), st.data())
@settings(max_examples=400, deadline=None)
def test_spans_in_any_script_equal_the_reference(text, data):
    low = data.draw(st.integers(0, len(text) - 1))
    phrases = [
        text[low : data.draw(st.integers(low + 1, len(text)))],
        data.draw(st.text(SCRIPTS, min_size=1, max_size=3)),
    ]
    phrases = [phrase for phrase in phrases if phrase.strip(" \n")]
    lexicon = Lexicon.from_phrases(phrases or ["so"])
    assert Tagger(lexicon).spans(text) == slow_spans(text, lexicon.phrases)
    tagger, weights = Tagger(lexicon, unit="sentence"), dict.fromkeys(lexicon.phrases, 1.0)
    assert tagger.spans(text) == sentence_spans(text, (weights, 0.0))


@given(st.sampled_from(sorted(MADE)), st.data())
@settings(max_examples=150, deadline=None)
@pytest.mark.slow
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


# ---- sentences
WEIGHTS = {
    "so": 1.0,
    "let me": 0.75,
    "let's": 0.5,
    "me so": 0.25,
    "12": -1.0,
    "\u4f60": 0.5,
    "so.": 0.25,
    "?": 0.5,
    "\u2203": 1.0,
}
WEIGHTED = Lexicon.from_table(
    pl.DataFrame({"gram": list(WEIGHTS), "weight": list(WEIGHTS.values())}), name="weighted", threshold=0.6
)
SENTENCES = {family: Tagger(WEIGHTED, tokenizer, unit="sentence") for family, tokenizer in MADE.items()}


@given(st.one_of(texts, st.text(alphabet="so .\n:?12letm\u2019'\u00a0\u4f60", max_size=30)))
@settings(max_examples=300, deadline=None)
def test_sentences_equal_the_reference(text):
    assert Tagger(WEIGHTED, unit="sentence").spans(text) == sentence_spans(text, (WEIGHTS, 0.6))


@given(st.sampled_from(sorted(MADE)), st.data())
@settings(max_examples=150, deadline=None)
def test_sentence_masks_of_any_ids_equal_the_reference(family, data):
    table = TABLES[family]
    encoded = texts.map(lambda text: MADE[family].encode(text, add_special_tokens=False).ids)
    row = data.draw(st.one_of(encoded, st.lists(st.sampled_from(sorted(table)), max_size=12)))
    live = data.draw(st.lists(st.sampled_from([True, True, True, False]), min_size=len(row), max_size=len(row)))
    got = SENTENCES[family].mask(np.array([row], np.int64).reshape(1, -1), np.array([live], bool).reshape(1, -1))
    assert got[0].tolist() == slow_mask([table[i] for i in row], live, (WEIGHTS, 0.6), sentence_spans)


# ---- characters cut into tokens: every text as its single bytes, so that every token is a part
PARTS = [0xE2, 0x80, 0x99, 0xC2, 0xA0, 0x73, 0x20, 0x0A, 0xCC, 0x81, 0xF0, 0x9F, 0xA4, 0x94, 0x6F, 0xE3, 0x82, 0xAB]
PART_GRAMS = [
    "so",
    "s'",
    "'",
    "s o",
    "\U0001f914",
    "o\u0301",
    "カ",
    "カs",
    "。s",
]  # E3 82 AB is a letter, E3 80 82 a stop


@given(st.lists(st.sampled_from(PARTS), max_size=16), st.sampled_from(["gram", "sentence"]))
@settings(max_examples=400, deadline=None)
@pytest.mark.slow
def test_single_byte_tokens_equal_the_reference(data, unit):
    tokenizer, table = MADE["byte-level"], TABLES["byte-level"]
    one = {piece: index for index, piece in table.items() if piece is not None and len(piece) == 1}
    row = np.array([[one[bytes([byte])] for byte in data]], np.int64).reshape(1, -1)
    lexicon = Lexicon.from_phrases(PART_GRAMS)
    tagger = Tagger(lexicon, tokenizer, unit)
    live = np.ones(row.shape, bool)
    judge = {
        "gram": (lexicon.phrases, slow_spans),
        "sentence": ((dict.fromkeys(lexicon.phrases, 1.0), 0), sentence_spans),
    }
    assert tagger.mask(row, live)[0].tolist() == slow_mask([table[i] for i in row[0]], live[0], *judge[unit])
    (text, _), tagged = tagger.texts(row, live)[0], tagger.tag(row, live)
    assert len(text) == len(bytes(data).decode("utf-8", "surrogateescape"))
    ranges = list(zip(tagged.char_start.tolist(), tagged.char_stop.tolist(), strict=True))
    assert ranges == [span[:2] for span in tagger.spans(text)]


@given(st.lists(st.binary(min_size=1, max_size=6), min_size=1, max_size=8, unique=True), st.binary(max_size=60))
@settings(max_examples=300, deadline=None)
def test_the_automaton_finds_every_occurrence(grams, data):
    small = bytes(byte % 3 for byte in data)  # few letters, many overlaps
    for text, wanted in ((data, grams), (small, sorted({bytes(b % 3 for b in gram) for gram in grams}))):
        expected = [
            (index, at, at + len(piece))
            for index, piece in enumerate(wanted)
            for at in range(len(text))
            if text.startswith(piece, at)
        ]
        for small_table in (2**22, 0):  # int64 or int32
            with mock.patch("hicra.text.automaton.SMALL", small_table):
                automaton = Automaton(wanted)
            gram, start, stop = automaton.find(np.frombuffer(text, np.uint8))
            assert sorted(zip(gram.tolist(), start.tolist(), stop.tolist(), strict=True)) == sorted(expected)
