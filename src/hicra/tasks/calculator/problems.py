"""The problems of the calculator task, and the calculator.

A problem has three numbers and two signs, as in `7 + 3 * 4`. It is kept only if both of its results lie in 0 to 99 and if the
other order of working gives another result, so that the model has to know which operation comes first.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

from hicra.tasks.arithmetic import SIGNS, Problem

LARGEST_NUMBER, LARGEST_RESULT = 12, 99
ERROR = "error"


def calculator(expression: str = "") -> str:
    """Work out one operation.

    Args:
        expression: A number, a sign (+, - or *) and a number, with spaces between them.

    Returns:
        The result, or the word error.
    """
    words = expression.split()
    if len(words) != 3 or not (_is_number(words[0]) and _is_number(words[2])) or words[1] not in SIGNS.values():
        return ERROR
    result = work_out(int(words[0]), words[1], int(words[2]))
    return str(result) if 0 <= result <= LARGEST_RESULT else ERROR


def work_out(left: int, sign: str, right: int) -> int:
    """Computes `left sign right`, without any bound."""
    return Problem((left, right), (sign,)).value


def second_first(signs: tuple[str, str]) -> bool:
    """Says whether the second operation must be worked out before the first: a product after a sum or difference."""
    return signs[0] != "*" and signs[1] == "*"


def in_order(problem: Problem, second: bool) -> tuple[int, int]:
    """Computes both results of a problem, in the order of working.

    Args:
        problem: three numbers and two signs.
        second: whether the second operation is worked out first.

    >>> in_order(Problem((7, 3, 4), ("+", "*")), True), in_order(Problem((7, 3, 4), ("+", "*")), False)
    ((12, 19), (10, 40))
    """
    (a, b, c), (one, two) = problem.numbers, problem.signs
    if second:
        inner = work_out(b, two, c)
        return inner, work_out(a, one, inner)
    inner = work_out(a, one, b)
    return inner, work_out(inner, two, c)


@lru_cache(maxsize=1)
def all_problems() -> tuple[Problem, ...]:
    """Makes every problem in a fixed order; the result is cached."""
    numbers = range(1, LARGEST_NUMBER + 1)
    signs = product(sorted(SIGNS.values()), repeat=2)
    return tuple(
        problem
        for (one, two), a, b, c in product(signs, numbers, numbers, numbers)
        if _kept(problem := Problem((a, b, c), (one, two)))
    )


def _kept(problem: Problem) -> bool:
    second = second_first((problem.signs[0], problem.signs[1]))
    right, other = in_order(problem, second), in_order(problem, not second)
    return all(0 <= result <= LARGEST_RESULT for result in right) and right[1] != other[1]


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and int(word) <= LARGEST_RESULT
