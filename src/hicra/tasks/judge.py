"""The verifier that all tasks of a process share: the first answer that needs it starts it, and it ends with the process.

`verify.Verifier` starts worker processes only for answers that need algebra, so a process whose answers are all numbers starts
none. The modes "boxed" and "lenient" share one set of workers; "strict" needs none.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from hicra import verify
from hicra.errors import ConfigError, DataError, did_you_mean
from hicra.tasks.base import Score
from hicra.verify.item import Answer
from hicra.verify.reading.extract import find
from hicra.verify.reading.gold import gold_of

WORKERS = 2
TIMEOUT_S = 2.0
OLDER_NAMES: dict[str, verify.Mode] = {"boxed_or_last_number": "lenient"}  # before hicra.verify there were two modes
_LOCK = threading.Lock()
_SHARED: dict[tuple[bool, int, float], verify.Verifier] = {}
_BEST_FIRST = ("correct", "timeout", "error", "wrong", "no_answer", "bad_gold")


def mode_of(name: Any, key: str) -> verify.Mode:
    """Returns the verifier's mode of that name.

    Raises:
        ConfigError: there is none; the message names the setting `key` and the nearest mode.
    """
    mode = OLDER_NAMES.get(name, name) if isinstance(name, str) else name
    for known in verify.MODES:
        if mode == known:
            return known
    raise ConfigError(f"{key}: no answer mode {name!r}", did_you_mean(str(name), get_args(verify.Mode)))


def check(
    completions: Sequence[str],
    golds: Sequence[verify.Gold],
    mode: verify.Mode = "boxed",
    *,
    workers: int = WORKERS,
    timeout: float = TIMEOUT_S,
) -> list[Answer]:
    """Judges completions, in order, with the shared verifier; raises what `verify.Verifier.check` raises."""
    if mode == "lenient":
        completions = [_boxed(text) for text in completions]
    return _verifier(mode == "strict", workers, timeout).check(completions, golds)


def close() -> None:
    """Ends the workers, which also happens at the end of the process; the next check starts new ones."""
    with _LOCK:
        for verifier in _SHARED.values():
            verifier.close()
        _SHARED.clear()


def golds_of(row: Mapping[str, Any]) -> list[verify.Gold]:
    """Reads the gold answers of a row, any of which is right: `answers` (all of them together) or `answer`, then each of `also`.

    `error` and `is_multiple_answer` of the row apply only to the first.

    Raises:
        DataError: the row has neither, or one that is no text, number or list.
    """
    value = row.get("answers") or row.get("answer")
    if value is None:
        raise DataError(f"row {row.get('id')!r} has no answer", "give the row its right answer in the column answer")
    return [gold_of(value, row), *map(gold_of, row.get("also") or ())]


def score(
    responses: Sequence[str], rows: Sequence[Mapping[str, Any]], mode: verify.Mode, **settings: Any
) -> list[Score]:
    """Gives reward 1 for a right answer, 0 for a wrong one or none, and None for an unjudged one.

    Args:
        responses: the models' texts, without special tokens.
        rows: their rows, as `golds_of` reads them.
        mode: how the answer is found.
        settings: `workers` and `timeout` of the verifier.
    """
    return [_score(one) for one in check_any(responses, [golds_of(row) for row in rows], mode, **settings)]


def check_any(
    completions: Sequence[str], golds: Sequence[Sequence[verify.Gold]], mode: verify.Mode, **settings: Any
) -> list[Answer]:
    """Judges completions as `check` does, with several gold answers each, any of which is right."""
    flat = [text for text, mine in zip(completions, golds, strict=True) for _ in mine]
    answers = iter(check(flat, [gold for mine in golds for gold in mine], mode, **settings))
    return [_best([next(answers) for _ in mine]) for mine in golds]


def _best(answers: Sequence[Answer]) -> Answer:
    """Picks the answer that counts: one correct is enough, and an unjudged one comes before a wrong one."""
    return min(answers, key=lambda one: _BEST_FIRST.index(one.verdict))


def _score(answer: Answer) -> Score:
    value = verify.reward([answer]).values[0]
    return Score(value, None if value is None else bool(value), answer.extracted, answer.verdict)


def _boxed(text: str) -> str:
    """Puts the answer that "lenient" finds into a box, so that the verifier of "boxed" gives the verdict."""
    found = find(text, "lenient")
    return text if found is None or found.boxed else f"\\boxed{{{found.text}}}"


def _verifier(strict: bool, workers: int, timeout: float) -> verify.Verifier:
    key = (strict, workers, timeout)
    with _LOCK:
        if key not in _SHARED:
            if not _SHARED:
                atexit.unregister(close)
                atexit.register(close)
            _SHARED[key] = verify.Verifier(workers, timeout, "strict" if strict else "boxed")
        return _SHARED[key]
