"""Which question of a benchmark a saved sample answers: its text decides, ids only where they cannot mean another question."""

import json

import pytest

from hicra.errors import DataError
from hicra.evaluate.evaluate import evaluate
from hicra.evaluate.settings import settings_of


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def score(tmp_path, questions, samples):
    bench, rows = write(tmp_path / "bench.jsonl", questions), write(tmp_path / "samples.jsonl", samples)
    found = evaluate(out=tmp_path / "out", settings=settings_of({}), samples=[rows], data=[bench])
    return found["files"][bench], found["warnings"]


def of(text, said, **more):
    return {"question": text, "response": f"\\boxed{{{said}}}", **more}


SUMS = [
    {"id": "0", "question": "What is 3 + 4?", "answer": "7"},
    {"id": "1", "question": "What is 5 + 4?", "answer": "9"},
]


def test_the_text_decides_where_the_ids_count_in_another_order(tmp_path):
    samples = [of("What is 5 + 4?", 9, id="s", group_id="0"), of("What is  3 + 4?\n", 7, id="t", group_id="1")]
    entry, warnings = score(tmp_path, SUMS, samples)
    assert (entry["avg_at_n"], warnings) == (1.0, [])


@pytest.mark.parametrize("key", ["id", "group_id"])
def test_an_id_of_the_benchmark_with_a_question_that_is_not_there_is_refused(tmp_path, key):
    samples = [of("What is 3 + 4?", 7, id="a"), of("Name a prime above 20.", 23, **{key: "1"})]
    with pytest.raises(DataError, match=r"row 2 is of question '1' by its id, but .* 'Name a prime above 20\.'"):
        score(tmp_path, SUMS, samples)


def test_a_prompt_around_the_question_is_matched_by_its_id(tmp_path):
    samples = [of(f"Think first. {one['question']} Box it.", one["answer"], group_id=one["id"]) for one in SUMS]
    assert score(tmp_path, SUMS, samples)[0]["avg_at_n"] == 1.0


def test_a_row_without_a_text_is_matched_by_its_id(tmp_path):
    samples = [{"group_id": 1, "response": "\\boxed{9}"}, {"id": "0", "response": "\\boxed{8}"}]
    assert score(tmp_path, SUMS, samples)[0]["avg_at_n"] == 0.5


TWICE = [
    {"id": "short", "question": "How many?", "answer": "2"},
    {"id": "long", "question": "How many?", "answer": "12"},
]


@pytest.mark.parametrize(
    "which", [({"id": "long"}, {"id": "short"}), ({"answer": "12"}, {"answer": "2"})], ids=["by id", "by gold answer"]
)
def test_of_two_questions_with_one_text_the_id_or_the_gold_answer_decides(tmp_path, which):
    samples = [of("How many?", 12, **which[0]), of("How many?", 2, **which[1])]
    entry, _ = score(tmp_path, TWICE, samples)
    assert (entry["questions"], entry["avg_at_n"]) == (2, 1.0)


def test_a_gold_answer_that_is_not_the_benchmarks_is_refused(tmp_path):
    samples = [of("What is 3 + 4?", 7, answer="7"), *[of("What is 5 + 4?", 9, answer="8")] * 2]
    with pytest.raises(DataError, match=r"row 2: the sample's own answer is '8', but that of question '1' .* is '9'"):
        score(tmp_path, SUMS, samples)


def test_a_gold_answer_that_is_only_spelt_otherwise_is_none_of_that(tmp_path):
    questions = [{"id": "h", "question": "Half of one?", "answer": "\\frac{1}{2}"}]
    samples = [of("Half of one?", "0.5", answer="0.50"), of("Half of one?", "2", answer="It is a half.\n#### 1/2")]
    assert score(tmp_path, questions, samples)[0]["avg_at_n"] == 0.5


def test_rows_of_no_question_are_left_out_and_said(tmp_path):
    samples = [of(one["question"], one["answer"]) for one in SUMS] + [of("Who was that?", "Noether")]
    entry, warnings = score(tmp_path, SUMS, samples)
    assert entry["samples"] == 2
    assert ["1 of 3 rows left out, of no question" in text for text in warnings] == [True]
