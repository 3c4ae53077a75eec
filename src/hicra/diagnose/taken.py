"""Takes the rollouts of one run or of several in, batch by batch, sorted by arm and step, and knows what their columns hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from hicra import corpus
from hicra.corpus.need_text import some_rows, with_text
from hicra.diagnose.apart import joint_schema, refuse_apart, run_names, same_columns
from hicra.diagnose.arms import MAX_ARMS, column_of, names_of, too_many
from hicra.diagnose.own_tokens import have_own_tokens
from hicra.diagnose.spool import ARM, Key, Spool

METHOD = "observed"
# what measuring reads; every other column is left behind
COLUMNS = (
    "response", "correct", "reward", "question", "answer", "id", "group_id", "step", "token_ids", "token_ends", "entropies",
    "logprobs", "truncated", "n_tool_calls", "tool_outputs", "images",
)  # fmt: skip
JUDGED = ("solution",)  # what a judge reads beside


@dataclass
class Taken:
    """What was taken in.

    Attributes:
        spool: the rows.
        arms: their names, in the order in which they are told.
        number: name -> number of the arm in the spool.
        files: the files read, in order; skipped, duplicates: as in `corpus.Corpus`.
        height: number of rows.
        missing_steps: arm -> rows without a step; they count at step 1.
        models: the models that rows name.
        known: column -> rows with a value.
        warnings: what the readers say of the rows.
        own_tokens: whether every row has recorded tokens (see `have_own_tokens`).
    """

    spool: Spool
    arms: list[str] = field(default_factory=list)
    number: dict[str, int] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    skipped: int = 0
    duplicates: int = 0
    height: int = 0
    missing_steps: Counter[str] = field(default_factory=Counter)
    models: set[str] = field(default_factory=set)
    known: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)
    own_tokens: bool = True

    def tasks(self) -> list[tuple[str, int]]:
        """Returns each arm and step, in the order of the arms."""
        steps: dict[int, list[int]] = {}
        for arm, step in self.spool.steps():
            steps.setdefault(arm, []).append(step)
        return [(name, step) for name in self.arms for step in steps[self.number[name]]]

    def read(self, arm: str, step: int) -> pl.DataFrame:
        """Returns the rows of an arm and step, with the number of each row's group of the step in `_group`."""
        key: Key = (self.number[arm], step)
        return self.spool.read(key).with_columns(self._reward(), _groups())

    def rows_of(self, arm: str) -> int:
        """Returns the number of rows of an arm."""
        return self.spool.rows(self.number[arm])

    def stepless(self, arm: str) -> bool:
        """Says whether no row of an arm has a step."""
        return self.missing_steps[arm] == self.rows_of(arm)

    def _reward(self) -> pl.Expr:
        """[rows] the reward; where no row has one, right is 1 and wrong 0."""
        return pl.col("reward") if self.known["reward"] else pl.col("correct").cast(pl.Float64).alias("reward")


def take_in(
    paths: Sequence[Path], on_bad: Any, max_bad: float, spool: Spool, *, by: str | None, apart: bool, more: Sequence[str] = (),
    **settings: Any,
) -> Taken:  # fmt: skip
    """Reads rollouts into a spool.

    Args:
        paths, on_bad, max_bad, settings: as for `corpus.batches`; with `apart` each path is read by itself.
        spool: an empty one.
        by: a column whose values are arms.
        apart: whether each path is an arm.
        more: columns that are kept beside `COLUMNS`.

    Raises:
        DataError: as for `corpus.batches`; or a row has no text, or `by` names no column whose values could be arms.
        ConfigError: as for `refuse_apart`.
    """
    if apart:
        refuse_apart(paths, settings.get("quarantine"))
    sources = [
        corpus.batches(group, on_bad, max_bad, **settings).prepare()
        for group in ([[path] for path in paths] if apart else [paths])
    ]
    taken = Taken(spool)
    for source in sources:
        taken.files += source.files
        taken.warnings += source.warnings
        taken.skipped, taken.duplicates = taken.skipped + source.skipped, taken.duplicates + source.duplicates
    some_rows(sum(source.rows for source in sources), taken.skipped)
    schema = joint_schema([source.empty() for source in sources])
    wanted = [name for name in (*COLUMNS, *more) if name in schema]
    arm_column = None if by is None else column_of(by, sources[0].empty().schema, sources[0].input_names)
    names = run_names(paths) if apart else [METHOD]
    for name, source in zip(names, sources, strict=True):
        for rows in source:
            with_text(rows, taken.height)
            taken.own_tokens = taken.own_tokens and have_own_tokens(rows)
            taken.height += rows.height
            taken.models.update(rows["model"].drop_nulls().unique().to_list())
            missing = rows["step"].is_null().to_list()
            rows = rows.with_columns(pl.col("step").fill_null(1).cast(pl.Int64))
            arms = [name] * rows.height if arm_column is None else names_of(rows[arm_column], str(by))
            taken.missing_steps.update(arm for arm, lacks in zip(arms, missing, strict=True) if lacks)
            for arm in dict.fromkeys(arms):
                taken.number.setdefault(arm, len(taken.number))
            kept = same_columns(rows, {column: schema[column] for column in wanted})
            taken.known.update({column: kept.height - kept[column].null_count() for column in wanted})
            spool.add(kept.with_columns(pl.Series(ARM, [taken.number[arm] for arm in arms], pl.Int32)))
    spool.flush()
    taken.arms = [name for name in names if name in taken.number] if by is None else sorted(taken.number)
    if len(taken.arms) > MAX_ARMS and by is not None:
        raise too_many(by, len(taken.arms))
    return taken


def frames(taken: Taken, tasks: Sequence[tuple[str, int]]) -> Iterator[pl.DataFrame]:
    """Yields the rows of each task."""
    return (taken.read(arm, step) for arm, step in tasks)


def whole_arm(taken: Taken, arm: str, columns: Sequence[str]) -> pl.DataFrame:
    """Returns all rows of an arm with those of the columns that there are, for what must see them together."""
    parts = [taken.read(arm, step) for name, step in taken.tasks() if name == arm]
    return pl.concat([part.select(name for name in columns if name in part.columns) for part in parts])


def _groups() -> pl.Expr:
    """[rows] one number a group, -1 where it is unknown: rollouts share it whose group id and question are the same."""
    name, question = pl.col("group_id").cast(pl.String), pl.col("question")
    number = pl.struct(name, question).rank("dense").cast(pl.Int64)
    return pl.when(name.is_null() & question.is_null()).then(-1).otherwise(number).alias("_group")


def told_of(taken: Taken, by: str | None, apart: bool) -> list[str]:
    """Returns what the readers say, and what to say of rows without a step and of several models measured as one run."""
    said = list(taken.warnings)
    if 0 < (missing := taken.missing_steps.total()) < taken.height:
        said.append(f"{missing} of {taken.height} rows have no step and count at step 1")
    if len(taken.models) > 1 and by is None and not apart:
        said.append(f"the rows are of {len(taken.models)} models and measured together; --by model measures each apart")
    return said
