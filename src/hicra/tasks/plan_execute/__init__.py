"""The embedded task plan, execute, reflect, which needs planning and whose planning tokens are known exactly.

Nothing large is imported here; `from hicra.tasks.plan_execute import PlanExecute` loads the task on first use.
"""

from __future__ import annotations

from typing import Any

__all__ = ["PlanExecute"]


def __getattr__(name: str) -> Any:
    if name == "PlanExecute":
        from hicra.tasks.plan_execute.task import PlanExecute

        return PlanExecute
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
