"""Draws docs/images/rollout.svg from a run folder: `python docs/make_picture.py runs/demo/hicra`.

The rollout shown is the first of the last saved step that is right after a retry and has an advantage.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

from hicra.report.charts import rollout_figure
from hicra.runs import RunFolder


def main(run: Path) -> None:
    for path in RunFolder.open(run).rollout_files()[::-1]:
        rows = pl.read_parquet(path).filter(pl.col("correct") & (pl.col("advantage") > 0))
        rows = rows.filter(pl.col("response").str.contains("fails|there|match"))
        if rows.height:
            break
    row = rows.row(0, named=True)
    starts = [0, *row["token_ends"][:-1]]
    tokens = [row["response"][a:b].strip() for a, b in zip(starts, row["token_ends"], strict=True)]
    shown = [index for index, token in enumerate(tokens) if token]
    before = [row["advantage"]] * len(tokens)
    pick = [[values[i] for i in shown] for values in (tokens, row["planning_mask"], before, row["advantages"])]
    figure = rollout_figure(pick[0], [bool(value) for value in pick[1]], pick[2], pick[3])
    out = Path(__file__).parent / "images" / "rollout.svg"
    out.parent.mkdir(exist_ok=True)
    out.write_text(figure + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
