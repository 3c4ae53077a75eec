"""The fixed points at which trees are compared: the values of their symbols, and which symbols stand for what numbers.

The values depend only on the symbols' names and the number of the point, not on random numbers or a hash seed.

Deviations:
    VERIFY-36. A symbol in the exponent of a negative number or of i is a whole number, at every point: `(-1)^{n+2}` equals
         `(-1)^n`.
    VERIFY-37. Two expressions in at least two symbols, none of which is commonly a variable (x, y, z, t, u, v, w, a Greek
         letter), with a root and without absolute values, are also equal if they are for positive values:
         `a\\sqrt{b}` equals `\\sqrt{a^2 b}`. `\\sqrt{x^2}` does not equal `x`.
"""

from __future__ import annotations

import hashlib

from hicra.verify.comparing.exact import Inexact, Undefined, exact
from hicra.verify.reading.expr import Tree
from hicra.verify.reading.tokens import TooBig

Point = dict[str, tuple[int, int]]  # numerator and denominator by name
DENOMINATOR = 4003
# (smallest, range) of the numerators: near 0 (0.25 to 3), farther (3 to 40), nearer (0.02 to 0.25), far (40 to 1,000)
RINGS = ((1009, 11_003), (12_011, 148_000), (80, 900), (160_000, 3_850_000))
A_RING = 7  # number of points of a ring
WHOLE, FAR = (1, 4, 12, 60), (149_355, -214_961, 494_197_171, -9_208_101)  # as they are, and over 4003
POINTS = A_RING * len(RINGS)
ALL_POINTS = POINTS + len(WHOLE) + len(FAR)
_VARIABLES = frozenset("xyztuvw")


def symbols(tree: Tree) -> frozenset[str]:
    """Returns the names of the symbols in a tree."""
    if tree[0] == "s":
        return frozenset([tree[1]])
    found: frozenset[str] = frozenset()
    for part in tree[1:]:
        if isinstance(part, tuple):
            found |= symbols(part)
    return found


def whole_symbols(tree: Tree) -> frozenset[str]:
    """Returns the symbols in exponents of negative numbers and of i (VERIFY-36)."""
    found: frozenset[str] = frozenset()
    if tree[0] == "^" and (tree[1] == ("c", "i") or _negative(tree[1])):
        found |= symbols(tree[2])
    for part in tree[1:]:
        if isinstance(part, tuple):
            found |= whole_symbols(part)
    return found


def positive_by_meaning(first: Tree, second: Tree) -> bool:
    """Tells whether the symbols of two trees may be taken as positive (VERIFY-37)."""
    names = symbols(first) | symbols(second)
    plain = all(name[0].isalpha() and name[0] not in _VARIABLES for name in names)
    roots = has_function(first, "root") or has_function(second, "root")
    return len(names) > 1 and plain and roots and not (has_function(first, "abs") or has_function(second, "abs"))


def has_function(tree: Tree, name: str) -> bool:
    """Tells whether a tree has a function of that name."""
    own = tree[0] == "f" and tree[1] == name
    return own or any(has_function(part, name) for part in tree[1:] if isinstance(part, tuple))


def point(names: frozenset[str], index: int, whole: frozenset[str] = frozenset(), positive: bool = False) -> Point:
    """Returns the values of the symbols at a point: those of the rings first, then whole ones, then large ones."""
    found = {}
    for rank, name in enumerate(sorted(names)):
        if name in whole:
            found[name] = (_whole(name, rank, index), 1)
        elif index >= POINTS + len(WHOLE):
            size = FAR[(index + rank) % len(FAR)]
            found[name] = ((abs(size) if positive else size) * (10 + rank), 10 * DENOMINATOR)
        elif index >= POINTS:
            found[name] = (WHOLE[index - POINTS] + 7 * rank, 1)
        else:
            digest = hashlib.sha256(f"{index % A_RING} {name}".encode()).digest()
            least, wide = RINGS[index // A_RING]
            size = least + int.from_bytes(digest[:4], "big") % wide
            minus = index % A_RING >= 3 and digest[4] % 2 and not positive
            found[name] = (-size if minus else size, DENOMINATOR)
    return found


def _whole(name: str, rank: int, index: int) -> int:
    """Returns a whole number; the points of a ring hold every mixture of even and odd ones for up to three symbols."""
    digest = hashlib.sha256(f"{index} {name}".encode()).digest()
    large = 20 if index >= POINTS else 0
    return large + 2 * (digest[0] % 6) + 1 + ((index >> (rank % 3)) & 1)


def _negative(tree: Tree) -> bool:
    try:
        return exact(tree) < 0
    except (Inexact, Undefined, TooBig):
        return False
