"""Writes event files for TensorBoard, by its own package and without TensorFlow or torch: scalars and Markdown texts."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from typing import Any

from hicra.errors import ConfigError
from hicra.runs.trackers.interface import Opening


def open_it(opening: Opening) -> Events:
    """Opens the event file; raises ConfigError where the network is asked for, which TensorBoard has no use for."""
    if opening.online:
        raise ConfigError("TensorBoard only reads files, so it has no --online", "leave out --online")
    return Events(opening)


class Events:
    """An event file."""

    def __init__(self, opening: Opening) -> None:
        from tensorboard.plugins.scalar.summary_v2 import scalar_pb
        from tensorboard.plugins.text.summary_v2 import text_pb
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self.see = f"tensorboard --logdir {shlex.quote(str(opening.place))}"
        self._scalar, self._text = scalar_pb, text_pb
        self._file = EventFileWriter(str(opening.place))
        said = "\n".join(f"    {key}: {value}" for key, value in opening.config.items())  # four spaces: as it stands
        self._add(0, text_pb("hicra/config", said))

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._add(step, self._scalar(name, value))
        self._file.flush()

    def rollouts(self, step: int, page: str, text: str) -> None:
        self._add(step, self._text("hicra/rollouts", text))
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def _add(self, step: int, summary: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._file.add_event(Event(wall_time=time.time(), step=step, summary=summary))
