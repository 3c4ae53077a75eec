"""The way back from `hicra verify` to `hicra diagnose`: the rows that were judged, with the verdicts as their `correct`."""

import json
from pathlib import Path

import pytest

from hicra import Lexicon, cli, corpus, verify
from hicra.corpus.fields import CANONICAL
from hicra.diagnose.diagnose import diagnose
from hicra.errors import DataError
from paths import SUPPORT

# step 1 has the gold answer with a space in it, which was called wrong
ROWS = [
    {"id": "a", "step": 1, "response": "\\boxed{3\\sqrt{5}}", "answer": "3 \\sqrt{5}", "correct": False, "reward": 0},
    {"id": "a", "step": 2, "response": "\\boxed{4}", "answer": "5", "correct": True, "reward": 1},
    {"id": "b", "step": 2, "response": "no box", "answer": "5", "correct": True, "reward": 1},
    {"id": "c", "step": 2, "response": "\\boxed{5}", "answer": "", "correct": False, "reward": 0, "stage": "late"},
]


def written(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def accuracy(path: Path) -> list[float | None]:
    found = diagnose([path], Lexicon.from_phrases(["let me"]), tokenizer=None, out=None, on_bad="stop", max_bad=0)
    return [step["hicra/accuracy"] for step in found["steps"]]


def test_verdicts_go_back_into_a_diagnosis(tmp_path: Path) -> None:
    source, judged = written(tmp_path / "rows.jsonl", ROWS), tmp_path / "judged.jsonl"
    counts = verify.verify_file(source, tmp_path / "out.jsonl", workers=1, judged=judged)
    assert (counts["correct"], counts["wrong"], counts["no_answer"], counts["bad_gold"]) == (1, 1, 1, 1)
    rows = read(judged)
    assert [row["correct"] for row in rows] == [True, False, False, None]  # a bad gold answer judges nobody
    assert [row["reward"] for row in rows] == [0, 1, 1, 0]  # what was trained on stays
    assert rows[3]["stage"] == "late"
    assert [row["id"] for row in read(tmp_path / "out.jsonl")] == ["a", "a", "b", "c"]
    assert accuracy(source) == pytest.approx([0, 2 / 3])
    assert accuracy(judged) == [1, 0]  # step 2: two wrong, and one that is not known


def test_a_dump_of_a_trainer_comes_out_as_plain_rows(tmp_path: Path) -> None:
    """Read by its old layout, it would have the old verdicts again."""
    dump, judged = Path(SUPPORT) / "dumps" / "verl", tmp_path / "judged.jsonl"
    counts = verify.verify_file(dump, None, workers=1, mode="lenient", judged=judged, mapping={"answer": "gts"})
    before, after = corpus.read(dump, mapping={"answer": "gts"}), corpus.read(judged)
    assert (before.format, after.format) == ("verl", "jsonl")
    same = [name for name in CANONICAL if name != "correct" and name in before.columns and name in after.columns]
    assert {"response", "question", "step", "reward"} <= {*same}
    assert before.rows.select(same).equals(after.rows.select(same))
    assert after.rows["correct"].sum() == counts["correct"] > 0


def test_cases_come_out_whole(tmp_path: Path) -> None:
    cases = [
        {"id": 1, "completion": "\\boxed{2}", "gold": "2", "note": "x"},
        {"id": 2, "completion": None, "gold": "2"},
    ]
    verify.verify_file(written(tmp_path / "cases.jsonl", cases), None, judged=tmp_path / "judged.jsonl")
    assert read(tmp_path / "judged.jsonl") == [{**cases[0], "correct": True}, {**cases[1], "correct": False}]


def test_several_inputs_are_judged_in_order(tmp_path: Path) -> None:
    first, second = (written(tmp_path / f"{name}.jsonl", ROWS[at : at + 2]) for name, at in (("x", 0), ("y", 2)))
    assert verify.verify_file([first, second], tmp_path / "out.jsonl")["n"] == 4
    assert [row["id"] for row in read(tmp_path / "out.jsonl")] == ["a", "a", "b", "c"]
    case = written(tmp_path / "case.jsonl", [{"id": 1, "completion": "2", "gold": "2"}])
    with pytest.raises(DataError, match="case.jsonl has `gold` in its rows and .*x.jsonl has not"):
        verify.verify_file([first, case], None)
    again = written(tmp_path / "again.jsonl", [{"id": 1, "completion": "2", "gold": "2"}])
    with pytest.raises(DataError, match="again.jsonl line 1: id 1 was in .*case.jsonl line 1 already"):
        verify.verify_file([case, again], None)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-o", "out.jsonl"], "next: the same with --judged judged.jsonl to save the rows"),
        (["--judged=-j.jsonl"], "next: hicra diagnose ./-j.jsonl"),
        ([], "next: the same with -o verdicts.jsonl"),
    ],
)
def test_the_verb_says_the_way_back(tmp_path, monkeypatch, capsys, words: list[str], said: str) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "rows.jsonl", ROWS)
    with pytest.raises(SystemExit) as ended:
        cli.main(["verify", "rows.jsonl", *words])
    assert not ended.value.code
    assert said in capsys.readouterr().err


def test_outputs_of_one_name_are_refused(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "rows.jsonl", ROWS)
    for words in (["-o", "a.jsonl", "--judged", "./a.jsonl"], ["--judged", "rows.jsonl"], ["--judged", "a.txt"]):
        with pytest.raises(SystemExit) as ended:
            cli.main(["verify", "rows.jsonl", *words])
        assert ended.value.code
        assert "--judged" in capsys.readouterr().err or words[-1] == "a.txt"
    assert {path.name for path in tmp_path.iterdir()} == {"rows.jsonl"}


def test_rows_that_hold_several_responses_come_out_as_one_row_each(tmp_path: Path) -> None:
    """`generations` beside `problem` is the layout of another writer, in which the old verdicts would be read again."""
    row = {
        "problem": "1 + 1?", "answer": "2", "generations": ["\\boxed{2}", "\\boxed{3}"], "uuid": "u",
        "correctness_math_verify": [False, True], "is_reasoning_complete": [True, True],
    }  # fmt: skip
    judged = tmp_path / "judged.jsonl"
    verify.verify_file(written(tmp_path / "rows.jsonl", [row]), None, judged=judged)
    after = corpus.read(judged)
    assert (after.format, after.rows["response"].to_list()) == ("jsonl", row["generations"])
    assert after.rows["correct"].to_list() == [True, False]
