"""Generated arithmetic: values by hand, disjoint splits, a seeded order, and prompts as given to the model."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra.errors import ConfigError
from hicra.tasks import judge
from hicra.tasks.arithmetic import EXAMPLES, Arithmetic, Problem


@pytest.mark.parametrize(
    ("numbers", "signs", "text", "value"),
    [
        ((3, 4), "+", "3 + 4", 7),
        ((3, 4), "*", "3 * 4", 12),
        ((3, 4), "-", "3 - 4", -1),
        ((2, 3, 4), "+*", "2 + 3 * 4", 14),
        ((2, 3, 4), "*+", "2 * 3 + 4", 10),
        ((9, 2, 3), "-*", "9 - 2 * 3", 3),
        ((9, 2, 3), "--", "9 - 2 - 3", 4),
        ((9, 2, 3, 4), "-*-", "9 - 2 * 3 - 4", -1),
        ((2, 3, 4, 5), "*+*", "2 * 3 + 4 * 5", 26),
        ((10, 2, 3, 1), "-*+", "10 - 2 * 3 + 1", 5),
    ],
)
def test_values_by_hand(numbers: tuple[int, ...], signs: str, text: str, value: int) -> None:
    problem = Problem(numbers, tuple(signs))
    assert (problem.text, problem.value) == (text, value)


def test_order_does_not_change_the_split() -> None:
    assert Problem((3, 4), ("+",)).key == Problem((4, 3), ("+",)).key
    assert Problem((1, 2, 3), ("+", "*")).key == Problem((3, 1, 2), ("*", "+")).key
    assert Problem((3, 4), ("+",)).key != Problem((3, 4), ("*",)).key


@settings(max_examples=20, deadline=None)
@given(
    operations=st.lists(st.sampled_from(["add", "subtract", "multiply"]), min_size=1, max_size=3),
    digits=st.integers(1, 4),
    terms=st.integers(2, 4),
    shots=st.integers(0, 2),
    seeds=st.tuples(st.integers(0, 99), st.integers(0, 99)),
)
@pytest.mark.slow
def test_splits_share_no_problem(
    operations: list[str], digits: int, terms: int, shots: int, seeds: tuple[int, int]
) -> None:
    task = Arithmetic(operations=operations, digits=digits, terms=terms, shots=shots)
    sides = []
    for split, seed in zip(("train", "eval"), seeds, strict=True):
        rows = task.rows(split, 60, seed)
        assert len({row["id"] for row in rows}) == len(rows) <= 60
        assert all(int(row["answer"]) >= 0 for row in rows)
        sides.append({" ".join(sorted(row["question"].removeprefix("What is ").rstrip("?").split())) for row in rows})
    assert not sides[0] & sides[1]


def test_the_order_is_fixed_by_the_seed_and_a_prefix_stays_a_prefix() -> None:
    task = Arithmetic()
    assert task.rows("train", 20, 3) == task.rows("train", 20, 3) == task.rows("train", 50, 3)[:20]
    assert task.rows("train", 20, 3) != task.rows("train", 20, 4)


def test_all_problems_of_a_small_space_are_there_once() -> None:
    task = Arithmetic(operations=["add", "multiply"], shots=1)
    ids = [row["id"] for split in ("train", "eval") for row in task.rows(split)]
    assert len(ids) == len(set(ids)) == 2 * 81 - 2  # all pairs of 1 to 9, less 3 * 4 and 4 * 3, which the example shows
    assert "arithmetic/3*4" not in ids
    assert "arithmetic/4*3" not in ids
    only_minus = Arithmetic(operations=["subtract"], shots=0)
    assert sum(len(only_minus.rows(split)) for split in ("train", "eval")) == 45  # 81 pairs less 36 negative ones


def test_the_rows_are_json_and_the_prompt_is_a_chat() -> None:
    row = Arithmetic(shots=2).rows("eval", 1)[0]
    assert json.loads(json.dumps(row)) == row
    assert [message["role"] for message in row["prompt"]] == ["system", *("user", "assistant") * 2, "user"]
    assert row["prompt"][-1]["content"] == row["question"]
    assert [message["role"] for message in Arithmetic(shots=0).rows("eval", 1)[0]["prompt"]] == ["system", "user"]


def test_the_worked_examples_are_right() -> None:
    for problem, text in EXAMPLES:
        assert judge.score([text], [{"answer": str(problem.value)}], "boxed")[0].correct


def test_score_by_mode() -> None:
    row: dict[str, Any] = {"answer": "12"}
    strict, lenient = Arithmetic(answer_mode="boxed"), Arithmetic(answer_mode="lenient")
    assert strict.score(r"\boxed{12}", row, True).reward == 1.0
    assert strict.score("It is 12.", row, True).reward == 0.0
    assert lenient.score("It is 12.", row, False).reward == 1.0
    assert lenient.score("It is 13.", row, True).correct is False
    assert lenient.labels("It is 12.", row, True) is None
    assert lenient.summary(["It is 12."], [row], [True]) == {
        "boxed_share": 0.0,
        "right_boxed_share": 0.0,
        "right_share": 1.0,
        "unjudged_share": 0.0,
    }


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"digit": 2}, "task.settings.digit: arithmetic has no such setting[\\s\\S]*did you mean 'digits'"),
        ({"operations": ["ad"]}, "did you mean 'add'"),
        ({"operations": []}, "operations"),
        ({"operations": "add"}, "operations"),
        ({"operations": 3}, "operations"),
        ({"operations": [3]}, "no operation 3"),
        ({"digits": 0}, "digits is 0"),
        ({"digits": True}, "digits is True"),
        ({"terms": 5}, "terms is 5"),
        ({"shots": 3}, "shots is 3"),
        ({"answer_mode": "box"}, "did you mean 'boxed'"),
    ],
)
def test_bad_settings_are_refused(bad: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Arithmetic(**bad)


def test_an_unknown_split_is_refused() -> None:
    with pytest.raises(ConfigError, match="did you mean 'train'"):
        Arithmetic().rows("trian")
