"""Says where sentences end, in texts and in folded bytes, by one rule (docs/concepts/tagging.md).

A sentence ends after one of `STOPS` that stands before white space, and after a line end; a boundary and the end of the text
end it too. A folded text has no line ends but those that the streaming tagger keeps, so the same pattern reads it.
"""

from __future__ import annotations

import re

import numpy as np

from hicra.arrays import Bools, Bytes, Ints
from hicra.text.fold import WHITE_SPACE
from hicra.text.pieces import LINE_END, WALL_KIND

STOPS = ".?!:"
_SPACES = "".join(map(chr, sorted(WHITE_SPACE)))
_END = re.compile(rf"[\n\r]|[{re.escape(STOPS)}](?=[{re.escape(_SPACES)}])")
_STOP_BYTE = np.isin(np.arange(256), [ord(char) for char in STOPS])


def ends(text: str) -> list[int]:
    """Returns the index of the character after each sentence end; the end of the text is not among them.

    >>> ends("So x = 1.5. Why?\\n\\nWait.")
    [11, 16, 17, 18]
    """
    return [match.end() for match in _END.finditer(text)]


def sentences(text: str) -> list[tuple[int, int]]:
    """Returns the character ranges of the sentences of a text, without white space at their ends.

    >>> sentences("So x = 1.5. Why?\\n\\nWait")
    [(0, 11), (12, 16), (18, 22)]
    """
    out = []
    stops = ends(text)
    for low, high in zip([0, *stops], [*stops, len(text)], strict=True):
        inner = text[low:high]
        solid = inner.strip(_SPACES)
        if solid:
            begin = low + len(inner) - len(inner.lstrip(_SPACES))
            out.append((begin, begin + len(solid)))
    return out


def sentence_of_bytes(data: Bytes, kind: Bytes, blank: Bools) -> Ints:
    """Returns the number of the sentence that each folded byte belongs to, its stop included, [S] int64.

    Args:
        data, kind: [S], as in `Pieces`.
        blank: [S] bool, the bytes that are white space or a boundary.
    """
    last = (kind == LINE_END) | (kind == WALL_KIND)
    last[:-1] |= _STOP_BYTE[data[:-1]] & blank[1:]
    return np.asarray(np.cumsum(last) - last)
