"""The tasks of the optional package reasoning-gym, except for those whose scorers run what a model wrote (refused.py).

Nothing of the package is imported here: generators and scorers run in a process of their own, which can be ended if it takes
too long (process.py, worker.py).
"""

from __future__ import annotations

from typing import Any

__all__ = ["ReasoningGym"]


def __getattr__(name: str) -> Any:
    if name == "ReasoningGym":
        from hicra.tasks.reasoning_gym.task import ReasoningGym

        return ReasoningGym
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
