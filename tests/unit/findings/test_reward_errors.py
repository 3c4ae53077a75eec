"""Rewards that are missing, that differ for equal responses, and that deny the gold answer; each alone makes an alarm."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from evidence_made import evidence_of
from hicra.findings import Finding
from hicra.findings.reward_errors import reward_errors

SCHEMA = {
    "step": pl.Int64, "id": pl.String, "group_id": pl.String, "prompt": pl.String, "response": pl.String, "answer": pl.String,
    "reward": pl.Float64, "correct": pl.Boolean, "n_tool_calls": pl.Int64,
}  # fmt: skip


def row(step: int = 1, response: str = "a", reward: float | None = 0.0, **more: Any) -> dict[str, Any]:
    return {"step": step, "prompt": "p", "response": response, "reward": reward, **more}


def look(*rows: dict[str, Any], config: dict[str, Any] | None = None) -> Finding | None:
    numbered = [{"id": str(number), **one} for number, one in enumerate(rows, 1)]
    return reward_errors(evidence_of([], pl.DataFrame(numbered, schema=SCHEMA), config or {}))


def alarm(*rows: dict[str, Any], **more: Any) -> bool | None:
    found = look(*rows, **more)
    return None if found is None else found.alarm


def sound(n: int = 40) -> list[dict[str, Any]]:
    return [row(response=f"r{i}", reward=float(i % 2)) for i in range(n)]


def test_a_sound_run_is_looked_at_and_nothing_is_seen() -> None:
    found = look(*sound())
    assert found is not None
    assert found.alarm is False
    assert found.headline is not None
    assert found.headline.as_json()["interval"] == pytest.approx(
        [0, 0.0876], abs=1e-4
    )  # z^2 / (n + z^2) = 3.84 / 43.84


def test_missing_rewards_with_the_interval_by_hand() -> None:
    found = look(*sound(), *[row(response=f"n{i}", reward=None) for i in range(10)])
    assert found is not None
    assert found.alarm is True
    # 10 of 50, as in the example of `wilson_of_share`'s neighbour: 11.24 % to 33.04 %
    assert (found.headline.low, found.headline.high) == pytest.approx((0.1124, 0.3304), abs=1e-4)  # type: ignore[union-attr]
    assert [one["id"] for one in found.rollouts] == ["41", "42", "43", "44", "45"]
    # a step in which no rollout has a reward was not judged at all, which is no error of a verifier
    assert alarm(*sound(), *[row(2, f"n{i}", None) for i in range(10)]) is False
    assert alarm(row(reward=None)) is None


def test_equal_responses_with_different_rewards() -> None:
    twice = [row(response="the same"), row(response="the same", reward=1.0)]
    found = look(*sound(), *twice)
    assert found is not None
    assert found.alarm is True
    assert found.figures["contradicting"] == 2
    assert [one["id"] for one in found.rollouts] == ["41", "42"]
    apart = [
        [twice[0], {**twice[1], key: value}] for key, value in (("step", 2), ("prompt", "q"), ("response", "other"))
    ]
    assert [alarm(*sound(), *pair) for pair in apart] == [False] * 3
    assert alarm(*sound(), *[{**one, "n_tool_calls": 1} for one in twice]) is False  # what a tool said may differ
    assert alarm(*sound(), *twice, config={"system": {"name": "himac"}}) is False


@pytest.mark.parametrize(
    ("response", "gold", "denied"),
    [
        (
            r"so \boxed{3\sqrt{5}}",
            r"3 \sqrt{5}",
            True,
        ),  # the gold of a public dump has this space, and its verdicts are wrong
        (r"\boxed{1} and then \boxed{2}", "1", False),  # the last box counts
        ("the answer is 7", "7", False),
        (r"\boxed{ }", " ", False),
    ],
)
def test_a_gold_answer_that_is_called_wrong(response: str, gold: str, denied: bool) -> None:
    found = look(row(response=response, answer=gold, correct=False))
    assert found is not None
    assert found.figures["gold_called_wrong"] == denied
    assert found.alarm is denied
    assert found.headline is not None
    assert found.headline.value == denied  # one of one, or none
    assert found.headline.what == (
        "share of the rollouts called wrong although the last box holds the gold answer" if denied
        else "share of the rollouts without a reward"
    )  # fmt: skip
    right = look(row(response=response, answer=gold, correct=True, reward=1.0))
    assert right is not None
    assert right.alarm is False


def test_verdicts_stand_for_rewards_where_there_are_none() -> None:
    rows = [row(response=f"r{i}", reward=None, correct=None if i < 10 else True) for i in range(50)]
    found = look(*rows)
    assert found is not None
    assert found.figures["unscored"] == 10


# ---- what is said of them
DENIED = {"answer": "3 5", "correct": False, "response": "so \\boxed{35}"}


def test_how_many_questions_they_belong_to() -> None:
    one = look(*[row(step, **DENIED) for step in range(1, 8)])
    assert one is not None
    assert "7 responses are called wrong although the last box holds the gold answer, all of one question." in one.text
    assert one.figures["questions"] == {"unscored": 0, "contradicting": 0, "gold_called_wrong": 1}
    two = look(*[{**row(step, **DENIED), "prompt": f"q{step % 2}"} for step in range(1, 8)])
    assert two is not None
    assert "the gold answer, of 2 questions." in two.text
    missing = look(*sound(), *[{**row(response=f"n{i}", reward=None), "prompt": f"q{i % 5}"} for i in range(10)])
    assert missing is not None
    assert "10 of 50 rollouts have no reward, of 5 questions (20" in missing.text
    nameless = look(*[{**row(step, **DENIED), "prompt": None} for step in range(1, 8)])
    assert nameless is not None
    assert nameless.figures["questions"]["gold_called_wrong"] == 7  # by the id of the row, where nothing else is known


def test_load_is_blamed_only_where_it_can_be_the_reason() -> None:
    denied = look(row(**DENIED))
    assert denied is not None
    assert "busy" not in denied.text
    assert "a verifier that compares values, not texts" in denied.text
    for other in (
        look(*sound(), *[row(response=f"n{i}", reward=None) for i in range(10)]),
        look(row(response="the same"), row(response="the same", reward=1.0)),
    ):
        assert other is not None
        assert "a verifier that ran out of time needs a machine that is less busy." in other.text


def test_judging_again_cannot_help_where_the_gold_answer_is_cut() -> None:
    cut = [row(response=f"n{i}", reward=None, answer=r"\frac{14") for i in range(10)]
    found = look(*sound(), *cut)
    assert found is not None
    assert "The gold answer of all of these is cut or cannot be read, and judging again cannot help there" in found.text
    assert "Judge the answers again" not in found.text
    assert (found.figures["unreadable_gold"], found.then) == (10, "hicra corpus inspect ROLLOUTS")
    some = look(*sound(), *cut[:6], *[row(response=f"m{i}", reward=None, answer="7") for i in range(4)])
    assert some is not None
    assert "The gold answer of 6 of these is cut or cannot be read" in some.text
    assert "Judge the answers again" in some.text
    assert some.then == "hicra verify ROLLOUTS --judged judged.jsonl"


def test_the_column_of_the_same_name_counts_something_else() -> None:
    found = look(row(**DENIED))
    assert found is not None
    assert found.text.endswith("The column reward_errors of the metrics counts only rollouts without a reward.")
