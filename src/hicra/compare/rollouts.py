"""Knows rollouts that were given where scores of seeds are compared, and says what compares them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from hicra.corpus.files import files_of
from hicra.corpus.formats.interface import Context
from hicra.corpus.formats.plain import PLAIN
from hicra.corpus.formats.recognise import format_of
from hicra.corpus.records import raw_records, stop
from hicra.drawing.readable import argument
from hicra.errors import DataError

TEXTS = ("response", "completion", "messages", "solution")


def refuse_rollouts(paths: Sequence[Path]) -> None:
    """Raises DataError where a path is a file or folder of rollouts, by the first row of its first file."""
    for path in paths:
        if _holds_rollouts(path):
            given = shlex.join(map(argument, paths))
            how = "--apart" if len(paths) > 1 else "--by COLUMN"
            raise DataError(
                f"{path} holds rollouts, and no scores of arms and seeds",
                f"`hicra diagnose {given} {how}` compares rollouts by question",
            )


def _holds_rollouts(path: Path) -> bool:
    try:
        file = files_of(path)[0]
        row = next(raw_records(file, lambda place, bad, _: stop(place, bad), half_surrogates=True)).row
    except (DataError, OSError, StopIteration):  # whoever reads it next says what is wrong with it
        return False
    keys = row.keys()
    if {"arm", "seed"} <= keys:
        return False
    return bool(keys & {*TEXTS}) or format_of(keys, Context(file)) is not PLAIN
