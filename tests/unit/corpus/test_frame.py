"""Columns of Python values become polars columns that hold exactly these values."""

import pytest

from hicra.corpus.frame import Seen, series

NESTED = [
    [{"a": [0, 0.5]}, None, {"a": [1]}, {}],
    [{"a": [0, 2**70]}, {"a": None, "b": "x"}],
    [[{"a": [1, 0.5]}, {"a": []}], None, [], [{"a": [2.0]}]],
    [{"a": {"b": [[0, 0.25], []]}}, {"a": {"b": None}}],
]


@pytest.mark.parametrize("values", NESTED)
def test_numbers_of_several_kinds_inside_an_object_stay_what_they_are(values):
    seen = Seen()
    seen.add(values)
    made = series("x", values, seen.dtype())
    assert made.name == "x"
    assert with_all_keys(made.to_list()) == with_all_keys(values)


def with_all_keys(value):
    """An absent key is null in a column of objects."""
    if isinstance(value, list):
        keys = {key for one in value if isinstance(one, dict) for key in one}
        return [with_all_keys(dict.fromkeys(keys) | one if isinstance(one, dict) else one) for one in value]
    return {key: with_all_keys(inner) for key, inner in sorted(value.items())} if isinstance(value, dict) else value
