"""A start model in the corridor, and the corridor among the environments."""

from __future__ import annotations

import pytest

from hicra.related.environments import open as opening
from related_world import ENTRY, start_model
from train_small import grams_file


@pytest.fixture(scope="session")
def start(tmp_path_factory):
    return start_model(tmp_path_factory.mktemp("corridor") / "start")


@pytest.fixture(autouse=True)
def _corridor(monkeypatch):
    monkeypatch.setitem(opening.ENVIRONMENTS, "corridor", ENTRY)


@pytest.fixture
def grams(tmp_path):
    return grams_file(tmp_path)
