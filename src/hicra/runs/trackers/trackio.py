"""Logs to Trackio: into a folder of this machine, or online to the Space or server that its own variables name."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Iterator, Mapping

from hicra.errors import ConfigError, EngineError
from hicra.runs.trackers.interface import PROJECT, Opening

_PLACES = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL")
_FOLDER = "TRACKIO_DIR"  # which it reads once, when it is imported


def open_it(opening: Opening) -> Trackio:
    """Opens a Trackio run; raises ConfigError where it may go online and no variable says where to."""
    named = [name for name in _PLACES if os.environ.get(name)]
    if opening.online and not named:
        raise ConfigError(
            "--online with Trackio needs a Space or a server", f"set {' or '.join(_PLACES)}, or leave out --online"
        )
    return Trackio(opening)


class Trackio:
    """A Trackio run. What Trackio prints goes to stderr, since stdout is for data."""

    def __init__(self, opening: Opening) -> None:
        os.environ[_FOLDER] = str(opening.place.resolve())
        import trackio
        from trackio import utils

        if opening.place.resolve() != utils.TRACKIO_DIR.resolve():
            raise EngineError(
                f"trackio was imported before, and writes to {utils.TRACKIO_DIR} in this process",
                f"set {_FOLDER} before trackio is imported, or call `hicra watch RUN --to trackio`, a process of its own",
            )
        self.see = f"{_FOLDER}={shlex.quote(os.environ[_FOLDER])} trackio show --project {PROJECT}"
        self._html = trackio.Html
        with contextlib.redirect_stdout(sys.stderr), _without(() if opening.online else _PLACES):
            self._run = trackio.init(
                project=PROJECT, name=opening.run, group=opening.group, config=dict(opening.config), embed=False,
                auto_log_gpu=False, auto_log_cpu=False,
            )  # fmt: skip

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=step)

    def rollouts(self, step: int, page: str, text: str) -> None:
        self._run.log({"hicra/rollouts": self._html(page, inject=False)}, step=step)

    def close(self) -> None:
        with contextlib.redirect_stdout(sys.stderr):
            self._run.finish()


@contextlib.contextmanager
def _without(names: tuple[str, ...]) -> Iterator[None]:
    """Takes variables out of the environment for as long as the block runs."""
    kept = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)
