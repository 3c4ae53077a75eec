"""The parts of the verifier: extraction, normal form, numbers, grammar, exact values, points, units, golds."""

import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hicra import verify
from hicra.errors import DataError
from hicra.verify.comparing.exact import Inexact, Undefined, exact
from hicra.verify.item import decide
from hicra.verify.reading.expr import parse
from hicra.verify.reading.extract import boxed_answer, last_box, last_number
from hicra.verify.reading.gold import Gold, gold_of
from hicra.verify.reading.normalise import compact, normalise
from hicra.verify.reading.numbers import Key, fraction_of, number_key
from hicra.verify.reading.shapes import shape_of
from hicra.verify.reading.spellings import based, decimals, rounds_to
from hicra.verify.reading.tokens import NotMaths, TooBig
from hicra.verify.reading.units import split_unit

PIECES = " ".join(
    [
        r"\boxed{ \fbox{ { } \{ \} ( ) [ ] \frac \sqrt ^ _ + - * / ! | , ; = < \le 1 42 9 0.5 x e i \pi \text{",
        r"% $ ~ or not \pm \cup \begin{pmatrix} \end{pmatrix} & \\ . cm ^\circ \infty \log \sin \overline{ 1e9",
        r"é ½ ² × \, base _2",
    ]
).split(" ")
HOSTILE = st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join) | st.text(max_size=80)


def test_last_box():
    assert last_box(r"a \boxed{1} b \boxed{2} \boxed{}") == "2"
    assert last_box(r"\boxed{\frac{1}{2}}") == r"\frac{1}{2}"
    assert last_box(r"\boxed{a\}b}") == r"a\}b"
    assert last_box(r"\boxed{1 \boxed{2}}") == "2"
    assert last_box(r"\boxed{1") is None
    assert last_box("none") is None
    assert last_box(r"\boxed{" + " " * 9000 + "7}") == "7"


@pytest.mark.parametrize(
    "text",
    [
        r"\boxed{" * 140_000,
        r"\boxed{}" * 120_000,
        r"\boxed{" * 70_000 + "}" * 70_000,
        r"\boxed{ ? }" * 90_000,
        r"\boxed{1}" + r"\boxed{" * 140_000,
        "{" * 1_000_000,
        "\\" * 1_000_000,
        r"\boxed{" + " " * 990_000,
        (r"\boxed{" + " " * 5000) * 199,
    ],
)
@pytest.mark.timeout(120)  # anything that grows with the square of a million characters never ends in that
def test_extraction_is_linear(text):
    last_box(text[-1_000_000:])


def test_last_number():
    assert last_number("12 apples and 1,234.5 pears.") == "1,234.5"
    assert last_number(r"so \frac{3}{4}") == r"\frac{3}{4}"
    assert last_number("3-2") == "2"
    assert last_number("it is -2") == "-2"
    assert last_number("x2 in SmolLM2, file_3") is None
    assert last_number("/tmp/check-0ab1/x") is None
    assert last_number("5cm") == "5"


def test_normal_form():
    assert normalise(r"$\left( \dfrac{1}{2} \right)$.") == r"( \frac{1}{2} )"
    assert normalise("１２\u200b３") == "123"
    assert normalise("x²") == "x^{2}"
    assert normalise("5!") == "5!"
    assert normalise(r"\boxed{\text{ yes }}") == "yes"
    assert compact("4 2") != compact("42")
    assert compact("2 x") == compact("2x")
    assert compact("a b") != compact("ab")


def test_number_keys_by_hand():
    assert number_key("1,234.50") == Key(False, "12345", 4)
    assert number_key("-0.05") == Key(True, "5", -1)
    assert number_key("0") == number_key("-0.0") == Key(False, "", 0)
    assert number_key(r"1.5 \times 10^{3}") == number_key("1500") == number_key("1.5e3")
    assert number_key("1,23") is None
    assert number_key("1e999999") is None
    assert fraction_of(Key(True, "5", -1)) == Fraction(-1, 20)


@given(st.integers(-(10**30), 10**30), st.integers(0, 12))
def test_a_number_has_one_key(number, places):
    text = f"{number}." + "0" * places if places else str(number)
    assert number_key(text) == number_key(f"{number:,}") == number_key(f"{number}e0")
    assert fraction_of(number_key(text)) == number
    assert number_key(str(number + 1)) != number_key(text)


@given(st.fractions(max_denominator=10**6), st.fractions(max_denominator=10**6))
def test_fractions_equal_exactly_when_they_are(first, second):
    text = rf"\frac{{{first.numerator}}}{{{first.denominator}}}"
    gold = f"{second.numerator}/{second.denominator}"
    assert exact(parse(normalise(text))) == first
    assert (decide(text, Gold((gold,)), "boxed", None) == "correct") == (first == second)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"2\frac{1}{3}", Fraction(7, 3)),
        ("2 1/3", Fraction(7, 3)),
        (r"-2\frac13", Fraction(-7, 3)),
        (r"2\frac{5}{3}", Fraction(10, 3)),
        ("1/2/2", Fraction(1, 4)),
        ("2^3^2", Fraction(512)),
        ("-2^2", Fraction(-4)),
        ("(-8)^2", Fraction(64)),
        (r"\sqrt{\frac{9}{4}}", Fraction(3, 2)),
        ("8^{1/3}", Fraction(2)),
        ("4!/2!", Fraction(12)),
        (r"\binom{5}{2}", Fraction(10)),
        (r"\lfloor 2.7 \rfloor + \lceil 2.1 \rceil", Fraction(5)),
        ("|-3|-|2|", Fraction(1)),
        (r"\frac12", Fraction(1, 2)),
        (r"\frac1{12}", Fraction(1, 12)),
        (r"\sqrt[3]{-27}", Fraction(-3)),
    ],
)
def test_exact_values_by_hand(text, value):
    assert exact(parse(normalise(text))) == value


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("1/0", Undefined),
        ("0^0", Undefined),
        ("2^{99999}", TooBig),
        ("9999!", TooBig),
        (r"\sqrt2", Inexact),
        ("x", Inexact),
        ("(-1)^{1/2}", Inexact),
        ("((2^{99})^{99})^{99}", TooBig),
        ("1+", NotMaths),
        ("hello", NotMaths),
        ("(1", NotMaths),
        ("4 2", NotMaths),
        ("1_2", NotMaths),
        ("9" * 2000, TooBig),
        ("(" * 100 + "1" + ")" * 100, TooBig),
        ("+".join(["1"] * 9000), TooBig),
    ],
)
def test_what_is_refused(text, error):
    with pytest.raises(error):
        exact(parse(normalise(text)))


def test_depth_is_bounded_by_brackets_and_wide_sums_are_not_deep():
    assert exact(parse("+".join(["1"] * 4000))) == 4000
    assert exact(parse("*".join(["1"] * 4000))) == exact(parse("/".join(["1"] * 4000))) == 1
    for text in ("2" + "!" * 5000, "x" + "^2!" * 300, "2^" * 3000 + "2", r"\sqrt" * 2000 + "2", r"\sin" * 2000 + "x"):
        with pytest.raises(TooBig):
            parse(text)
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)  # as a worker does
    try:
        assert exact(parse("(" * 200 + "7" + ")" * 200, deep=True)) == 7
    finally:
        sys.setrecursionlimit(before)


def test_points():
    probe = pytest.importorskip("hicra.verify.algebra.probe")
    pairs = [
        (r"\sin^2 x+\cos^2 x", "1", True),
        ("x^2-1", "(x-1)(x+1)", True),
        ("x", "y", False),
        ("1/(x-x)", "2", None),
    ]
    pairs += [(r"\sqrt2\sqrt3-\sqrt6", "0", True), (r"\sqrt2+10^{-40}", r"\sqrt2", False), (r"\log 100", "2", True)]
    for first, second, wanted in pairs:
        assert probe.equal(parse(normalise(first)), parse(normalise(second))) is wanted
    for bomb in (
        "9^{9^{9^9}}",
        "100000000!",
        r"\sin(10^{30})",
        "e^{e^{e^{e^e}}}",
        r"x^{10^{12}}",
        r"\binom{10^{9}}{7}",
    ):
        with pytest.raises(TooBig):
            probe.equal(parse(normalise(bomb)), parse("7"))
    assert probe.point(frozenset("x"), 3) == probe.point(frozenset("x"), 3)
    assert all(
        0.25 < abs(top / bottom) < 3.01
        for index in range(7)
        for top, bottom in probe.point(frozenset("xyz"), index).values()
    )


def test_rounding_rule_by_hand():
    third = Fraction(1, 3)
    assert rounds_to(Fraction("0.333333"), 6, third)
    assert not rounds_to(Fraction("0.333334"), 6, third)
    assert rounds_to(Fraction("0.666666"), 6, 2 * third)  # cut
    assert rounds_to(Fraction("0.666667"), 6, 2 * third)  # rounded
    assert rounds_to(Fraction("-0.666666"), 6, -2 * third)
    assert not rounds_to(Fraction("0.666668"), 6, 2 * third)
    assert decimals("0.333333") == 6
    assert decimals("0.33333") == decimals("0.000001") == 0


def test_bases():
    assert based("101_{2}") == based("(101)_2") == based(r"101_{two}") == ("101", 2)
    assert based("42") is None
    assert based("x_2") is None


def test_units_are_taken_off_only_where_known():
    assert split_unit("5 cm", "5 cm", False).core == "5"
    assert split_unit("5m", "5m", False).unit is None
    assert split_unit("5 m", r"5\text{ m}", False).core == "5"
    assert split_unit("42 is wrong", "", False).unit is None
    assert split_unit("42 thousands", "", False).unit is None
    assert split_unit("42 widgets", "", False).core == "42"
    assert split_unit("3 fifths", "", False).unit is None


def test_shapes():
    assert shape_of("1,234").kind == "leaf"
    assert shape_of("1,234", commas=True).items == ("1", "234")
    assert shape_of("(1,000, 2)").items == ("1,000", "2")
    assert shape_of("(1,2)").marks == ("(", ")")
    assert shape_of("[1,2)").marks == ("[", ")")
    assert shape_of(r"\{1,2\}").kind == "set"
    assert shape_of("x = 3").marks == ("=",)
    assert shape_of(r"1 \le x < 2").items == ("1", "x", "2")
    assert shape_of(r"f(x,y)").kind == "leaf"
    assert shape_of(r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}").items == ("1", "2", "3", "4")


def test_golds():
    assert gold_of(7).answers == ("7",)
    assert gold_of(0.5).answers == ("0.5",)
    for value, text in (
        (np.int64(5), "5"), (np.uint8(5), "5"), (np.float64(0.5), "0.5"), (np.float32(0.1), "0.1"), (np.float16(3), "3"),
        (np.array(5), "5"), (np.str_("5"), "5"),
    ):  # fmt: skip
        assert gold_of(value).answers == (text,)
        assert gold_of([value, "x"]).answers == (text, "x")
    assert gold_of(np.array([5, 6])).answers == ("5", "6")
    assert gold_of(np.float64("nan")).bad
    assert gold_of(["1", "2"], {"error": "1e-2", "is_multiple_answer": True}) == Gold(
        ("1", "2"), Fraction(1, 100), True
    )
    assert gold_of(None).bad
    assert not gold_of(r"\{\}").bad
    assert not gold_of("]1,2[").bad
    for value, options in (
        (b"7", None),
        ({}, None),
        ([[]], None),
        (True, None),
        (np.bool_(True), None),
        ("7", {"error": "x"}),
        ("7", {"error": "-1"}),
        ("7", {"is_multiple_answer": 1}),
    ):
        with pytest.raises(DataError):
            gold_of(value, options)


@settings(max_examples=300, deadline=None)
@given(HOSTILE, HOSTILE)
def test_nothing_raises_and_the_same_input_gives_the_same_verdict(completion, gold):
    with verify.Verifier() as verifier:
        found = []
        for text in (completion, rf"\boxed{{{completion}}}"):
            bad = gold_of(gold).bad
            inside = verify.last_box(text)
            verdict = (
                "bad_gold" if bad else "no_answer" if inside is None else decide(inside, gold_of(gold), "boxed", None)
            )
            assert verdict in (*verify.VERDICTS, None)
            found.append(verdict)
            if verdict is not None:
                assert verifier.check([text], [gold])[0].verdict == verdict
        assert verifier._pool.processes == []


@settings(max_examples=200, deadline=None)
@example(r"\boxed{ \boxed{ 1 }")  # a gold answer that is a solution is its last complete box
@given(HOSTILE)
def test_every_good_gold_equals_itself(text):
    if not gold_of(text).bad:
        assert decide(boxed_answer(text), gold_of(text), "boxed", None) == "correct"
        assert decide(boxed_answer(text), gold_of(text), "strict", None) == "correct"


@settings(max_examples=300, deadline=None)
@given(HOSTILE, HOSTILE)
def test_algebra_never_raises_either(answer, gold):
    pytest.importorskip("math_verify")
    from hicra.verify.algebra.ask import WorkerAlgebra

    if not gold_of(gold).bad:
        assert decide(answer, gold_of(gold), "boxed", WorkerAlgebra()) in ("correct", "wrong")
