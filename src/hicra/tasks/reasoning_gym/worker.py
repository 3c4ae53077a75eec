"""The worker generates problems and scores answers; no scorer that it may use runs what a model wrote (refused.py).

A scorer is limited by CPU time, so that a busy machine changes no verdict; the kernel ends a worker that takes more.
"""

from __future__ import annotations

import copy
import json
import math
from collections import OrderedDict
from typing import Any

from hicra.tasks.reasoning_gym.process import GENERATE_S
from hicra.tasks.reasoning_gym.refused import REFUSED, VERSION
from hicra.workers.serve import Answer, cpu_limit, serve

MAX_ENTRIES = 4096
MEMORY_MB = 1024


class Worker:
    """The state of the worker: data sets by name and configuration, and the latest entries."""

    def __init__(self) -> None:
        self.sets: dict[str, Any] = {}
        self.entries: OrderedDict[tuple[str, int], dict[str, Any]] = OrderedDict()

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answers a request for items or for an answer's score, or returns `{"failed": reason}` if the data set fails."""
        cpu_limit(GENERATE_S)
        try:
            key = json.dumps([request["dataset"], request["config"]], sort_keys=True)
            if key not in self.sets:
                if request["dataset"] not in names():
                    return {"failed": "it is not registered", "known": names()}
                self.sets[key] = _create(request["dataset"], request["config"])
            if request["what"] == "items":
                found = [self._entry(key, index) for index in request["indices"]]
                return {"items": [[str(one["question"]), _gold(one)] for one in found]}
            entry = copy.deepcopy(self._entry(key, request["index"]))  # a scorer may write into it
            cpu_limit(request["timeout"])
            score = float(self.sets[key].score_answer(request["answer"], entry))
            return {"score": score} if math.isfinite(score) else {"failed": f"the score is {score}"}
        except Exception as error:  # if a scorer raises an exception, the answer has no score
            return {"failed": f"{type(error).__name__}: {error}"[:1000]}

    def _entry(self, key: str, index: int) -> dict[str, Any]:
        if (key, index) not in self.entries:
            self.entries[key, index] = self.sets[key][index]
            if len(self.entries) > MAX_ENTRIES:
                self.entries.popitem(last=False)
        return self.entries[key, index]


def main() -> None:
    """Serves until standard input ends."""
    serve(_prepare, MEMORY_MB)


def _prepare() -> Answer:
    from importlib.metadata import version

    import reasoning_gym  # noqa: F401

    found = version("reasoning-gym")
    if found != VERSION:
        raise ImportError(f"the scorers of {found} were not read")
    return Worker().answer


def names() -> list[str]:
    """Lists every data set of the installed reasoning-gym that is not refused."""
    from reasoning_gym.factory import DATASETS

    return sorted(DATASETS.keys() - REFUSED.keys())


def _create(name: str, config: dict[str, Any]) -> Any:
    from reasoning_gym.factory import create_dataset

    return create_dataset(name, **config)


def _gold(entry: dict[str, Any]) -> str:
    return "" if entry["answer"] is None else str(entry["answer"])
