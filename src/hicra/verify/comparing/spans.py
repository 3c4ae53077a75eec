"""Joins intervals of the real line: exactly where all bounds are rational numbers or infinite, else where they meet in a text."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

from hicra.verify.comparing.exact import Inexact, Undefined, exact
from hicra.verify.reading.expr import parse
from hicra.verify.reading.normalise import compact
from hicra.verify.reading.numbers import fraction_of, number_key
from hicra.verify.reading.spellings import is_short
from hicra.verify.reading.tokens import NotMaths, TooBig

LEAST, MOST = r"-\infty", r"\infty"
MAX_JOINED = 40  # spans; more are compared one by one


class Span(NamedTuple):
    """An interval with its brackets, its bounds, and the points inside it that are left out."""

    low: str
    high: str
    bounds: tuple[str, str]
    holes: tuple[str, ...] = ()


class Segment(NamedTuple):
    """An interval with numbers as bounds, and whether each belongs to it."""

    low: Fraction | float
    from_low: bool
    high: Fraction | float
    to_high: bool


def segments(spans: tuple[Span, ...]) -> tuple[Segment, ...] | None:
    """Returns the union of spans as sorted segments that do not touch; None if a bound is no rational number."""
    if len(spans) > MAX_JOINED:
        return None
    found: list[Segment] = []
    for span in spans:
        cuts = sorted({value for value in map(_value, span.holes) if value is not None})
        low, high = _value(span.bounds[0]), _value(span.bounds[1])
        if low is None or high is None or len(cuts) < len(span.holes):
            return None
        if low > high or (low == high and (span.low, span.high) != ("[", "]")):
            return None
        if any(not low <= cut <= high for cut in cuts):
            return None
        edges = [(low, span.low == "["), *((cut, False) for cut in cuts)]
        ends = [*((cut, False) for cut in cuts), (high, span.high == "]")]
        found += [Segment(*edge, *end) for edge, end in zip(edges, ends, strict=True) if edge[0] < end[0] or not cuts]
    joined: list[Segment] = []
    for segment in sorted(found, key=lambda one: (one.low, not one.from_low)):
        last = joined[-1] if joined else None
        meets = last and (segment.low < last.high or (segment.low == last.high and (last.to_high or segment.from_low)))
        if last is None or not meets:
            joined.append(segment)
        elif (segment.high, segment.to_high) > (last.high, last.to_high):
            joined[-1] = last._replace(high=segment.high, to_high=segment.to_high)
    return tuple(joined)


def _value(text: str) -> Fraction | float | None:
    text = compact(text)
    if text in (MOST, "+" + MOST, LEAST):
        return -math.inf if text == LEAST else math.inf
    key = number_key(text)
    if key is not None:
        return fraction_of(key) if is_short(key) else None
    try:
        return exact(parse(text))
    except (NotMaths, TooBig, Inexact, Undefined):
        return None


def joined(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Joins spans that meet in a bound with the same text: into one span, without the bound if it belongs to neither."""
    found = [span for span in spans if not _a_point(span)]
    points = [span for span in spans if _a_point(span)]
    if len(spans) > MAX_JOINED or any(compact(one.bounds[0]) == compact(one.bounds[1]) for one in found):
        return spans  # a span such as (2,2) is left as it is
    for at in range(len(found) - 1, -1, -1):
        for other in range(len(found)):
            if other != at and compact(found[other].bounds[1]) == compact(found[at].bounds[0]):
                found[other] = _together(found[other], found[at])
                del found[at]
                break
    return tuple(_with_points(found, points))


def _together(first: Span, second: Span) -> Span:
    meeting = () if "]" in first.high or "[" in second.low else (second.bounds[0],)
    holes = (*first.holes, *meeting, *second.holes)
    return Span(first.low, second.high, (first.bounds[0], second.bounds[1]), holes)


def _with_points(spans: list[Span], points: list[Span]) -> list[Span]:
    """Adds points: to the ends of spans, into their holes, or as spans of their own."""
    left = []
    for point in points:
        value = compact(point.bounds[0])
        for at, span in enumerate(spans):
            low, high = (compact(bound) for bound in span.bounds)
            holes = tuple(hole for hole in span.holes if compact(hole) != value)
            if value in (low, high) or holes != span.holes:
                spans[at] = Span(
                    "[" if value == low else span.low, "]" if value == high else span.high, span.bounds, holes
                )
                break
        else:
            left.append(point)
    return spans + left


def _a_point(span: Span) -> bool:
    return (span.low, span.high) == ("[", "]") and span.bounds[0] == span.bounds[1]
