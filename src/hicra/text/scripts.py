"""Says in which script a letter is written, from its Unicode name, and which scripts are written without spaces.

Python's tables have no property "script", but the name of a letter begins with it ("CYRILLIC SMALL LETTER A"), and names
never change from one version of Unicode to the next.
"""

from __future__ import annotations

import functools
import unicodedata
from collections import Counter
from collections.abc import Iterable

import numpy as np

WITHOUT_SPACES = frozenset({"Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar"})
_BEFORE = ("HALFWIDTH ", "FULLWIDTH ", "VERTICAL ", "OLD CHINESE ")
_NAMED = {
    "CJK": "Han",
    "IDEOGRAPHIC": "Han",
    "ITERATION": "Han",
    "HENTAIGANA": "Hiragana",
    "KANA": "Hiragana",  # the repeat marks of vertical text, which both kana share
    "MASU": "Hiragana",
    "KATAKANA-HIRAGANA": "Katakana",  # the mark of a long vowel, which both kana share
}
_NO_SCRIPT = frozenset(
    {"MODIFIER", "MATHEMATICAL", "FEMININE", "MASCULINE", "MICRO", "DOUBLE-STRUCK", "SCRIPT", "ANGSTROM"}
)


@functools.cache
def script_of(char: str) -> str | None:
    """Returns the script of a letter; None for what is no letter, or belongs to no script.

    >>> [script_of(char) for char in "a\\u4f60\\u306e\\u30fc\\u0e01\\u0436\\ud55c5"]
    ['Latin', 'Han', 'Hiragana', 'Katakana', 'Thai', 'Cyrillic', 'Hangul', None]
    """
    if unicodedata.category(char)[0] != "L":
        return None
    name = unicodedata.name(char, "")
    for word in _BEFORE:
        name = name.removeprefix(word)
    word = name.partition(" ")[0]
    return None if not word or word in _NO_SCRIPT else _NAMED.get(word, word.capitalize())


def letters_by_script(texts: Iterable[str]) -> Counter[str]:
    """Counts the letters of texts by their script; letters of no script are left out."""
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    times = np.bincount(points)
    found: Counter[str] = Counter()
    for point in np.flatnonzero(times).tolist():
        if script := script_of(chr(point)):
            found[script] += int(times[point])
    return found
