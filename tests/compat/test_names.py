"""A name stands for one thing: no two classes of the package share one, so that a reader who greps finds what is meant."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import hicra


def classes(folder):
    """Name -> the files below a folder that define a class of that name at their top."""
    found = defaultdict(list)
    for path in sorted(folder.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                found[node.name].append(path.relative_to(folder).as_posix())
    return found


def test_no_two_classes_share_a_name():
    found = classes(Path(hicra.__file__).parent)
    assert {name: files for name, files in found.items() if len(files) > 1} == {}


def test_a_name_used_twice_is_found(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "a.py").write_text("class One:\n    class Inner: ...\nclass Two: ...\n")
    (tmp_path / "inner" / "b.py").write_text("class Two: ...\nclass Inner: ...\n")
    assert classes(tmp_path) == {"One": ["a.py"], "Two": ["a.py", "inner/b.py"], "Inner": ["inner/b.py"]}
