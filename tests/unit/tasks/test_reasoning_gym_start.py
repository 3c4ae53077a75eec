"""A worker of reasoning-gym that does not start, and one that a busy machine is not done starting."""

from __future__ import annotations

import pytest

from hicra.errors import EngineError
from hicra.tasks.reasoning_gym import process


def test_a_worker_that_is_not_ready_in_time_is_no_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_CODE", "import time;time.sleep(600)")  # it never says that it is ready
    monkeypatch.setattr(process, "START_S", 0.0)
    with pytest.raises(EngineError, match="not ready after 0 seconds") as caught:
        process.Gym().ask({}, 60)
    assert "less busy" in caught.value.fix


def test_a_worker_that_dies_at_once_did_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_CODE", "raise SystemExit(3)")
    with pytest.raises(EngineError, match="it did not start") as caught:
        process.Gym().ask({}, 60)
    assert caught.value.fix.startswith("pip install reasoning-gym")
