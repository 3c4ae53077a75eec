"""Conversations: what is found in several turns is what is found in each of them alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hicra import Lexicon, Tagger
from hicra.corpus.turns import WALL, joined
from hicra.tagging import RowTagger
from tokenizers_made import byte_level, metaspace

GRAMS = ["a b", "b a", "a", "b c. a", "c"]
TURNS = st.lists(st.text(alphabet="ab c.\n'", min_size=1, max_size=12), min_size=1, max_size=4)


@given(TURNS)
def test_spans_of_turns_are_those_of_each(turns: list[str]) -> None:
    for unit in ("gram", "sentence"):
        tagger = Tagger(Lexicon.from_phrases(GRAMS), unit=unit)
        begin, expected = 0, []
        for turn in turns:
            expected += [(start + begin, end + begin, gram) for start, end, gram in tagger.spans(turn)]
            begin += len(turn) + len(WALL)
        assert sorted(tagger.spans(joined(turns))) == sorted(expected)


@pytest.mark.parametrize("family", [byte_level, metaspace])
def test_masks_of_turns_are_those_of_each(family: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("tokenizer")
    family().save(str(folder / "tokenizer.json"))  # type: ignore[operator]
    tagger = RowTagger(Lexicon.from_phrases(GRAMS), str(folder))

    @given(TURNS)
    def alike(turns: list[str]) -> None:
        whole, alone = tagger.tag([joined(turns)]), tagger.tag(turns)
        assert whole.planning[0, whole.live[0]].tolist() == alone.planning[alone.live].tolist()
        assert whole.ids[0, whole.live[0]].tolist() == alone.ids[alone.live].tolist()

    alike()


@given(TURNS)
def test_words_of_turns_are_those_of_each(turns: list[str]) -> None:
    found = RowTagger(Lexicon.from_phrases(GRAMS)).tag([joined(turns), *turns])
    lengths = found.live.sum(axis=1)
    assert lengths[0] == np.sum(lengths[1:])
    assert found.planning[0].sum() == found.planning[1:].sum()
