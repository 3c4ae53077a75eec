"""Label rows are read strictly: every fault is named with file, line and unit."""

from __future__ import annotations

import gzip
import json

import polars as pl
import pytest

from hicra.errors import ConfigError, DataError
from hicra.labels.traces import read_labels

TEXT = "Let me try. 2+2=4. Wait, no."
UNITS = [
    {"start": 0, "end": 12, "text": "Let me try. ", "labels": ["planning"]},
    {"start": 12, "end": 19, "text": "2+2=4. ", "labels": ["reasoning"]},
    {"start": 19, "end": 28, "text": "Wait, no.", "labels": ["reflection", None]},
]


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def row(**changes):
    return {"response": TEXT, "units": UNITS, "doc_id": "math_7_QwQ", "question": "2+2?", "human": True} | changes


def test_rows_become_traces(tmp_path):
    trace = read_labels(write(tmp_path / "a.jsonl", row(units=UNITS[::-1], annotator="A", model="M", source="S")))[0]
    assert trace.start.tolist() == [0, 12, 19]
    assert trace.end.tolist() == [12, 19, 28]
    assert trace.positive.tolist() == [True, False, True]
    assert (trace.doc_id, trace.question, trace.annotator) == ("math_7_QwQ", "2+2?", "A")
    assert (trace.model, trace.source, trace.domain, trace.human) == ("M", "S", "math", True)
    assert trace.label_source == "human"
    assert trace.where.endswith("a.jsonl line 1")


def test_other_positive_labels_and_a_unit_without_a_name(tmp_path):
    path = write(tmp_path / "a.jsonl", row(units=[UNITS[0] | {"labels": [None]}, UNITS[1] | {"labels": []}, UNITS[2]]))
    assert read_labels(path, ["reflection"])[0].positive.tolist() == [False, False, True]
    assert read_labels(path)[0].positive.tolist() == [False, False, True]  # a default name that nobody used is fine


def test_text_may_be_left_out(tmp_path):
    bare = [{key: unit[key] for key in ("start", "end", "labels")} for unit in UNITS]
    assert read_labels(write(tmp_path / "a.jsonl", row(units=bare)))[0].positive.sum() == 2


def test_gzip_parquet_and_folders(tmp_path):
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(json.dumps(row()).encode()))
    units = [unit | {"labels": [name for name in unit["labels"] if name]} for unit in UNITS]
    pl.DataFrame([row(units=units)]).write_parquet(tmp_path / "b.parquet")
    traces = read_labels(tmp_path)
    assert [trace.positive.tolist() for trace in traces] == [[True, False, True]] * 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"units": [UNITS[0] | {"end": 29}]}, ["units[0]", "0 to 29", "out of range", "28 characters"]),
        ({"units": [UNITS[0] | {"start": -1}]}, ["units[0]", "out of range"]),
        ({"units": [UNITS[0] | {"start": 12}]}, ["units[0]", "start 12 is not before end 12"]),
        ({"units": [UNITS[0], {"start": 11, "end": 19, "labels": []}]}, ["units[0]", "units[1]", "overlap"]),
        ({"units": [UNITS[0] | {"text": "let me try. "}]}, ["units[0]", "not the slice", "Let me try"]),
        ({"units": [UNITS[0] | {"text": 3}]}, ["units[0]", "text is 3"]),
        ({"units": [{"start": 0, "end": 3}]}, ["units[0]", "labels is missing"]),
        ({"units": [UNITS[0] | {"labels": "planning"}]}, ["units[0]", "labels is str"]),
        ({"units": [UNITS[0] | {"labels": [1]}]}, ["units[0]", "labels"]),
        ({"units": [UNITS[0] | {"start": None}]}, ["units[0]", "start is missing"]),
        ({"units": [UNITS[0] | {"start": 0.0}]}, ["units[0]", "start is 0.0"]),
        ({"units": [UNITS[0] | {"start": True}]}, ["units[0]", "start is True"]),
        ({"units": ["Let me try. "]}, ["units[0] is str"]),
        ({"units": None}, ["units is missing"]),
        ({"response": None}, ["response is missing"]),
        ({"response": ["a"]}, ["response is"]),
        ({"human": "yes"}, ["human is str"]),
        ({"question": {}}, ["question is dict"]),
    ],
)
def test_a_bad_row_is_named(tmp_path, change, words):
    path = write(tmp_path / "bad.jsonl", row(), row(**change))
    with pytest.raises(DataError) as caught:
        read_labels(path)
    for word in ["bad.jsonl line 2", *words]:
        assert word in caught.value.message
    assert caught.value.fix


def test_a_line_that_is_no_json_is_named(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row()) + "\n{", encoding="utf-8")
    with pytest.raises(DataError, match="line 2: not JSON"):
        read_labels(path)


def test_unknown_label_lists_the_known_ones(tmp_path):
    with pytest.raises(ConfigError) as caught:
        read_labels(write(tmp_path / "a.jsonl", row()), ["planning", "reflexion"])
    assert "'reflexion'" in caught.value.message
    assert "planning, reasoning, reflection" in caught.value.message
    assert "did you mean 'reflection'?" in caught.value.fix


@pytest.mark.parametrize("positive", [[], ["planning", ""]])
def test_no_label_name(tmp_path, positive):
    with pytest.raises(ConfigError, match="positive labels is empty"):
        read_labels(write(tmp_path / "a.jsonl", row()), positive)


def test_nothing_positive_nothing_labelled_nothing_there(tmp_path):
    with pytest.raises(DataError, match="no unit is labelled planning or reflection"):
        read_labels(write(tmp_path / "a.jsonl", row(units=[UNITS[1]])))
    with pytest.raises(DataError, match="no row has a unit"):
        read_labels(write(tmp_path / "b.jsonl", row(units=[])))
    with pytest.raises(DataError, match="no rows"):
        read_labels(write(tmp_path / "c.jsonl"))
    with pytest.raises(DataError, match="no such file"):
        read_labels(tmp_path / "d.jsonl")


def test_cluster_is_the_question_else_the_document_else_the_text(tmp_path):
    rows = [row(question="Two  +2?"), row(question="two+2"), row(question=None), row(question=None, doc_id=None)]
    first, second, document, text = read_labels(write(tmp_path / "a.jsonl", *rows))
    assert first.cluster == second.cluster
    assert (document.cluster, text.cluster) == ("math_7_QwQ", TEXT)
