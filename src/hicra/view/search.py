"""Finds rollouts by numbers, by words of their texts and by grams, over all of them, and sorts what was found.

Numbers are looked up in the index. Words are looked for in the files, one file at a time, and the last few answers are kept, so
that turning pages does not read the files again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

import numpy as np
import numpy.typing as npt
import polars as pl

from hicra.errors import ArtifactError, ConfigError
from hicra.report.rows import FOUND, GOLD
from hicra.report.sample import unreadable
from hicra.view.index import RolloutIndex, Shard, stamp

SORTS = ("step", "arm", "correct", "reward", "length", "share")
OUTCOMES = {"1": 1, "0": 0, "unknown": -1}
PAGE = 10  # rows, as in report/static/source.js
MOST_LETTERS = 400  # of what is searched
_KEPT = 8  # answers that are kept: N bytes each
_TEXTS = ("prompt", "response", "id", *GOLD, *FOUND)
Found = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Query:
    """What the page asks for; "" and None stand for "any".

    `around` is a rollout whose page is wanted; where it is not among what is found, the page `page` is.
    """

    text: str = ""
    gram: str = ""
    arm: int | None = None
    outcome: int | None = None
    first: int | None = None
    last: int | None = None
    sort: str = ""
    down: bool = False
    page: int = 0
    around: int | None = None

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Query:
        """Reads it from the parameters of an address; an empty one counts as absent.

        Raises:
            ConfigError: a parameter is unknown or is not what it should be.
        """
        known = ("text", "gram", "arm", "outcome", "from", "to", "sort", "down", "page", "around")
        said = {key: value for key, value in given.items() if value != ""}
        for key in said:
            if key not in known:
                raise ConfigError(f"there is no filter {key[:40]!r}", f"known: {', '.join(known)}")
        text, gram = said.get("text", "").strip(), said.get("gram", "").strip()
        if max(len(text), len(gram)) > MOST_LETTERS:
            raise ConfigError(f"more than {MOST_LETTERS} letters cannot be searched", "search for fewer words")
        outcome, sort = said.get("outcome", ""), said.get("sort", "")
        if outcome and outcome not in OUTCOMES:
            raise ConfigError(f"there is no outcome {outcome[:40]!r}", f"known: {', '.join(OUTCOMES)}")
        if sort and sort not in SORTS:
            raise ConfigError(f"rollouts cannot be sorted by {sort[:40]!r}", f"known: {', '.join(SORTS)}")
        return cls(
            text, gram, _whole(said, "arm"), OUTCOMES.get(outcome), _whole(said, "from"), _whole(said, "to"), sort,
            said.get("down") == "true", max(0, _whole(said, "page") or 0), _whole(said, "around"),
        )  # fmt: skip


def _whole(said: Mapping[str, str], key: str) -> int | None:
    value = said.get(key)
    if value is None:
        return None
    try:
        number = int(value) if len(value) < 19 else 2**63
    except ValueError:
        number = 2**63
    if abs(number) >= 2**62:
        raise ConfigError(f"{key} is {value[:40]!r}, no whole number", "give a whole number")
    return number


class Search:
    """Searches the rollouts of an index; several threads may use it, one search runs at a time."""

    def __init__(self, index: RolloutIndex) -> None:
        self.index = index
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, str], npt.NDArray[np.bool_]] = OrderedDict()

    def find(self, query: Query) -> Found:
        """Returns the numbers of the rollouts that match, in the order that is asked for.

        Raises:
            ArtifactError: a file is gone, unreadable, or was written again since it was indexed.
        """
        index = self.index
        there = np.ones(len(index), np.bool_)
        for column, value in ((index.arm, query.arm), (index.correct, query.outcome)):
            if value is not None:
                there &= column == value
        if query.first is not None:
            there &= index.step >= query.first
        if query.last is not None:
            there &= index.step <= query.last
        if query.text or query.gram:
            there &= self._holding(query.text.lower(), query.gram.lower())
        found = np.nonzero(there)[0]
        return self._sorted(found, query)

    def page(self, query: Query) -> tuple[int, int, Found]:
        """Returns how many rollouts match, the number of the page, and the rollouts on it."""
        found = self.find(query)
        at = np.nonzero(found == query.around)[0].tolist() if query.around is not None else []
        last = max(0, -(-len(found) // PAGE) - 1)
        page = at[0] // PAGE if at else min(query.page, last)
        return len(found), page, found[page * PAGE : (page + 1) * PAGE]

    def _sorted(self, found: Found, query: Query) -> Found:
        """Sorts rollouts; equal ones keep their order, and what is not known stands last."""
        if not query.sort:
            return found
        values = getattr(self.index, query.sort)[found].astype(np.float64)
        if query.sort == "correct":
            values[values < 0] = np.nan
        unknown = np.isnan(values)
        keys = np.where(unknown, np.inf, -values if query.down else values)
        return found[np.lexsort((keys, unknown))]

    def _holding(self, text: str, gram: str) -> npt.NDArray[np.bool_]:
        """Returns for every rollout whether it holds the text and the gram, both in lower case."""
        with self._lock:
            key = (text, gram)
            if key not in self._kept:
                parts = [self._in_file(shard, text, gram) for shard in self.index.shards]
                self._kept[key] = np.concatenate(parts)
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]

    def _in_file(self, shard: Shard, text: str, gram: str) -> npt.NDArray[np.bool_]:
        lazy = opened(shard)
        schema = lazy.collect_schema()
        wanted = [pl.lit(True)]
        if text:
            columns = [pl.col(name).cast(pl.String) for name in _TEXTS if schema.get(name) == pl.String]
            wanted.append(pl.any_horizontal([_holds(column, text).fill_null(False) for column in columns]))
        if gram:
            spans = schema.get("spans")
            known = (
                isinstance(spans, pl.List) and isinstance(spans.inner, pl.Struct) and "gram" in spans.inner.to_schema()
            )
            inside = (
                pl.col("spans").list.eval(_holds(pl.element().struct.field("gram"), gram)).list.any()
                if known
                else pl.lit(False)
            )
            wanted.append(inside.fill_null(False))
        rows = (
            pl.col("response").is_null().is_not_null()
        )  # a column of the file's height, so that a constant has it too
        try:
            table = lazy.select((rows & pl.all_horizontal(wanted)).alias("holds")).collect(engine="streaming")
        except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise unreadable(shard.path, error) from None
        return table["holds"].to_numpy().astype(np.bool_)


def _holds(column: pl.Expr, text: str) -> pl.Expr:
    return column.str.to_lowercase().str.contains(text, literal=True)


def opened(shard: Shard) -> pl.LazyFrame:
    """Returns the file of a shard, to be read lazily.

    Raises:
        ArtifactError: it is gone, or was written again since it was indexed.
    """
    try:
        same = stamp(shard.path) == shard.stamp
    except OSError:
        same = False
    if not same:
        raise ArtifactError(f"{shard.path.name} has changed since this view was started", "start `hicra view` again")
    return pl.scan_parquet(shard.path, glob=False)
