"""Pairs the items of two lists at once, by a text that is equal for equal numbers and for equal texts."""

from __future__ import annotations

from hicra.verify.reading.normalise import compact
from hicra.verify.reading.numbers import number_key


def unmatched(answers: tuple[str, ...], golds: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Returns what is left on both sides after equal texts and equal numbers are paired."""
    left = list(answers)
    keys = [plain_value(item) for item in left]
    rest = []
    for gold in golds:
        key = plain_value(gold)
        if key in keys:
            at = keys.index(key)
            del keys[at], left[at]
        else:
            rest.append(gold)
    return left, rest


def plain_value(text: str) -> str:
    """Returns a text that is equal for equal numbers and for equal texts, so that many items are compared at once."""
    key = number_key(text)
    return compact(text) if key is None else f"{'-' if key.negative else ''}0.{key.digits}e{key.power}"
