"""The sentence rule: one for raw text, folded text and folded bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hicra.text.fold import SPACE
from hicra.text.pieces import LINE_END, WALL_KIND, fold_texts
from hicra.text.sentences import STOPS, ends, sentence_of_bytes, sentences

SPACES = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


def by_bytes(text):
    """The texts of the sentences that the folded bytes of a text fall into, white space left out."""
    pieces = fold_texts([text])
    blank = (pieces.kind == SPACE) | (pieces.kind == LINE_END) | (pieces.kind == WALL_KIND)
    number = sentence_of_bytes(pieces.data, pieces.kind, blank)
    solid = np.flatnonzero(~blank)
    found = []
    for sentence in dict.fromkeys(number[solid].tolist()):
        inside = solid[number[solid] == sentence]
        found.append((int(pieces.char[inside[0]]), int(pieces.char[inside[-1]]) + 1))
    return found


def test_a_stop_counts_before_white_space_and_a_line_end_always():
    text = "So x = 1.5. Why?\n\nWait: no.no\r\nEnd."
    assert ends(text) == [11, 16, 17, 18, 23, 30, 31]  # the stops at 10, 15 and 22, and four line ends
    assert [text[low:high] for low, high in sentences(text)] == ["So x = 1.5.", "Why?", "Wait:", "no.no", "End."]
    assert sentences(" \u3000 ") == []


@pytest.mark.parametrize("stop", STOPS)
def test_every_stop_before_every_white_space(stop):
    for space in SPACES:
        assert len(sentences(f"a{stop}{space}b")) == 2
    assert sentences(f"a{stop}b") == [(0, 3)]
    assert sentences(f"a{stop}\u200bb") == [(0, 4)]  # zero width is no white space


@pytest.mark.parametrize("stop", "。．？！：")
def test_wide_stops_end_a_sentence_wherever_they_stand(stop):
    assert sentences(f"等一下{stop}这里 ok{stop}") == [(0, 4), (4, 10)]
    assert sentences(f"等{stop}{stop}这") == [(0, 2), (2, 3), (3, 4)]
    assert by_bytes(f"等{stop}{stop}这") == [(0, 2), (2, 3), (3, 4)]


def test_other_wide_signs_end_none():
    assert sentences("等，一、下；这（里）…好") == [(0, 12)]


@given(st.text(st.sampled_from("ab.?!: \n\r\t\u00a0\u3000\u200bé\u0301İ\u4e2d\U0001f642。．？！：，"), max_size=40))
def test_text_and_bytes_have_the_same_sentences(text):
    assert sentences(text) == by_bytes(text)
