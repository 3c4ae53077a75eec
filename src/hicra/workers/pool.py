"""Runs tasks in a pool of worker processes: results come in the order of the tasks, and a bounded number is under way.

Processes are started fresh (spawn), so threads and open files of the caller do no harm. A task goes to a worker only when
it is idle: neither side ever writes into a full pipe that the other does not read. A worker that dies, whatever kills it,
is an error at once; when a caller dies its workers end too, since their pipe ends.

joblib's pool (loky) is not used, since its workers outlive a caller that was killed, and its generator of results takes
tasks without waiting until the results are taken.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any, NoReturn

from hicra.errors import DataError, HicraError
from hicra.workers.signals import ignored

ONE_THREAD = {
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "RAYON_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}  # fmt: skip
AHEAD = 2  # tasks under way for each worker: one in work, and one that is done and waits for its turn
GRACE_S = 2.0

Reply = tuple[str, Any]


class WorkerDied(HicraError, RuntimeError):
    """A worker process ended before its work did."""


def ordered(
    make: Callable[..., Callable[[Any], Any]], arguments: tuple[Any, ...], tasks: Iterable[Any], workers: int
) -> Iterator[Any]:
    """Yields the results of tasks, in their order.

    Args:
        make: a module-level function, called once in each worker with `arguments`; returns the function from task to result.
        arguments, tasks: must be picklable; tasks are taken as they are needed.
        workers: number of processes; with 1 everything happens in this one.

    Raises:
        WorkerDied: a process ended before its work did.
        HicraError: what `make` or a task raised; RuntimeError with the traceback for any other exception.
    """
    if workers <= 1:
        work = make(*arguments)
        for task in tasks:
            yield work(task)
        return
    pool = _Pool(make, arguments, workers)
    try:
        yield from pool.run(iter(tasks))
    finally:
        pool.close()


class _Pool:
    def __init__(self, make: Callable[..., Any], arguments: tuple[Any, ...], workers: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.processes: dict[Connection, Any] = {}
        self.index: dict[Connection, int] = {}  # index of the task that a worker has
        try:
            with _environment(ONE_THREAD), ignored(signal.SIGINT):
                for _ in range(workers):
                    ours, theirs = context.Pipe()
                    process = context.Process(target=_serve, args=(theirs, make, arguments), daemon=True)
                    self.processes[ours] = process
                    process.start()
                    theirs.close()
        except BaseException:
            self.close()
            raise

    def run(self, tasks: Iterator[Any]) -> Iterator[Any]:
        done: dict[int, Any] = {}
        given = wanted = 0
        most = AHEAD * len(self.processes)
        idle: list[Connection] = []
        starting, more = set(self.processes), True
        while True:
            while more and idle and given - wanted < most:
                try:
                    task = next(tasks)
                except StopIteration:
                    more = False
                    break
                connection = idle.pop()
                self.index[connection] = given
                self._send(connection, task)
                given += 1
            if wanted in done:
                yield done.pop(wanted)
                wanted += 1
                continue
            if not more and given == wanted:
                break
            for connection in self._ready():
                answer = self._receive(connection)
                if connection in starting:
                    starting.discard(connection)
                else:
                    done[self.index.pop(connection)] = answer
                idle.append(connection)

    def _ready(self) -> list[Connection]:
        """Waits until there is an answer, and returns the connections that have one."""
        by_sentinel = {process.sentinel: connection for connection, process in self.processes.items()}
        ready = wait([*self.processes, *by_sentinel])
        for sentinel in set(ready) & set(by_sentinel):
            connection = by_sentinel[sentinel]
            if not connection.poll():
                self._died(connection)
        return [connection for connection in self.processes if connection in ready]

    def _send(self, connection: Connection, task: Any) -> None:
        try:
            connection.send(task)
        except OSError:
            self._died(connection)

    def _receive(self, connection: Connection) -> Any:
        try:
            reply = connection.recv()
        except (EOFError, OSError):
            self._died(connection)
        return result_of(reply)

    def _died(self, connection: Connection) -> NoReturn:
        process = self.processes[connection]
        process.join(GRACE_S)
        code = process.exitcode
        how = f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"
        raise WorkerDied(
            f"worker process {process.pid} died ({how}); nothing was written",
            "SIGKILL often means that memory ran out: use fewer workers. In a script, start from "
            "`if __name__ == '__main__':`",
        )

    def close(self) -> None:
        """Ends every process."""
        for connection in self.processes:
            connection.close()
        for process in self.processes.values():
            if process.pid is not None:
                process.terminate()
        for process in self.processes.values():
            if process.pid is not None:
                process.join(GRACE_S)
                if process.is_alive():
                    process.kill()
                    process.join()
                process.close()
        self.processes = {}


def _serve(connection: Connection, make: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Runs a worker: it says that it is ready, then does task after task until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C goes to the whole group; the parent decides
    with contextlib.suppress(EOFError, OSError):
        try:
            work = make(*arguments)
            connection.send(("ok", None))
            while True:
                connection.send(("ok", work(connection.recv())))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return
        except Exception as error:
            connection.send(failure(error))


def failure(error: Exception) -> Reply:
    """Returns what a worker answers where its work raised: in a form that any process can read. Call it while it is handled."""
    if isinstance(error, HicraError):
        return "hicra", (_known(error), error.message, error.fix)
    return "error", traceback.format_exc()


def result_of(reply: Reply) -> Any:
    """Returns the result in a worker's answer. Raises what the work raised: a HicraError, or RuntimeError with the traceback."""
    kind, answer = reply
    if kind == "ok":
        return answer
    if kind == "hicra":
        raise answer[0](*answer[1:])
    raise RuntimeError(f"a worker process failed:\n{answer}")


def _known(error: HicraError) -> type[HicraError]:
    """Returns the class to raise in the parent: one that takes (message, fix)."""
    return type(error) if type(error).__init__ is HicraError.__init__ else DataError


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Sets environment variables for the processes started meanwhile."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
