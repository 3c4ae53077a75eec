"""Logs to MLflow: into a database file of its own, or online to the server that MLFLOW_TRACKING_URI names."""

from __future__ import annotations

import os
import re
import shlex
import time
from collections.abc import Mapping

from hicra.errors import ConfigError
from hicra.runs.trackers.interface import PROJECT, Opening

_URI = "MLFLOW_TRACKING_URI"
_REFUSED = re.compile(r"[^\w\-./: ]")
_MOST = 1000  # metrics of one call, by MLflow's own limit
_PARAMS = 100
_VALUE = 6000  # characters of a parameter, by the same


def open_it(opening: Opening) -> Mlflow:
    """Opens an MLflow run; raises ConfigError where it may go online and no variable says where to."""
    if opening.online and not os.environ.get(_URI):
        raise ConfigError("--online with MLflow needs a server", f"set {_URI}, or leave out --online")
    return Mlflow(opening)


class Mlflow:
    """An MLflow run."""

    def __init__(self, opening: Opening) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read when mlflow is imported
        from mlflow import MlflowClient
        from mlflow.entities import Metric, Param

        place = opening.place.resolve()
        uri = os.environ[_URI] if opening.online else f"sqlite:///{place / 'mlflow.db'}"
        self.see = f"mlflow ui --backend-store-uri {shlex.quote(uri)}" if not opening.online else uri
        self._metric, self._client = Metric, MlflowClient(uri)
        found = self._client.get_experiment_by_name(PROJECT)
        artifacts = None if opening.online else (place / "artifacts").as_uri()
        experiment = found.experiment_id if found else self._client.create_experiment(PROJECT, artifacts)
        made = self._client.create_run(experiment, run_name=opening.run, tags={"group": opening.group})
        self._id = made.info.run_id
        params = [Param(allowed(key), str(value)[:_VALUE]) for key, value in opening.config.items()]
        for first in range(0, len(params), _PARAMS):
            self._client.log_batch(self._id, params=params[first : first + _PARAMS])

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        now = int(time.time() * 1000)
        made = [self._metric(allowed(name), value, now, step) for name, value in values.items()]
        for first in range(0, len(made), _MOST):
            self._client.log_batch(self._id, metrics=made[first : first + _MOST])

    def rollouts(self, step: int, page: str, text: str) -> None:
        self._client.log_text(self._id, page, f"rollouts/step-{step:06d}.html")

    def close(self) -> None:
        self._client.set_terminated(self._id)


def allowed(name: str) -> str:
    """Returns a name that MLflow takes (TRACK-1).

    >>> allowed("rewards/a b:c#d")
    'rewards/a b:c_d'
    """
    return _REFUSED.sub("_", name)
