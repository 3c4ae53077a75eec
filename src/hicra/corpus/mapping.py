"""Reads `--map OURS=THEIRS`: which column of the input is which field of ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from hicra.corpus.fields import CANONICAL
from hicra.errors import ConfigError, UsageError, did_you_mean

PER_TOKEN = ("entropies", "logprobs")  # no canonical fields, but known by name to what measures tokens
ALSO = {"completion": "response", "gold": "answer", "prompt": "question"}  # other words for ours
NAMES = (*CANONICAL, *PER_TOKEN)
_FROM = re.compile(r"(.+?)\s*>=\s*(-?[0-9]+(?:\.[0-9]+)?)")


def parse_mapping(words: Iterable[str]) -> dict[str, str]:
    """Returns ours -> theirs for words like "response=generated_text"; theirs may be a path into objects, as "doc.question".

    That of `correct` may be "COLUMN>=NUMBER" as well: what is right is then a number of that column from NUMBER on.

    Raises:
        UsageError: a word without "=", a field that hicra does not have, or one that is given twice.
    """
    found: dict[str, str] = {}
    for word in words:
        ours, equals, theirs = word.partition("=")
        if not equals or not ours or not theirs:
            raise UsageError(f"--map {word!r} is not of the form OURS=THEIRS", "for example --map response=output")
        ours = ALSO.get(ours, ours)
        if ours not in NAMES:
            raise UsageError(
                f"--map {word}: hicra has no field {ours!r}", f"it is --map OURS=THEIRS; {did_you_mean(ours, NAMES)}"
            )
        if ours in found:
            raise UsageError(f"--map gives {ours} twice: {found[ours]} and {theirs}", "give each field once")
        found[ours] = theirs
    return found


def checked(mapping: Mapping[str, str] | None) -> dict[str, str]:
    """Returns a mapping that came from Python; raises ConfigError where it names a field that hicra does not have."""
    found = {ALSO.get(ours, ours): theirs for ours, theirs in (mapping or {}).items()}
    for ours in found:
        if ours not in NAMES:
            raise ConfigError(f"mapping: hicra has no field {ours!r}", did_you_mean(ours, NAMES))
    return found


@lru_cache(maxsize=64)
def smallest_right(theirs: str) -> tuple[str, float] | None:
    """Returns the column and the number of what is mapped to `correct` as "COLUMN>=NUMBER"; None where it is a column alone.

    >>> smallest_right("reward>=10"), smallest_right("reward")
    (('reward', 10.0), None)
    """
    found = _FROM.fullmatch(theirs)
    return None if found is None else (found[1], float(found[2]))


def value_at(row: Mapping[str, Any], path: str) -> tuple[bool, Any]:
    """Returns (whether it is there, the value) of a column, or of a path into objects like "doc.question"."""
    if path in row:
        return True, row[path]
    value: Any = row
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return False, None
        value = value[name]
    return True, value
