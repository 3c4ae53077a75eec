"""The comparison of an answer with a gold: structure first, then its leaves, rung by rung.

    equal text -> choice letters -> lists, sets, tuples, intervals, unions, matrices, relations -> leaves (leaves.py)

Deviations:
    D20  `x = 3` equals `3`, and `3` equals a gold `x = 3`, when one side is a name or a name applied to arguments;
         `2 + 1 = 3` equals `3`, `4 = 3` and `x > 3` and `x \\ne 3` do not. `a \\approx b`
         is a, and where a is a name, b. `x = 3` and `y = 3` differ.
    D21  an inequality in one symbol equals the interval of its solutions where the bounds stand alone on their sides.
    D22  two equations are equal when their differences are proportional; two inequalities when by a positive factor.
"""

from __future__ import annotations

import re

from hicra.verify.expr import Tree, parse
from hicra.verify.gold import Gold
from hicra.verify.leaves import Algebra, Leaves
from hicra.verify.normalise import compact, normalise
from hicra.verify.numbers import number_key
from hicra.verify.relations import Span, assigned, assignment, intervals, values, without_about
from hicra.verify.shapes import Shape, flipped, shape_of
from hicra.verify.tokens import NotMaths, TooBig

MAX_DEPTH = 6
MAX_READ = 65_536  # characters; of longer answers and golds only text without white space and numbers are compared
MAX_MATCH = 40  # items of an unordered list that are matched one by one; more are compared as sorted text
_CHOICE = re.compile(r"\(?([A-J])\)?")
_CHOSEN = re.compile(
    r"(?:(?:the )?(?:answer is|answer|option|choice) )?\(?([A-Ja-j])(?:\)|[.:] |[.:]?\Z)(.*)", re.DOTALL | re.IGNORECASE
)
_LED = re.compile(r"\A(?:the )?(?:final )?answer(?: is|:| =)+ ?(?=.)", re.IGNORECASE)
_HEDGED = re.compile(r"(?<![A-Za-z])(?:or|and|not|nor|but|[B-J]|\([A-Ja-j]\)|A(?=[.):]|\Z))(?![A-Za-z])")


def equal(answer: str, gold: Gold, algebra: Algebra | None = None) -> bool:
    """Whether an answer is right. Both texts as written; nothing is run.

    Raises:
        NeedsAlgebra: `algebra` is None and only it can decide.
    """
    answer = answer.strip()
    if max(len(answer), *map(len, gold.answers)) > MAX_READ:
        return len(gold.answers) == 1 and _plain_value(_bare(answer)) == _plain_value(_bare(gold.answers[0]))
    mine = _LED.sub("", normalise(answer))
    if len(gold.answers) > 1:
        rights = [normalise(text) for text in gold.answers]
        leaves = Leaves(algebra, gold.tolerance, (answer, "; ".join(gold.answers)))
        items = [item for text in rights for item in _items(shape_of(text))]
        return _Ladder(leaves, True).several(shape_of(mine, True), items)
    right = normalise(gold.answers[0])
    leaves = Leaves(algebra, gold.tolerance, (answer, gold.answers[0]))
    return _Ladder(leaves, gold.multiple).texts(mine, right, 0)


def equal_text(answer: str, gold: Gold) -> bool:
    """Strict mode: whether the normalised texts are the same."""
    right = ", ".join(gold.answers)
    if max(len(answer), len(right)) > MAX_READ:
        return _bare(answer) == _bare(right)
    return compact(normalise(answer)) == compact(normalise(right))


def _bare(text: str) -> str:
    return "".join(text.split()).strip("$.")


def _items(shape: Shape) -> tuple[str, ...]:
    return shape.items if shape.kind in ("list", "set") else (shape.text,)


class _Ladder:
    def __init__(self, leaves: Leaves, multiple: bool) -> None:
        self.leaves, self.multiple = leaves, multiple

    def texts(self, answer: str, gold: str, depth: int) -> bool:
        if not answer or depth > MAX_DEPTH:
            return False
        if compact(answer) == compact(gold):
            return True
        chosen = _choice(answer, gold)
        if chosen is not None:
            return chosen
        commas = self.multiple and depth == 0
        return self.shapes(shape_of(answer, commas), shape_of(gold, commas), depth)

    def shapes(self, answer: Shape, gold: Shape, depth: int) -> bool:
        kinds = answer.kind, gold.kind
        if kinds in (("set", "leaf"), ("leaf", "set")) and not (answer.items or gold.items):
            return r"\emptyset" in (answer.text, gold.text)
        if "relation" in kinds or "union" in kinds or r"\mathbb{R}" in (answer.text, gold.text):
            return self.relations(answer, gold, depth)
        if kinds == ("leaf", "leaf"):
            return self.leaves.same(answer.text, gold.text)
        if kinds == ("bracket", "bracket"):
            return answer.marks == gold.marks and self.ordered(answer.items, gold.items, depth)
        if kinds == ("matrix", "matrix"):
            return answer.marks == gold.marks and self.ordered(answer.items, gold.items, depth)
        if kinds in (("list", "list"), ("list", "set"), ("set", "list")):
            names = assigned(answer), assigned(gold)
            if names[0] is not None and names[1] is not None:
                return self.assigned(names[0], names[1], depth)
            return self.unordered(values(answer), values(gold), depth)
        if kinds == ("set", "set"):
            return self.as_set(values(answer), values(gold), depth)
        if kinds in (("list", "bracket"), ("bracket", "list")):
            bracket, other = (answer, gold) if kinds[0] == "bracket" else (gold, answer)
            if bracket.marks != ("(", ")"):
                return False
            names_in = assigned(other)
            flat = tuple(names_in[name] for name in sorted(names_in)) if names_in else other.items
            return self.ordered(*((bracket.items, flat) if bracket is answer else (flat, bracket.items)), depth)
        if "set" in kinds and "leaf" in kinds:
            single, other = (answer, gold) if kinds[0] == "set" else (gold, answer)
            if len(single.items) != 1:
                return False
            return self.ordered(
                *((single.items, (other.text,)) if single is answer else ((other.text,), single.items)), depth
            )
        return False

    def several(self, answer: Shape, golds: list[str]) -> bool:
        """Several answers, all asked for, in any order."""
        if answer.kind == "bracket" and answer.marks == ("(", ")") and len(golds) != 1:
            return len(answer.items) == len(golds) and self.unordered(answer.items, tuple(golds), 1)
        return self.unordered(values(answer), tuple(golds), 1)

    def ordered(self, answers: tuple[str, ...], golds: tuple[str, ...], depth: int) -> bool:
        if len(answers) != len(golds):
            return False
        return all(self.texts(mine, right, depth + 1) for mine, right in zip(answers, golds, strict=True))

    def unordered(self, answers: tuple[str, ...], golds: tuple[str, ...], depth: int) -> bool:
        if len(answers) != len(golds):
            return False
        if len(answers) > MAX_MATCH:
            return sorted(map(_plain_value, answers)) == sorted(map(_plain_value, golds))
        left, open_golds = _unmatched(answers, golds)
        for right in open_golds:
            for at, mine in enumerate(left):
                if self.texts(mine, right, depth + 1):
                    del left[at]
                    break
            else:
                return False
        return True

    def as_set(self, answers: tuple[str, ...], golds: tuple[str, ...], depth: int) -> bool:
        if max(len(answers), len(golds)) > MAX_MATCH:
            return set(map(_plain_value, answers)) == set(map(_plain_value, golds))

        def inside(one: str, many: tuple[str, ...], turned: bool) -> bool:
            return any(self.texts(*((other, one) if turned else (one, other)), depth + 1) for other in many)

        return all(inside(one, golds, False) for one in answers) and all(inside(one, answers, True) for one in golds)

    def assigned(self, answers: dict[str, str], golds: dict[str, str], depth: int) -> bool:
        return answers.keys() == golds.keys() and all(
            self.texts(answers[name], golds[name], depth + 1) for name in golds
        )

    # relations and intervals

    def relations(self, answer: Shape, gold: Shape, depth: int) -> bool:
        exact = without_about(answer)
        if exact is not None and r"\approx" not in gold.marks:
            return self.texts(exact, gold.text, depth + 1)
        mine, right = assignment(answer), assignment(gold)
        if mine and right:
            same_name = compact(mine[0]) == compact(right[0])
            return (same_name and self.texts(mine[1], right[1], depth + 1)) or self.equations(answer, gold)
        if mine and gold.kind != "relation":
            return self.texts(mine[1], gold.text, depth + 1)
        if right and answer.kind != "relation":
            return self.texts(answer.text, right[1], depth + 1)
        if answer.kind == "relation" and gold.kind == "leaf":
            return self.worked_out(answer, gold, depth)
        spans = intervals(answer), intervals(gold)
        if spans[0] and spans[1]:
            return self.same_intervals(spans[0], spans[1], depth)
        if answer.kind == gold.kind == "relation":
            return self.chains(answer, gold, depth) or self.equations(answer, gold)
        return False

    def worked_out(self, answer: Shape, gold: Shape, depth: int) -> bool:
        """`2 + 1 = 3` against `3`: every side has to be the gold."""
        if set(answer.marks) != {"="} or len(answer.items) > 4:
            return False
        return all(side and self.texts(side, gold.text, depth + 1) for side in answer.items)

    def same_intervals(self, mine: list[Span], right: list[Span], depth: int) -> bool:
        if len(mine) != len(right):
            return False
        left = list(mine)
        for span in right:
            for at, other in enumerate(left):
                if other[:2] == span[:2] and self.ordered(other[2], span[2], depth):
                    del left[at]
                    break
            else:
                return False
        return True

    def chains(self, answer: Shape, gold: Shape, depth: int) -> bool:
        for marks, items in (
            (answer.marks, answer.items),
            (tuple(map(flipped, answer.marks[::-1])), answer.items[::-1]),
        ):
            if marks == gold.marks and self.ordered(items, gold.items, depth):
                return True
        return False

    def equations(self, answer: Shape, gold: Shape) -> bool:
        """D22, for one sign on each side."""
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


def _unmatched(answers: tuple[str, ...], golds: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """What is left on both sides once equal texts and equal numbers are paired."""
    left = list(answers)
    keys = [_plain_value(item) for item in left]
    rest = []
    for gold in golds:
        key = _plain_value(gold)
        if key in keys:
            at = keys.index(key)
            del keys[at], left[at]
        else:
            rest.append(gold)
    return left, rest


def _plain_value(text: str) -> str:
    """A text by which many items are compared at once: equal for equal numbers and for equal texts."""
    key = number_key(text)
    return compact(text) if key is None else f"{'-' if key.negative else ''}0.{key.digits}e{key.power}"


def _choice(answer: str, gold: str) -> bool | None:
    """Whether a choice letter is the gold's; None where the gold is none or the answer names none."""
    wanted = _CHOICE.fullmatch(gold)
    if not wanted or len(answer) > 400:
        return None
    chosen = _CHOSEN.fullmatch(answer)
    if not chosen or (chosen[1].islower() and not answer.startswith("(")):
        return None
    if chosen[2] and _HEDGED.search(chosen[2]):
        return False
    return chosen[1].upper() == wanted[1]
