"""Saved samples instead of a model: grouping, matching, scoring again."""

import json

import polars as pl
import pytest

from hicra.errors import ConfigError, DataError
from hicra.evaluate.evaluate import evaluate
from hicra.evaluate.settings import settings_of
from tokenizers_made import byte_level


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def rows_of(answers, question="What is 2 + 2?", gold="4", **more):
    return [{"question": question, "solution": f"\\boxed{{{answer}}}", "answer": gold, **more} for answer in answers]


def score(tmp_path, rows, data=(), name="out", **given):
    samples = write(tmp_path / "samples.jsonl", rows)
    settings = settings_of({"k": "1,2"} | given)
    return evaluate(out=tmp_path / name, settings=settings, samples=[samples], data=list(data)), samples


def test_samples_are_judged_by_their_own_answer_and_grouped_by_question(tmp_path):
    rows = rows_of([4, 5]) + rows_of([9, 9, 9], "What is 3 * 3?", "9")
    found, name = score(tmp_path, rows)
    entry = found["files"][name]
    assert (entry["questions"], entry["samples"], entry["n"]) == (2, 5, [2, 3])
    assert entry["avg_at_n"] == 0.75
    assert entry["pass_at_k"] == {"1": 0.75, "2": 1.0}
    assert entry["truncated_share"] is None
    assert entry["length"]["unit"] == "characters"


def test_the_table_of_samples_scores_the_same_again(tmp_path):
    rows = rows_of([4, 5]) + rows_of(["3.14", "3.2"], "Pi?", "3.14159", error="1e-2")
    found, name = score(tmp_path, rows)
    again = evaluate(out=tmp_path / "again", settings=settings_of({"k": "1,2"}), samples=[found["samples"]])
    first, second = found["files"][name], again["files"][found["samples"]]
    assert first["avg_at_n"] == second["avg_at_n"] == 0.5
    assert first["verdicts"] == second["verdicts"]


def test_samples_are_matched_to_a_benchmark(tmp_path):
    bench = write(tmp_path / "bench.jsonl", [
        {"id": "a", "question": "What is 2 + 2?", "answer": "5"}, {"id": "b", "question": "Or else?", "answer": "7"}
    ])  # fmt: skip
    rows = rows_of([5, 4], gold=None) + rows_of([7, 8], "Hint: add.  Or else?", "7", group_id="b")
    found, _ = score(tmp_path, rows, [bench])
    assert found["files"][bench]["avg_at_n"] == 0.5  # the benchmark's gold counts
    assert pl.read_parquet(found["samples"])["group_id"].to_list() == ["a", "a", "b", "b"]
    with pytest.raises(DataError, match="1 of 2 questions.*have no sample.*'b'"):
        score(tmp_path, rows_of([4, 5], gold="5"), [bench], "other")


def test_a_mapping_says_which_column_is_which(tmp_path):
    rows = [{"q": "What is 2 + 2?", "said": [r"\boxed{4}", r"\boxed{5}"], "gold": {"value": "4"}}]
    samples = write(tmp_path / "samples.jsonl", rows)
    mapping = {"response": "said", "answer": "gold.value", "question": "q"}
    settings = settings_of({"k": "1,2"})
    found = evaluate(out=tmp_path / "out", settings=settings, samples=[samples], mapping=mapping)
    assert (found["files"][samples]["samples"], found["files"][samples]["avg_at_n"]) == (2, 0.5)
    for option, given in (("--map", {"mapping": mapping}), ("--tokenizer", {"tokenizer": "t"})):
        with pytest.raises(ConfigError, match=f"{option} says how saved samples are read"):
            evaluate(out=tmp_path / "b", settings=settings, model="m", data=[samples], **given)


def test_samples_of_token_ids_are_read_with_a_tokenizer(tmp_path):
    tokenizer = byte_level()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    ids = tokenizer.encode(r"\boxed{4}").ids
    row = {"prompt_tokens": tokenizer.encode("q").ids, "response_tokens": ids, "ground_truth": "4", "reward": 1}
    samples = write(tmp_path / "samples.jsonl", [row])
    with pytest.raises(DataError, match="token ids and no text") as error:
        evaluate(out=tmp_path / "a", settings=settings_of({}), samples=[samples])
    assert "--tokenizer" in error.value.fix
    found = evaluate(out=tmp_path / "b", settings=settings_of({}), samples=[samples], tokenizer=str(tmp_path))
    assert found["files"][samples]["avg_at_n"] == 1.0


def test_a_benchmark_row_without_an_answer_is_named_once(tmp_path):
    bench = write(tmp_path / "b.jsonl", [{"question": "a", "answer": "1"}, {"question": "b", "answer": []}])
    with pytest.raises(DataError) as error:
        score(tmp_path, rows_of([4, 5]), [bench])
    assert error.value.message.count("line 2") == 1


def test_refusals(tmp_path):
    with pytest.raises(ConfigError, match="pass@2 cannot be had from 1 sample"):
        score(tmp_path, rows_of([4]))
    with pytest.raises(DataError, match="row 2.*no answer"):
        score(tmp_path, [*rows_of([4]), {"question": "x?", "solution": "1"}], name="b")
    with pytest.raises(DataError, match="another answer"):
        score(tmp_path, [*rows_of([4]), *rows_of([4], gold="5")], name="c")
    with pytest.raises(DataError, match="2 models"):
        score(tmp_path, [*rows_of([4], model="x"), *rows_of([4], model="y")], name="d")
    with pytest.raises(DataError, match="told apart"):
        score(tmp_path, [{"solution": "1", "answer": "1"}], name="e")
    with pytest.raises(DataError, match="no rows"):
        score(tmp_path, [], name="f")


def test_a_bad_gold_is_listed(tmp_path):
    found, name = score(tmp_path, rows_of([4, 4]) + rows_of([1, 1], "x?", "..."))
    entry = found["files"][name]
    assert entry["bad_gold"] == ["x?"]
    assert entry["avg_at_n"] == 1.0
    assert entry["verdicts"]["bad_gold"] == 2


def test_a_table_of_several_benchmarks_keeps_them_apart(tmp_path):
    for name, gold in (("a", "4"), ("b", "5")):
        write(tmp_path / f"{name}.jsonl", [{"id": "1", "question": "What is 2 + 2?", "answer": gold}])
    data = [str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")]
    found, _ = score(tmp_path, rows_of([4, 4], gold=None), data)
    assert [entry["avg_at_n"] for entry in found["files"].values()] == [1.0, 0.0]
    again = evaluate(out=tmp_path / "again", settings=settings_of({}), samples=[found["samples"]])
    assert again["files"][found["samples"]]["questions"] == 2
    assert again["files"][found["samples"]]["avg_at_n"] == 0.5


def test_token_ids_and_truncation_are_kept_where_they_are_known(tmp_path):
    rows = rows_of([4, 5], token_ids=[1, 2, 3], truncated=False)
    found, name = score(tmp_path, rows)
    entry = found["files"][name]
    assert entry["length"] == {"unit": "tokens", "mean": 3.0, "median": 3.0, "p95": 3.0, "max": 3}
    assert entry["truncated_share"] == 0


def test_a_row_that_stands_twice_counts_once_and_is_said(tmp_path):
    rows = [row | {"id": str(number)} for number, row in enumerate(rows_of([4, 5, 5]))]
    found, name = score(tmp_path, rows + rows[:1] * 3)
    entry = found["files"][name]
    assert (entry["samples"], entry["avg_at_n"]) == (3, pytest.approx(1 / 3))
    assert (
        found["warnings"][0]
        == f"{name}: 3 copies of rows (same id, same content) left out, so that each row counts once"
    )


def test_equal_rows_without_an_id_are_samples_of_their_own(tmp_path):
    found, name = score(tmp_path, rows_of([4, 4, 4, 5]))
    assert (found["files"][name]["samples"], found["files"][name]["avg_at_n"]) == (4, 0.75)


def test_ids_that_name_questions_make_no_duplicates(tmp_path):
    found, name = score(tmp_path, rows_of([4, 4, 4, 5], id="q"))
    assert (found["files"][name]["samples"], found["files"][name]["avg_at_n"]) == (4, 0.75)
    assert "id 'q' stands on different rows" in found["warnings"][0]
    assert "rows that are equal to another one (2) count as samples of their own" in found["warnings"][0]


@pytest.mark.parametrize(
    ("steps", "said"), [((3, 7), "of step 3, 7:"), ((7, None), "step 7 and 2 rows without a step")]
)
def test_steps_of_a_training_are_not_pooled(tmp_path, steps, said):
    rows = [row | ({} if step is None else {"step": step}) for step in steps for row in rows_of([4, 5])]
    with pytest.raises(DataError, match=f"{said}.*another model"):
        score(tmp_path, rows)
    found, name = score(tmp_path, [row | {"step": 7} for row in rows], name="one")
    assert found["files"][name]["samples"] == 4


def test_one_question_with_two_texts_is_refused(tmp_path):
    rows = rows_of([4], group_id="g") + rows_of([4], "What is 1 + 3?", group_id="g")
    with pytest.raises(DataError, match="row 2: question 'g' has another text than before"):
        score(tmp_path, rows)
