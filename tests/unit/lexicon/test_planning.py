"""The built-in `planning`: what is shipped, and that it is what the labels give."""

from __future__ import annotations

import pytest

from hicra.labels.score import score
from hicra.labels.traces import read_labels
from hicra.lexicon import Lexicon
from hicra.tagging.tagger import Tagger
from paths import SHARED

LABELS = SHARED / "function_labels"


def test_it_is_a_small_weighted_lexicon_with_provenance():
    lexicon = Lexicon.load("planning")
    assert lexicon.name == "planning"
    assert 100 < len(lexicon) <= 500
    assert lexicon.table["weight"].null_count() == 0
    assert lexicon.table["n"].max() <= 5
    assert lexicon.threshold is not None
    assert lexicon.default_unit == "sentence"
    assert "ReasoningFlow" in lexicon.meta["licence"]
    assert "Apache-2.0" in lexicon.meta["licence"]
    assert len(lexicon.meta["source"]) == 5
    held_out = lexicon.meta["statistics"]["cross_validation"]["source"]
    assert held_out["human"]["f1"] >= 0.78
    assert held_out["machine"]["f1"] >= 0.70


def test_it_marks_plans_and_leaves_steps_alone():
    text = (
        "Alternatively, let me try to factor it first. So x = 3 + 4 = 7. Wait, I should check that again. Then y = 2x."
    )
    told = [text[start:end] for start, end, _ in Tagger(Lexicon.load("planning"), unit="sentence").spans(text)]
    assert told == ["Alternatively, let me try to factor it first.", "Wait, I should check that again."]


@pytest.mark.skipif(not LABELS.exists(), reason="the development labels are not here")
@pytest.mark.parametrize(("name", "least"), [("reasoningflow_human", 0.8), ("reasoningflow_aime24_llm", 0.75)])
def test_it_fits_the_labels_it_was_made_from(name, least):
    traces = read_labels(LABELS / f"{name}.jsonl.gz")
    assert score(Lexicon.load("planning"), traces, resamples=0).f1 > least
    assert score(Lexicon.load("paper"), traces, resamples=0).lift < 1.4
