"""Counting without sorting more than is needed gives what counting one by one gives."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hicra.metrics import conditional_entropy, kind_sums, longest_hits

HUGE = st.integers(-(2**63), 2**63 - 1)


@given(
    st.lists(
        st.tuples(st.one_of(st.integers(-2, 2), HUGE), st.one_of(st.integers(0, 2), HUGE)), min_size=1, max_size=40
    )
)
def test_conditional_entropy_is_the_entropy_of_pairs_less_that_of_grams(pairs):
    def entropy(things):
        return -sum(n / len(things) * math.log(n / len(things)) for n in Counter(things).values())

    expected = entropy(pairs) - entropy([gram for gram, _ in pairs])
    found = conditional_entropy(*(np.array(column, np.int64) for column in zip(*pairs, strict=True)))
    assert found == pytest.approx(expected, abs=1e-9)


HIT = st.tuples(st.integers(0, 2), st.integers(0, 6), st.integers(1, 4))


@given(st.lists(HIT, max_size=12), st.booleans())
def test_the_longest_hits_are_those_that_lie_in_no_other(hits, in_order):
    hits = sorted(hits) if in_order else hits
    row, start, length = (np.array(column, np.int64) for column in (zip(*hits, strict=True) if hits else ((), (), ())))
    stop = start + length

    def inside(one, other):
        """Whether a hit lies in another one; of equal ranges only the first counts."""
        (a, b), (c, d) = (start[one], stop[one]), (start[other], stop[other])
        lies = row[one] == row[other] and c <= a and b <= d
        return lies and (other < one if (a, b) == (c, d) else True)

    expected = [not any(inside(one, other) for other in range(len(hits)) if other != one) for one in range(len(hits))]
    assert longest_hits(row, start, stop).tolist() == expected


def test_sums_of_kinds_are_the_same_for_tensors_and_leave_out_what_stands_outside():
    torch = pytest.importorskip("torch")
    planning = np.array([[True, False, True], [True, False, False]])
    live = np.array([[True, True, False], [True, True, False]])
    entropies = np.array([[1.0, 2.0, np.inf], [4.0, 8.0, np.nan]])
    # planning: places (0,0) and (1,0), 1 + 4 = 5; execution: (0,1) and (1,1), 2 + 8 = 10
    expected = [2, 5.0, -5.0, 2, 10.0, -10.0]
    arrays = (planning, live, entropies, -entropies)
    assert kind_sums(*arrays) == expected
    assert [float(one) for one in kind_sums(*map(torch.from_numpy, arrays))] == expected
