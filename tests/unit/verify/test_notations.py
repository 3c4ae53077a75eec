"""The readers of short notations, of gold answers that are solutions, and of what stands beside an answer, one by one."""

from fractions import Fraction

import pytest

from hicra.verify.algebra import points
from hicra.verify.comparing.asides import Beside, beside, free_letters, renamed
from hicra.verify.comparing.products import ordered_factors
from hicra.verify.reading.expr import parse
from hicra.verify.reading.extract import boxed_answer, find, last_value
from hicra.verify.reading.matrices import matrix_of
from hicra.verify.reading.normalise import normalise
from hicra.verify.reading.notations import components, one_quantity, variants
from hicra.verify.reading.spellings import REPEATING, repeated


def test_boxes_of_a_gold_answer_that_stand_side_by_side_are_a_list():
    assert boxed_answer(r"so \boxed{1} and \boxed{-2}.") == "1, -2"
    assert boxed_answer(r"\boxed{3} pens and \boxed{4} caps") == "3, 4"
    assert boxed_answer(r"first \boxed{1}, which is not enough, then \boxed{5}") == "5"
    assert boxed_answer(r"\boxed{x = \boxed{7}}") == "7"
    assert boxed_answer("7") == "7"
    assert boxed_answer(r"\boxed{7") == r"\boxed{7"
    assert boxed_answer(r"\boxed{ }") == r"\boxed{ }"


def test_of_a_completion_only_the_last_box_counts():
    assert find(r"\boxed{1} and \boxed{-2}", "boxed").text == "-2"


def test_lenient_takes_the_mathematics_in_which_the_last_number_stands():
    assert last_value(r"so it is $\sqrt{16}$.") == r"\sqrt{16}"
    assert last_value(r"so \(x = \frac{3}{4}\)") == r"\frac{3}{4}"
    assert last_value("it costs $5 and 3 cents") == "3"
    assert last_value(r"of $2$ pens, 3 are red") == "3"
    assert last_value("none") is None


def test_signs_are_written_out():
    assert variants(r"\pm 3") == ("3", "- 3")
    assert variants(r"(\pm 1, \pm 2)") == ("(1,2)", "(1, - 2)", "(- 1,2)", "(- 1, - 2)")
    assert variants(r"1 \pm 2 \mp 3") == ("1 + 2 - 3", "1 - 2 + 3")
    assert variants(r"\mp 3") == ("3", "- 3")
    assert variants("3") == variants(r"\pm " * 5) == ()


def test_several_units_are_one_quantity_in_the_smallest():
    assert parse(one_quantity("2 hours 30 minutes").removesuffix(" minutes")) == parse("2*(60)+30*(1)")
    for text in ("2 hours 3 kg", "30 minutes 2 hours", "2 hours 3 hours", "2 hours"):
        assert one_quantity(text) == text


def test_sums_of_unit_vectors_are_tuples():
    assert components(normalise(r"2\mathbf{i} - 3\mathbf{k}")) == ("(2)", "0", "-(3)")
    assert components(normalise(r"\hat{i} + \hat{j}")) == ("1", "+1")
    assert components("2i + 3j") is None  # i may be the imaginary unit
    assert components(normalise(r"4\mathbf{i}")) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.1666...", Fraction(1, 6)), ("0.(27)", Fraction(3, 11)), ("0.4545...", Fraction(5, 11)), ("0.12...", None),
     (r"0.1\overline{6}", Fraction(1, 6)), (r"0.12\overline{34}", Fraction(611, 4950)), (r"-2.\overline{6}", Fraction(-8, 3)),
     ("0.51212...", None), ("0.5121212...", Fraction(169, 330))],
)  # fmt: skip
def test_repeating_decimals_by_hand(text, value):
    match = REPEATING.fullmatch(text)
    assert (repeated(match) if match else None) == value


def test_what_stands_beside_an_answer():
    assert beside(r"k\pi, k \in \mathbb{Z}", False) == Beside(r"k\pi", "k", "Z")
    assert beside("2n+5 for all integers n", True) == Beside("2n+5", "n", "Z")
    assert beside("approximately 5", True).core == "5"
    assert beside("approximately 5", False).core == "approximately 5"
    assert beside("12th", False).core == "12"
    assert renamed("k+1", "k", "n").replace(" ", "") == "n+1"
    assert renamed("k+n", "k", "n") is None


def test_letters_that_may_be_variables():
    assert free_letters(r"k\pi + ab - \sin x + e") == {
        "k",
        "a",
        "b",
        "x",
    }  # a product of letters, and no letters of a command
    assert free_letters("sin x") == {"x"}


def test_bound_variables_have_no_name():
    assert parse(r"\sum_{k=1}^{n} k a_k") == parse(r"\sum_{i=1}^{n} i a_i")
    assert parse(r"\sum_{k=1}^{n} k m") != parse(r"\sum_{m=1}^{n} k m")
    nested = r"\sum_{a=1}^{3} \sum_{b=1}^{4} ab"
    assert parse(nested) == parse(nested.replace("a", "p").replace("b", "q"))


def test_products_that_do_not_commute():
    for text in (r"\mathbf{A}\mathbf{B}", "A^{-1}B", "A^T B", r"\vec a \times \vec b"):
        assert ordered_factors((text, text))
    for text in ("AB", "ab^{-1}", "ML^{-1}T^{-2}", r"2 \times 3"):
        assert not ordered_factors((text, text))


def test_matrices_are_worked_out():
    found = matrix_of(r"\begin{pmatrix}1&2\\0&1\end{pmatrix}\begin{pmatrix}3\\4\end{pmatrix}")
    assert (found.rows, [parse(cell) for cell in found.cells]) == (
        2,
        [parse("(1)*(3)+(2)*(4)"), parse("(0)*(3)+(1)*(4)")],
    )
    assert matrix_of(r"\begin{pmatrix}1&2\end{pmatrix}\begin{pmatrix}3&4\end{pmatrix}") is None  # 1x2 times 1x2
    assert matrix_of(r"\begin{pmatrix}1&2\end{pmatrix}^T") == matrix_of(r"\begin{pmatrix}1\\2\end{pmatrix}")


def test_symbols_in_exponents_of_negative_numbers_are_whole_and_both_even_and_odd():
    whole = points.whole_symbols(parse("(-1)^{n+k} + x"))
    assert whole == {"n", "k"}
    drawn = [points.point(frozenset("knx"), index, whole) for index in range(points.A_RING)]
    assert all(one[name][1] == 1 for one in drawn for name in "nk")
    assert {one["n"][0] % 2 for one in drawn} == {one["k"][0] % 2 for one in drawn} == {0, 1}
    assert any(one["x"][1] != 1 for one in drawn)


def test_symbols_are_positive_by_meaning_only_beside_roots_and_when_they_are_no_variables():
    assert points.positive_by_meaning(parse(r"a\sqrt b"), parse(r"\sqrt{a^2b}"))
    assert not points.positive_by_meaning(parse(r"x\sqrt y"), parse(r"\sqrt{x^2y}"))
    assert not points.positive_by_meaning(parse("a"), parse(r"\sqrt{a^2}"))  # a single symbol
    assert not points.positive_by_meaning(parse(r"|a|\sqrt b"), parse(r"\sqrt{a^2b}"))
