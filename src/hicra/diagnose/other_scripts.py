"""How much of a response is written in another script than the task: the mark of a policy that mixes languages.

Deviations (the paper measures no such share):
METRIC-6. The script of a step is that of most letters of its questions (of the responses, where there is no question; 200 are
    read). Letters in another script count, those of planning spans and the rest apart. Greek letters count as no letters, since
    mathematics is full of them. Two languages in one script are not told apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from hicra.arrays import Bools, Floats, Ints
from hicra.text.fold import code_points
from hicra.text.scripts import letters_by_script, script_of

READ = 200
_NO_LETTERS = ("Greek",)
Spans = Sequence[Sequence[tuple[int, int, str]]]


def main_script(rows: pl.DataFrame) -> str | None:
    """Returns the script of a step's rows; None where they hold no letter.

    Args:
        rows: with `question` and `response`.
    """
    for name in ("question", "response"):
        texts = rows[name].drop_nulls().head(READ).to_list()
        found = letters_by_script(texts)
        for script in _NO_LETTERS:
            found.pop(script, None)
        if found:
            return min(found, key=lambda script: (-found[script], script))
    return None


def letters(texts: Sequence[str], spans: Spans, script: str | None) -> Floats:
    """Counts letters by kind and by script.

    Args:
        texts: B responses.
        spans: of each the planning spans, as (start, end, gram).
        script: the script of the step.

    Returns:
        [B,4]: letters of planning spans, those of them in another script, the other letters, those of them in another script.
    """
    ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
    begins = ends - np.array([len(text) for text in texts], np.int64)
    points = code_points("".join(texts)).astype(np.int64)
    letter, other = _tables(points, script)
    edge = np.zeros(len(points) + 1, np.int64)
    for begin, found in zip(begins.tolist(), spans, strict=True):
        for start, stop, _ in found:
            edge[begin + start] += 1
            edge[begin + stop] -= 1
    planning = np.cumsum(edge[:-1]) > 0
    columns = [kind & mark for kind in (planning, ~planning) for mark in (letter[points], other[points])]
    return np.stack([_summed(column, begins, ends) for column in columns], axis=1)


def _tables(points: Ints, script: str | None) -> tuple[Bools, Bools]:
    """Returns for each code point up to the largest whether it is a letter, and whether it is one of another script."""
    size = int(points.max(initial=0)) + 1
    letter, other = np.zeros(size, np.bool_), np.zeros(size, np.bool_)
    for point in np.flatnonzero(np.bincount(points, minlength=size)).tolist():
        of = script_of(chr(point))
        letter[point] = of is not None and of not in _NO_LETTERS
        other[point] = letter[point] and of != script
    return letter, other


def _summed(column: Bools, begins: Ints, ends: Ints) -> Floats:
    total = np.concatenate([[0], np.cumsum(column)])
    found: Floats = (total[ends] - total[begins]).astype(np.float64)
    return found
