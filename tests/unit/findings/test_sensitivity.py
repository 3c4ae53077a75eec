"""A run without 30 % of its grams: spans for which every draw must give one known answer, and the counting against a slow one."""

import importlib
import json
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_made import evidence_of
from hicra import Lexicon
from hicra.diagnose.diagnose import diagnose
from hicra.findings import Evidence
from hicra.metrics import semantic_entropy
from hicra.runs import RunFolder
from hicra.tagging import SPANS as RECORDED

module = importlib.import_module("hicra.findings.sensitivity")
sensitivity = module.sensitivity


def rollout(step, grams, length=100, width=5, **more):
    """A response in which each gram stands once, in a span of five characters, one behind the other."""
    spans = [{"start": at * width, "end": (at + 1) * width, "gram": gram} for at, gram in enumerate(grams)]
    return {"step": step, "response": "x" * length, "spans": spans, **more}


def found(rows):
    return sensitivity(evidence_of([], pl.DataFrame(rows)))


def exactly(value):
    return pytest.approx({"full": value, "mean": value, "low": value, "high": value}, abs=1e-12)


def test_ten_equal_grams_leave_seven_tenths_whatever_is_drawn():
    # ten grams of 5 characters in 100: a share of 0.5. Without any three of them it is 0.35, and the entropy of ten equal
    # frequencies, log 10, becomes log 7.
    names = [f"g{at}" for at in range(10)]
    figures = found([rollout(1, names), rollout(2, names)]).figures
    assert (figures["grams"], figures["dropped"], figures["draws"], figures["counts"]) == (10, 3, 200, "characters")
    for name, full, without in (("planning_share", 0.5, 0.35), ("semantic_entropy", math.log(10), math.log(7))):
        assert figures[name] == pytest.approx({"full": full, "mean": without, "low": without, "high": without})
    assert figures["semantic_entropy_change"] == exactly(0)
    assert (figures["curve_correlation"], figures["keeps_shape"]) == (None, None)  # two steps make no curve


def test_shares_are_of_tokens_where_it_is_known_where_they_end():
    # each span of five characters is one token of its own, and ten more tokens hold the other 50 characters and the end:
    # 10 of 20 tokens plan, and 7 of 20 without any three of the grams
    ends = [*range(5, 51, 5), 60, 70, 80, 90, 100, 100, 100, 100, 100, 100]
    figures = found([rollout(1, [f"g{at}" for at in range(10)], token_ends=ends)]).figures
    assert figures["counts"] == "tokens"
    assert figures["planning_share"] == pytest.approx({"full": 0.5, "mean": 0.35, "low": 0.35, "high": 0.35})
    assert figures["semantic_entropy_change"] is None  # of one step


def test_a_curve_that_rests_on_many_grams_keeps_its_shape():
    # step s uses the first 15 s of 60 grams once each, so its entropy is the logarithm of how many of them are left: it rises
    # with s in every draw
    rows = [rollout(s, [f"g{at}" for at in range(15 * s)], length=400) for s in (1, 2, 3, 4)]
    told = found(rows)
    assert told.figures["curve_correlation"] == exactly(1)
    assert (told.figures["keeps_direction"], told.figures["keeps_shape"]) == (True, True)
    assert told.figures["semantic_entropy_change"]["full"] == pytest.approx(math.log(60 / 15))
    assert "keeps its direction" in told.text
    assert "keeps its shape" in told.text


def test_a_change_that_one_gram_makes_does_not_keep_its_direction():
    # d alone makes the entropy rise from log 3 to log 4, and it is left out in about a quarter of the draws
    told = found([rollout(1, "abc"), rollout(2, "abcd")])
    assert told.figures["dropped"] == 1
    assert told.figures["keeps_direction"] is False
    assert told.figures["semantic_entropy_change"]["low"] == pytest.approx(0)
    assert "does not keep its direction" in told.text


def test_a_short_gram_counts_where_the_long_one_around_it_is_left_out():
    # "long" stands round "in", so only it counts; without it "in" counts, and the share falls from 10 to 4 characters
    spans = [{"start": 0, "end": 10, "gram": "long"}, {"start": 2, "end": 6, "gram": "in"}]
    laid = module.spans_of(evidence_of([], pl.DataFrame([{"step": 1, "response": "x" * 20, "spans": spans}])))
    assert laid.grams == ["in", "long"]
    shares, curves = module.analyses(laid, np.array([[True, True], [False, True], [True, False], [False, False]]))
    assert shares.tolist() == [0.5, 0.5, 0.2, 0.0]
    assert curves[:3].tolist() == [[0.0]] * 3  # one gram
    assert np.isnan(curves[3]).all()  # none


def test_how_many_draws_are_counted_at_once_changes_nothing(monkeypatch):
    rows = [rollout(s, "abcdefgabc"[: s + 5]) for s in (1, 2, 3)]
    laid = module.spans_of(evidence_of([], pl.DataFrame(rows)))
    kept = np.random.default_rng(0).random((9, len(laid.grams))) < 0.5
    whole = module.analyses(laid, kept)
    monkeypatch.setattr(module, "AT_ONCE", 20)  # two or three draws
    for once, parts in zip(whole, module.analyses(laid, kept), strict=True):
        np.testing.assert_array_equal(once, parts)


def test_what_is_missing():
    assert sensitivity(evidence_of([], pl.DataFrame())) is None
    assert found([{"step": 1, "response": "a"}]) is None
    assert found([rollout(1, []), rollout(2, [])]) is None
    assert found([rollout(1, "abc")]) is None  # three grams: 30 % of them is one or nothing


def test_the_same_run_gives_the_same_figures():
    rows = [rollout(s, "abcdefg"[: s + 3]) for s in (1, 2, 3)]
    assert found(rows).figures == found(rows).figures == found(rows[::-1]).figures


def test_the_full_analysis_is_that_of_the_metrics(tmp_path):
    """Nested grams, several steps, with the spans and metrics that `hicra diagnose` writes."""
    texts = ["so let me check again , let me check", "let me think and check again", "check it , check again so"]
    rows = [{"step": step, "response": text} for step in (1, 2) for text in texts[step - 1 :]]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    lexicon = Lexicon.from_phrases(["let me", "let me check", "check again", "so", "me check again"])
    diagnose(
        [tmp_path / "rows.jsonl"], lexicon, tokenizer=None, out=tmp_path / "run", on_bad="stop", max_bad=0.0
    )  # fmt: skip
    run = Evidence.of(RunFolder.open(tmp_path / "run"))
    spans = module.spans_of(run)
    (share,), (curve,) = module.analyses(spans, np.ones((1, len(spans.grams)), bool))
    assert curve == pytest.approx([row["hicra/semantic_entropy"] for row in run.metrics])
    words = [len(text.split()) for step in (1, 2) for text in texts[step - 1 :]]
    shares = [row["hicra/planning_share"] for row in run.metrics]
    assert share == pytest.approx((shares[0] * sum(words[:3]) + shares[1] * sum(words[3:])) / sum(words))


GRAM = st.integers(0, 4)
SPANS = st.lists(st.tuples(st.integers(0, 14), st.integers(1, 6), GRAM), max_size=8)


@given(st.lists(SPANS, min_size=1, max_size=3), st.lists(st.booleans(), min_size=5, max_size=5))
def test_the_counting_equals_a_slow_one(rows, keep):
    """Marks every character, and counts a span where no other one of its row holds it; ranges that are equal count once."""
    table = [
        {"step": 1, "response": "x" * 20, "spans": [{"start": s, "end": s + n, "gram": f"g{g}"} for s, n, g in spans]}
        for spans in rows
    ]
    laid = module.spans_of(evidence_of([], pl.DataFrame(table, schema_overrides={"spans": RECORDED})))
    if laid is None:
        assert not any(rows)
        return
    (share,), (curve,) = module.analyses(laid, np.array([[keep[int(name[1:])] for name in laid.grams]]))
    marked = {(row, char) for row, spans in enumerate(rows) for s, n, g in spans if keep[g] for char in range(s, s + n)}
    assert share == pytest.approx(len(marked) / (20 * len(rows)))
    ranges = {(row, s, s + n): g for row, spans in enumerate(rows) for s, n, g in reversed(spans) if keep[g]}
    outer = [one for one in ranges if not any(_holds(other, one) for other in ranges)]
    assert np.isnan(curve[0]) == (not outer)
    if len(set(ranges)) == sum(
        keep[g] for spans in rows for _, _, g in spans
    ):  # no equal ranges: it is known which counts
        counts = np.bincount([ranges[one] for one in outer], minlength=5)
        assert not outer or curve[0] == pytest.approx(semantic_entropy(counts))


def _holds(outer, inner):
    return outer != inner and outer[0] == inner[0] and outer[1] <= inner[1] and inner[2] <= outer[2]


def test_shares_of_characters_are_told_apart_from_those_of_the_table():
    rows = [
        {
            "step": 1,
            "response": "a b c d",
            "spans": [{"start": 2 * i, "end": 2 * i + 1, "gram": g} for i, g in enumerate("abcd")],
        }
    ]
    told = sensitivity(evidence_of([], pl.DataFrame(rows), {"counts": "tokens"}))
    assert "of the characters" in told.text
    assert "Shares are of characters here, since the place of each of the tokens is not recorded." in told.text
    words = sensitivity(evidence_of([], pl.DataFrame(rows), {"counts": "words"}))
    assert "planning share of 100\u00a0% of the words" in words.text  # as in the table
    assert "is not recorded" not in words.text
    assert "is not recorded" not in sensitivity(evidence_of([], pl.DataFrame(rows))).text
