"""What an export is asked for, and what it says of itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from hicra.errors import ArtifactError
from hicra.runs import RunFolder


@dataclass(frozen=True)
class Source:
    """One run that is exported.

    Attributes:
        run: the run folder.
        name: its name among those exported, unlike every other, and fit for the name of a folder.
        arm: the name of its arm.
    """

    run: RunFolder
    name: str
    arm: str


@dataclass
class Written:
    """What an export has written.

    Attributes:
        files: rows by the path of each file, relative to the output.
        warnings: what was left out.
    """

    files: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


Export = Callable[[Sequence[Source], Path], Written]


def as_name(text: str) -> str:
    """Returns a text as a part of a file's name: what is no letter, digit, `_`, `.` or `-` becomes `_`.

    >>> as_name("../my run"), as_name("")
    ('_my_run', 'unnamed')
    """
    return re.sub(r"[^\w.-]", "_", text).lstrip(".") or "unnamed"


def unreadable(file: Path, error: Exception) -> ArtifactError:
    """Makes the error for a file of rollouts that is damaged, or half."""
    said = str(error).partition("\n")[0]
    return ArtifactError(f"{file} cannot be read: {said}", "remove that file, or wait until it is written whole")


READING = (OSError, pl.exceptions.PolarsError)  # what reading a Parquet file may raise
