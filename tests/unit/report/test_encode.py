"""Packed columns come back as they were; offsets count UTF-16 units, as the page's strings do."""

from __future__ import annotations

import doctest

from hypothesis import given
from hypothesis import strategies as st

from hicra.drawing import readable, scales, svg
from hicra.report import encode, figures, sample
from hicra.report.encode import ALPHABET, counts, levels, runs, utf16


def unpack_counts(text: str) -> list[int]:
    out, value, scale = [], 0, 1
    for character in text:
        code = ALPHABET.index(character)
        value += code % 32 * scale
        if code < 32:
            out.append(value)
            value, scale = 0, 1
        else:
            scale *= 32
    return out


def unpack_levels(packed: dict) -> list[float | None]:
    if "values" in packed:
        return [None if c == "_" else packed["values"][ALPHABET.index(c)] for c in packed["codes"]]
    low, high = packed["range"]
    codes = [
        ALPHABET.index(a) * 64 + ALPHABET.index(b)
        for a, b in zip(packed["codes"][::2], packed["codes"][1::2], strict=True)
    ]
    return [None if code == 4095 else low + code / 4094 * (high - low) for code in codes]


def test_doctests() -> None:
    for module in (encode, readable, scales, svg, figures, sample):
        assert doctest.testmod(module).failed == 0


@given(st.lists(st.integers(0, 10**9)))
def test_counts_round_trip(values: list[int]) -> None:
    assert unpack_counts(counts(values)) == values


@given(st.lists(st.booleans()))
def test_runs_round_trip(mask: list[bool]) -> None:
    lengths = unpack_counts(runs(mask))
    assert [i % 2 == 1 for i, length in enumerate(lengths) for _ in range(length)] == mask


@given(st.lists(st.none() | st.floats(-50, 50), max_size=300))
def test_levels_round_trip_within_a_step(values: list[float | None]) -> None:
    back = unpack_levels(levels(values))
    assert len(back) == len(values)
    for value, found in zip(values, back, strict=True):
        assert (value is None) == (found is None)
        if value is not None and found is not None:
            assert abs(value - found) <= 100 / 4094 + 1e-3 * abs(value)


def test_few_values_take_one_character_each() -> None:
    assert levels([0.5, 0.6, 0.5, None, float("nan")]) == {"values": [0.5, 0.6], "codes": "ABA__"}


@given(st.text())
def test_utf16_offsets(text: str) -> None:
    text = encode.clean(text)
    offsets = utf16(text, range(len(text) + 1))
    for offset in range(len(text) + 1):
        assert offsets[offset] == len(text[:offset].encode("utf-16-le")) // 2
