"""The worker: generates problems, and scores each answer in a process of its own that dies with it.

One JSON line in, one out. The worker itself never looks into an answer: it forks, and the child, stripped of files,
privileges and system calls (seccomp.py) and with the gate closed (gate.py), runs the scorer of reasoning-gym. CPU time
bounds the child, so that a busy machine changes no verdict; wall time is the second line.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import math
import os
import resource
import select
import signal
import sys
import time
from collections import OrderedDict
from typing import Any

from hicra.tasks.reasoning_gym import seccomp
from hicra.tasks.reasoning_gym.gate import Gate
from hicra.tasks.reasoning_gym.sandbox import WALL_FACTOR

MAX_ENTRIES = 4096
PRELOADED = ("sympy", "sympy.physics.units")  # what scorers import late, when a child can import nothing more
MEMORY = 512 * 2**20  # what a child may ask for beyond what the worker has
MAX_REPLY = 4096


class Worker:
    """State of the worker: data sets by name and configuration, and the latest entries."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.sets: dict[str, Any] = {}
        self.entries: OrderedDict[tuple[str, int], dict[str, Any]] = OrderedDict()
        self.warm: set[str] = set()

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reply to one request; `{"failed": why}` where generator or request is at fault."""
        try:
            if request["what"] == "names":
                return {"names": names()}
            key = json.dumps([request["dataset"], request["config"]], sort_keys=True)
            if key not in self.sets:
                self.sets[key] = _dataset(request["dataset"], request["config"])
            if request["what"] == "items":
                found = [self._entry(key, index) for index in request["indices"]]
                return {"items": [[str(one["question"]), _gold(one)] for one in found]}
            return self._score(key, request["index"], request["answer"], request["timeout"])
        except Exception as error:  # a generator's own failure, told by name
            return {"failed": f"{type(error).__name__}: {error}"[:1000]}

    def _entry(self, key: str, index: int) -> dict[str, Any]:
        if (key, index) not in self.entries:
            self.entries[key, index] = self.sets[key][index]
            if len(self.entries) > MAX_ENTRIES:
                self.entries.popitem(last=False)
        return self.entries[key, index]

    def _score(self, key: str, index: int, answer: str, timeout: float) -> dict[str, Any]:
        entry = self._entry(key, index)
        if key not in self.warm:  # our own gold answer: brings in what the scorer imports on first use
            with contextlib.suppress(Exception):
                self.sets[key].score_answer(_gold(entry), entry)
            self.warm.add(key)
            gc.collect()
            gc.freeze()
        start = time.perf_counter()
        reply = self._forked(key, entry, answer, timeout)
        return reply | {"seconds": time.perf_counter() - start}

    def _forked(self, key: str, entry: dict[str, Any], answer: str, timeout: float) -> dict[str, Any]:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                self._child(writer, key, entry, answer, timeout)
            finally:
                os._exit(1)
        os.close(writer)
        data, late = _read(reader, time.monotonic() + timeout * WALL_FACTOR)
        os.close(reader)
        if late:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if late or (os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL)):
            return {"verdict": "timeout"}
        try:
            reply: dict[str, Any] = json.loads(data)
        except ValueError:
            return {"verdict": "error"}
        return reply

    def _child(self, writer: int, key: str, entry: dict[str, Any], answer: str, timeout: float) -> None:
        sys.stdin = sys.stdout = sys.stderr = None
        os.dup2(writer, 0)
        os.closerange(1, 256)
        strip(timeout)
        reply: dict[str, Any]
        self.gate.close()
        try:
            score = float(self.sets[key].score_answer(answer, entry))
            reply = {"score": score} if math.isfinite(score) else {"verdict": "error"}
        except Exception as error:  # an exception of a scorer on an answer is no score
            reply = {"verdict": "error", "reason": type(error).__name__}
        refused = self.gate.refused
        if refused is not None and refused.startswith("import "):  # a scorer's own: no text can ask for one
            reply = {"verdict": "error", "reason": refused[:200]}
        elif refused is not None:  # whatever the scorer made of it
            reply = {"score": 0.0, "refused": refused[:200]}
        os.write(0, json.dumps(reply).encode())
        os._exit(0)


def strip(timeout: float) -> None:
    """Takes from this process what a scorer does not need: CPU time, memory, files, children, system calls.

    Raises:
        seccomp.Unavailable: the system has no filter; then nothing is scored.
    """
    with open("/proc/self/statm", "rb") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    spent = math.ceil(time.process_time() + timeout)
    for what, bound in (
        (resource.RLIMIT_CPU, spent), (resource.RLIMIT_AS, used + MEMORY), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 0), (resource.RLIMIT_NPROC, 0),
    ):  # fmt: skip
        resource.setrlimit(what, (bound, bound))
    seccomp.restrict()


def main() -> None:
    """Serves until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C goes to the whole group; the caller decides
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    try:
        importlib.import_module("reasoning_gym")
        for name in PRELOADED:
            importlib.import_module(name)
    except ImportError as error:
        replies.write(json.dumps({"missing": str(error)}).encode() + b"\n")
        return
    worker = Worker(Gate())
    replies.write(b'{"ready": true}\n')
    for line in sys.stdin.buffer:
        replies.write(json.dumps(worker.answer(json.loads(line))).encode() + b"\n")


def _dataset(name: str, config: dict[str, Any]) -> Any:
    return importlib.import_module("reasoning_gym").create_dataset(name, **config)


def names() -> list[str]:
    """Every data set of the installed reasoning-gym."""
    return sorted(importlib.import_module("reasoning_gym.factory").DATASETS)


def _gold(entry: dict[str, Any]) -> str:
    return "" if entry["answer"] is None else str(entry["answer"])


def _read(reader: int, end: float) -> tuple[bytes, bool]:
    """(what a child wrote, whether it ran out of wall time)."""
    data = b""
    while len(data) <= MAX_REPLY:
        left = end - time.monotonic()
        if left <= 0 or not select.select([reader], [], [], left)[0]:
            return data, True
        block = os.read(reader, MAX_REPLY)
        if not block:
            return data, False
        data += block
    return b"", False
