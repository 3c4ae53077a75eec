"""Differences of configs, by hand."""

import doctest
import importlib
import random

from hicra.runs.difference import difference, varying


def test_every_key_in_a_fixed_order_with_both_values():
    old = {"train": {"seed": 0, "steps": 2, "clip": [0.2, 0.28]}, "lexicon": "paper", "gone": {"a": 1, "b": {"c": 2}}}
    new = {"lexicon": "mined", "train": {"clip": [0.2, 0.3], "steps": 2, "seed": 0}, "unit": "gram"}
    assert difference(old, new) == [
        ("gone.a", 1, None),
        ("gone.b.c", 2, None),
        ("lexicon", "paper", "mined"),
        ("train.clip", [0.2, 0.28], [0.2, 0.3]),
        ("unit", None, "gram"),
    ]
    assert difference(new, old) == [(key, one, other) for key, other, one in difference(old, new)]


def test_absent_null_and_empty_are_no_difference():
    assert difference({"unit": None, "method": {"settings": {}}}, {}) == []
    assert difference({"a": 1}, {"a": 1.0}) == []


def test_a_value_that_became_a_mapping():
    assert difference({"model": "toy"}, {"model": {"name": "toy"}}) == [
        ("model", "toy", None),
        ("model.name", None, "toy"),
    ]


def test_varying_does_not_depend_on_the_order():
    configs = [{"a": {"b": value, "same": 1}, "late": late} for value, late in ((1, 0), (1, 0), (2, 0), (1, 5))]
    for seed in range(5):
        random.Random(seed).shuffle(configs)
        assert varying(configs) == ["a.b", "late"]
    assert varying(configs[:1]) == varying([]) == []


def test_doctests():
    assert doctest.testmod(importlib.import_module("hicra.runs.difference")) == (0, 3)
