"""Tasks of the package reasoning-gym (optional), with scoring that never runs the model's text.

Nothing of the package is imported here: generators and scorers live in a worker process (worker.py). docs/tasks.md has
the layers of its isolation.
"""

from __future__ import annotations

from typing import Any

__all__ = ["ReasoningGym"]


def __getattr__(name: str) -> Any:
    if name == "ReasoningGym":
        from hicra.tasks.reasoning_gym.task import ReasoningGym

        return ReasoningGym
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
