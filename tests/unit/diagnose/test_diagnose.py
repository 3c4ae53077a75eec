"""`hicra diagnose`: the steps of the data, each quantity over the rows that have it, arms by a column, whole folders or none."""

from __future__ import annotations

import json
import math
import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from hicra import Lexicon, cli
from hicra.cli.step_table import step_table
from hicra.diagnose.arms import folders, names_of
from hicra.diagnose.diagnose import diagnose
from hicra.diagnose.lacking import repeated_steps
from hicra.diagnose.measure import fingerprint
from hicra.errors import ArtifactError, DataError
from hicra.report.build import build_model
from hicra.runs import RunFolder
from tokenizers_made import byte_level

LEXICON = Lexicon.from_phrases(["let me check"])


def write(tmp_path: Path, rows: list[dict[str, Any]], name: str = "rows.jsonl") -> Path:
    path = tmp_path / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def measured(tmp_path: Path, rows: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    settings = {"tokenizer": None, "out": None, "on_bad": "stop", "max_bad": 0.01, **more}
    return diagnose([write(tmp_path, rows)], LEXICON, **settings)


# ---- the steps of the data
def test_steps_are_those_of_the_data_ascending_and_with_gaps(tmp_path: Path) -> None:
    rows = [{"step": step, "response": "let me check", "reward": float(step > 5)} for step in (1000, 5, 100, 5)]
    found = measured(tmp_path, rows, out=tmp_path / "run")
    assert [(one["step"], one["rows"], one["hicra/accuracy"]) for one in found["steps"]] == [
        (5, 2, 0.0),
        (100, 1, 1.0),
        (1000, 1, 1.0),
    ]
    run = RunFolder.open(tmp_path / "run")
    assert [row["step"] for row in run.metrics()] == [5, 100, 1000]
    assert [frame["step"].to_list() for frame in run.rollouts()] == [[5, 5], [100], [1000]]
    assert build_model([tmp_path / "run"]).runs[0].steps == (5, 100, 1000)


def test_rows_without_a_step_are_said(tmp_path: Path) -> None:
    said = "let me check"
    assert measured(tmp_path, [{"response": said}, {"response": "b"}])["warnings"] == []
    found = measured(tmp_path, [{"response": said}, {"response": "b", "step": 7}])
    assert found["warnings"] == ["1 of 2 rows have no step and count at step 1"]
    assert [one["step"] for one in found["steps"]] == [1, 7]


# ---- each quantity on its own
def test_every_quantity_counts_the_rows_that_have_it(tmp_path: Path) -> None:
    """Planning words are those of the gram: three in each row, of four words in the first and third."""
    rows = [
        {"response": "let me check it", "entropies": [1.0, 1.0, 1.0, 5.0], "group_id": "a", "correct": 1},
        {"response": "let me check", "group_id": "a", "correct": 0, "reward": 2.0},
        {"response": "let me check it", "entropies": [4.0, 4.0, 4.0, 7.0], "logprobs": [-1.0] * 4, "group_id": "b"},
        {"response": "let me check", "entropies": [9.0], "logprobs": [-3.0, None, -3.0], "correct": 1},
    ]
    found = measured(tmp_path, rows)
    [step] = found["steps"]
    assert step["hicra/entropy_planning"] == pytest.approx((3 * 1 + 3 * 4) / 6)
    assert step["hicra/entropy_execution"] == pytest.approx((5 + 7) / 2)
    assert step["hicra/ppl_planning"] == pytest.approx(math.exp((3 * 1 + 2 * 3) / 5))
    assert step["hicra/ppl_execution"] == pytest.approx(math.e)
    assert step["hicra/accuracy"] == pytest.approx(2 / 3)
    assert (step["hicra/pass_at_1"], step["hicra/pass_at_2"]) == (0.5, 1.0)  # of group a alone
    assert step["hicra/reward"] == 2.0
    assert step["hicra/reward_errors"] == 3
    assert step["hicra/length"] == 3.5
    covered = {
        "hicra/entropy_planning": 2, "hicra/ppl_planning": 2, "hicra/accuracy": 3, "hicra/pass_at_2": 2, "hicra/reward": 1,
        "hicra/mixed_groups": 1, "hicra/reward_errors": 4, "hicra/length": 4, "hicra/planning_share": 4,
        "hicra/changed_share": 0,
    }  # fmt: skip
    assert {name: found["coverage"][name] for name in covered} == covered
    said = "\n".join(found["warnings"])
    assert "1 of 4 rows have no verdict; hicra/accuracy and hicra/pass_at_K count the other 3" in said
    assert "2 of 4 rows have no entropies that fit their words" in said
    assert "2 of 4 rows have no logprobs that fit their words" in said
    assert "1 of 4 rows have no group and no question" in said


def test_one_row_without_values_takes_no_other_with_it(tmp_path: Path) -> None:
    """More rows than are tagged at once: the mean moves by that one row only."""
    rows = [{"response": "let me check", "entropies": [float(i % 2)] * 3} for i in range(1200)]
    assert measured(tmp_path, rows)["steps"][0]["hicra/entropy_planning"] == 0.5
    rows[700] = {"response": "let me check", "entropies": None}
    found = measured(tmp_path, rows)
    assert found["steps"][0]["hicra/entropy_planning"] == pytest.approx(600 / 1199)
    assert found["coverage"]["hicra/entropy_planning"] == 1199


def test_coverage_adds_up_over_steps(tmp_path: Path) -> None:
    rows = [{"step": step, "response": "a", **({"reward": 1} if step < 3 else {})} for step in (1, 1, 2, 3)]
    found = measured(tmp_path, rows)
    assert found["coverage"]["hicra/reward"] == 3
    assert found["coverage"]["hicra/length"] == 4
    assert found["steps"][2]["hicra/reward"] is None


def test_values_that_fit_nothing_are_said(tmp_path: Path) -> None:
    found = measured(tmp_path, [{"response": "let me check", "entropies": [1.0, 2.0]}])
    assert found["steps"][0]["hicra/entropy_planning"] is None
    assert found["warnings"] == [
        "entropies fit the words of no row (one number a word, each at least 0), so hicra/entropy_planning and "
        "hicra/entropy_execution are null; --tokenizer DIR counts tokens"
    ]


def test_token_ids_without_a_text_ask_for_the_tokenizer(tmp_path: Path) -> None:
    row = {"step": 4, "prompt_idx": 1, "prompt_tokens": [1], "response_tokens": [2, 3], "reward": 1.0}
    with pytest.raises(DataError, match="1 of 1 rows have token ids and no text") as caught:
        measured(tmp_path, [row])
    assert "--tokenizer DIR" in caught.value.fix


# ---- arms
def test_token_ids_of_another_tokenizer_are_said_and_not_blamed_on_the_lexicon(tmp_path: Path) -> None:
    """Each text holds the gram; the ids of step 1 spell something else, those of step 2 the text."""
    byte_level().save(str(tmp_path / "tokenizer.json"))
    text = "let me check it"
    foreign, own = (
        {"response": text, "step": step, "token_ids": byte_level().encode(spelled).ids}
        for step, spelled in ((1, "it is two"), (2, text))
    )

    def said(rows: list[dict[str, Any]]) -> list[str]:
        warnings: list[str] = measured(tmp_path, rows, tokenizer=str(tmp_path))["warnings"]
        return [one.partition(" whose text")[0] for one in warnings]

    assert said([foreign, foreign, own]) == ["in 2 of 3 rows"]
    assert said([foreign, own]) == []  # half of them are not most
    assert said([foreign]) == ["in 1 of 1 row"]  # and not that the lexicon matches nothing


def test_where_each_line_was_skipped_it_says_so_and_writes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, [{"response": None}] * 2)
    with pytest.raises(DataError, match="no row is left: each of the 2 lines is bad"):
        diagnose([path], Lexicon.load("paper"), tokenizer=None, out=tmp_path / "run", on_bad="skip", max_bad=1.0)
    assert not (tmp_path / "run").exists()


def arms_of(tmp_path: Path, **more: Any) -> dict[str, Any]:
    rows = [
        {"model": model, "stage": stage, "step": step, "response": "let me check", "correct": right}
        for model, stage, step, right in [
            ("b/2", True, 9, 1), ("a", False, 3, 0), ("a", False, 9, 1), (None, None, 1, 1), ("b/2", True, 9, 0),
        ]
    ]  # fmt: skip
    return measured(tmp_path, rows, **more)


def test_arms_by_a_column_are_measured_apart(tmp_path: Path) -> None:
    found = arms_of(tmp_path, by="model", out=tmp_path / "runs")
    assert [(one["arm"], one["step"], one["rows"], one["hicra/accuracy"]) for one in found["steps"]] == [
        ("a", 3, 1, 0.0),
        ("a", 9, 1, 1.0),
        ("b/2", 9, 2, 0.5),
        ("no model", 1, 1, 1.0),
    ]
    places = [str(tmp_path / "runs" / name) for name in ("a", "b_2", "no model")]
    assert found["arms"] == [
        {"arm": arm, "rows": rows, "run_dir": place}
        for arm, rows, place in zip(("a", "b/2", "no model"), (2, 2, 1), places, strict=True)
    ]
    assert [RunFolder.open(place).method for place in places] == ["a", "b/2", "no model"]
    assert build_model([Path(place) for place in places]).arms == ("a", "b/2", "no model")
    assert found["rows"] == 5


def test_arms_of_values_that_are_no_text(tmp_path: Path) -> None:
    found = arms_of(tmp_path, by="stage")
    assert [arm["arm"] for arm in found["arms"]] == ["no stage", "stage false", "stage true"]
    assert all(arm["run_dir"] is None for arm in found["arms"])


def test_arms_that_are_nearly_alike_are_arms_of_their_own() -> None:
    rows = pl.DataFrame({"lr": [1e-6, 1.0000001e-6, 0.5, 3.0, None], "arm": ["no arm", None, "a", "a", "b"]})
    assert sorted(set(names_of(rows["lr"], "lr"))) == ["lr 0.5", "lr 1.0000001e-06", "lr 1e-06", "lr 3", "no lr"]
    assert sorted(set(names_of(rows["arm"], "arm"))) == ['"no arm"', "a", "b", "no arm"]


def test_several_models_in_one_are_said(tmp_path: Path) -> None:
    said = "the rows are of 2 models and measured together; --by model measures each apart"
    assert said in arms_of(tmp_path)["warnings"]
    assert said not in arms_of(tmp_path, by="stage")["warnings"]
    assert measured(tmp_path, [{"response": "let me check", "model": "m"}, {"response": "a"}])["warnings"] == []


def test_a_column_that_makes_no_arms(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--by modle: the rows have no such column") as caught:
        arms_of(tmp_path, by="modle")
    assert "model" in caught.value.fix
    rows = [{"response": "a", "n": i, "tags": ["x"]} for i in range(65)]
    with pytest.raises(DataError, match="the column has 65 values"):
        measured(tmp_path, rows, by="n")
    with pytest.raises(DataError, match="its values are lists or objects"):
        measured(tmp_path, rows, by="tags")


def test_folders_are_safe_and_no_two_alike() -> None:
    names = folders(["a/b", "a:b", "A_B", "..", "-x", "", "n" * 200])
    assert names == ["a_b", "a_b-2", "A_B-3", "arm..", "arm-x", "arm", "n" * 80]
    assert len({name.lower() for name in names}) == len(names)


# ---- whole folders or none
@pytest.mark.parametrize("how", ["interrupt", "terminate"])
def test_an_interrupted_one_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    rows = [{"step": step, "response": "a", "model": "m" if step < 3 else "n"} for step in (1, 2, 3)]
    write_rollouts = RunFolder.write_rollouts

    def interrupted(run: RunFolder, step: int, *rest: Any) -> Any:
        if step == 3:
            if how == "terminate":
                os.kill(os.getpid(), signal.SIGTERM)
            raise KeyboardInterrupt
        return write_rollouts(run, step, *rest)

    monkeypatch.setattr(RunFolder, "write_rollouts", interrupted)
    for by in (None, "model"):
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            measured(tmp_path, rows, out=tmp_path / "run", by=by)
        assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_what_exists_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine").write_text("x")
    with pytest.raises(ArtifactError, match="run"):
        diagnose([tmp_path / "absent.jsonl"], LEXICON, tokenizer=None, out=tmp_path / "run", on_bad="stop", max_bad=0.0)


# ---- the verb
def test_the_verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    rows: list[Any] = [{"said": "let me check", "arm": "big one", "step": 20, "ok": 1}, {"said": 5, "arm": "big one"}]
    write(tmp_path, rows)
    options = "--map response=said --map correct=ok --by arm -o run --on-bad skip --max-bad 0.5 --quarantine bad.jsonl"
    monkeypatch.setattr("sys.argv", ["hicra", "diagnose", "rows.jsonl", *options.split()])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    said = capsys.readouterr()
    assert said.out.split("\n")[0].split()[:7] == [
        *("arm", "step", "rows", "accuracy", "length", "(words)", "planning_share"),
    ]
    assert said.out.split("\n")[1].split()[:5] == ["big", "one", "20", "1", "1"]
    assert "1 skipped line is listed in bad.jsonl" in said.err
    assert "next: hicra report 'run/big one' -o report.html" in said.err
    assert json.loads((tmp_path / "bad.jsonl").read_text())["line"] == 2


def test_zero_is_shown_without_a_sign() -> None:
    assert step_table([{"step": 3, "hicra/entropy_planning": -0.0}]).split() == ["step", "entropy_planning", "3", "0"]


def test_few_steps_stand_in_columns_with_their_intervals_and_many_in_rows() -> None:
    steps: list[dict[str, Any]] = [
        {"step": step, "hicra/length": 2.0 * step, "hicra/reward": None} for step in range(1, 6)
    ]
    intervals: list[dict[str, Any]] = [{"step": step, "hicra/length": [step, 3.0 * step]} for step in range(1, 6)]
    few = step_table(steps[:2], "words", intervals[:2]).split("\n")
    assert [line.split("  ")[0] for line in few] == ["step", "length (words)"]
    assert few[1].split("  ")[1:] == ["2 (1 to 3)", "4 (2 to 6)"]
    many = step_table(steps, "words", intervals).split("\n")
    assert [line.split() for line in many[:2]] == [["step", "length", "(words)"], ["1", "2"]]
    without = step_table(steps[:2], "words", [{"step": 1}, {"step": 2}]).split("\n")
    assert [line.split() for line in without[:2]] == [["step", "length", "(words)"], ["1", "2"]]


def test_a_step_that_holds_the_rollouts_of_the_step_before_is_said() -> None:
    said = ("a", "x", 0.0), ("b", "y", 1.0)
    rows = [(1, *said[0]), (1, *said[1]), (2, *said[1]), (2, *said[0]), (3, *said[0]), (3, "b", "z", None)]

    def told(rows: list[tuple[Any, ...]]) -> list[str]:
        frame = pl.DataFrame(rows, schema=["step", "question", "response", "reward"], orient="row")
        steps = {
            step: SimpleNamespace(rows=part.height, texts=fingerprint(part)) for (step,), part in frame.group_by("step")
        }
        return repeated_steps(steps)

    (one,) = told(rows)  # in another order they are the same; step 3 differs in one response
    assert one.startswith("step 2 holds the rollouts of the step before again")
    (two,) = told([*rows, *((5, *row[1:]) for row in rows[4:])])
    assert two.startswith("step 2 and 1 more step hold")
    assert told([(1, *said[0]), (2, *said[0]), (2, *said[0])]) == []  # once and twice
    assert told([(1, *said[0]), (2, *said[0])]) == []  # a step of one row
