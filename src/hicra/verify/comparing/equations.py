"""Compares equations, inequalities, names with values and approximations, side by side or by algebra.

Deviations:
    VERIFY-20. `x = 3` equals `3`, and `3` equals a gold answer `x = 3`, if one side is a name or a name applied to arguments.
         `2 + 1 = 3` equals `3`; `4 = 3`, `x > 3` and `x \\ne 3` do not. `x = 3` and `y = 3` differ. A gold answer `p = q` of two
         symbols is a relation and not q.
    VERIFY-22. Two equations are equal if the differences of their sides are proportional; two inequalities are equal if they are
         proportional by a positive factor. A gold answer that is true for all values of its symbols (an identity) equals only an
         equation with the same terms.
    VERIFY-47. `a \\approx b` is b if a is a name. Else it is a, and in an answer it counts only if b is the decimal of a,
         rounded or cut. Of a gold answer both a and b count.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from hicra.verify.comparing.asides import applied, free_letters, renamed
from hicra.verify.comparing.leaves import Leaves
from hicra.verify.comparing.regions import is_symbol
from hicra.verify.comparing.relations import assignment, is_name, is_sum
from hicra.verify.reading.expr import Tree, parse
from hicra.verify.reading.normalise import compact
from hicra.verify.reading.numbers import fraction_of, number_key
from hicra.verify.reading.shapes import Shape, flipped
from hicra.verify.reading.spellings import is_short
from hicra.verify.reading.tokens import NotMaths, TooBig

_SIGNS = ("=", "<", ">", r"\le", r"\ge")
ABOUT = r"\approx"
Texts = Callable[[str, str, int], bool]


class Equations:
    """Compares two shapes of which at least one is a relation, given how to compare two texts."""

    def __init__(self, leaves: Leaves, texts: Texts) -> None:
        self.leaves, self.texts = leaves, texts

    def same(self, answer: Shape, gold: Shape, depth: int) -> bool:
        """Compares an answer with a gold answer."""
        if ABOUT in gold.marks:
            return any(self.texts(answer.text, one, depth + 1) for one in self._either(gold))
        if answer.kind == "relation" and answer.marks[-1] == ABOUT:
            return self._about(answer, gold, depth)
        mine, right = assignment(answer), assignment(gold, gold=True)
        if mine and right:
            same_name = compact(mine[0]) == compact(right[0])
            value = mine[1] if same_name else self._of_other_argument(mine, right)
            return (value is not None and self.valued(answer, value, right[1], depth)) or self.equations(answer, gold)
        if mine and gold.kind != "relation":
            return self.valued(answer, mine[1], gold.text, depth)
        if right and answer.kind != "relation":
            return not is_sum(right[0]) and self.texts(answer.text, right[1], depth + 1)
        if answer.kind == "relation" and gold.kind in ("leaf", "ratio"):
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

    def chains(self, answer: Shape, gold: Shape, depth: int) -> bool:
        """Compares two relations side by side, also with one of them read from right to left."""
        for marks, items in (
            (answer.marks, answer.items),
            (tuple(map(flipped, answer.marks[::-1])), answer.items[::-1]),
        ):
            if marks != gold.marks or len(items) != len(gold.items):
                continue
            if all(self.texts(mine, right, depth + 1) for mine, right in zip(items, gold.items, strict=True)):
                return not self._identity(gold, depth) or self._same_terms(items, gold.items)
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
        if sign not in _SIGNS or wanted not in (sign, flipped(sign)):
            return False
        if sign != wanted:
            sides[0] = ("-", sides[0])
        return self.leaves.algebra_on(lambda algebra: algebra.proportional(sides[0], sides[1], positive))

    def _identity(self, gold: Shape, depth: int) -> bool:
        """Tells whether a gold equation is true for all values of its symbols."""
        return gold.marks == ("=",) and self.texts(gold.items[0], gold.items[1], depth + 1)

    def _same_terms(self, items: tuple[str, ...], golds: tuple[str, ...]) -> bool:
        try:
            return all(
                arranged(parse(mine)) == arranged(parse(right)) for mine, right in zip(items, golds, strict=True)
            )
        except (NotMaths, TooBig):
            return False

    def _of_other_argument(self, mine: tuple[str, str], right: tuple[str, str]) -> str | None:
        """Returns the answer's value in the gold answer's argument, as for `f(t) = t^2` and `f(x) = x^2` (VERIFY-43)."""
        first, second = applied(mine[0]), applied(right[0])
        if first and second:
            return renamed(mine[1], first[1], second[1]) if first[0] == second[0] else None
        function, plain, value = (first, right[0], mine[1]) if first else (second, mine[0], right[1])
        if function and plain == "y" and function[1] in free_letters(value):
            return mine[1]
        return None

    def _either(self, gold: Shape) -> list[str]:
        """Returns what a gold answer with an approximation stands for: the text before the sign, and the text after it."""
        at = len(gold.marks) - 1 - gold.marks[::-1].index(ABOUT)
        before, after = _cut(gold, at)
        name = gold.items[0] if len(gold.items) == at + 2 and is_name(gold.items[0]) else ""
        return [after] if at == 0 and name else [before, after]

    def _about(self, answer: Shape, gold: Shape, depth: int) -> bool:
        before, after = _cut(answer, len(answer.marks) - 1)
        if not before or not after:
            return False
        if len(answer.items) == 2 and is_name(before):
            return self.texts(after, gold.text, depth + 1)
        return self._decimal(answer.items[-2], after) and self.texts(before, gold.text, depth + 1)

    def _decimal(self, exact: str, decimal: str) -> bool:
        """Tells whether a text is the decimal of another one, rounded or cut, with or without its unit of measure."""
        value, number = self.leaves.core(exact, False), self.leaves.core(decimal, False)
        key = number_key(number)
        if key is None or not is_short(key):
            return False
        places = len(number.partition(".")[2]) if "." in number else 0
        try:
            tree = parse(value)
        except (NotMaths, TooBig):
            return False
        shown, half = fraction_of(key), Fraction(1, 2 * 10**places)
        cut = shown - half if key.negative else shown + half  # the middle of the values that are cut to it
        return any(self.leaves.near(tree, ("n", middle), half) for middle in (shown, cut))


def arranged(tree: Tree) -> Tree:
    """Sorts the terms of sums and the factors of products, so that two trees with the same ones are equal."""
    parts = [arranged(part) if isinstance(part, tuple) else part for part in tree]
    if tree[0] in ("+", "*"):
        return (tree[0], *sorted(parts[1:], key=repr))
    return tuple(parts)


def _cut(shape: Shape, at: int) -> tuple[str, str]:
    """Returns the texts before and after the sign with this number; both may hold further signs."""
    before, after = shape.items[: at + 1], shape.items[at + 1 :]
    return _joined(before, shape.marks[:at]), _joined(after, shape.marks[at + 1 :])


def _joined(items: tuple[str, ...], marks: tuple[str, ...]) -> str:
    return items[0] + "".join(f" {mark} {item}" for mark, item in zip(marks, items[1:], strict=True))
