"""Which reward judges correctness: one rule, by name."""

import doctest

import pytest

from hicra import correctness
from hicra.correctness import judge_of


@pytest.mark.parametrize(
    ("names", "judge"),
    [
        (["anything"], "anything"),  # one reward is the judge, whatever it is called
        (["format", "Accuracy_Reward"], "Accuracy_Reward"),
        (["is_correct", "length", "format"], "is_correct"),
        (["format", "length"], None),  # nobody judges
        (["accuracy", "correctness"], None),  # two do
        (["accuracy", "accuracy"], None),
        ([], None),
    ],
)
def test_the_judge(names, judge):
    assert judge_of(names) == judge
    assert judge_of(iter(names[::-1])) == judge


def test_doctests():
    assert doctest.testmod(correctness) == (0, 1)
