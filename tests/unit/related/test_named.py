"""Classes that a config names: a package that is missing, and one of another version, are told apart."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hicra.errors import ConfigError
from hicra.related.named import loaded


@pytest.fixture
def worlds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of modules, with the package `simulator` in it, which has no `Maze` and no part `mazes`."""
    (tmp_path / "simulator").mkdir()
    (tmp_path / "simulator" / "__init__.py").write_text("Room = 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.split(".")[0] in ("simulator", "one_world")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("import simulators", r"task: one needs simulators, which is not installed"),
        ("import simulators.mazes", r"task: one needs simulators, which is not installed"),
        (
            "from simulator import Maze",
            r"cannot use simulator in the version that is installed: cannot import name 'Maze'",
        ),
        (
            "import simulator.mazes",
            r"cannot use simulator in the version that is installed: No module named 'simulator.mazes'",
        ),
    ],
)
def test_a_missing_package_and_another_version_are_told_apart(worlds: Path, line: str, says: str) -> None:
    (worlds / "one_world.py").write_text(f"{line}\n\nclass One: ...\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=says + r"(.|\n)*fix: pip install .*\[gym\]"):
        loaded("one_world:One", "gym", "task: one")
    with pytest.raises(ImportError):
        loaded("one_world:One", None, "task: one")  # nothing of an extra: the fault is the project's


def test_what_can_be_loaded_is(worlds: Path) -> None:
    (worlds / "one_world.py").write_text("from simulator import Room\n", encoding="utf-8")
    assert loaded("one_world:Room", "gym", "task: one") == 1
