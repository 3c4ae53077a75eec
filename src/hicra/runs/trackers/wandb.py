"""Logs to W&B: offline, into a folder that `wandb sync` uploads later, or online, as its own settings say."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping

from hicra.runs.trackers.interface import PROJECT, Opening


def open_it(opening: Opening) -> Wandb:
    """Opens a W&B run."""
    return Wandb(opening)


class Wandb:
    """A W&B run.

    W&B takes no step that is lower than the last one. Rollouts that come late go to the last step; their page says their own.
    """

    def __init__(self, opening: Opening) -> None:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # read when wandb is imported
        import wandb

        where = shlex.quote(str(opening.place / "wandb"))
        self.see = "the address that wandb printed" if opening.online else f"wandb sync {where}/offline-run-*"
        self._html, self._last = wandb.Html, 0
        self._run = wandb.init(
            project=PROJECT, name=opening.run, group=opening.group, config=dict(opening.config), dir=str(opening.place),
            mode=None if opening.online else "offline", reinit="create_new",
            settings=wandb.Settings(
                console="off", silent=not opening.online, disable_git=True, disable_code=True, disable_job_creation=True,
                x_disable_stats=True, x_disable_meta=True,
            ),
        )  # fmt: skip

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        self._last = max(step, self._last)
        self._run.log(dict(values), step=step)

    def rollouts(self, step: int, page: str, text: str) -> None:
        self._last = max(step, self._last)
        self._run.log({"hicra/rollouts": self._html(page, inject=False, data_is_not_path=True)}, step=self._last)

    def close(self) -> None:
        self._run.finish()
