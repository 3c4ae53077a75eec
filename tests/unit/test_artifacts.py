"""Atomic writes leave the old file or the new one."""

import math

import numpy as np
import pytest

from hicra import artifacts


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.txt"
    artifacts.write_text(path, "old")

    def half():
        with artifacts.atomic_file(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_a_failed_folder_is_not_there(tmp_path):
    def half():
        with artifacts.atomic_dir(tmp_path / "folder") as temporary:
            (temporary / "half").write_text("x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert list(tmp_path.iterdir()) == []


def test_json_has_no_nan_and_does_not_depend_on_order():
    value = {"b": math.nan, "a": [np.float32(0.5), {"c": math.inf}], "d": np.int64(3)}
    text = artifacts.canonical_json(value, indent=None)
    assert text == '{"a": [0.5, {"c": null}], "b": null, "d": 3}\n'
    assert artifacts.canonical_json(dict(reversed(value.items())), indent=None) == text


def test_json_has_no_number_that_is_none_and_no_minus_zero():
    value = {"a": [np.float64(-0.0), math.nan], "b": (-math.inf, -0.5, np.int64(3)), "c": {"d": -0.0}, "e": True}
    assert artifacts.canonical_json(value, indent=None).strip() == (
        '{"a": [0.0, null], "b": [null, -0.5, 3], "c": {"d": 0.0}, "e": true}'
    )
