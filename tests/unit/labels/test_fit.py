"""The fitted lexicon: planted planning words are found, and the tagger decides exactly what was fitted."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hicra.errors import ConfigError, DataError
from hicra.labels.fit import Model, fit
from hicra.labels.sentences import sentence_table
from hicra.labels.settings import FitSettings
from hicra.labels.traces import LabelledTrace
from hicra.lexicon import Lexicon
from hicra.tagging.tagger import Tagger
from paths import SUPPORT
from reference_tagger import sentence_spans as slow_sentences

PLANS = ["Let us try {} first.", "Maybe we should look at {}?", "Wait, is {} right?", "Now for {}:"]
STEPS = ["So {} = 12.", "Then {} is twice that.", "Adding gives {} + 3.", "We should have {} = 7 here."]
THINGS = ["the sum", "x", "the angle", "that term", "our bound", "y", "the rate"]
QUICK = FitSettings(folds=3, strengths=(0.2,))


def made(index, seed=0, sentences_each=16, **rest):
    """One trace: every sentence is a unit, positive when it comes from PLANS."""
    rng = random.Random(f"{seed}-{index}")
    texts, positive = [], []
    for _ in range(sentences_each):
        plan = rng.random() < 0.4
        texts.append(rng.choice(PLANS if plan else STEPS).format(rng.choice(THINGS)) + rng.choice([" ", "\n\n"]))
        positive.append(plan)
    ends = np.cumsum([len(text) for text in texts])
    return LabelledTrace("".join(texts), np.append(0, ends[:-1]), ends, np.array(positive), doc_id=f"q{index}", **rest)


TRACES = [
    made(i, human=i % 2 == 0, model=f"M{i % 3}", domain="d", source=f"s{i % 2}", annotator="A") for i in range(16)
]


def files(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_planted_words_are_found():
    lexicon, report = fit(TRACES, QUICK)
    assert report["cv_f1"] > 0.98
    assert report["units"] == 16 * 16
    assert report["grams"] == len(lexicon) <= 500
    weight = dict(lexicon.table.select("gram", "weight").rows())
    assert max(weight.values()) > 0 > min(weight.values())
    told = Tagger(lexicon, unit="sentence").spans(
        "Then x is twice that. Let us try the rate first. So y = 3. Wait, why?"
    )
    assert [(start, end) for start, end, _ in told] == [(22, 48), (59, 69)]
    assert report["cv_by"]["source"].keys() == {"human", "machine"}
    assert report["cv_by"]["model"].keys() == {"M0", "M1", "M2"}
    assert report["cv_by"]["domain"]["d"]["f1"] == report["cv_f1"]
    assert lexicon.meta["source"] == ["s0", "s1"]
    assert lexicon.meta["settings"]["positive"] == ("planning", "reflection")


def test_same_bytes_whatever_the_order(tmp_path):
    shuffled = TRACES[:]
    random.Random(1).shuffle(shuffled)
    for name, traces in [("a", TRACES), ("b", shuffled)]:
        fit(traces, QUICK)[0].save(tmp_path / name)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert Lexicon.load(tmp_path / "a").threshold is not None


def test_at_most_max_grams_and_no_wider_than_n_max():
    lexicon, report = fit(TRACES, FitSettings(folds=2, strengths=(5.0,), max_grams=4, n_max=1))
    assert len(lexicon) <= 4
    assert max(fold["grams"] for fold in report["folds"]) <= 4
    assert not any(" " in gram for gram in lexicon.phrases)


def test_a_question_is_never_on_both_sides():
    # the label of each question is its own word: only a leak could tell
    words = [chr(ord("a") + i // 2) * 3 for i in range(40)]
    text = "We have {0} here. So {0} it is. "
    traces = [
        LabelledTrace(
            text.format(word), np.array([0]), np.array([len(text.format(word))]), np.array([i // 2 % 2 == 0]),
            doc_id=f"d{i}", question=word,
        )
        for i, word in enumerate(words)
    ]  # fmt: skip
    report = fit(traces, FitSettings(folds=4, strengths=(1.0,), min_questions=1))[1]
    assert report["cv_f1"] < 0.7


@pytest.mark.parametrize("index", range(3))
def test_the_tagger_decides_as_the_model_does(index):
    lexicon, _ = fit(TRACES, FitSettings(folds=2, strengths=(2.0,)))
    table = sentence_table(TRACES, list(range(len(TRACES))), 5, 8, 1)
    place = {gram: column for column, gram in enumerate(table.grams)}
    model = Model(
        np.array([place[gram] for gram in lexicon.phrases]), lexicon.table["weight"].to_numpy(), lexicon.threshold, 2.0
    )
    here = table.trace == index
    planning = model.planning(table.present[here])
    mine = list(zip(table.start[here][planning].tolist(), table.end[here][planning].tolist(), strict=True))
    text, weights = TRACES[index].response, dict(lexicon.table.select("gram", "weight").rows())
    spans = [span[:2] for span in Tagger(lexicon, unit="sentence").spans(text)]
    assert mine == spans == [span[:2] for span in slow_sentences(text, (weights, lexicon.threshold))]


@given(st.text(st.sampled_from("ab.?!: \n\r\t_1=\\'’é\u0301\u00a0İK"), max_size=60))
def test_grams_of_the_table_are_what_the_tagger_finds(text):
    one = LabelledTrace(text, np.array([], np.int64), np.array([], np.int64), np.array([], np.bool_))
    table = sentence_table([one], [0], 5, 8, 1)
    if not table.grams:
        return
    found = Tagger(Lexicon.from_phrases(table.grams)).spans(text)
    for row, (low, high) in enumerate(zip(table.start.tolist(), table.end.tolist(), strict=True)):
        inside = {gram for start, end, gram in found if low <= start and end <= high}
        assert inside == {table.grams[column] for column in table.present[row].indices}


def test_weights_are_exact_binary_fractions():
    lexicon, _ = fit(TRACES, QUICK)
    scaled = lexicon.table["weight"].to_numpy() * 1024
    assert (scaled == np.round(scaled)).all()
    assert (lexicon.threshold * 2048) % 2 == 1


def test_bad_input():
    with pytest.raises(DataError, match="nothing can be held back"):
        fit(TRACES[:1])
    with pytest.raises(DataError, match="no gram occurs in 2 of 8 questions"):
        fit(
            [
                LabelledTrace(f"{chr(97 + i) * 3}", np.array([0]), np.array([3]), np.array([True]), doc_id=str(i))
                for i in range(8)
            ]
        )
    plain = [LabelledTrace("so it is", np.array([0]), np.array([8]), np.array([True]), doc_id=str(i)) for i in range(8)]
    with pytest.raises(DataError, match="are positive"):
        fit(plain)
    for wrong in ({"max_grams": 0}, {"folds": 1}, {"strengths": ()}, {"refit": 0.0}):
        with pytest.raises(ConfigError):
            FitSettings(**wrong)


PROGRAM = """
import sys
sys.path[:0] = sys.argv[1:]
from test_fit import QUICK, TRACES
from hicra.labels.fit import fit
print(fit(TRACES, QUICK)[0].content_hash)
"""


@pytest.mark.slow
def test_same_lexicon_under_another_hash_seed_and_locale():
    def run(seed, locale):
        environment = os.environ | {"PYTHONHASHSEED": seed, "LC_ALL": locale, "OMP_NUM_THREADS": "1"}
        folders = [str(Path(__file__).parent), str(SUPPORT)]
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *folders], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    assert run("1", "C") == run("2", "C.UTF-8") == fit(TRACES, QUICK)[0].content_hash + "\n"
