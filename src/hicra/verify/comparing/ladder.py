"""The comparison of an answer with a gold: as text, then structure by structure (structures.py), then its leaves (leaves.py).

equal text -> choice letters -> lists, sets, tuples, intervals, unions, matrices, relations -> leaves
"""

from __future__ import annotations

import re

from hicra.verify.comparing.leaves import Algebra, Leaves
from hicra.verify.comparing.pairing import plain_value
from hicra.verify.comparing.structures import Structures
from hicra.verify.reading.gold import Gold
from hicra.verify.reading.normalise import compact, normalise
from hicra.verify.reading.shapes import Shape, shape_of

MAX_READ = 65_536  # characters; of longer answers and golds only text without white space and numbers are compared
_LED = re.compile(r"\A(?:the )?(?:final )?answer(?: is|:| =)+ ?(?=.)", re.IGNORECASE)


def equal(answer: str, gold: Gold, algebra: Algebra | None = None) -> bool:
    """Whether an answer is right. Both texts as written; nothing is run.

    Raises:
        NeedsAlgebra: `algebra` is None and only it can decide.
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
    return Structures(leaves, gold.multiple).texts(mine, right, 0)


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
