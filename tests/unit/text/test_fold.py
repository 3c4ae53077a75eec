"""Classes of characters: against the slow reference's own tables, and the places of words."""

from __future__ import annotations

import sys
import unicodedata

import numpy as np
import pytest

import reference_tagger
from hicra.text.fold import ALONE, MARK, OTHER, SPACE, WORD, char_class, code_points, fold_points, inside_words
from hicra.text.scripts import WITHOUT_SPACES, letters_by_script, script_of
from hicra.text.words import count_words, pieces_of


@pytest.mark.slow
def test_every_character_has_the_class_of_the_reference():
    for point in range(sys.maxunicode + 1):
        char = chr(point)
        category = unicodedata.category(char)
        if char in reference_tagger.SPACES:
            expected = SPACE
        elif reference_tagger.alone(char):
            expected = ALONE
        elif reference_tagger.is_word(char):
            expected = WORD
        else:
            expected = MARK if category[0] == "M" else OTHER
        assert char_class(char) == expected, f"U+{point:04X}"


@pytest.mark.parametrize(
    ("char", "script"),
    [
        ("a", "Latin"), ("é", "Latin"), ("ａ", "Latin"), ("ж", "Cyrillic"), ("λ", "Greek"), ("ש", "Hebrew"),
        ("ب", "Arabic"), ("अ", "Devanagari"), ("한", "Hangul"), ("你", "Han"), ("々", "Han"), ("豈", "Han"),
        ("の", "Hiragana"), ("カ", "Katakana"), ("ｶ", "Katakana"), ("ー", "Katakana"), ("ก", "Thai"), ("ກ", "Lao"),
        ("ក", "Khmer"), ("က", "Myanmar"), ("5", None), ("_", None), (".", None), ("\u0301", None), ("Ⅳ", None),
        ("ʼ", None), ("ª", None), ("µ", None), ("𝑥", None),
    ],
)  # fmt: skip
def test_the_script_of_a_letter(char, script):
    assert script_of(char) == script


def test_letters_are_counted_by_script():
    assert letters_by_script(["等一下 wait", "等, ok"]) == {"Han": 4, "Latin": 6}
    assert letters_by_script([]) == {}
    assert {"Han", "Thai"} < WITHOUT_SPACES


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("ab1_", "0111"),
        ("a b", "000"),
        ("等一a", "000"),
        ("e\u0301a", "011"),
        ("か\u3099か", "010"),
        ("か\u3099a", "010"),  # the mark is part of the letter's word, what follows is not
        ("น้อง", "0100"),
        (".\u0301a", "000"),  # a mark on what is no letter is no part of a word
        ("\u0301a", "00"),
        ("", ""),
    ],
)
def test_inside_words(text, inside):
    kinds = fold_points(code_points(text)).kind
    assert inside_words(kinds).tolist() == [one == "1" for one in inside]
    assert inside_words(kinds).dtype == np.bool_


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("let's", 1), ("let’s double-check", 3), ("rock'n'roll", 1), ("'tis the dogs'", 3), ("## step", 1), ("=", 0),
        ("", 0), ("a_b so2", 2), ("等一下", 3), ("wait等一下ok", 5), ("น้อง", 3), ("e\u0301a", 1), ("Ⅳ", 0), ("一'二", 2),
    ],
)  # fmt: skip
def test_words_are_counted_as_the_tagging_rule_has_them(text, words):
    assert count_words(text) == words


@pytest.mark.parametrize(
    ("word", "pieces"),
    [
        ("so", ["so"]),
        ("don't", ["don't"]),
        ("…", ["…"]),
        ("等一下", ["等", "一", "下"]),
        ("“等…一”", ["“等…", "一”"]),
        ("ok,等再so!", ["ok,", "等", "再", "so!"]),
        ("か\u3099か", ["か\u3099", "か"]),
        ("é等", ["é", "等"]),
    ],
)
def test_pieces_of_what_stands_between_white_space(word, pieces):
    assert pieces_of(word) == pieces
    assert "".join(pieces) == word
