"""Scores against labels, worked by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hicra.errors import ConfigError, DataError
from hicra.labels.score import agreement, flags, score
from hicra.labels.traces import LabelledTrace
from hicra.lexicon import Lexicon


def trace(text, cuts, positive, **rest):
    bounds = np.array([0, *cuts, len(text)], np.int64)
    return LabelledTrace(text, bounds[:-1], bounds[1:], np.array(positive, np.bool_), **rest)


#       0           12        22         33       (units by position)
TEXT = "Let me see. So x = 3. But wait. So it is."
UNITS = trace(TEXT, [12, 22, 32], [True, False, True, False], doc_id="a")


def test_grams_by_hand():
    # wait: unit 3; so: units 2 and 4; "see. so" crosses units 1 and 2 and flags neither
    result = score(Lexicon.from_phrases(["wait", "so", "see. so"]), [UNITS], "gram")
    assert (result.units, result.positive, result.flagged, result.hits) == (4, 2, 3, 1)
    assert result.base_rate == 0.5
    assert result.precision == pytest.approx(1 / 3)
    assert result.recall == 0.5
    assert result.f1 == pytest.approx(2 * 1 / (3 + 2))
    assert result.lift == pytest.approx((1 / 3) / 0.5)
    # "see. So" (7) + "wait" (4) + "So" (2)
    assert result.char_share == pytest.approx(13 / len(TEXT))


def test_sentences_by_hand():
    lexicon = Lexicon.from_table(
        pl.DataFrame({"gram": ["let me", "so", "wait"], "weight": [2.0, -1.0, 1.0]}), name="w", threshold=0.5
    )
    assert lexicon.default_unit == "sentence"
    result = score(lexicon, [UNITS])
    assert (result.flagged, result.hits, result.unit) == (2, 2, "sentence")
    assert (result.precision, result.recall, result.f1, result.lift) == (1.0, 1.0, 1.0, 2.0)
    assert result.char_share == pytest.approx((11 + 9) / len(TEXT))


def test_half_of_the_characters_are_enough():
    one = trace("abcdefgh", [4], [True, False])
    flag, marked = flags(one, np.array([2]), np.array([5]), "sentence")
    assert flag.tolist() == [True, False]  # 2 of 4, 1 of 4
    assert marked == 3
    flag, marked = flags(one, np.array([0, 1, 4]), np.array([2, 5, 8]), "gram")
    assert flag.tolist() == [True, True]  # the middle one crosses the border
    assert marked == 8


def test_characters_between_units_and_no_span():
    gap = LabelledTrace("so it is so", np.array([3]), np.array([5]), np.array([True]))
    result = score(Lexicon.from_phrases(["so"]), [gap], "gram")
    assert (result.flagged, result.precision, result.recall, result.f1, result.lift) == (0, 0, 0, 0, 0)
    assert result.char_share == pytest.approx(4 / 11)


def test_each_row_counts_and_the_interval_draws_questions():
    wrong = trace(TEXT, [12, 22, 32], [False, True, False, True], doc_id="b")
    both = score(Lexicon.from_phrases(["so"]), [UNITS, UNITS, wrong], "gram", resamples=500)
    assert (both.traces, both.questions, both.units) == (3, 2, 12)
    assert (both.flagged, both.hits) == (6, 2)
    assert both.intervals["precision"] == (0.0, 1.0)  # a draw may hold one question only
    assert both == score(Lexicon.from_phrases(["so"]), [UNITS, UNITS, wrong], "gram", resamples=500)
    alone = score(Lexicon.from_phrases(["so"]), [UNITS, UNITS], "gram", resamples=500)
    assert alone.intervals["precision"] == (0.0, 0.0)  # one question: no spread to see


def test_json_keys():
    keys = {"units", "base_rate", "precision", "recall", "f1", "lift", "char_share"}
    assert keys <= score(Lexicon.from_phrases(["so"]), [UNITS]).as_dict().keys()


def test_bad_calls():
    with pytest.raises(DataError, match="no labelled trace"):
        score(Lexicon.from_phrases(["so"]), [])
    with pytest.raises(DataError, match="no unit is positive"):
        score(Lexicon.from_phrases(["so"]), [trace("so", [], [False])])
    with pytest.raises(ConfigError, match="unit 'word'"):
        score(Lexicon.from_phrases(["so"]), [UNITS], "word")
    with pytest.raises(ConfigError, match="confidence"):
        score(Lexicon.from_phrases(["so"]), [UNITS], confidence=1.0)


def test_kappa_by_hand():
    text = "abcdefghij"
    one = trace(text, range(1, 10), [1, 1, 1, 1, 0, 0, 0, 0, 0, 0], annotator="B")
    other = trace(text, range(1, 10), [1, 1, 1, 0, 1, 0, 0, 0, 0, 0], annotator="A")
    (pair,) = agreement([one, other, trace("other text", [], [1], annotator="A")])
    assert (pair["annotators"], pair["traces"], pair["units"]) == (["A", "B"], 1, 10)
    assert pair["agreement"] == 0.8
    assert pair["kappa"] == pytest.approx((0.8 - 0.52) / 0.48)  # chance: 0.4 * 0.4 + 0.6 * 0.6
    assert pair["f1"] == 0.75


def test_agreement_is_over_equal_boundaries():
    one = trace("abcdef", [2, 4], [1, 0, 1], annotator="A")
    other = trace("abcdef", [2, 3], [1, 1, 1], annotator="B")
    (pair,) = agreement([one, other])
    assert (pair["units"], pair["f1"]) == (1, 1.0)
    assert agreement([one, one]) == []  # one annotator twice


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), max_size=8),
)
def test_flags_are_what_the_definition_says(sizes, found):
    text = "x" * sum(sizes)
    spans = sorted((start, min(start + length, len(text))) for start, length in found if start < len(text))
    one = trace(text, np.cumsum(sizes)[:-1], [True] * len(sizes))
    start, end = (np.array([span[k] for span in spans], np.int64) for k in (0, 1))
    inside = {i for low, high in spans for i in range(low, high)}
    units = list(zip(one.start.tolist(), one.end.tolist(), strict=True))
    flag, marked = flags(one, start, end, "sentence")
    assert flag.tolist() == [2 * len(inside & set(range(a, b))) >= b - a for a, b in units]
    assert marked == len(inside)
    assert flags(one, start, end, "gram")[0].tolist() == [
        any(a <= low and high <= b for low, high in spans) for a, b in units
    ]
