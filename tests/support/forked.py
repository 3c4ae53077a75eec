"""Command lines of hicra as processes of their own, forked from one that has imported torch and TRL: that takes 8 CPU-seconds.

What runs is `python -m MODULE WORDS...` in every respect that a test can see: a process with its own exit code, signals, limits
and output, in which nothing was trained before. The server below starts no threads, so that a fork of it is whole.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import re
import resource
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

SUPPORT = Path(__file__).parent
PRELOADED = ("hicra.engines.train", "hicra.engines.trl.run", "hicra.cli.train", "hicra.cli.progress", "hicra.signal.measure",
             "transformers.models.llama.modeling_llama")  # fmt: skip


class Job:
    """A process that was begun, with what of `subprocess.Popen` the tests need."""

    def __init__(self, folder: Path, out: Path, err: Path, server: subprocess.Popen[str]) -> None:
        self.folder, self.out, self.err, self.server = folder, out, err, server
        self.returncode: int | None = None
        self.pid = self._waited("pid")

    def poll(self) -> int | None:
        """The exit code, the negative number of the signal that ended it, or None while it runs."""
        if self.returncode is None and (self.folder / "code").exists():
            self.returncode = int((self.folder / "code").read_text())
        return self.returncode

    def wait(self) -> int:
        self.returncode = self._waited("code")
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def _waited(self, name: str) -> int:
        """The number in a file that will come; it is moved into its place, so it is whole."""
        while not (self.folder / name).exists():
            assert self.server.poll() is None, "the server of forks has ended"
            time.sleep(0.02)
        return int((self.folder / name).read_text())

    @property
    def stdout(self) -> str:
        return self.out.read_text(encoding="utf-8")

    @property
    def stderr(self) -> str:
        return self.err.read_text(encoding="utf-8")


class Forks:
    """Begins processes; as a context, ends the server with all that it began.

    Args:
        hashed: settings of the embedded task, whose problems the server hashes for all; None where nothing asks for them.
    """

    def __init__(self, hashed: Mapping[str, Any] | None = None) -> None:
        self.hashed = hashed

    def __enter__(self) -> Forks:
        places = os.pathsep.join([str(SUPPORT), *filter(None, [os.environ.get("PYTHONPATH")])])
        self.files = tempfile.TemporaryDirectory()
        self.begun: list[Job] = []
        self.server = subprocess.Popen(
            [sys.executable, __file__, json.dumps(self.hashed)], stdin=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONPATH": places, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        return self

    def __exit__(self, *_: Any) -> None:
        for job in self.begun:
            job.send_signal(signal.SIGKILL)
        assert self.server.stdin is not None
        self.server.stdin.close()
        self.server.wait()
        self.files.cleanup()

    def start(
        self, line: Sequence[str | Path], *, log: Path | None = None, cwd: Path | None = None, killed_at: str = "",
        largest: int = resource.RLIM_INFINITY, env: Mapping[str, str] = MappingProxyType({}),
    ) -> Job:  # fmt: skip
        """Begins one process.

        Args:
            line: a command line [python, "-m", module, words...].
            log: gets stdout and stderr together; by default they are kept apart.
            cwd: the folder that it runs in.
            killed_at: a pattern; the process kills itself before the first opening or renaming of files that it fits,
                as in "open PATH" or "os.rename FROM TO".
            largest: bytes past which a write to a file fails, as on a full disk.
            env: what it has in its environment besides.
        """
        _, dash, *words = map(str, line)
        assert dash == "-m"
        folder = Path(tempfile.mkdtemp(dir=self.files.name))
        out, err = (log, log) if log else (folder / "out", folder / "err")
        asked = {
            "folder": str(folder), "out": str(out), "err": str(err), "words": words, "cwd": str(cwd or Path.cwd()),
            "killed_at": killed_at, "largest": largest, "env": dict(env),
        }  # fmt: skip
        assert self.server.stdin is not None
        self.server.stdin.write(json.dumps(asked) + "\n")
        self.server.stdin.flush()
        self.begun.append(Job(folder, out, err, self.server))
        return self.begun[-1]

    def run(self, line: Sequence[str | Path], **more: Any) -> Job:
        """Runs one process to its end."""
        job = self.start(line, **more)
        job.wait()
        return job

    def ranks(self, line: Sequence[str | Path], number: int) -> list[Job]:
        """Runs the ranks of a training to their end, each with what torchrun puts into its environment."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        size = {"WORLD_SIZE": number, "LOCAL_WORLD_SIZE": number, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        every = [size | {"RANK": rank, "LOCAL_RANK": rank} for rank in range(number)]
        jobs = [self.start(line, env={name: str(value) for name, value in one.items()}) for one in every]
        for job in jobs:
            job.wait()
        return jobs


def _publish(path: Path, number: int) -> None:
    path.with_suffix(".part").write_text(str(number))
    path.with_suffix(".part").replace(path)


def _serve() -> None:
    import torch

    import problems_hashed  # before what reads it
    from hicra.tasks.plan_execute.task import PlanExecute

    torch.set_num_threads(1)
    for module in PRELOADED:
        importlib.import_module(module)
    if (settings := json.loads(sys.argv[1])) is not None:
        problems_hashed.remembered(PlanExecute(**settings))
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        if os.fork() == 0:
            _watch(json.loads(line))
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


def _watch(asked: dict[str, Any]) -> None:
    """Waits for the process and says how it ended; the process itself ends inside, as every Python does."""
    folder = Path(asked["folder"])
    child = os.fork()
    if child == 0:
        _begin(asked)
        sys.exit()
    _publish(folder / "pid", child)
    _, status = os.waitpid(child, 0)
    _publish(folder / "code", os.waitstatus_to_exitcode(status))
    os._exit(0)


def _begin(asked: dict[str, Any]) -> None:
    module, *words = asked["words"]
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(asked[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), number)
    os.chdir(asked["cwd"])
    os.environ |= asked["env"]
    if asked["largest"] != resource.RLIM_INFINITY:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (asked["largest"], resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    if asked["killed_at"]:
        sys.addaudithook(_killer(asked["killed_at"]))
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _killer(pattern: str) -> Any:
    def hook(event: str, given: Sequence[Any]) -> None:
        if event in ("open", "os.rename"):
            names = [os.fsdecode(one) for one in given[:2] if isinstance(one, str | bytes | os.PathLike)]
            if re.search(pattern, " ".join([event, *names])):
                os.kill(os.getpid(), signal.SIGKILL)

    return hook


if __name__ == "__main__":
    _serve()
