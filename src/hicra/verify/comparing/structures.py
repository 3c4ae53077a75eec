"""Compares two answers by their structure: the shapes of both, then what is inside, level by level, down to single values.

Deviations:
    VERIFY-20. `x = 3` equals `3`, and `3` equals a gold answer `x = 3`, if one side is a name or a name applied to arguments.
         `2 + 1 = 3` equals `3`; `4 = 3`, `x > 3` and `x \\ne 3` do not. `a \\approx b` is a, or b if a is a name. `x = 3` and
         `y = 3` differ.
    VERIFY-21. An inequality in one symbol equals the interval of its solutions if the symbol stands alone on its side.
    VERIFY-22. Two equations are equal if the differences of their sides are proportional; two inequalities are equal if they are
         proportional by a positive factor.
    VERIFY-32. Lists with an ellipsis are compared in order, and an ellipsis equals only another ellipsis. Lists of inequalities
         joined by "or" never equal lists joined by "and" or commas.
"""

from __future__ import annotations

import re

from hicra.verify.comparing.leaves import Leaves
from hicra.verify.comparing.pairing import plain_value, unmatched
from hicra.verify.comparing.regions import Region, Span, is_symbol, joined, region
from hicra.verify.comparing.relations import assigned, assignment, connective, is_sum, names, values, without_about
from hicra.verify.reading.choices import one_choice, several_choices
from hicra.verify.reading.expr import Tree, parse
from hicra.verify.reading.normalise import compact
from hicra.verify.reading.numbers import number_key
from hicra.verify.reading.shapes import Shape, flipped, shape_of
from hicra.verify.reading.tokens import NotMaths, TooBig

MAX_DEPTH = 6
MAX_MATCH = (
    40  # the most items of an unordered list that are matched one by one; longer lists are compared as sorted text
)
ELLIPSIS = "..."
_WORD = re.compile(" [A-Za-z]")


class Structures:
    """Compares two normalised texts; with `multiple`, every comma is a separator."""

    def __init__(self, leaves: Leaves, multiple: bool) -> None:
        self.leaves, self.multiple = leaves, multiple

    def texts(self, answer: str, gold: str, depth: int) -> bool:
        """Compares two texts; `depth` counts the levels around them."""
        if not answer or depth > MAX_DEPTH:
            return False
        if compact(answer) == compact(gold):
            return True
        for chosen in (one_choice(answer, gold), several_choices(answer, gold)):
            if chosen is not None:
                return chosen
        commas = self.multiple and depth == 0
        return self.shapes(shape_of(answer, commas), shape_of(gold, commas), depth)

    def shapes(self, answer: Shape, gold: Shape, depth: int) -> bool:
        """Compares two shapes by what they are."""
        kinds = answer.kind, gold.kind
        if kinds in (("set", "leaf"), ("leaf", "set")) and not (answer.items or gold.items):
            return r"\emptyset" in (answer.text, gold.text)
        if kinds in (("bracket", "bracket"), ("matrix", "matrix")):
            return answer.marks == gold.marks and self.ordered(answer.items, gold.items, depth)
        regions = region(answer), region(gold)
        if regions[0] is not None and regions[1] is not None:
            return self.same_regions(regions[0], regions[1], depth)
        if "relation" in kinds:
            return self.relations(answer, gold, depth)
        if kinds == ("leaf", "leaf"):
            return self.leaves.same(answer.text, gold.text)
        if kinds == ("union", "union"):  # of sets, or of names
            return self.unordered(answer.items, gold.items, depth)
        if kinds in (("list", "list"), ("list", "set"), ("set", "list")):
            return self.lists(answer, gold, depth)
        if kinds == ("set", "set"):
            return self.as_set(values(answer), values(gold), depth)
        if kinds in (("list", "bracket"), ("bracket", "list")):
            bracket, other = (answer, gold) if kinds[0] == "bracket" else (gold, answer)
            if bracket.marks != ("(", ")"):
                return False
            named = assigned(other)
            flat = tuple(named[name] for name in sorted(named)) if named else other.items
            return self.ordered(*((bracket.items, flat) if bracket is answer else (flat, bracket.items)), depth)
        return self.with_leaf(answer, gold, depth) if "leaf" in kinds else False

    def with_leaf(self, answer: Shape, gold: Shape, depth: int) -> bool:
        """Compares a single value with a set of one, or with the list that it may also be, as in `30,150^\\circ`."""
        leaf, other = (answer, gold) if answer.kind == "leaf" else (gold, answer)
        if other.kind == "set" and len(other.items) == 1:
            sides = ((leaf.text,), other.items) if leaf is answer else (other.items, (leaf.text,))
            return self.ordered(*sides, depth)
        if other.kind != "list" or "," not in leaf.text or number_key(leaf.text) is not None or _WORD.search(leaf.text):
            return False
        again = shape_of(leaf.text, True)
        sides_again = (again, other) if leaf is answer else (other, again)
        return again.kind == "list" and self.lists(*sides_again, depth)

    def lists(self, answer: Shape, gold: Shape, depth: int) -> bool:
        """Compares two lists, or a list and a set."""
        if connective(answer) != connective(gold):
            return False
        named = assigned(answer), assigned(gold)
        if named[0] is not None and named[1] is not None:
            return self.assigned(named[0], named[1], depth)
        mine, right = names(answer), names(gold)
        if mine != right and right and (mine or any(map(is_sum, right))):
            return self.unordered(answer.items, gold.items, depth)
        return self.unordered(values(answer), values(gold), depth)

    def several(self, answer: Shape, golds: list[str]) -> bool:
        """Compares an answer with several gold answers, all of which must be given, in any order."""
        if answer.kind == "bracket" and answer.marks == ("(", ")") and len(golds) != 1:
            return len(answer.items) == len(golds) and self.unordered(answer.items, tuple(golds), 1)
        return self.unordered(values(answer), tuple(golds), 1)

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

    # relations and intervals

    def relations(self, answer: Shape, gold: Shape, depth: int) -> bool:
        """Compares two shapes of which at least one is a relation."""
        exact = without_about(answer)
        if exact is not None and compact(answer.items[0]) == compact(gold.text):
            return True
        if exact is not None and r"\approx" not in gold.marks:
            return self.texts(exact, gold.text, depth + 1)
        mine, right = assignment(answer), assignment(gold)
        if mine and right:
            same_name = compact(mine[0]) == compact(right[0])
            return (same_name and self.valued(answer, mine[1], right[1], depth)) or self.equations(answer, gold)
        if mine and gold.kind != "relation":
            return self.valued(answer, mine[1], gold.text, depth)
        if right and answer.kind != "relation":
            return not is_sum(right[0]) and self.texts(answer.text, right[1], depth + 1)
        if answer.kind == "relation" and gold.kind == "leaf":
            return self.worked_out(answer, gold, depth)
        if answer.kind == gold.kind == "relation":
            return self.chains(answer, gold, depth) or self.equations(answer, gold)
        return False

    def valued(self, answer: Shape, value: str, gold: str, depth: int) -> bool:
        """Compares `x = 3` with 3; in `x = y = 1 + 2 = 3` every side that is no name must equal the gold answer."""
        sides = [value, *(side for side in answer.items[1:-1] if not is_symbol(side))]
        return all(self.texts(side, gold, depth + 1) for side in sides)

    def worked_out(self, answer: Shape, gold: Shape, depth: int) -> bool:
        """Compares `2 + 1 = 3` with `3`: every side must equal the gold answer."""
        if set(answer.marks) != {"="} or len(answer.items) > 4:
            return False
        return all(side and self.texts(side, gold.text, depth + 1) for side in answer.items)

    def same_regions(self, mine: Region, right: Region, depth: int) -> bool:
        """Compares two regions of the real line, also after joining spans that meet in a left-out point."""
        if mine.symbol and right.symbol and mine.symbol != right.symbol:
            return False
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

    def chains(self, answer: Shape, gold: Shape, depth: int) -> bool:
        """Compares two relations side by side, also with one of them read from right to left."""
        for marks, items in (
            (answer.marks, answer.items),
            (tuple(map(flipped, answer.marks[::-1])), answer.items[::-1]),
        ):
            if marks == gold.marks and self.ordered(items, gold.items, depth):
                return True
        return False

    def equations(self, answer: Shape, gold: Shape) -> bool:
        """Compares two equations or inequalities with one sign each (VERIFY-22)."""
        if len(answer.marks) != 1 or len(gold.marks) != 1:
            return False
        positive = answer.marks[0] != "="
        sides: list[Tree] = []
        for shape in (answer, gold):
            try:
                left, right = (parse(side) for side in shape.items)
            except (NotMaths, TooBig):
                return False
            sides.append(("+", left, ("-", right)))
        sign, wanted = answer.marks[0], gold.marks[0]
        if sign not in ("=", "<", ">", r"\le", r"\ge") or wanted not in (sign, flipped(sign)):
            return False
        if sign != wanted:
            sides[0] = ("-", sides[0])
        return self.leaves.algebra_on(lambda algebra: algebra.proportional(sides[0], sides[1], positive))
