"""`verify_file` and `reward`: rows in, rows out, strict reading, whole files or none, and counts that add up."""

import gzip
import json

import pytest

from hicra import verify
from hicra.errors import ConfigError, DataError
from hicra.verify.item import Answer
from hicra.verify.reward import reward

ROWS = [
    {"id": "a", "completion": r"\boxed{42}", "gold": "42", "note": "kept out"},
    {"id": 2, "completion": r"\boxed{41}", "gold": 42},
    {"id": "c", "completion": "none", "gold": "42"},
    {"id": "d", "completion": r"\boxed{1}", "gold": ""},
    {"id": "e", "completion": None, "gold": "1"},
    {"id": "f", "completion": r"\boxed{0.52}", "gold": "0.5", "error": "0.05"},
    {"id": "g", "completion": r"\boxed{2, 1}", "gold": ["1", "2"]},
]
EXPECTED = ["correct", "wrong", "no_answer", "bad_gold", "no_answer", "correct", "correct"]


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_rows_in_rows_out(tmp_path):
    out = tmp_path / "new" / "out.jsonl"
    found = verify.verify_file(write(tmp_path / "in.jsonl", ROWS), out, workers=1, timeout=1.0)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["id"] for row in rows] == [row["id"] for row in ROWS]
    assert [row["verdict"] for row in rows] == EXPECTED
    assert all(list(row) == ["id", "verdict", "extracted", "seconds"] for row in rows)
    assert rows[0]["extracted"] == "42"
    assert rows[2]["extracted"] is None
    counted = {name: found[name] for name in verify.VERDICTS}
    assert counted == {"correct": 3, "wrong": 1, "no_answer": 2, "timeout": 0, "error": 0, "bad_gold": 1}
    assert found["n"] == 7
    assert found["seconds"] >= 0


def test_compressed_and_many_batches(tmp_path):
    path = tmp_path / "in.jsonl.gz"
    rows = [{"id": index, "completion": rf"\boxed{{{index}}}", "gold": str(index)} for index in range(1000)]
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    assert verify.verify_file(path, tmp_path / "out.jsonl")["correct"] == 1000


def test_text_that_is_no_text_is_judged_and_written_readably(tmp_path):
    (tmp_path / "in.jsonl").write_bytes(rb'{"id": 1, "completion": "\\boxed{4\ud8002}", "gold": "42"}' + b"\n")
    verify.verify_file(tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    row = json.loads((tmp_path / "out.jsonl").read_bytes().decode("utf-8"))
    assert row["verdict"] == "wrong"
    assert row["extracted"].startswith("4")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "line 2"),
        (b"\n{}", "empty line"),
        (b"[1]", "JSON object"),
        (b'{"id": "a", "completion": "x", "gold": "1"}', "id 'a' was on line 1"),
        (b'{"id": "b", "completion": "x"}', "no 'gold'"),
        (b'{"id": "b", "completions": "x", "gold": "1"}', "did you mean 'completions'"),
        (b'{"id": 1.5, "completion": "x", "gold": "1"}', "id is float"),
        (b'{"id": true, "completion": "x", "gold": "1"}', "id is bool"),
        (b'{"id": "b", "completion": 7, "gold": "1"}', "completion is int"),
        (b'{"id": "b", "completion": "x", "gold": {}}', "gold of type dict"),
        (b'{"id": "b", "completion": "x", "gold": NaN}', "NaN is not JSON"),
        (b'{"id": "b", "id": "c", "completion": "x", "gold": "1"}', "twice"),
        (b'{"id": "b", "completion": "\xff", "gold": "1"}', "line 2"),
        (b'{"id": "b", "completion": "x", "gold": "1", "error": "small"}', "no tolerance"),
        (b"[" * 100_000, "line 2"),
        (b'{"id": ' + b"9" * 5000 + b', "completion": "x", "gold": "1"}', "line 2"),
    ],
)
def test_bad_rows_stop_by_line_and_leave_no_file(tmp_path, line, said):
    (tmp_path / "in.jsonl").write_bytes(json.dumps(ROWS[0]).encode() + b"\n" + line + b"\n")
    out = tmp_path / "out.jsonl"
    out.write_text("the old one")
    with pytest.raises(DataError) as error:
        verify.verify_file(tmp_path / "in.jsonl", out)
    assert "in.jsonl line 2" in str(error.value)
    assert said in str(error.value)
    assert out.read_text() == "the old one"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_cases_are_read_as_strictly_as_rollouts(tmp_path):
    row = json.dumps(ROWS[0]).encode()
    (tmp_path / "in.jsonl").write_bytes(b"\xef\xbb\xbf" + row + b"\n")
    assert verify.verify_file(tmp_path / "in.jsonl", None)["correct"] == 1  # a byte order mark is no part of the line
    for extra, said in ((b"1e999", "too large for a float"), (b"[" * 200 + b"]" * 200, "nested deeper")):
        (tmp_path / "in.jsonl").write_bytes(row[:-1] + b', "extra": ' + extra + b"}\n")
        with pytest.raises(DataError, match=f"in.jsonl line 1: .*{said}"):
            verify.verify_file(tmp_path / "in.jsonl", None)


def test_bad_files(tmp_path):
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "in.csv").write_text("id\n")
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(json.dumps(ROWS[0]).encode() + b"\n" + b" " * 9)[:-12])
    for name, said in (
        ("empty.jsonl", "no rows"),
        ("in.csv", "unknown type of file"),
        ("absent.jsonl", "no such file"),
        ("cut.jsonl.gz", "truncated"),
    ):
        with pytest.raises(DataError, match=said):
            verify.verify_file(tmp_path / name, tmp_path / "out.jsonl")
    with pytest.raises(ConfigError):
        verify.verify_file(write(tmp_path / "in.jsonl", ROWS), tmp_path / "out.jsonl", workers=0)
    assert not (tmp_path / "out.jsonl").exists()


def test_reward_counts_what_it_could_not_judge():
    answers = [Answer(verdict, None, 0.1) for verdict in verify.VERDICTS]
    found = reward(answers)
    assert found.values == [1.0, 0.0, 0.0, None, None, None]
    assert found.counts == dict.fromkeys(verify.VERDICTS, 1)
    assert found.unjudged_share == 0.5
    assert reward(answers, unjudged="zero").values == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert reward([]).unjudged_share == 0.0
    with pytest.raises(ConfigError):
        reward(answers, unjudged="nul")


# ---- rollouts instead of cases
def test_rollouts_are_judged_by_their_answer(tmp_path):
    rows = [
        {"id": "a", "solution": r"\boxed{4}", "answer": 4},
        {"solution": r"\boxed{5}", "answer": "4"},
        {"id": "a", "solution": r"\boxed{4}", "answer": 4},  # a copy is judged too
        {"solution": "none", "answer": None},
    ]
    out = tmp_path / "out.jsonl"
    verify.verify_file(write(tmp_path / "in.jsonl", rows), out)
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["id"], row["verdict"]) for row in found] == [
        ("a", "correct"),
        (2, "wrong"),
        ("a", "correct"),
        (4, "bad_gold"),
    ]


def test_a_mapping_says_which_column_is_which(tmp_path):
    rows = [{"text": r"\boxed{4}", "gold": "9", "target": {"value": "4"}}]
    path = write(tmp_path / "in.jsonl", rows)
    assert verify.verify_file(path, None, mapping={"response": "text", "answer": "target.value"})["correct"] == 1
    assert verify.verify_file(path, None, mapping={"response": "text", "answer": "gold"})["wrong"] == 1


def test_a_row_of_several_responses_is_as_many_cases(tmp_path):
    row = {"problem": "q", "answer": "4", "generations": [r"\boxed{4}", r"\boxed{5}"], "correctness_count": 1}
    found = verify.verify_file(write(tmp_path / "in.jsonl", [row]), None)
    assert (found["n"], found["correct"], found["wrong"]) == (2, 1, 1)


def test_rollouts_without_a_gold_answer_or_a_text_are_refused(tmp_path):
    path = write(tmp_path / "in.jsonl", [{"solution": "x", "truth": "4"}])
    with pytest.raises(DataError, match="neither `gold` nor `answer`") as error:
        verify.verify_file(path, None)
    assert "--map answer=COLUMN" in error.value.fix
    ids = write(tmp_path / "ids.jsonl", [{"prompt_tokens": [1], "response_tokens": [2], "answer": "4"}])
    with pytest.raises(DataError, match="token ids and no text"):
        verify.verify_file(ids, None, mapping={"answer": "answer"})
    read = {"mapping": {"answer": "answer"}, "decode": lambda ids: r"\boxed{4}"}
    assert verify.verify_file(ids, None, **read)["correct"] == 1
