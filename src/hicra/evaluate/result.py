"""Computes the result from the table of samples, one entry per benchmark; all that is printed or stored comes from here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from hicra.evaluate.score import count, figures, lengths, share, verdict_counts
from hicra.evaluate.settings import check_k

SCHEMA: dict[str, Any] = {
    "file": pl.String, "id": pl.String, "group_id": pl.String, "sample": pl.Int64, "question": pl.String,
    "answer": pl.String, "error": pl.String, "is_multiple_answer": pl.Boolean, "prompt": pl.String,
    "response": pl.String, "token_ids": pl.List(pl.Int64), "tokens": pl.Int64, "truncated": pl.Boolean,
    "prompt_too_long": pl.Boolean, "seed": pl.Int64, "verdict": pl.String, "verdict_strict": pl.String,
    "verdict_lenient": pl.String, "extracted": pl.String, "extracted_lenient": pl.String, "seconds": pl.Float64,
    "correct": pl.Boolean, "images": pl.List(pl.String),
}  # fmt: skip
COLUMNS = {"boxed": "verdict", "strict": "verdict_strict", "lenient": "verdict_lenient"}


def entry(rows: pl.DataFrame, about: Mapping[str, Any], ks: Sequence[int], mode: str, greedy: bool) -> dict[str, Any]:
    """Computes the result of one benchmark.

    Args:
        rows: its samples, with the columns of `SCHEMA`.
        about: what is known of the benchmark (sha256, template, task); it is copied into the entry.
        ks: the values of k of pass@k.
        mode: the answer mode whose figures are the main ones; a task with its own scorer has one rule only.
        greedy: whether the samples were made by greedy decoding.

    Raises:
        ConfigError: k > n.
    """
    groups = rows["group_id"].to_list()
    by_rule = {"task": "verdict"} if about.get("task") else COLUMNS
    modes = {}
    for name, column in by_rule.items():
        verdicts = rows[column].to_list()
        counts = count(groups, verdicts)
        modes[name] = figures(counts, ks, greedy) | {"verdicts": verdict_counts(verdicts)}
    head = modes.get(mode) or modes["task"]
    sizes = rows.group_by("group_id").len()["len"].to_list()
    verdicts = head["verdicts"]
    total = rows.height
    return {
        **about,
        "questions": len(sizes),
        "samples": total,
        "n": [min(sizes), max(sizes)],
        "mode": mode if mode in modes else "task",
        **head,
        "modes": modes,
        "bad_gold": [*about["left_out"], *count(groups, rows["verdict"].to_list()).bad_gold],
        "length": lengths(rows["tokens"].to_list(), rows["response"].to_list()),
        "truncated_share": share(rows["truncated"].to_list()),
        "prompts_too_long": int(rows["prompt_too_long"].sum()),
        "verifier_timeout_share": verdicts["timeout"] / total,
        "verifier_error_share": verdicts["error"] / total,
    }


def results(
    samples: pl.DataFrame, about: Mapping[str, Mapping[str, Any]], ks: Sequence[int], mode: str, greedy: bool
) -> dict[str, Any]:
    """Computes {name: entry} for every benchmark, in the order of `about`; k is checked for all before any is computed."""
    parts = {name: samples.filter(pl.col("file") == name) for name in about}
    for rows in parts.values():
        check_k(ks, min(rows.group_by("group_id").len()["len"].to_list()))
    return {name: entry(rows, about[name], ks, mode, greedy) for name, rows in parts.items()}
