"""Compares an answer with a gold answer in steps, of which each decides or leaves it to the next (hence "ladder").

equal text -> choice letters -> lists, sets, tuples, intervals, unions, matrices, relations (structures.py) -> single values
(leaves.py)
"""

from __future__ import annotations

import re

from hicra.verify.comparing.items import plain_value
from hicra.verify.comparing.leaves import Algebra, Leaves
from hicra.verify.comparing.structures import Structures
from hicra.verify.reading.gold import Gold
from hicra.verify.reading.normalise import compact, normalise
from hicra.verify.reading.shapes import Shape, shape_of

MAX_READ = (
    65_536  # characters; longer answers and gold answers are compared only as text without white space and as numbers
)
_LED = re.compile(r"\A(?:the )?(?:final )?answer(?: is|:| =)+ ?(?=.)", re.IGNORECASE)


def equal(answer: str, gold: Gold, algebra: Algebra | None = None) -> bool:
    """Tells whether an answer is right, given both texts as written; nothing in them is run.

    Raises:
        NeedsAlgebra: `algebra` is None, and only algebra can decide.
    """
    answer = answer.strip()
    if max(len(answer), *map(len, gold.answers)) > MAX_READ:
        return len(gold.answers) == 1 and plain_value(_bare(answer)) == plain_value(_bare(gold.answers[0]))
    mine = _LED.sub("", normalise(answer))
    if len(gold.answers) > 1:
        rights = [normalise(text) for text in gold.answers]
        leaves = Leaves(algebra, gold.tolerance, (answer, "; ".join(gold.answers)))
        items = [item for text in rights for item in _items(shape_of(text))]
        return Structures(leaves, True).several(shape_of(mine, True), items)
    right = normalise(gold.answers[0])
    leaves = Leaves(algebra, gold.tolerance, (answer, gold.answers[0]))
    return Structures(leaves, gold.multiple).whole(mine, right)


def equal_text(answer: str, gold: Gold) -> bool:
    """Tells whether the normalised texts are the same, as the strict mode asks."""
    right = ", ".join(gold.answers)
    if max(len(answer), len(right)) > MAX_READ:
        return _bare(answer) == _bare(right)
    return compact(normalise(answer)) == compact(normalise(right))


def _bare(text: str) -> str:
    return "".join(text.split()).strip("$.")


def _items(shape: Shape) -> tuple[str, ...]:
    return shape.items if shape.kind in ("list", "set") else (shape.text,)
