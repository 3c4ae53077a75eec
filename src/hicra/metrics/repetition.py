"""How much of a response repeats what stood in it before: a policy that has fallen into a loop says the same words again.

Deviations (the paper does not measure it):
METRIC-4. The repeated share of a response is the share of its runs of 8 words (what stands between white space; in a text without
    any, its characters) that stood in it before. A response loops where that is at least a half of at least 40 runs. On real
    solutions the share is under 0.2 in nearly all responses and over 0.6 in nearly all others, so the edge decides little.
"""

from __future__ import annotations

import numpy as np

from hicra.arrays import Ints

RUN = 8
LEAST_RUNS, LOOPS_FROM = 40, 0.5


def repeated_share(words: Ints) -> float | None:
    """Computes the share of the runs of `RUN` words that stood before; None with fewer than `LEAST_RUNS` of them.

    Args:
        words: [P] a number for each word, equal for equal words.
    """
    count = len(words) - RUN + 1
    if count < LEAST_RUNS:
        return None
    code = np.zeros(count, np.uint64)
    for ahead in range(RUN):  # an odd multiplier keeps different runs apart, except for 64-bit collisions
        code = code * np.uint64(0x9E3779B97F4A7C15) + words[ahead : ahead + count].astype(np.uint64) + np.uint64(1)
    return 1 - len(np.unique(code)) / count


def repeated_share_of(text: str) -> float | None:
    """Computes the same of a text.

    >>> repeated_share_of("so we go on " * 100) > 0.9, repeated_share_of("a short one")
    (True, None)
    """
    words = text.split()
    pieces: list[str] | str = words if len(words) > 1 else text
    if len(pieces) < RUN + LEAST_RUNS - 1:
        return None
    number: dict[str, int] = {}
    return repeated_share(np.array([number.setdefault(piece, len(number)) for piece in pieces], np.int64))


def loops(share: float | None) -> bool:
    """Says whether a response with this repeated share is a loop; one that is too short to tell is none."""
    return share is not None and share >= LOOPS_FROM
