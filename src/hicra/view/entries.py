"""Reads single rollouts from their files: as rows of the table, and whole, as the script of the page reads them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from hicra.drawing.readable import shorten
from hicra.report.model import ReportModel, Rollout
from hicra.report.pack import MOST_OF_ANSWER, block
from hicra.report.rows import FOUND, GOLD, answer_in, read_row, text_of
from hicra.report.sample import Place, unreadable
from hicra.view.index import RolloutIndex, Shard
from hicra.view.search import opened

PREVIEW = 240  # characters of a prompt in the table
MOST = 400_000  # characters of a response
_SHOWN = ("prompt", "response", *GOLD, *FOUND, "tree", "subgoals", "images")


def table_rows(index: RolloutIndex, found: Sequence[int]) -> list[dict[str, Any]]:
    """Makes the rows of the table for some rollouts, with the keys of report/static/source.js."""
    out = []
    for at in map(int, found):
        shard, number = index.row(at)
        row = _read(shard, number, _SHOWN)
        gold, said = (
            next((text_of(row[name]) for name in names if row.get(name) is not None), "") for names in (GOLD, FOUND)
        )
        correct, reward, share = int(index.correct[at]), float(index.reward[at]), float(index.share[at])
        out.append(
            {
                "at": at, "arm": int(index.arm[at]), "step": int(index.step[at]),
                "correct": None if correct < 0 else bool(correct),
                "question": shorten(text_of(row.get("prompt")), PREVIEW) or None,
                "gold": shorten(gold, MOST_OF_ANSWER) or None,
                "found": shorten(said or answer_in(text_of(row.get("response"))), MOST_OF_ANSWER) or None,
                "reward": None if reward != reward else reward, "length": int(index.length[at]),
                "share": None if share != share else share,
                "more": next((one for one in ("tree", "subgoals", "images") if row.get(one)), "").removesuffix("s"),
            }
        )  # fmt: skip
    return out


def whole_rollout(model: ReportModel, index: RolloutIndex, at: int) -> str:
    """Returns JSON: {block, twin}, one rollout as report/pack.py packs it, and the number of its twin or null."""
    shard, number = index.row(at)
    left_out: Counter[str] = Counter()
    place = Place(shard.run, shard.path, number, int(index.step[at]), 0)
    rollout = read_row(place, shard.arm, _read(shard, number, None), left_out)
    return f'{{"block":{block(model, [_bounded(rollout)], MOST)},"twin":{json.dumps(index.twin(at))}}}'


def _bounded(rollout: Rollout) -> Rollout:
    return replace(rollout, id=shorten(rollout.id, PREVIEW), group=shorten(rollout.group, PREVIEW))


def _read(shard: Shard, number: int, names: Sequence[str] | None) -> dict[str, Any]:
    """Reads one row of a file, or those of its columns that are named."""
    lazy = opened(shard)
    if names is not None:
        known = lazy.collect_schema()
        lazy = lazy.select([name for name in names if name in known])
    try:
        found: dict[str, Any] = lazy.slice(number, 1).collect().to_dicts()[0]
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise unreadable(shard.path, error) from None
    return found
