"""The small task with a tool: a sum of two operations, which the model has to put to a calculator one by one.

Nothing large is imported here; `from hicra.tasks.calculator import Calculator` loads the task on first use.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Calculator"]


def __getattr__(name: str) -> Any:
    if name == "Calculator":
        from hicra.tasks.calculator.task import Calculator

        return Calculator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
