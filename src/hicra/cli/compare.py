"""The verb `hicra compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from hicra.cli.common import COMMON, Common, Overwrite


def compare(
    *sources: Annotated[
        Path,
        Parameter(help="Run folders, or folders of them; or tables (.csv, .jsonl, .parquet) of arm, seed and value."),
    ],
    baseline: Annotated[
        str | None, Parameter(help="The arm that the others are compared with; the default is `none`.")
    ] = None,
    metric: Annotated[
        str | None,
        Parameter(
            help="NAME, at40:NAME, last10:NAME, auc:NAME or steps_to:0.5:NAME; for a table, the column of values."
        ),
    ] = None,
    confidence: Annotated[float, Parameter(help="Confidence of all intervals, and so of the verdict.")] = 0.95,
    lower_is_better: Annotated[bool, Parameter(negative="", help="A lower value of the metric is better.")] = False,
    plot: Annotated[Path | None, Parameter(help="Also plot the comparison, into FILE.svg.")] = None,
    overwrite: Overwrite = False,
    common: Common = COMMON,
) -> None:
    """Compare arms with a baseline, paired by seed, from run folders or a table of arm, seed and value."""
    from hicra.artifacts import check_output
    from hicra.compare.compare import compare as run
    from hicra.compare.plot import save_plot
    from hicra.compare.table import SUFFIXES
    from hicra.compare.text import render
    from hicra.runs.find import files_read, find_runs

    if plot:
        runs, rest = find_runs(sources)
        tables = [path for path in rest if path.suffix.lower() in SUFFIXES]
        check_output(
            plot,
            "the plot",
            overwrite=overwrite,
            inputs=[*files_read(runs), *tables],
            option="--plot",
            endings=(".svg",),
        )
    result = run(
        list(sources), baseline, metric, confidence=confidence, lower_is_better=lower_is_better, seed=common.seed or 0
    )
    for said in result["warnings"]:
        common.warn(said)
    if plot:
        result["plot"] = str(save_plot(result, plot))
    common.give(
        result, render(result), then="hicra report RUN..." if plot else "the same with --plot FILE.svg to plot it"
    )
