"""Counts which strategic grams the arms use, over all rollouts of the run folders, with their clusters in the lexicon."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from hicra.errors import ArtifactError
from hicra.report.model import Gram
from hicra.report.rows import number_of, text_of
from hicra.report.sample import read_columns, steps_of
from hicra.runs import RunFolder


def lexicon_table(lexicon: Path | None, folders: Sequence[RunFolder], notes: list[str]) -> dict[str, dict[str, Any]]:
    """Reads grams.parquet, by gram, from the given folder, else from the first existing one that a run's config names."""
    configs = [config for folder in folders if isinstance(config := folder.manifest.get("config"), dict)]
    named = [config.get("lexicon") for config in configs]
    named = [entry.get("path") or entry.get("name") if isinstance(entry, dict) else entry for entry in named]
    for path in (
        [lexicon]
        if lexicon
        else [Path(name) for name in dict.fromkeys(n for n in named if isinstance(n, str) and "\0" not in n)]
    ):
        file = Path(path) / "grams.parquet"
        if file.is_file():
            frame = read_columns(file, ("gram", "n", "cluster", "cluster_df", "doc_freq"))
            if "gram" in frame.columns:
                return {text_of(row["gram"]): row for row in frame.to_dicts()}
        if lexicon:
            raise ArtifactError(
                f"{lexicon} is no lexicon folder: it holds no {file.name}", "`hicra mine -o LEXICON` makes one"
            )
    return {}


def used_grams(
    folders: Sequence[RunFolder], arm_of: Sequence[int], arms: int, table: Mapping[str, Mapping[str, Any]]
) -> tuple[Gram, ...]:
    """Counts the grams used in any rollout (shown or not), most used first; early and late are thirds of the steps."""
    used: list[dict[int, Counter[str]]] = [defaultdict(Counter) for _ in range(arms)]
    rows: list[Counter[int]] = [Counter() for _ in range(arms)]
    for number, folder in enumerate(folders):
        for file in folder.rollout_files():
            frame = read_columns(file, ("step", "response", "spans"))
            steps = steps_of(file, frame)
            for step in steps:
                rows[arm_of[number]][step] += 1
            if "spans" in frame.columns and isinstance(frame["spans"].dtype, pl.List):
                for step, spans in zip(steps, frame["spans"].to_list(), strict=True):
                    names = [text_of(span.get("gram")) for span in spans or () if isinstance(span, dict)]
                    used[arm_of[number]][step].update(name for name in names if name)
    totals: Counter[str] = Counter()
    for arm in used:
        for counter in arm.values():
            totals.update(counter)
    every = sorted({step for arm in rows for step in arm})
    third = max(1, len(every) // 3)
    windows = [set(every[:third]), set(every[-third:])]

    def rate(gram: str, arm: int, window: set[int]) -> float | None:
        seen = sum(rows[arm][step] for step in window)
        return 100 * sum(used[arm][step][gram] for step in window) / seen if seen else None

    out = []
    for gram, total in sorted(totals.items(), key=lambda item: (-item[1], item[0])):
        known = table.get(gram, {})
        early, late = (tuple(rate(gram, arm, window) for arm in range(arms)) for window in windows)
        cluster = known.get("cluster")
        out.append(
            Gram(
                gram,
                len(gram.split()),
                cluster if isinstance(cluster, int) else None,
                number_of(known.get("cluster_df")),
                number_of(known.get("doc_freq")),
                early,
                late,
                total,
            )
        )
    return tuple(out)
