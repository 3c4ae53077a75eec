"""Computes every metric that the rollouts of a run allow, step by step, and writes a run folder that `hicra report` reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hicra import corpus
from hicra.arrays import Floats
from hicra.artifacts import sha256_file
from hicra.lexicon import Lexicon
from hicra.metrics import RolloutStats, kind_sums, kind_values, with_nulls
from hicra.runs import RunFolder
from hicra.tagging import RowTagger, TaggedRows, chunks, span_series, with_text

METHOD = "observed"


def diagnose(
    paths: Sequence[Path], lexicon: Lexicon, *, tokenizer: str | None, unit: str | None = None, out: Path | None, on_bad: Any,
    max_bad: float,
) -> dict[str, Any]:  # fmt: skip
    """Measures the rollouts of one run.

    Args:
        paths: files of rollouts with or without `step`, reward, group_id, token_ids, entropies, logprobs.
        lexicon: what marks the planning tokens.
        tokenizer: a tokenizer for rollouts without token ids, or None to count words.
        unit: the span type, "gram" or "sentence"; None takes what the lexicon is made for.
        out: a new run folder, or None to write none.
        on_bad, max_bad: what happens to rows that cannot be read, as in `corpus.read`.

    Returns:
        {steps: a list of {step, rows, metric: value or None}, run_dir, rows, counts, skipped, duplicates}.

    Raises:
        DataError: the input is bad; nothing has been written then.
    """
    read = corpus.read(paths, on_bad, max_bad)
    rows = with_text(read.rows)
    tagger = RowTagger(lexicon, tokenizer, unit)
    rows = rows.with_columns(pl.col("step").fill_null(1).cast(pl.Int64), _groups(rows))
    steps, tables = [], []
    for step in sorted(rows["step"].unique().to_list()):
        part = rows.filter(pl.col("step") == step)
        values, table = _measure(part, tagger)
        steps.append({"step": step, "rows": part.height, **values})
        tables.append(table)
    if out is not None:
        run = RunFolder.create(
            out, method=METHOD, seed=0,
            config={"lexicon": lexicon.name, "unit": tagger.tagger.unit, "tokenizer": tokenizer, "counts": tagger.counts},
            inputs={"lexicon": lexicon.content_hash} | {Path(path).name: sha256_file(Path(path)) for path in read.files},
        )  # fmt: skip
        for index, (found, table) in enumerate(zip(steps, tables, strict=True), 1):
            values = {key: value for key, value in found.items() if key not in ("step", "rows")}
            run.log(index, {"source_step": found["step"], **values})
            run.write_rollouts(index, table.with_columns(step=pl.lit(index)))
    return {
        "steps": steps, "run_dir": str(out) if out else None, "rows": rows.height, "counts": tagger.counts,
        "skipped": read.skipped, "duplicates": read.duplicates,
    }  # fmt: skip


def _groups(rows: pl.DataFrame) -> pl.Expr:
    """Numbers the groups by group id, else by question; the number is null if neither is known."""
    key = pl.coalesce(pl.col("group_id").cast(pl.String), pl.col("question"))
    return pl.when(key.is_null()).then(None).otherwise(key.rank("dense")).cast(pl.Int64).alias("_group")


def _measure(part: pl.DataFrame, tagger: RowTagger) -> tuple[dict[str, float | None], pl.DataFrame]:
    stats, sums, spans, chars = [], np.zeros(6), [], []
    known = False
    for rows in chunks(part):
        ids = rows["token_ids"].to_list() if rows["token_ids"].null_count() < rows.height else None
        tagged = tagger.tag(rows["response"].to_list(), ids)
        spans += tagged.spans
        chars += tagged.planning_chars.tolist()
        stats.append(_stats(rows, tagged))
        if (entropies := _per_token(rows, "entropies", tagged)) is not None:
            logprobs = _per_token(rows, "logprobs", tagged)
            known = logprobs is not None
            if logprobs is not None:
                sums += np.array(kind_sums(tagged.planning, tagged.live, entropies, logprobs), np.float64)
    values = RolloutStats.merge(stats).values()
    if known:
        values |= kind_values(sums.tolist())
    table = part.select(_report_columns(part)).with_columns(
        span_series(spans), pl.Series("planning_chars", chars, pl.Int64)
    )
    return with_nulls(values), table


def _stats(rows: pl.DataFrame, tagged: TaggedRows) -> RolloutStats:
    reward = rows["reward"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    correct = rows["correct"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    # where there is no reward, a right response has reward 1 and a wrong one 0
    reward = np.where(np.isnan(reward), correct, reward)
    group = rows["_group"]
    numbers = group.to_numpy().astype(np.int64) if not group.null_count() else np.zeros(0, np.int64)
    return RolloutStats.of(
        tagged.ids, tagged.live, planning=tagged.planning, row=tagged.row, start=tagged.start, stop=tagged.stop,
        gram=tagged.gram, reward=reward, correct=correct, group=numbers,
    )  # fmt: skip


def _per_token(rows: pl.DataFrame, name: str, tagged: TaggedRows) -> Floats | None:
    """Returns the values [B,T] of a column with one number per token, or None if it is absent or does not fit the tokens."""
    if name not in rows.columns:
        return None
    values = rows[name].to_list()
    out = np.full(tagged.live.shape, np.nan)
    for index, row in enumerate(values):
        if row is None or len(row) != int(tagged.live[index].sum()):
            return None
        out[index, : len(row)] = row
    return out


def _report_columns(part: pl.DataFrame) -> list[pl.Expr]:
    wanted = {
        "id": pl.String,
        "response": pl.String,
        "reward": pl.Float64,
        "correct": pl.Boolean,
        "group_id": pl.String,
    }
    columns = [pl.col(name).cast(dtype) for name, dtype in wanted.items()]
    return [pl.lit(1).alias("step"), pl.col("question").alias("prompt"), *columns]
