"""Compares two answers by their structure: the shapes of both, then what is inside, level by level, down to single values.

Deviations:
    VERIFY-21. An inequality in one symbol equals the interval of its solutions if the symbol stands alone on its side.
    VERIFY-32. Lists with an ellipsis are compared in order, and an ellipsis equals only another ellipsis. Lists of inequalities
         or of sentences joined by "or" never equal lists joined by "and" or commas.
    VERIFY-48. If the items of a gold answer have different names or units (`x = 3, y = 4`; 12 cows, 30 hens), an answer without
         them must give the values in the same order. A list of tuples is compared as a set, like the solutions that it lists.
"""

from __future__ import annotations

import re

from hicra.verify.comparing.asides import beside, free_letters, renamed
from hicra.verify.comparing.equations import Equations
from hicra.verify.comparing.items import Items
from hicra.verify.comparing.leaves import Leaves
from hicra.verify.comparing.ratios import same_as_quotient, same_congruence, same_ratios
from hicra.verify.comparing.regions import region
from hicra.verify.comparing.relations import assigned, connective, is_sum, names, values
from hicra.verify.reading.choices import choice_texts, one_choice, several_choices
from hicra.verify.reading.normalise import compact
from hicra.verify.reading.notations import one_quantity
from hicra.verify.reading.numbers import number_key
from hicra.verify.reading.shapes import Shape, shape_of
from hicra.verify.reading.spellings import PROSE, same_time

MAX_DEPTH = 6
_WORD = re.compile(" [A-Za-z]")
_ZERO_LED = re.compile(r"-?0,[0-9]+")
_NUMBER = re.compile(r"-?(?:[0-9]+|[1-9][0-9]{0,2}(?:,[0-9]{3})+)(?:\.[0-9]+)?", re.ASCII)
_PLACES = frozenset("kmnjl")  # letters that count, and may stand for each other


class Structures:
    """Compares two normalised texts; with `multiple`, every comma is a separator."""

    def __init__(self, leaves: Leaves, multiple: bool) -> None:
        self.leaves, self.multiple = leaves, multiple
        self.equations = Equations(leaves, self.texts)
        self.items = Items(self.texts)

    def whole(self, answer: str, gold: str) -> bool:
        """Compares an answer with a gold answer, both without what stands beside them (VERIFY-42, VERIFY-43)."""
        commas = ("," in answer) + ("," in gold)  # beside a list, a comma of thousands may be one between items
        if commas < 2 and not (commas and self.multiple) and _NUMBER.fullmatch(answer) and _NUMBER.fullmatch(gold):
            return self.leaves.same(answer, gold)  # most answers of most tasks
        if compact(answer) == compact(gold):
            return True
        mine, right = beside(answer, False), beside(gold, True)
        if mine.runs and right.runs and mine.runs != right.runs:
            return False
        core = mine.core
        if right.name and mine.name != right.name:
            others = (free_letters(core) - free_letters(right.core)) & _PLACES
            name = mine.name or (min(others) if len(others) == 1 and right.name in _PLACES else "")
            core = (renamed(core, name, right.name) if name else core) or core
        elif mine.name in _PLACES and not right.name:
            others = (free_letters(right.core) - free_letters(core)) & _PLACES
            core = (renamed(core, mine.name, min(others)) if len(others) == 1 else core) or core
        return self.texts(core, right.core, 0)

    def texts(self, answer: str, gold: str, depth: int) -> bool:
        """Compares two texts; `depth` counts the levels around them."""
        if not answer or depth > MAX_DEPTH:
            return False
        if compact(answer) == compact(gold):
            return True
        for chosen in (one_choice(answer, gold), several_choices(answer, gold), same_congruence(answer, gold)):
            if chosen is not None:
                return chosen
        if pair := choice_texts(answer, gold):
            return self.texts(*pair, depth + 1)
        commas = self.multiple and depth == 0
        if not commas:
            answer, gold = one_quantity(answer), one_quantity(gold)
        return self.shapes(shape_of(answer, commas), shape_of(gold, commas), depth)

    def shapes(self, answer: Shape, gold: Shape, depth: int) -> bool:
        """Compares two shapes by what they are."""
        kinds = answer.kind, gold.kind
        if kinds in (("set", "leaf"), ("leaf", "set")) and r"\emptyset" in (answer.text, gold.text):
            return not (answer.items or gold.items)
        if kinds in (("bracket", "bracket"), ("matrix", "matrix")):
            return answer.marks == gold.marks and self.items.ordered(answer.items, gold.items, depth)
        if kinds in (("bracket", "matrix"), ("matrix", "bracket")):
            return self.vectors(answer, gold, depth)
        regions = region(answer), region(gold)
        if regions[0] is not None and regions[1] is not None:
            return self.items.same_regions(regions[0], regions[1], depth)
        if "ratio" in kinds:
            return self.ratios(answer, gold, depth)
        if "relation" in kinds:
            return self.equations.same(answer, gold, depth)
        if kinds == ("leaf", "leaf"):
            return self.leaves.same(answer.text, gold.text)
        if kinds == ("union", "union"):  # of sets, or of names
            return self.items.unordered(answer.items, gold.items, depth)
        if kinds in (("list", "list"), ("list", "set"), ("set", "list")):
            return self.lists(answer, gold, depth)
        if kinds == ("set", "set"):
            return self.sets(answer, gold, depth)
        if kinds in (("list", "bracket"), ("bracket", "list")):
            bracket, other = (answer, gold) if kinds[0] == "bracket" else (gold, answer)
            if bracket.marks != ("(", ")"):
                return False
            named = assigned(other)
            flat = tuple(named[name] for name in sorted(named)) if named else other.items
            return self.items.ordered(*((bracket.items, flat) if bracket is answer else (flat, bracket.items)), depth)
        return self.with_leaf(answer, gold, depth) if "leaf" in kinds else False

    def with_leaf(self, answer: Shape, gold: Shape, depth: int) -> bool:
        """Compares a single value with a set of one, or with the list that it may also be, as in `30,150^\\circ` or `0,5`."""
        leaf, other = (answer, gold) if answer.kind == "leaf" else (gold, answer)
        if other.kind == "set" and len(other.items) == 1:
            sides = ((leaf.text,), other.items) if leaf is answer else (other.items, (leaf.text,))
            return self.items.ordered(*sides, depth)
        if other.kind not in ("list", "set") or "," not in leaf.text or _WORD.search(leaf.text):
            return False
        if number_key(leaf.text) is not None and not _ZERO_LED.fullmatch(leaf.text):
            return False
        again = shape_of(leaf.text, True)
        sides_again = (again, other) if leaf is answer else (other, again)
        return again.kind == "list" and self.lists(*sides_again, depth)

    def vectors(self, answer: Shape, gold: Shape, depth: int) -> bool:
        """Compares a tuple with a matrix of one column or one row, or a list of lists with a matrix (VERIFY-41)."""
        tuples, matrix = (answer, gold) if answer.kind == "bracket" else (gold, answer)
        rows, columns = int(matrix.marks[1]), len(matrix.items) // int(matrix.marks[1])
        if matrix.marks[0] != "matrix" or tuples.marks not in (("(", ")"), ("[", "]")):
            return False
        cells = tuples.items
        inner = [shape_of(item) for item in cells]
        if all(one.kind == "bracket" and one.marks == tuples.marks for one in inner):
            if len(inner) != rows or any(len(one.items) != columns for one in inner):
                return False
            cells = tuple(cell for one in inner for cell in one.items)
        elif 1 not in (rows, columns):
            return False
        return self.items.ordered(*((cells, matrix.items) if tuples is answer else (matrix.items, cells)), depth)

    def ratios(self, answer: Shape, gold: Shape, depth: int) -> bool:
        """Compares two shapes of which at least one is a ratio."""
        if same_time(answer.text, gold.text):
            return True

        def same(mine: str, right: str) -> bool:
            return self.texts(mine, right, depth + 1)

        if answer.kind == gold.kind:
            return same_ratios(answer, gold, same)
        if "relation" in (answer.kind, gold.kind):
            return self.equations.same(answer, gold, depth)
        ratio, other = (answer, gold) if answer.kind == "ratio" else (gold, answer)
        return other.kind == "leaf" and same_as_quotient(ratio, other.text, same)

    def lists(self, answer: Shape, gold: Shape, depth: int) -> bool:
        """Compares two lists, or a list and a set."""
        if connective(answer) != connective(gold):
            return False
        if {("or",), ("and",)} == {answer.marks, gold.marks} and any(map(_sentence, answer.items + gold.items)):
            return False
        named = assigned(answer), assigned(gold)
        if named[0] is not None and named[1] is not None:
            return self.items.assigned(named[0], named[1], depth)
        mine, right = names(answer), names(gold)
        if len(right) > 1 and not mine and len(right) == len(gold.items):
            return self.items.ordered(answer.items, gold.items, depth)
        if mine != right and right and (mine or any(map(is_sum, right))):
            return self.items.unordered(answer.items, gold.items, depth)
        if len(answer.items) == len(gold.items) and self.nested(answer, gold):
            return self.items.unordered(answer.items, gold.items, depth)
        if self.leaves.labelled(gold.items) and not self.leaves.measured(answer.items):
            return self.items.ordered(values(answer), values(gold), depth)
        if all(shape_of(item).kind == "bracket" for item in answer.items + gold.items):
            return self.items.as_set(answer.items, gold.items, depth)
        return self.items.unordered(values(answer), values(gold), depth)

    def nested(self, answer: Shape, gold: Shape) -> bool:
        """Tells whether an item of one list is a list, and the same item of the other one is a tuple."""
        kinds = [{shape_of(item).kind for item in shape.items} for shape in (answer, gold)]
        return {frozenset(one) for one in kinds} == {frozenset(["list"]), frozenset(["bracket"])}

    def sets(self, answer: Shape, gold: Shape, depth: int) -> bool:
        """Compares two sets."""
        if any("|" in item or ":" in item for item in answer.items + gold.items):  # sets of all values with a condition
            return self.items.ordered(answer.items, gold.items, depth)
        return self.items.as_set(values(answer), values(gold), depth)

    def several(self, answer: Shape, golds: list[str]) -> bool:
        """Compares an answer with several gold answers, all of which must be given, in any order."""
        if answer.kind == "bracket" and answer.marks == ("(", ")") and len(golds) != 1:
            return len(answer.items) == len(golds) and self.items.unordered(answer.items, tuple(golds), 1)
        return self.items.unordered(values(answer), tuple(golds), 1)


def _sentence(item: str) -> bool:
    """Tells whether an item is words and no value."""
    return bool(PROSE.search(item)) and not any(char.isdigit() for char in item)
