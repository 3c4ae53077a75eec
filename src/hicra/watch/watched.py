"""What is known of a run while it is watched.

Deviations (the paper has none of this):
WATCH-1. A run has ended when its last step is the one that its config names and no process holds its lock. It has stopped when
    the process that wrote it is gone before. Where no lock was ever seen nobody writes it: it was stopped and gave its lock back,
    or it is a copy from another machine, of which more may come. That is said, and it is watched on only where `--wait` asks
    for it. A diagnosed run is whole from the start.
WATCH-2. Findings are those of `hicra diagnose`, of the steps so far. They are made again when something is new, in at most a
    tenth of the time, and once more at the end. Rollouts of more than 512 MB are thinned: of the saved steps between the first
    and the last, every second one goes, until they fit.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Literal

import polars as pl

from hicra.errors import DataError
from hicra.findings import Evidence, Finding, findings, told
from hicra.findings.finding import saved_judgement
from hicra.findings.saved import Rollouts
from hicra.metrics.signal_window import SignalWindow
from hicra.runs import RunFolder
from hicra.runs.arms import mapping
from hicra.runs.follow import Follower, News
from hicra.runs.lock import Writer, writer_of
from hicra.runs.trackers.shown import chosen

MOST_BYTES = 512 * 2**20
State = Literal["running", "ended", "stopped", "unknown"]


class Watched:
    """A run that is watched.

    Attributes:
        rows: the metrics by step.
        seen, not_seen: the findings to tell, alarms first, and those that were looked for and not seen.
        signal: the last measured steps.
        writer: the process that writes the run.
        thinned: whether findings rest on some of the saved rollouts alone.
    """

    def __init__(self, run: RunFolder) -> None:
        self.run, self.follower = run, Follower(run)
        self.rows: dict[int, dict[str, Any]] = {}
        self.seen: list[Finding] = []
        self.not_seen: list[Finding] = []
        self.signal = SignalWindow()
        self.writer: Writer | None = None
        self.thinned = False
        self._tables: dict[Path, pl.DataFrame] = {}
        self._had_writer = self._over = False
        self._begun: tuple[int, float] | None = None  # the last step of the first look, and when that was
        self._free_at = 0.0  # when findings may be made again

    def look(self) -> News:
        """Reads what is new.

        Raises:
            ArtifactError: a line of metrics.jsonl is no JSON object.
            DataError: a line has no step.
        """
        self.writer = writer_of(self.run.path)  # before the metrics: what it wrote last is then read
        self._had_writer = self._had_writer or self.writer is not None
        news = self.follower.look()
        if news.again:
            self.rows, self.signal = {}, SignalWindow()
        for row in news.rows:
            step = row.get("step")
            if type(step) is not int:
                raise DataError(
                    f"{self.run.path / 'metrics.jsonl'}: the line after step {self.step} has no whole number as `step`",
                    "check what writes that file; `hicra train` and `hicra diagnose` write one a line",
                )
            self.rows[step] = row
            self.signal.add(row)
        for file in news.files:
            if (table := self.follower.table(file)) is not None:
                self._tables[file] = table
        for gone in self._tables.keys() - {*self.run.rollout_files()}:
            del self._tables[gone]
        self._thin()
        self._begun = self._begun or (self.step, time.monotonic())
        ended = self.state != "running"
        if news.rows or news.files or news.again or ended != self._over:
            self._find(last=ended)
        self._over = ended
        return news

    @property
    def step(self) -> int:
        """The last step; 0 before the first."""
        return max(self.rows, default=0)

    @property
    def total(self) -> int | None:
        """The number of steps that the run is to have; None where its config names none, as with a diagnosed run."""
        steps = mapping(mapping(self.run.manifest.get("config")).get("train")).get("steps")
        return steps if type(steps) is int and steps > 0 else None

    @property
    def state(self) -> State:
        """What becomes of the run (WATCH-1)."""
        if self.writer is not None and self.writer.alive:
            return "running"
        if self.total is None or self.step >= self.total:
            return "ended"
        return "stopped" if self._had_writer else "unknown"

    @property
    def seconds_left(self) -> float | None:
        """How long the run takes still, from the steps that came while it was watched."""
        if self._begun is None or self.total is None or self.state != "running":
            return None
        first, since = self._begun
        done = self.step - first
        rest = self.total - self.step
        return rest * (time.monotonic() - since) / done if done > 0 and rest > 0 else None

    def curve(self, name: str) -> list[Any]:
        """Returns the value of a metric at each step, in order."""
        return [self.rows[step].get(name) for step in sorted(self.rows)]

    def rollout(self) -> dict[str, Any] | None:
        """Returns a rollout of the last saved step: of those that trackers are shown, the first with a span, else the first."""
        for file in sorted(self._tables, reverse=True):
            rows = chosen(self._tables[file]).to_dicts()
            if rows:
                return next((row for row in rows if row.get("spans")), rows[0])
        return None

    def notes(self) -> list[str]:
        """Says what could not be read, and on what findings rest."""
        said = [f"{path} cannot be read: {why}" for path, why in sorted(self.follower.unreadable.items())]
        if self.follower.half and self.state != "running":
            said.append(f"{self.run.path / 'metrics.jsonl'} ends within a line, which is left out")
        if self.thinned:
            said.append("findings rest on some of the saved steps, since their rollouts take much memory (WATCH-2)")
        return said

    def _find(self, last: bool) -> None:
        begun = time.monotonic()
        if begun < self._free_at and not last:
            return
        tables = [self._tables[file] for file in sorted(self._tables)]
        config = mapping(self.run.manifest.get("config"))
        rows = [self.rows[step] for step in sorted(self.rows)]
        self.seen, self.not_seen = told(
            findings(Evidence(rows, Rollouts(tables), config, saved_judgement(self.run.path)))
        )
        self._free_at = time.monotonic() + 9 * (time.monotonic() - begun)

    def _thin(self) -> None:
        """Lets saved steps go until the rest fits (WATCH-2)."""
        while sum(table.estimated_size() for table in self._tables.values()) > MOST_BYTES and len(self._tables) > 2:
            files = sorted(self._tables)
            for file in files[1:-1:2]:
                del self._tables[file]
            self.thinned = True
