"""Options of the verbs that read rollouts."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from hicra.cli.common import Common, MaxBad, OnBad
from hicra.drawing.readable import argument, counted
from hicra.errors import UsageError

Map = Annotated[
    tuple[str, ...],
    Parameter(
        name="--map",
        negative="",
        help="OURS=THEIRS: their column is our field (response, correct, reward, question, answer, group_id, step ...). "
        "Repeat --map for each field.",
    ),
]
TokenizerOfIds = Annotated[
    str | None,
    Parameter(name="--tokenizer", help="Folder with tokenizer.json, for dumps that hold token ids and no text."),
]


NAMED = 3  # files that a warning names; `corpus inspect` lists all


@Parameter(name="*")
@dataclass(frozen=True)
class ReadOptions:
    """How rollouts are read."""

    on_bad: OnBad = "stop"
    max_bad: MaxBad = 0.01
    map: Map = ()
    quarantine: Annotated[
        Path | None, Parameter(help="With --on-bad skip: a file to write, with each skipped line and why.")
    ] = None

    def options(self) -> dict[str, Any]:
        """Returns them as `corpus.read` takes them. Raises UsageError."""
        from hicra.corpus.mapping import parse_mapping

        if self.quarantine is not None and self.on_bad != "skip":
            raise UsageError("--quarantine lists skipped lines, and nothing is skipped", "add --on-bad skip")
        if not 0 <= self.max_bad <= 1:
            raise UsageError(f"--max-bad {self.max_bad:g} is no share from 0 to 1", "for example --max-bad 0.05")
        return {
            "on_bad": self.on_bad,
            "max_bad": self.max_bad,
            "mapping": parse_mapping(self.map),
            "quarantine": self.quarantine,
        }

    def words(self, paths: Sequence[Path], skipping: bool = True) -> list[str]:
        """Returns the words of a command that reads these paths in the same way; a verb that stops at a bad line skips none."""
        words = [*map(argument, paths), *(word for one in self.map for word in ("--map", one))]
        if self.on_bad == "skip" and skipping:
            words += ["--on-bad", "skip", "--max-bad", f"{self.max_bad:g}"]
        return words

    def command(self, verb: str, paths: Sequence[Path], tokenizer: str | None, *more: str) -> str:
        """Returns the command that reads the same rows in the same way with another verb."""
        words = ["hicra", verb, *self.words(paths)]
        if tokenizer is not None:
            words += ["--tokenizer", tokenizer]
        return shlex.join([*words, *more])

    def told(self, skipped: int) -> str | None:
        """Returns where the skipped lines are listed, where there are any."""
        if self.quarantine is None or not skipped:
            return None
        return f"{skipped} skipped {'line is' if skipped == 1 else 'lines are'} listed in {self.quarantine}"


@contextmanager
def no_skipping() -> Iterator[None]:
    """Takes the advice to skip bad lines out of the errors of a verb that cannot."""
    from hicra.corpus.account import SKIP, BadLine

    try:
        yield
    except BadLine as bad:
        fix = "repair or remove the line" if bad.fix == SKIP else bad.fix
        raise BadLine(bad.file, bad.line, bad.offset, bad.reason, fix) from None


def passed_over(paths: Sequence[Path], duplicates: int = 0, then: str = "are left out") -> list[str]:
    """Returns what to say of files beside those read, and of rows that occurred before (`then`: what became of them)."""
    from hicra.corpus.beside import left_out, may_hold_rows

    said = []
    if files := [one["file"] for one in left_out(paths) if may_hold_rows(Path(one["file"]).name)]:
        more = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
        said.append(f"left out: {', '.join(files[:NAMED])}{more}; `hicra corpus inspect` says why")
    if duplicates:
        said.append(f"duplicates: {counted(duplicates, 'row')} of an id that came before with the same content {then}")
    return said


def warn_of_rest(
    result: dict[str, Any], common: Common, paths: Sequence[Path], duplicates: int = 0, then: str = "are left out"
) -> None:
    """Warns of what `passed_over` names, on stderr and in the `warnings` of the result."""
    said = passed_over(paths, duplicates, then)
    result["warnings"] = [*result.get("warnings", ()), *said]
    for one in said:
        common.warn(one)


READ_OPTIONS = ReadOptions()
