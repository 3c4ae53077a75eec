"""Finds the keys in which configs differ, for a resume, for the arms of runs, and for the page that shows them.

Keys are dotted: `train.steps`. An absent key has the value None, so that an older file which lacks a key equals a newer one that
says null, and an empty mapping equals an absent one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def flat(nested: Mapping[str, Any], head: str = "") -> dict[str, Any]:
    """Turns a nested mapping into one with dotted keys.

    >>> flat({"train": {"seed": 1, "clip": {}}, "unit": None})
    {'train.seed': 1, 'unit': None}
    """
    out: dict[str, Any] = {}
    for name, value in nested.items():
        key = f"{head}.{name}" if head else str(name)
        out |= flat(value, key) if isinstance(value, Mapping) else {key: value}
    return out


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Lists the keys in which two nested mappings differ, sorted, each with its old and its new value.

    >>> difference({"train": {"steps": 2, "seed": 0}}, {"train": {"steps": 4, "seed": 0}, "unit": "gram"})
    [('train.steps', 2, 4), ('unit', None, 'gram')]
    """
    before, after = flat(old), flat(new)
    pairs = ((key, before.get(key), after.get(key)) for key in sorted({*before, *after}))
    return [(key, one, other) for key, one, other in pairs if one != other]


def varying(mappings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lists the keys, sorted, that do not have the same value in all of these nested mappings.

    >>> varying([{"seed": 0, "loss": "dapo"}, {"seed": 1, "loss": "dapo"}, {"seed": 0}])
    ['loss', 'seed']
    """
    return sorted({key for each in mappings[1:] for key, _, _ in difference(mappings[0], each)})
