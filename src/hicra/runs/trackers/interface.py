"""What a tracker is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

PROJECT = "hicra"


@dataclass(frozen=True)
class Opening:
    """What a tracker is opened with.

    Attributes:
        place: the folder that it writes into; it exists.
        run: the name of the run, that of its folder.
        group: the name of the run's arm.
        config: the run's config by dotted keys, with `method` and `seed`.
        online: whether the tracker may use the network, as its own settings say.
    """

    place: Path
    run: str
    group: str
    config: Mapping[str, Any] = field(default_factory=dict)
    online: bool = False


class Tracker(Protocol):
    """An open tracker.

    Attributes:
        see: the command that shows what it wrote.
    """

    see: str

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Takes the metrics of a step: finite numbers by name. Steps ascend."""

    def rollouts(self, step: int, page: str, text: str) -> None:
        """Takes some rollouts of a step, as a whole HTML page and as Markdown."""

    def close(self) -> None:
        """Writes what is left; the tracker takes nothing more."""


Open = Callable[[Opening], Tracker]
