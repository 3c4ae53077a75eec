"""A lexicon is not praised for what it was fitted on."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from hicra import cli
from hicra.labels.fit import fit
from hicra.labels.seen import seen_warning
from hicra.labels.settings import FitSettings
from hicra.labels.traces import LabelledTrace
from hicra.lexicon import Lexicon


def made(number, **rest):
    plan, step = f"Let us try {number}a first. ", f"So {number}b is twice that. "
    text = (plan + step) * 6
    ends = np.cumsum([len(plan), len(step)] * 6)
    return LabelledTrace(
        text, np.append(0, ends[:-1]), ends, np.array([True, False] * 6), question=f"q{number:x}", **rest
    )


TRACES = [made(number, human=number % 2 == 0) for number in range(12)]


@pytest.fixture(scope="module")
def fitted():
    return fit(TRACES, FitSettings(folds=3, strengths=(0.2,)), name="own")


def test_the_texts_are_recorded_by_their_hash_and_survive_a_save(fitted, tmp_path):
    lexicon, _ = fitted
    expected = sorted(hashlib.sha256(trace.response.encode()).hexdigest()[:16] for trace in TRACES)
    assert lexicon.meta["statistics"]["texts_sha256"] == expected
    loaded = Lexicon.load(lexicon.save(tmp_path / "own"))
    assert seen_warning(loaded, TRACES[:3]) == seen_warning(lexicon, TRACES[:3])


def test_the_warning_gives_the_held_out_figure_of_these_labels(fitted):
    lexicon, report = fitted
    both, human = report["cv"]["f1"], report["cv_by"]["source"]["human"]["f1"]
    starts = (
        "lexicon 'own' was fitted on {} of these {} traces, so its figures here are too high: "
        "on questions that were held out"
    )
    new = made(99, human=True)
    assert seen_warning(lexicon, [*TRACES, new]) == starts.format(12, 13) + f", its F1 is {both:.3f}"
    assert seen_warning(lexicon, [TRACES[0], new, TRACES[2]]) == (
        starts.format(2, 3) + f" with human labels, its F1 is {human:.3f}"
    )
    assert seen_warning(lexicon, [new]) is None
    assert seen_warning(Lexicon.load("paper"), TRACES) is None


@pytest.mark.parametrize("changed", [{"cross_validation": None}, {"cross_validation": {"source": 3, "pooled": []}}])
def test_a_lexicon_without_the_figure_still_warns(fitted, changed):
    lexicon, _ = fitted
    other = Lexicon("own", lexicon.table, lexicon.threshold, lexicon.meta | {})
    other.meta["statistics"] = lexicon.meta["statistics"] | changed
    assert seen_warning(other, TRACES).endswith("so its figures here are too high")
    other.meta["statistics"] = {"texts_sha256": [3, None]}
    assert seen_warning(other, TRACES) is None


def test_score_says_so(fitted, tmp_path, capsys):
    lexicon, _ = fitted
    folder = lexicon.save(tmp_path / "own")
    path = tmp_path / "labels.jsonl"
    rows = [
        {
            "response": trace.response, "question": trace.question, "human": trace.human,
            "units": [
                {"start": int(low), "end": int(high), "labels": ["planning"] if plan else []}
                for low, high, plan in zip(trace.start, trace.end, trace.positive, strict=True)
            ],
        }
        for trace in TRACES
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(SystemExit) as ended:
        cli.main(["lexicon", "score", str(folder), str(path), "--json"])
    assert ended.value.code == 0
    out, err = capsys.readouterr()
    assert [warning for warning in json.loads(out)["warnings"] if "fitted on 12 of these 12" in warning]
    assert "warning: lexicon 'own' was fitted on 12 of these 12 traces" in err
