"""Compares two single values (the leaves of an answer's structure): as text, words, numbers, with units of measure, by algebra.

No text is run here; the last step, algebra, is given as an object. If it is missing, `NeedsAlgebra` says that the steps before it
could not decide.

Deviation:
    VERIFY-19. An answer that exceeds the size bounds equals only the same text.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Protocol

from hicra.verify.comparing.exact import Inexact, Undefined, exact
from hicra.verify.comparing.products import ordered_factors
from hicra.verify.reading.expr import Tree, parse
from hicra.verify.reading.normalise import compact
from hicra.verify.reading.numbers import Key, fraction_of, number_key
from hicra.verify.reading.spellings import (
    PROSE,
    REPEATING,
    based,
    decimal_of,
    decimals,
    in_ten,
    is_short,
    mathematical,
    plain_words,
    repeated,
    same_time,
    same_words,
    strange,
)  # fmt: skip
from hicra.verify.reading.tokens import NotMaths, TooBig, TooDeep
from hicra.verify.reading.units import PERCENT, Measured, ratio_of, split_unit

_DEGREES = re.compile(r" ?\^ ?(?:\{ ?\\circ ?\}|\\circ(?![A-Za-z]))")
_ANGLE = re.compile(r"sin|cos|tan|cot|sec|csc")  # of degrees it is another value
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2,}|%|\\circ")
MAX_LABELLED = 12  # the most items of a gold answer whose units are looked at
_BRACES = re.compile(r"[{} ]")
_TEXT = re.compile(r"\\(?:text[a-z]*|mathrm|mbox|operatorname)\s*\{\s*[A-Za-z]{2}")


class NeedsAlgebra(Exception):
    """The steps of the comparison without algebra cannot decide."""


class Algebra(Protocol):
    """The last step of the comparison, which runs in the worker."""

    def trees(self, answer: Tree, gold: Tree) -> bool: ...
    def proportional(self, answer: Tree, gold: Tree, positive: bool) -> bool: ...
    def near(self, answer: Tree, gold: Tree, tolerance: Fraction) -> bool: ...
    def rounds_to(self, decimal: Fraction, places: int, tree: Tree) -> bool: ...
    def texts(self, answer: str, gold: str) -> bool: ...


class Leaves:
    """Compares two single values.

    Args:
        algebra: the last step of the comparison; if None, `NeedsAlgebra` is raised instead.
        tolerance: the largest absolute difference of equal numbers.
        raws: the texts of the answer and of the gold answer as written (with units of measure in text commands).
    """

    def __init__(self, algebra: Algebra | None, tolerance: Fraction | None, raws: tuple[str, str]) -> None:
        self.algebra, self.tolerance, self.raws = algebra, tolerance, raws

    @functools.cached_property
    def _ordered_factors(self) -> bool:
        return ordered_factors(self.raws)

    @functools.cached_property
    def _words(self) -> bool:
        """Whether a side says that some of its letters are text."""
        return any(map(_TEXT.search, self.raws))

    def same(self, answer: str, gold: str) -> bool:
        """Tells whether two normalised texts without outer structure are equal; may raise NeedsAlgebra."""
        if not answer or not gold:
            return False
        if compact(answer) == compact(gold):
            return True
        first, second = number_key(answer), number_key(gold)
        if first is not None and second is not None:
            return first == second or self._near_keys(first, second)
        if same_time(answer, gold) or (PROSE.search(gold) and plain_words(answer) == plain_words(gold)):
            return True
        if self._ordered_factors:
            return _BRACES.sub("", answer) == _BRACES.sub("", gold)
        words = same_words(answer, gold, self._words)
        if words is not None:
            return words
        bases = based(answer), based(gold)
        if bases[0] or bases[1]:
            return in_ten(bases[0], first) == in_ten(bases[1], second)
        return self._measured(split_unit(answer, self.raws[0], False), split_unit(gold, self.raws[1], True))

    def _near_keys(self, first: Key, second: Key) -> bool:
        if self.tolerance is None or not (is_short(first) and is_short(second)):
            return False
        return abs(fraction_of(first) - fraction_of(second)) <= self.tolerance

    def _measured(self, answer: Measured, gold: Measured) -> bool:
        mine, right = answer.unit, gold.unit
        if mine is None and right is None:
            return self._values(answer.core, gold.core, Fraction(1))
        if mine is None or right is None:
            percent = PERCENT in (mine and mine.dimension, right and right.dimension)
            if not percent:
                return self._values(answer.core, gold.core, Fraction(1))
            ratio = Fraction(1, 100) if mine else Fraction(100)
            if self._values(answer.core, gold.core, ratio):
                return True
            return self._at_least_one(answer.core if mine else gold.core) and self._values(
                answer.core, gold.core, Fraction(1)
            )
        factor = ratio_of(mine, right)
        return factor is not None and self._values(answer.core, gold.core, factor)

    def _at_least_one(self, percent: str) -> bool:
        """Tells whether `p%` may equal `p`, which needs p >= 1 (VERIFY-6)."""
        try:
            return exact(self._tree(percent)) >= 1
        except (Inexact, Undefined, NotMaths, TooBig):
            return False

    def _values(self, answer: str, gold: str, factor: Fraction) -> bool:
        """Tells whether answer * factor equals gold, also without the degree signs that only one of them has (VERIFY-7)."""
        if self._same_values(answer, gold, factor):
            return True
        signs = [len(_DEGREES.findall(side)) for side in (answer, gold)]
        if 0 not in signs or signs == [0, 0] or any(map(_ANGLE.search, (answer, gold))):
            return False
        return self._same_values(_DEGREES.sub("", answer), _DEGREES.sub("", gold), factor)

    def _same_values(self, answer: str, gold: str, factor: Fraction) -> bool:
        if factor == 1:
            if compact(answer) == compact(gold):
                return True
            first, second = number_key(answer), number_key(gold)
            if first is not None and second is not None:
                return first == second or self._near_keys(first, second)
        trees: list[Tree] = []
        for text in (answer, gold):
            try:
                trees.append(self._tree(text))
            except TooDeep:
                if self.algebra is None:
                    raise NeedsAlgebra from None
                return False
            except TooBig:
                return False
            except NotMaths:
                return factor == 1 and self._texts(answer, gold)
        first_tree: Tree = trees[0] if factor == 1 else ("*", ("n", factor), trees[0])
        return self._trees(first_tree, trees[1], answer if factor == 1 else "", gold)

    def _tree(self, text: str) -> Tree:
        key = number_key(text)
        if key is not None and is_short(key):
            return ("n", fraction_of(key))
        repeating = REPEATING.fullmatch(text)
        value = repeated(repeating) if repeating else None
        return ("n", value) if value is not None else parse(text, self.algebra is not None)

    def _trees(self, answer: Tree, gold: Tree, answer_text: str, gold_text: str) -> bool:
        exacts: list[Fraction | None] = []
        for tree in (answer, gold):
            try:
                exacts.append(exact(tree))
            except Inexact:
                exacts.append(None)
            except (Undefined, TooBig):
                return False
        first, second = exacts
        if first is not None and second is not None:
            gap = abs(first - second)
            return (
                gap == 0
                or (self.tolerance is not None and gap <= self.tolerance)
                or decimal_of(answer_text, first, gold_text, second)
            )
        if self.algebra is None:
            raise NeedsAlgebra
        for text, value, other in ((answer_text, first, gold), (gold_text, second, answer)):
            places = decimals(text)
            if value is not None and places and self.algebra.rounds_to(value, places, other):
                return True
        if self.tolerance is not None and self.algebra.near(answer, gold, self.tolerance):
            return True
        return self.algebra.trees(answer, gold)

    def _texts(self, answer: str, gold: str) -> bool:
        """Compares texts outside the grammar that may still be mathematics."""
        if not (mathematical(answer) and mathematical(gold)) or strange(answer) != strange(gold):
            return False
        if self.algebra is None:
            raise NeedsAlgebra
        return self.algebra.texts(answer, gold)

    def labelled(self, golds: tuple[str, ...]) -> bool:
        """Tells whether the items of a gold answer have different units, as in 12 cows, 30 hens."""
        units = [split_unit(item, self.raws[1], True).unit for item in golds if len(golds) <= MAX_LABELLED]
        return len({unit.dimension for unit in units if unit}) > 1

    def measured(self, answers: tuple[str, ...]) -> bool:
        """Tells whether an item of an answer has a unit, known or not."""
        return any(_WORD.search(item) for item in answers)

    def core(self, text: str, gold: bool) -> str:
        """Returns a text without its unit of measure."""
        return split_unit(text, self.raws[gold], gold).core

    def near(self, first: Tree, second: Tree, tolerance: Fraction) -> bool:
        """Tells whether two values differ by at most a tolerance."""
        try:
            return abs(exact(first) - exact(second)) <= tolerance
        except Inexact:
            return self.algebra_on(lambda algebra: algebra.near(first, second, tolerance))
        except (Undefined, TooBig):
            return False

    def algebra_on(self, ask: Callable[[Algebra], bool]) -> bool:
        """Asks the algebra a question of the caller."""
        if self.algebra is None:
            raise NeedsAlgebra
        return ask(self.algebra)
