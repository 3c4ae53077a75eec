"""Hands a run folder on to a tracker, step by step: once, or again and again while the run goes on."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hicra.artifacts import check_output, new_dir
from hicra.errors import EngineError, HicraError, system_error
from hicra.runs.arms import called
from hicra.runs.difference import flat
from hicra.runs.find import files_read
from hicra.runs.folder import STEP_NAME, RunFolder
from hicra.runs.follow import Follower, News
from hicra.runs.trackers.interface import Opening
from hicra.runs.trackers.open import open_tracker, refuse_unknown
from hicra.runs.trackers.shown import as_html, as_markdown


class Forward:
    """A tracker that gets what is new in a run.

    Args:
        run: the run folder.
        name: one of `TRACKERS`.
        place: the folder that the tracker writes into; None takes `trackers/NAME` in the run folder.
        online: whether the tracker may use the network, as its own settings say; otherwise nothing leaves the machine.
        overwrite: whether the folder is replaced where it exists.

    Attributes:
        place: that folder.
        steps, pages: how many steps, and how many saved steps of rollouts, it got.
        see: the command that shows what the tracker wrote.

    Raises:
        ConfigError: no such tracker, its package is not installed, or it cannot do what is asked.
        ArtifactError: the folder exists and may not be replaced.
        EngineError: the tracker failed; the message holds what it said.
    """

    def __init__(
        self, run: RunFolder, name: str, place: Path | None = None, *, online: bool = False, overwrite: bool = False
    ) -> None:
        refuse_unknown(name)
        self.name, self.place = name, place or run.path / "trackers" / name
        check_output(
            self.place, f"the folder of {name}", overwrite=overwrite, folder=True, inputs=files_read([run.path])
        )
        with new_dir(self.place, overwrite):
            pass  # it is filled by the tracker
        config = run.manifest.get("config")
        known = flat(config) if isinstance(config, dict) else {}
        opening = Opening(
            self.place, run.path.resolve().name, called(run), {**known, "method": run.method, "seed": run.seed}, online
        )
        self.steps, self.pages = 0, 0
        self._last = -math.inf  # the step whose metrics were sent last; a diagnosed run may begin at 0
        self._paged: set[int] = (
            set()
        )  # the steps whose rollouts were sent; a file may be readable later than the next one
        with self._said("cannot be opened"):
            self._tracker = open_tracker(name, opening)
        self.see = self._tracker.see

    def send(self, news: News, follower: Follower) -> None:
        """Sends what a look at the run found; steps that were sent before are passed over (TRACK-3).

        Raises:
            EngineError: the tracker failed.
        """
        events: list[tuple[int, int, Any]] = [
            (row["step"], 0, row) for row in news.rows if type(row.get("step")) is int and row["step"] > self._last
        ]
        for file in news.files:
            named = STEP_NAME.fullmatch(file.stem)  # not those of further ranks (TRACK-2)
            if named and int(named[1]) not in self._paged:
                events.append((int(named[1]), 1, file))
        for step, kind, what in sorted(events, key=lambda event: event[:2]):
            if kind:
                self._page(step, what, follower)
            else:
                with self._said(f"did not take the metrics of step {step}"):
                    self._tracker.metrics(step, numbers(what))
                self._last, self.steps = step, self.steps + 1

    def close(self) -> None:
        """Lets the tracker write what is left."""
        with self._said("could not be closed"):
            self._tracker.close()

    def _page(self, step: int, file: Path, follower: Follower) -> None:
        table = follower.table(file)
        if table is None:  # the next look names it again
            return
        with self._said(f"did not take the rollouts of step {step}"):
            self._tracker.rollouts(step, as_html(step, table), as_markdown(step, table))
        self._paged.add(step)
        self.pages += 1

    @contextlib.contextmanager
    def _said(self, what: str) -> Iterator[None]:
        """Names the tracker in what its package raises."""
        try:
            yield
        except HicraError:
            raise
        except Exception as error:
            if system_error(error):
                raise
            said = str(error).strip().partition("\n")[0] or type(error).__name__
            raise EngineError(
                f"tracker {self.name} {what}: {said}",
                f"the run folder is whole; send it again by `hicra watch RUN --once --to {self.name} --overwrite`",
            ) from error


def numbers(row: dict[str, Any]) -> dict[str, float]:
    """Returns the finite numbers of a line of metrics, by name, without the step.

    >>> numbers({"step": 3, "hicra/reward": 1, "hicra/length": None, "loss": float("nan"), "on": True})
    {'hicra/reward': 1.0}
    """
    return {
        name: float(value)
        for name, value in row.items()
        if name != "step" and type(value) in (int, float) and math.isfinite(value)
    }


def forward(
    run: RunFolder | Path | str, name: str, place: Path | None = None, *, online: bool = False, overwrite: bool = False
) -> dict[str, Any]:
    """Hands all that a run folder holds to a tracker, as `Forward` does while a run goes on.

    Returns:
        {tracker, place, steps, rollouts, see}: how many steps and saved steps of rollouts it got, and how to look at it.

    Raises:
        as `Forward`, and ArtifactError where a line of metrics.jsonl is no JSON object.
    """
    folder = run if isinstance(run, RunFolder) else RunFolder.open(run)
    follower = Follower(folder)
    news = follower.look()  # before anything is written
    sent = Forward(folder, name, place, online=online, overwrite=overwrite)
    try:
        sent.send(news, follower)
    finally:
        sent.close()
    return summary(sent)


def summary(sent: Forward) -> dict[str, Any]:
    """Returns what a tracker got, as `--json` says it."""
    return {
        "tracker": sent.name, "place": str(sent.place), "steps": sent.steps, "rollouts": sent.pages, "see": sent.see,
    }  # fmt: skip
