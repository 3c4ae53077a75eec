"""Answers found in text and compared as exact numbers: hand-worked, invariants, and hostile inputs."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hicra.errors import ConfigError, DataError
from hicra.tasks import answers


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"so \boxed{12}.", "12"),
        (r"\boxed{1} then \boxed{2}", "2"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{\boxed{5}}", "5"),
        (r"\boxed{7} and then \boxed{", "7"),
        (r"\boxed{7} and then \boxed{}", "7"),
        (r"\boxed{7} and then \boxed{ \$ }", "7"),
        (r"\boxed {3}", "3"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"{ \boxed{4}", "4"),
        (r"} \boxed{4}", "4"),
        (r"\boxed{\frac{1}{2}", None),
        (r"\boxed 5", None),
        ("no box, 5", None),
        ("", None),
    ],
)
def test_last_boxed(text: str, found: str | None) -> None:
    assert answers.last_boxed(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3 * 4 = 12.", "12"),
        ("3*4=12", "12"),
        ("it costs $1,234.50 in all.", "1,234.50"),
        ("1,2345", "2345"),
        ("10-4", "4"),
        ("10 - 4", "4"),
        ("that is -4.", "-4"),
        ("that is \u22124.", "-4"),
        ("half: 1/2", "1/2"),
        (r"half: \frac{1}{2} of it", r"\frac{1}{2}"),
        ("the answer is 6, says SmolLM2", "6"),
        ("答案是6。", "6"),
        (".5", ".5"),
        ("2e3", "2e3"),
        ("none", None),
    ],
)
def test_last_number(text: str, found: str | None) -> None:
    assert answers.last_number(text) == found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", Fraction(12)),
        ("+12.", Fraction(12)),
        ("-0.50", Fraction(-1, 2)),
        ("1,234,567", Fraction(1234567)),
        (r"1{,}000", Fraction(1000)),
        (r"12\,000", Fraction(12000)),
        (r"\$1,000.", Fraction(1000)),
        ("50%", Fraction(50)),
        (r"50\%", Fraction(50)),
        (r"\frac{3}{4}", Fraction(3, 4)),
        (r"-\dfrac{3}{4}", Fraction(-3, 4)),
        ("6/8", Fraction(3, 4)),
        ("1.5e2", Fraction(150)),
        ("2.5e-1", Fraction(1, 4)),
        ("\u22123", Fraction(-3)),
        (r"\text{7}", Fraction(7)),
        ("1/0", None),
        (r"\frac{1}{0}", None),
        ("2+2", None),
        ("12 apples", None),
        ("1,23", None),
        ("", None),
        ("nan", None),
        ("1_000", None),
    ],
)
def test_number(text: str, value: Fraction | None) -> None:
    assert answers.number(text) == value


def test_numbers_past_the_caps_are_no_numbers_but_still_texts() -> None:
    assert answers.number("1e400") == Fraction(10) ** 400
    for text in ("1e401", "1e-401", "1e999999999", "9" * 401):
        assert answers.number(text) is None
        assert answers.same(text, text)
        assert not answers.same(text, "1")


@pytest.mark.parametrize(
    ("response", "gold", "mode", "expected"),
    [
        (r"\boxed{12}", "12", "boxed", answers.Checked("correct", "12", True)),
        (r"\boxed{12.0}", "12", "boxed", answers.Checked("correct", "12.0", True)),
        (r"\boxed{13} no, 12", "12", "boxed_or_last_number", answers.Checked("wrong", "13", True)),
        ("it is 12.", "12", "boxed", answers.Checked("no_answer")),
        ("it is 12.", "12", "boxed_or_last_number", answers.Checked("correct", "12", False)),
        ("it is", "12", "boxed_or_last_number", answers.Checked("no_answer")),
        (r"\boxed{x + 1}", "x + 1", "boxed", answers.Checked("correct", "x + 1", True)),
        (r"\boxed{0.33}", "1/3", "boxed", answers.Checked("wrong", "0.33", True)),
    ],
)
def test_check(response: str, gold: str, mode: answers.AnswerMode, expected: answers.Checked) -> None:
    assert answers.check(response, gold, mode) == expected


@pytest.mark.parametrize("gold", ["", "  ", "$", "."])
def test_a_blank_gold_answer_is_refused(gold: str) -> None:
    with pytest.raises(DataError, match="blank"):
        answers.check(r"\boxed{}", gold)


def test_an_unknown_mode_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'boxed'"):
        answers.check("1", "1", "boxd")  # type: ignore[arg-type]


def test_only_the_tail_is_read() -> None:
    filler = "x " * answers.MAX_TAIL
    assert answers.check(r"\boxed{1}" + filler, "1").verdict == "no_answer"
    assert answers.check(filler + r"\boxed{1}", "1").verdict == "correct"


@pytest.mark.parametrize(
    "text",
    [
        r"\boxed{" * 20_000,
        "{" * 70_000,
        "}" * 70_000,
        r"\boxed{" * 8_000 + "}" * 8_000,
        "1,234" * 15_000,
        ",123" * 17_000,
        "9" * 70_000,
        "1" + " / 1" * 17_000,
        r"\frac{1}{" * 8_000,
        r"\boxed{" + "9" * 60_000 + "}",
        r"\boxed{1e" + "9" * 60_000 + "}",
        r"\boxed{" + "\\left" * 12_000 + "}",
        r"\boxed{" + r"\text{" * 10_000 + "}" * 10_001,
        "\\" * 70_000,
        r"\boxed" + " " * 65_000,
        "-" * 70_000,
        "1." * 33_000,
    ],
)
def test_hostile_text_ends_soon(text: str) -> None:
    begin = time.process_time()
    answers.check(text, "1", "boxed_or_last_number")
    assert time.process_time() - begin < 1.0


def test_score_and_summary_by_hand() -> None:
    responses, rows = [r"\boxed{4}", r"\boxed{5}", "it is 4", "no idea"], [{"answer": "4"}] * 4
    strict = [answers.score(text, row, "boxed").reward for text, row in zip(responses, rows, strict=True)]
    lenient = [
        answers.score(text, row, "boxed_or_last_number").reward for text, row in zip(responses, rows, strict=True)
    ]
    assert (strict, lenient) == ([1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 1.0, 0.0])
    assert answers.score("no idea", rows[0], "boxed") == answers.Score(reward=0.0, correct=False, extracted=None)
    assert answers.summary(responses, rows) == {"boxed_share": 0.5, "right_boxed_share": 0.25, "right_share": 0.5}
    assert answers.summary([], []) == {}


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6))
def test_every_way_to_write_a_number_reads_the_same(top: int, bottom: int) -> None:
    assert answers.number(f"{top:,}") == top
    assert answers.number(f"${top}$.") == top
    assert answers.number(f"{top}/{bottom}") == answers.number(rf"\frac{{{top}}}{{{bottom}}}") == Fraction(top, bottom)
    assert answers.last_number(f"we get {top}.") == str(top)


@given(
    st.text(alphabet="\\boxed{}$%frac,./-+0123456789e \n", max_size=200), st.text(alphabet="0123456789./", max_size=8)
)
def test_any_text_gets_a_verdict_and_a_lenient_one_never_loses_an_answer(text: str, gold: str) -> None:
    if not answers.normalise(gold):
        return
    strict, lenient = answers.check(text, gold, "boxed"), answers.check(text, gold, "boxed_or_last_number")
    assert (strict.extracted is None) == (strict.verdict == "no_answer")
    if strict.verdict != "no_answer":
        assert lenient == strict
