"""The trackers by name. To add one, write a file here with a function `open_it(Opening) -> Tracker`, and its line below."""

from __future__ import annotations

import importlib

from hicra.errors import ConfigError, did_you_mean
from hicra.install import install_command
from hicra.runs.trackers.interface import Opening, Tracker

TRACKERS = {
    "tensorboard": "hicra.runs.trackers.tensorboard",
    "wandb": "hicra.runs.trackers.wandb",
    "trackio": "hicra.runs.trackers.trackio",
    "mlflow": "hicra.runs.trackers.mlflow",
}


def refuse_unknown(name: str) -> None:
    """Raises ConfigError where there is no tracker of that name."""
    if name not in TRACKERS:
        raise ConfigError(f"there is no tracker {name!r}", did_you_mean(name, TRACKERS))


def open_tracker(name: str, opening: Opening) -> Tracker:
    """Opens a tracker.

    Raises:
        ConfigError: there is none of that name, its package is not installed, or it cannot do what is asked.
    """
    refuse_unknown(name)
    module = importlib.import_module(TRACKERS[name])
    try:
        made: Tracker = module.open_it(opening)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"tracker {name} needs {error.name}, which is not installed", install_command("trackers")
        ) from None
    return made
