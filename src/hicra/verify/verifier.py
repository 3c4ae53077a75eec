"""The `Verifier` gives each completion a verdict against its gold answer, whatever the completion holds.

    with Verifier(workers=2, timeout=2.0) as verifier:
        answers = verifier.check(completions, golds)

What text or exact numbers can decide is decided in the caller's process, in microseconds and without a worker. Workers start
when the first answer needs algebra, and stay ready. The verifier may be used from any thread and beside a running event loop; it
holds no interpreter lock for long, installs no signal handler, and does not touch the caller's alarm.
"""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, cast

from hicra.errors import ConfigError, DataError, did_you_mean
from hicra.verify.item import MAX_SHOWN, Answer, Verdict, decide, extract
from hicra.verify.reading.extract import MODES, Mode
from hicra.verify.reading.gold import Gold, gold_of
from hicra.verify.workers.pool import Pool
from hicra.verify.workers.process import missing
from hicra.version import installed

MAX_CACHED = 4_096
_Key = tuple[str, Gold]


def versions() -> dict[str, str | None]:
    """Returns the versions of what judges answers (None if absent); verdicts of different versions are not comparable."""
    return {name: installed(name) for name in ("hicra", "math-verify", "sympy")}


class Verifier:
    """Checks answers; used as a context manager, it leaves no process behind.

    Args:
        workers: the most worker processes, at least 1.
        timeout: seconds of elapsed time for an answer, from when a ready worker starts on it.
        mode: "boxed", "strict" or "lenient" (extract.py).
        memory_mb: address space of a worker, in MB.

    Raises:
        ConfigError: a setting is out of its range.
    """

    def __init__(self, workers: int = 2, timeout: float = 2.0, mode: Mode = "boxed", memory_mb: int = 1024) -> None:
        if not isinstance(workers, int) or isinstance(workers, bool) or not 1 <= workers <= 256:
            raise ConfigError(f"workers is {workers!r}", "give a whole number from 1 to 256")
        if not isinstance(timeout, int | float) or not 0.05 <= timeout <= 3600:
            raise ConfigError(f"timeout is {timeout!r}", "give seconds from 0.05 to 3600")
        if mode not in MODES:
            raise ConfigError(f"no answer mode {mode!r}", did_you_mean(str(mode), MODES))
        if not isinstance(memory_mb, int) or memory_mb < 256:
            raise ConfigError(f"memory_mb is {memory_mb!r}", "give a whole number of at least 256")
        self.mode: Mode = mode
        self._pool = Pool(workers, float(timeout), memory_mb)
        self._lock = threading.Lock()
        self._known: dict[_Key, Verdict] = {}

    def __enter__(self) -> Verifier:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the workers; a later `check` starts new ones."""
        with self._lock:
            self._pool.close()

    def check(self, completions: Sequence[str], golds: Sequence[Any]) -> list[Answer]:
        """Judges each completion against its gold answer, in order.

        Args:
            completions: the models' texts.
            golds: one gold answer per completion: a text, a number, a list of texts (several answers), or a `Gold`.

        Raises:
            DataError: the lengths differ, or an item has another type.
            EngineError: an answer needs algebra and math-verify is not installed, or workers cannot be started.
        """
        if isinstance(completions, str) or isinstance(golds, str):
            raise DataError("completions and golds must be lists", "for one answer, call check([completion], [gold])")
        if len(completions) != len(golds):
            raise DataError(
                f"{len(completions)} completions and {len(golds)} golds", "give one gold answer for each completion"
            )
        found: list[Answer | None] = []
        waiting: dict[_Key, list[int]] = {}
        for index, (completion, gold) in enumerate(zip(completions, golds, strict=True)):
            answer = self._here(index, completion, gold, waiting)
            found.append(answer)
        if waiting:
            self._algebra(waiting, found)
        return [answer for answer in found if answer is not None]

    def _here(self, index: int, completion: str, value: Any, waiting: dict[_Key, list[int]]) -> Answer | None:
        """Judges an item in this process; if that is not possible, adds it to those that wait for a worker."""
        if not isinstance(completion, str):
            raise DataError(f"completion {index} is of type {type(completion).__name__}", "give a string")
        start = time.perf_counter()
        gold = gold_of(value)
        extracted = extract(completion, self.mode)
        shown = None if extracted is None else extracted[:MAX_SHOWN]
        if gold.bad:
            return Answer("bad_gold", shown, time.perf_counter() - start)
        if extracted is None:
            return Answer("no_answer", None, time.perf_counter() - start)
        key = (extracted, gold)
        try:
            verdict = self._known.get(key) or decide(extracted, gold, self.mode, None)
        except Exception:  # our own fault on an unexpected text is counted and never becomes a score
            verdict = "error"
        if verdict is None:
            waiting.setdefault(key, []).append(index)
            return None
        return Answer(verdict, shown, time.perf_counter() - start)

    def _algebra(self, waiting: dict[_Key, list[int]], found: list[Answer | None]) -> None:
        if importlib.util.find_spec("math_verify") is None:
            raise missing("no module math_verify")
        with self._lock:
            outcomes = self._pool.run([self._request(*key) for key in waiting])
        if len(self._known) > MAX_CACHED:
            self._known = {}
        for (key, indices), outcome in zip(waiting.items(), outcomes, strict=True):
            verdict = cast(Verdict, outcome.verdict)
            if verdict in ("correct", "wrong"):
                self._known[key] = verdict
            for index in indices:
                found[index] = Answer(verdict, key[0][:MAX_SHOWN], outcome.seconds)

    def _request(self, extracted: str, gold: Gold) -> dict[str, Any]:
        tolerance = None if gold.tolerance is None else str(gold.tolerance)
        return {
            "answer": extracted, "gold": list(gold.answers), "tolerance": tolerance, "multiple": gold.multiple,
            "mode": self.mode,
        }  # fmt: skip
