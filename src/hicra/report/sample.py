"""Chooses the rollouts that a page shows: always the same ones, evenly over arms and steps, with equal prompts if possible, and
those first with which a tree or subgoals are drawn.

Two passes keep memory small: the first reads only steps and prompts, the second only the chosen rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from hicra.errors import ArtifactError
from hicra.runs.rollout_files import step_of

DRAWN = ("tree", "subgoals")  # columns


@dataclass(frozen=True)
class Place:
    """The place of one rollout: run number, file and row in the file, with its step and a hash of its question.

    The question is known by the prompt, and by the id of the row where it has none. `drawn` says whether a tree or subgoals are
    drawn with it; of the many rows of a tree one has it.
    """

    run: int
    file: Path
    row: int
    step: int
    prompt: int
    drawn: bool = False


def read_columns(file: Path, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Reads those of the named columns that the file has, or all columns.

    Raises:
        ArtifactError: the file is not readable as parquet.
    """
    try:
        if columns is None:
            return pl.read_parquet(file, glob=False)
        return pl.read_parquet(file, columns=[name for name in columns if name in _names(file)], glob=False)
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise unreadable(file, error) from None


def unreadable(file: Path, error: BaseException) -> ArtifactError:
    """Makes the error for a file that is no readable Parquet."""
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    return ArtifactError(
        f"{file} is not readable as parquet: {said}",
        "remove the file, or write the run again with `hicra train` or `hicra diagnose`",
    )


def _names(file: Path) -> set[str]:
    with open(file, "rb") as opened:  # polars would read [ ] * ? in a name as a pattern
        return set(pl.read_parquet_schema(opened))


def steps_of(file: Path, frame: pl.DataFrame) -> list[int]:
    """Returns the step of every row, from the column or else from the file's name.

    Raises:
        ArtifactError: neither gives the step.
    """
    if "step" in frame.columns and frame["step"].dtype.is_integer() and frame["step"].null_count() == 0:
        return [int(step) for step in frame["step"].to_list()]
    named = step_of(file)
    if named is None:
        raise ArtifactError(
            f"{file} has no whole-number column step", "add the column step, or name the file step-NNNNNN.parquet"
        )
    return [named] * frame.height


def index(run: int, files: Sequence[Path]) -> list[Place]:
    """Lists every rollout of one run; raises ArtifactError if a file is unreadable or has no column response."""
    places: list[Place] = []
    for file in files:
        try:
            known = _names(file)
        except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException):
            known = {"response"}  # read_columns below says what is wrong
        if "response" not in known:
            raise ArtifactError(
                f"{file} has no column response; its columns are {', '.join(sorted(known)) or 'none'}",
                "remove the file, or write the run again with `hicra train` or `hicra diagnose`",
            )
        frame = read_columns(file, ("step", "prompt", "id", "response"))
        hashes = _questions(frame).hash(0).to_list()
        drawn = _drawn(file, [name for name in DRAWN if name in known]) or [False] * frame.height
        places += [
            Place(run, file, row, step, int(key), its)
            for row, (step, key, its) in enumerate(zip(steps_of(file, frame), hashes, drawn, strict=True))
        ]
    return places


def _questions(frame: pl.DataFrame) -> pl.Series:
    """Returns for each row a text that is equal where the question is: the prompt, or the id of a row without one."""
    texts = []
    for name in ("prompt", "id"):
        known = frame[name] if name in frame.columns else pl.Series([None] * frame.height, dtype=pl.String)
        if known.dtype != pl.String:  # conversations, or numbers
            known = pl.Series([None if text is None else str(text) for text in known.to_list()], dtype=pl.String)
        texts.append(known)
    prompt, row = texts
    return pl.select(pl.when(prompt != "").then(prompt).otherwise(row.fill_null(""))).to_series()


def _drawn(file: Path, names: Sequence[str]) -> list[bool]:
    """Returns for each row whether one of the columns has a value, without holding the values; [] where there is no column."""
    if not names:
        return []
    there = pl.any_horizontal(pl.col(*names).is_not_null())
    return pl.scan_parquet(file, glob=False).select(there=there).collect()["there"].to_list()


def shares(sizes: Sequence[int], total: int) -> list[int]:
    """Splits `total` as evenly as `sizes` allow; what does not fit into small ones goes evenly to the others.

    >>> shares([1, 10, 10], 9)
    [1, 4, 4]
    """
    out, left = [0] * len(sizes), min(total, sum(sizes))
    while left:
        open_places = [i for i, size in enumerate(sizes) if out[i] < size]
        each = left // len(open_places)
        if each:
            for i in open_places:
                taken = min(each, sizes[i] - out[i])
                out[i] += taken
                left -= taken
        else:  # fewer are left than there are places, so they are spread over all of them
            for i in np.linspace(0, len(open_places) - 1, left).round().astype(int):
                out[open_places[i]] += 1
            left = 0
    return out


def choose(arms: Sequence[Sequence[Place]], limit: int) -> list[Place]:
    """Chooses at most `limit` places, evenly over arms and then over the steps of an arm.

    Of a step, rollouts with which something is drawn come first, then prompts that other arms had too. The places are returned
    sorted by step, prompt, arm, run and row, which is the order of the page.
    """
    met: Mapping[tuple[int, int], set[int]] = defaultdict(set)
    for arm, places in enumerate(arms):
        for place in places:
            met[place.step, place.prompt].add(arm)
    chosen: list[tuple[int, Place]] = []
    for arm, (places, quota) in enumerate(zip(arms, shares([len(places) for places in arms], limit), strict=True)):
        by_step: dict[int, list[Place]] = defaultdict(list)
        for place in places:
            by_step[place.step].append(place)
        steps = sorted(by_step)
        for step, number in zip(steps, shares([len(by_step[step]) for step in steps], quota), strict=True):
            groups: dict[int, list[Place]] = defaultdict(list)
            for place in by_step[step]:
                groups[place.prompt].append(place)
            order = sorted(groups, key=lambda key: (-len(met[step, key]), key))
            deepest = max(map(len, groups.values()))
            ranked = [
                groups[key][(turn + step) % len(groups[key])]  # so that it is not always the first rollout of its group
                for turn in range(deepest)
                for key in order
                if turn < len(groups[key])
            ]
            ranked.sort(key=lambda place: not place.drawn)  # keeps the order of the others
            chosen += [(arm, place) for place in ranked[:number]]
    chosen.sort(key=lambda entry: (entry[1].step, entry[1].prompt, entry[0], entry[1].run, entry[1].row))
    return [place for _, place in chosen]
