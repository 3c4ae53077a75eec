"""Tagging piece by piece equals tagging at once, for any way of cutting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra import Lexicon, Tagger
from hicra.lexicon.lexicon import SCHEMA
from hicra.tagging import StreamTagger
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


@pytest.mark.parametrize("which", sorted(TAGGERS), ids="-".join)
@given(data=st.data())
@settings(max_examples=120, deadline=None)
@pytest.mark.slow
def test_any_way_of_cutting_gives_the_mask_of_the_whole(which, data):
    family, tagger = which[0], TAGGERS[which]
    encoded = texts.map(lambda text: MADE[family].encode(text, add_special_tokens=False).ids)
    junk = st.lists(st.one_of(st.sampled_from(KNOWN[family]), st.just(10**6)), max_size=12)
    rows = data.draw(st.lists(st.one_of(encoded, junk), min_size=1, max_size=3))
    width = max(map(len, rows))
    ids = np.array([row + [0] * (width - len(row)) for row in rows], np.int64).reshape(len(rows), width)
    live = np.arange(width) < np.array([[len(row)] for row in rows])
    if data.draw(st.booleans()):
        live &= np.array([data.draw(st.lists(st.booleans(), min_size=width, max_size=width)) for _ in rows], bool)
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
