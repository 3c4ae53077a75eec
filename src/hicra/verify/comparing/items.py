"""Compares the items of two answers: in order, in any order, as sets, by name, or as parts of the real line.

In long lists, equal numbers and equal texts are paired at once, by a text that is the same for both.
"""

from __future__ import annotations

from collections.abc import Callable

from hicra.verify.comparing.regions import Region
from hicra.verify.comparing.spans import Span, joined, segments
from hicra.verify.reading.normalise import compact
from hicra.verify.reading.numbers import number_key

# the most items of an unordered list that are matched one by one; longer lists are compared as sorted text
MAX_MATCH = 40
ELLIPSIS = "..."
Texts = Callable[[str, str, int], bool]


class Items:
    """Compares items, given how to compare two texts at a depth."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts

    def ordered(self, answers: tuple[str, ...], golds: tuple[str, ...], depth: int) -> bool:
        """Compares items in order."""
        if len(answers) != len(golds):
            return False
        return all(self.texts(mine, right, depth + 1) for mine, right in zip(answers, golds, strict=True))

    def unordered(self, answers: tuple[str, ...], golds: tuple[str, ...], depth: int) -> bool:
        """Compares items in any order, each with its own partner."""
        if len(answers) != len(golds):
            return False
        if ELLIPSIS in answers or ELLIPSIS in golds:
            return self.ordered(answers, golds, depth)
        if len(answers) > MAX_MATCH:
            return sorted(map(plain_value, answers)) == sorted(map(plain_value, golds))
        left, open_golds = unmatched(answers, golds)
        for right in open_golds:
            for at, mine in enumerate(left):
                if self.texts(mine, right, depth + 1):
                    del left[at]
                    break
            else:
                return False
        return True

    def as_set(self, answers: tuple[str, ...], golds: tuple[str, ...], depth: int) -> bool:
        """Compares items as sets, in which equal items count once."""
        if ELLIPSIS in answers or ELLIPSIS in golds:
            return self.ordered(answers, golds, depth)
        if max(len(answers), len(golds)) > MAX_MATCH:
            return set(map(plain_value, answers)) == set(map(plain_value, golds))

        def inside(one: str, many: tuple[str, ...], turned: bool) -> bool:
            return any(self.texts(*((other, one) if turned else (one, other)), depth + 1) for other in many)

        return all(inside(one, golds, False) for one in answers) and all(inside(one, answers, True) for one in golds)

    def assigned(self, answers: dict[str, str], golds: dict[str, str], depth: int) -> bool:
        """Compares assigned values, name by name."""
        return answers.keys() == golds.keys() and all(
            self.texts(answers[name], golds[name], depth + 1) for name in golds
        )

    def same_regions(self, mine: Region, right: Region, depth: int) -> bool:
        """Compares two regions of the real line, also after joining spans."""
        if mine.symbol and right.symbol and mine.symbol != right.symbol:
            return False
        exact = segments(mine.spans), segments(right.spans)
        if exact[0] is not None and exact[0] == exact[1]:
            return True
        spans, whole = (mine.spans, right.spans), (joined(mine.spans), joined(right.spans))
        return self.same_spans(*spans, depth) or (whole != spans and self.same_spans(*whole, depth))

    def same_spans(self, mine: tuple[Span, ...], right: tuple[Span, ...], depth: int) -> bool:
        """Compares intervals in any order."""
        if len(mine) != len(right):
            return False
        left = list(mine)
        for span in right:
            for at, other in enumerate(left):
                if self.same_span(other, span, depth):
                    del left[at]
                    break
            else:
                return False
        return True

    def same_span(self, mine: Span, right: Span, depth: int) -> bool:
        """Compares two intervals: brackets, bounds and left-out points."""
        if (mine.low, mine.high) != (right.low, right.high) or not self.ordered(mine.bounds, right.bounds, depth):
            return False
        return self.unordered(mine.holes, right.holes, depth)


def unmatched(answers: tuple[str, ...], golds: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Returns what is left on both sides after equal texts and equal numbers are paired."""
    left = list(answers)
    keys = [plain_value(item) for item in left]
    rest = []
    for gold in golds:
        key = plain_value(gold)
        if key in keys:
            at = keys.index(key)
            del keys[at], left[at]
        else:
            rest.append(gold)
    return left, rest


def plain_value(text: str) -> str:
    """Returns a text that is equal for equal numbers and for equal texts, so that many items are compared at once."""
    key = number_key(text)
    return compact(text) if key is None else f"{'-' if key.negative else ''}0.{key.digits}e{key.power}"
