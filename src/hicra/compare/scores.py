"""Sorts values by arm, seed and question as the input of the statistics, whatever file they came from.

Values are paired by names, never by the order of rows, and the same rows in another order give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from hicra.arrays import Floats, Ints
from hicra.errors import DataError

Seed = int | str
Name = TypeVar("Name", int, str, int | str)
_NAMED = 5  # the most missing questions that an error lists


@dataclass(frozen=True)
class Arm:
    """One arm, with sorted `seeds` and `values` [seeds, questions] float64 (one column if there are no questions)."""

    name: str
    seeds: tuple[Seed, ...]
    values: Floats

    def at(self, seeds: Sequence[Seed]) -> Floats:
        """Returns the values [len(seeds), questions] of some of its seeds."""
        rows = {seed: row for row, seed in enumerate(self.seeds)}
        return self.values[[rows[seed] for seed in seeds]]


@dataclass(frozen=True)
class Scores:
    """All arms, sorted by name; every arm and seed has the same questions (None means one value per seed)."""

    arms: dict[str, Arm]
    questions: tuple[str, ...] | None

    @classmethod
    def from_rows(
        cls,
        arms: Sequence[str],
        seeds: Sequence[Seed],
        questions: Sequence[str] | None,
        values: Sequence[float] | Floats,
        where: Callable[[int], str] = lambda row: f"row {row + 1}",
    ) -> Scores:
        """Sorts rows into arms.

        Args:
            arms, seeds, questions, values: one entry per row; the values are finite.
            where: names a row for the user, given its index.

        Raises:
            DataError: there is no row, a value is not finite, an (arm, seed, question) is given twice, or a seed lacks
                questions that another has.
        """
        if not len(values):
            raise DataError("there is no row to compare", "give a table with one row per arm and seed")
        value = np.asarray(values, np.float64)
        if not np.isfinite(value).all():
            row = int(np.flatnonzero(~np.isfinite(value))[0])
            raise DataError(
                f"{where(row)}: value {value[row]} is not finite",
                "leave that seed out of every arm, and report that you did",
            )
        arm_names, arm = _ranked(arms)
        seed_names, seed = _ranked(seeds)
        question_names, question = (
            _ranked(questions) if questions is not None else ([""], np.zeros(len(value), np.int64))
        )
        run = arm * len(seed_names) + seed
        order = np.lexsort((question, run))
        run, question, value = run[order], question[order], value[order]
        same = np.flatnonzero((run[1:] == run[:-1]) & (question[1:] == question[:-1]))
        if same.size:
            first, second = sorted((int(order[same[0]]), int(order[same[0] + 1])))
            asked = f", question {questions[first]!r}" if questions is not None else ""
            raise DataError(
                f"{where(second)}: arm {arms[first]!r}, seed {seeds[first]!r}{asked} was given before, {where(first)}",
                "keep one row for each; for several questions per seed, add a column `question`"
                if questions is None
                else "keep one row for each",
            )
        runs, starts, counts = np.unique(run, return_index=True, return_counts=True)
        for index in np.flatnonzero(counts != len(question_names)):
            there = set(question[starts[index] : starts[index] + counts[index]].tolist())
            lacking = [name for at, name in enumerate(question_names) if at not in there]
            owner, number = divmod(int(runs[index]), len(seed_names))
            more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
            raise DataError(
                f"arm {arm_names[owner]!r}, seed {seed_names[number]!r} lacks {len(lacking)} of {len(question_names)} "
                f"questions: {', '.join(map(repr, lacking[:_NAMED]))}{more}",
                "all arms and seeds must have the same questions: add the rows, or leave those questions out everywhere",
            )
        cells = value.reshape(len(runs), len(question_names))
        owners = runs // len(seed_names)
        found = {}
        for place, name in enumerate(arm_names):
            rows = np.flatnonzero(owners == place)
            found[name] = Arm(
                name, tuple(seed_names[each % len(seed_names)] for each in runs[rows].tolist()), cells[rows]
            )
        return cls(found, tuple(question_names) if questions is not None else None)


def _ranked(names: Sequence[Name]) -> tuple[list[Name], Ints]:
    """Returns the different names, numbers before texts, and the index of each entry among them."""
    known = sorted(set(names), key=lambda name: (isinstance(name, str), name))
    place = {name: index for index, name in enumerate(known)}
    return known, np.fromiter((place[name] for name in names), np.int64, len(names))
