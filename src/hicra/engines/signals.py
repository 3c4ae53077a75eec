"""SIGINT and SIGTERM ask a run to save a checkpoint and stop."""

from __future__ import annotations

import signal
import sys
from typing import Any, Self


class StopRequest:
    """Remembers a first signal inside its block, so that the step can end and be saved; a second signal stops at once.

    Attributes:
        number: the signal that came; 0 while none has come.
    """

    def __init__(self) -> None:
        self.number = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._caught)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _caught(self, number: int, frame: object) -> None:
        if self.number:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)  # so that the process ends as the second signal ends one
        self.number = number
        print(
            "\nstopping: this step ends and a checkpoint is saved (press Ctrl-C again to stop at once, without one)",
            file=sys.stderr,
        )
