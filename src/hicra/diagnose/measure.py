"""Measures the rollouts of one step: every metric that the rows allow, each over the rows that have what it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from hicra.arrays import Floats, Ints
from hicra.diagnose.by_prompt import RATIOS, Prompts, RowSums
from hicra.diagnose.other_scripts import letters, main_script
from hicra.diagnose.own_tokens import COLUMNS, OwnTokensTagger, have_own_tokens
from hicra.diagnose.reflection import marks
from hicra.findings.gram_use import gram_use
from hicra.metrics import RolloutStats, kind_sums, kind_values, with_nulls
from hicra.metrics.repetition import loops, repeated_share_of
from hicra.tagging import RowTagger, TaggedRows, chunks, span_series

# columns with one number a token, and the metrics that they give
PER_TOKEN = {"entropies": "hicra/entropy_", "logprobs": "hicra/ppl_"}
SIGN = {"entropies": 1, "logprobs": -1}  # their numbers times this are never below 0
ROUNDING = 0.01  # what half precision may be off
LETTERS = ("letters_planning", "other_planning", "letters_execution", "other_execution")


@dataclass(frozen=True)
class StepMetrics:
    """Holds what was measured at a step.

    Attributes:
        rows: number of rollouts.
        values: metrics by name, null where no row allows one.
        coverage: metric -> number of rows that it counts, 0 where it is null.
        having: what some rows may lack -> number of rows that have it; `spanned` and `unmarked` as `TaggedRows.marked`.
        table: the rollouts as a run folder keeps them, without `step`.
        intervals: metric -> [low, high] over the prompts of the step (METRIC-7).
        prompts: a row a prompt, with the number of its rows and its metrics; empty where only some rows say their prompt.
        texts: a number that is the same for steps with the same questions, responses and rewards.
    """

    rows: int
    values: dict[str, float | None]
    coverage: dict[str, int]
    having: dict[str, int]
    table: pl.DataFrame
    intervals: dict[str, list[float]]
    prompts: pl.DataFrame
    texts: int

    def without_tables(self) -> StepMetrics:
        """Returns it without what takes memory for each rollout and prompt."""
        return replace(self, table=self.table.clear(), prompts=self.prompts.clear())


def measure(
    part: pl.DataFrame, tagger: RowTagger | OwnTokensTagger, each: Callable[[int], None] | None = None
) -> StepMetrics:
    """Measures some rows.

    Args:
        part: rows of `corpus.read`, with the number of its group in `_group` (-1 where it is unknown).
        tagger: finds the planning tokens; an `OwnTokensTagger` only where `have_own_tokens`.
        each: is called with the number of further rows that are measured.
    """
    stats, row_sums, spans, chars, tokens, repeated = [], [], [], [], [], []
    script = main_script(part)
    sums = {name: np.zeros(6) for name in PER_TOKEN}
    having = dict.fromkeys(("correct", "reward", "group_id", "spanned", "unmarked", *PER_TOKEN), 0)
    for rows in chunks(part):
        ids = rows["token_ids"].to_list() if rows["token_ids"].null_count() < rows.height else None
        texts = rows["response"].to_list()
        if isinstance(tagger, OwnTokensTagger):
            tagged = tagger.tag(texts, rows["token_ids"].to_list(), rows["token_ends"].to_list())
        else:
            tagged = tagger.tag(texts, ids)
        spans.append(span_series(tagged.spans))
        chars += tagged.planning_chars.tolist()
        stats.append(_stats(rows, tagged))
        for name, count in zip(("spanned", "unmarked"), tagged.marked, strict=True):
            having[name] += count
        shares = [repeated_share_of(text) for text in texts]
        repeated += shares
        counts = letters(texts, tagged.spans, script)
        further = {
            "looping": np.array([loops(share) for share in shares], np.float64),
            "reflecting": marks(texts).astype(np.float64),
            **{name: counts[:, at] for at, name in enumerate(LETTERS)},
        }
        tables = {name: per_token(rows, name, tagged) for name in PER_TOKEN}
        if any(name in part.columns for name in PER_TOKEN):
            tokens.append(_token_columns(tables, tagged))
        for name, table in tables.items():
            known = ~np.isnan(table)
            having[name] += int(known.any(axis=1).sum())
            sums[name] += np.array(kind_sums(tagged.planning, known, table, table), np.float64)
        row_sums.append(RowSums.of(tagged, tables, _floats(rows["correct"]), _floats(rows["reward"]), further))
        if each is not None:
            each(rows.height)
    whole = RolloutStats.merge(stats)
    values = whole.values()
    for name, prefix in PER_TOKEN.items():
        values |= {key: value for key, value in kind_values(sums[name].tolist()).items() if key.startswith(prefix)}
    merged = RowSums.merge(row_sums)
    values |= _of_texts(merged.sums)
    judged, scored, grouped = ~np.isnan(whole.correct), ~np.isnan(whole.reward), whole.group >= 0
    having |= {"correct": int(judged.sum()), "reward": int(scored.sum()), "group_id": int(grouped.sum())}
    rows_of = {
        "hicra/accuracy": having["correct"],
        "hicra/reward": having["reward"],
        "hicra/mixed_groups": int((scored & grouped).sum()),
    }
    rows_of_prefix = {
        "hicra/pass_at_": int((judged & grouped).sum()),
        **{prefix: having[name] for name, prefix in PER_TOKEN.items()},
    }
    prompts = Prompts.of(merged, whole.group)
    of_spans = pl.concat(spans, rechunk=True)
    template = gram_use(pl.DataFrame({"step": [0] * part.height, "spans": of_spans}))
    values["hicra/template_share"] = None if template is None else float(template.template[0])
    named = with_nulls(values)
    coverage = {}
    for name, value in named.items():
        of_prefix = next((count for prefix, count in rows_of_prefix.items() if name.startswith(prefix)), part.height)
        coverage[name] = 0 if value is None else rows_of.get(name, of_prefix)
    own_tokens = tagger.counts == "tokens" and have_own_tokens(part)
    kept = part.select(_kept_columns(part, own_tokens)).with_columns(
        of_spans, pl.Series("planning_chars", chars, pl.Int64), pl.Series("repeated", repeated, pl.Float64)
    )
    if any(having[name] for name in PER_TOKEN):
        kept = pl.concat([kept, pl.concat(tokens)], how="horizontal")
    return StepMetrics(
        part.height, named, coverage, having, kept, {} if prompts is None else prompts.intervals(),
        pl.DataFrame() if prompts is None else _named_prompts(part, prompts), fingerprint(part),
    )  # fmt: skip


def fingerprint(part: pl.DataFrame) -> int:
    """Returns a number that depends on which rows there are, and not on their order."""
    number: int = part.select(pl.struct("question", "response", "reward").hash().sort().implode().hash()).item()
    return number


def _of_texts(sums: Mapping[str, Floats]) -> dict[str, float | None]:
    """Returns the metrics that are counted in the texts themselves."""
    names = ("hicra/repetition", "hicra/reflection_rate", "hicra/other_script_planning", "hicra/other_script_execution")
    pairs = {
        name: (float(sums[above].sum()), float(sums[below].sum())) for name in names for above, below in [RATIOS[name]]
    }
    return {name: above / below if below else None for name, (above, below) in pairs.items()}


def _named_prompts(part: pl.DataFrame, prompts: Prompts) -> pl.DataFrame:
    """Returns the metrics of each prompt beside the id of its first row, its group id, its text and the number of different ids
    that its rows have, in the order of `_group`.
    """
    names = (pl.col("id").cast(pl.String), pl.col("group_id").cast(pl.String), pl.col("question").alias("prompt"))
    if (prompts.group < 0).all():
        named = part.select(*names, pl.col("id").is_not_null().cast(pl.Int64).alias("ids"))
    else:
        count = pl.col("id").drop_nulls().n_unique().cast(pl.Int64).alias("ids")
        firsts = part.group_by("_group", maintain_order=True).agg(*(name.first() for name in names), count)
        named = firsts.sort("_group").drop("_group")
    return pl.concat([named, prompts.values()], how="horizontal")


def _stats(rows: pl.DataFrame, tagged: TaggedRows) -> RolloutStats:
    reward, correct = _floats(rows["reward"]), _floats(rows["correct"])
    return RolloutStats.of(
        tagged.ids, tagged.live, planning=tagged.planning, row=tagged.row, start=tagged.start, stop=tagged.stop,
        gram=tagged.gram, reward=reward, correct=correct, group=_group(rows),
    )  # fmt: skip


def _group(rows: pl.DataFrame) -> Ints:
    return rows["_group"].to_numpy().astype(np.int64)


def _floats(column: pl.Series) -> Floats:
    """[B] with NaN where it is null."""
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def per_token(rows: pl.DataFrame, name: str, tagged: TaggedRows) -> Floats:
    """Returns a column with one number a token, [B,T]: NaN where there is none, and in rows whose list does not fit.

    A list fits where it has a number a token, and none that is impossible: an entropy is at least 0, a log-probability at most 0.
    """
    out = np.full(tagged.live.shape, np.nan)
    column = rows[name] if name in rows.columns else None
    if column is None or not isinstance(column.dtype, pl.List) or not column.dtype.inner.is_numeric():
        return out
    lengths = tagged.live.sum(axis=1)
    for index, row in enumerate(column.to_list()):
        if row is not None and len(row) == lengths[index]:
            values = np.array(row, np.float64)  # null becomes NaN
            if not (SIGN[name] * values < -ROUNDING).any():
                out[index, tagged.live[index]] = values
    out[~np.isfinite(out)] = np.nan
    return out


def _token_columns(tables: Mapping[str, Floats], tagged: TaggedRows) -> pl.DataFrame:
    """Returns the planning mask and the values [B,T] as columns of lists, one value a token; null where a value is not known."""
    live = tagged.live
    mask = [row[there].astype(int).tolist() for row, there in zip(tagged.planning, live, strict=True)]
    columns = [pl.Series("planning_mask", mask, pl.List(pl.Int64))]
    for name, table in tables.items():
        rows = [row[there] for row, there in zip(table, live, strict=True)]
        whole = [None if not row.size or np.isnan(row).any() else row.tolist() for row in rows]
        columns.append(pl.Series(name, whole, pl.List(pl.Float64)))
    return pl.DataFrame(columns)


def _kept_columns(part: pl.DataFrame, own_tokens: bool) -> list[pl.Expr]:
    wanted = {
        "id": pl.String,
        "response": pl.String,
        "reward": pl.Float64,
        "correct": pl.Boolean,
        "group_id": pl.String,
        "answer": pl.String,
    }
    columns = [pl.col(name).cast(dtype) for name, dtype in wanted.items()]
    if part.schema.get("truncated") == pl.Boolean:
        columns.append(pl.col("truncated"))
    columns += [pl.col(name) for name in ("n_tool_calls", "tool_outputs") if name in part.columns]
    if part.schema.get("images") == pl.List(pl.String):  # names of files, which keep_images copies
        columns.append(pl.col("images"))
    if own_tokens:
        columns += [pl.col(name) for name in COLUMNS]
    return [pl.col("question").alias("prompt"), *columns]
