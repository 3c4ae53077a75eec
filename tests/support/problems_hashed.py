"""The 70,784 problems of the embedded task are hashed once a process: that takes half the time of a small run.

A run asks for the hash of all problems, whatever it trains on. Imported before the package's readers of `hashes_of`, this puts
in its place one that remembers the embedded task's by its settings. tests/unit/tasks/test_identity.py tests the hash itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hicra.tasks import identity

KNOWN: dict[tuple[Any, ...], dict[str, str]] = {}
hashes_of = identity.hashes_of


def remembered(task: Any, splits: Sequence[str] = ("train", "eval")) -> dict[str, str]:
    """What `hashes_of` gives; a task of another name is hashed every time, since its rows may have changed."""
    if getattr(task, "name", "") != "plan_execute":
        return hashes_of(task, splits)
    key = type(task), task.settings, tuple(splits)
    if key not in KNOWN:
        KNOWN[key] = hashes_of(task, splits)
    return dict(KNOWN[key])


identity.hashes_of = remembered
