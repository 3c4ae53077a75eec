"""Unions of intervals, joined by numbers or where their texts meet, hold exactly the points that they held before."""

from fractions import Fraction
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from hicra.verify.comparing.spans import LEAST, MOST, Span, joined, segments

HALVES = [Fraction(number, 2) for number in range(-9, 10)]  # all bounds, and a point between any two of them


@st.composite
def spans(draw):
    low = draw(st.integers(-4, 3))
    high = draw(st.integers(low + 1, 4))
    from_low, to_high = draw(st.sampled_from("[(")), draw(st.sampled_from("])"))
    bounds = [str(low), str(high)]
    if draw(st.integers(0, 5)) == 0:
        from_low, bounds[0] = "(", LEAST
    if draw(st.integers(0, 5)) == 0:
        to_high, bounds[1] = ")", MOST
    inside = [str(hole) for hole in range(low + 1, high)]
    holes = draw(st.lists(st.sampled_from(inside), unique=True, max_size=2)) if inside else []
    return Span(from_low, to_high, (bounds[0], bounds[1]), tuple(holes))


points = st.integers(-4, 4).map(lambda value: Span("[", "]", (str(value), str(value))))


def inside(span, point):
    low, high = (None if bound in (LEAST, MOST) else int(bound) for bound in span.bounds)
    above = low is None or point > low or (point == low and span.low == "[")
    below = high is None or point < high or (point == high and span.high == "]")
    return above and below and str(point) not in span.holes


def held(many):
    return [point for point in HALVES if any(inside(span, point) for span in many)]


@given(st.lists(st.one_of(spans(), points), min_size=1, max_size=6))
@example([Span("(", ")", ("2", MOST)), Span("(", ")", (LEAST, "2"))])  # the second one comes first on the line
def test_joining_keeps_the_points(many):
    disjoint = [span for at, span in enumerate(many) if not set(held([span])) & set(held(many[:at]))]
    assert held(joined(tuple(disjoint))) == held(disjoint)


@given(st.lists(st.one_of(spans(), points), min_size=1, max_size=6))
def test_segments_hold_the_points_in_order_and_do_not_touch(many):
    found = segments(tuple(many))
    kept = [
        point
        for point in HALVES
        if any(
            (one.low < point or (one.low == point and one.from_low))
            and (point < one.high or (one.high == point and one.to_high))
            for one in found
        )
    ]
    assert kept == held(many)
    for first, second in pairwise(found):
        assert first.high < second.low or (first.high == second.low and not first.to_high and not second.from_low)
