"""Makes the commands that findings suggest run as they are printed: with the reader's own files, and what they need beside."""

from __future__ import annotations

import importlib.util
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hicra.cli.reading import READ_OPTIONS, ReadOptions
from hicra.drawing.readable import argument
from hicra.install import install_command


@dataclass(frozen=True)
class Stands:
    """What stands for ROLLOUTS and RUN in a command.

    Attributes:
        paths: the rollouts that were read.
        of_arm: the path of each arm, where each has its own.
        reading: how they were read, which a command has to read them in the same way.
        runs: the run folders that were written; empty where none was.
    """

    paths: Sequence[Path] = ()
    of_arm: Mapping[str, Path] = field(default_factory=dict)
    reading: ReadOptions = READ_OPTIONS
    runs: Sequence[str] = ()

    def command(self, then: str, arm: str | None = None) -> str:
        """Returns a command of a finding of an arm with the reader's files in it; what is not known stays as it is."""
        own = None if arm is None else self.of_arm.get(arm)
        paths = self.paths if own is None else [own]
        if paths:
            words = self.reading.words(paths, skipping=not then.startswith("hicra verify"))  # which stops at a bad line
            then = then.replace("ROLLOUTS", shlex.join(words))
        return then.replace("RUN", shlex.join(map(argument, self.runs))) if self.runs else then


NOTHING = Stands()


def lacks(then: str) -> str:
    """Returns what a command may need that is not installed, and how to install it; "" where it has all."""
    if then.startswith("hicra verify") and importlib.util.find_spec("math_verify") is None:
        return f"it needs math-verify for answers that need algebra: {install_command('verify')}"
    return ""
