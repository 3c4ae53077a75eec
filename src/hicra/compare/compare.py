"""Runs a comparison, from files or folders to one object that can be written as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hicra.artifacts import finite
from hicra.compare.analyse import analyse
from hicra.compare.rollouts import refuse_rollouts
from hicra.compare.runs import read_runs
from hicra.compare.table import SUFFIXES, is_table, read_tables
from hicra.errors import ConfigError, DataError, did_you_mean
from hicra.metrics.table import describe
from hicra.runs.find import find_runs, is_signal, passed_over

DEFAULT_BASELINE = "none"


def compare(
    sources: Sequence[Path | str],
    baseline: str | None = None,
    metric: str | None = None,
    *,
    confidence: float = 0.95,
    lower_is_better: bool = False,
    seed: int = 0,
) -> dict[str, Any]:
    """Compares every arm with a baseline arm, paired by seed.

    Args:
        sources: run folders (or folders of run folders), or tables .csv, .jsonl, .parquet; not both. Beside run folders, what is
            neither is passed over, and a warning says so.
        baseline: the baseline arm; None takes the arm `none`.
        metric: for run folders a metric as in metric.py; for a table the column that holds the values (None: `value`).
        confidence: of the intervals, in (0, 1).
        lower_is_better: whether a lower value is better, for the verdict and the probability of improvement; it always is
            for `steps_to`.
        seed: of what is drawn: the IQM's bootstrap, and the sign flips of more than 20 seeds.

    Returns:
        {metric, baseline, checkpoint_rule, confidence, higher_is_better, questions, arms, comparisons, power, warnings}, as
        docs/how-to/compare.md explains. A number that does not exist, such as the interval of one seed, is None.

    Raises:
        ConfigError, DataError, ArtifactError: the arguments or the input are wrong; the message says what to change.
    """
    paths = [Path(source) for source in sources]
    if not paths:
        raise ConfigError(
            "nothing to compare",
            "use `hicra compare RUN... --baseline ARM` or `hicra compare TABLE.csv --baseline ARM`",
        )
    tables, runs, warnings = _sort_out(paths)
    if tables:
        column = metric or "value"
        scores, rule = read_tables(tables, column), f"the table's column {column!r}, one value per row"
        metric = column
    else:
        found = read_runs(runs, metric)
        scores, metric, rule = found.scores, found.metric, found.rule
        lower_is_better = lower_is_better or found.lower_is_better
        warnings += found.warnings
        known = describe(metric.rpartition(":")[2])
        if known and not known.direction:
            warnings.append(
                f"neither more nor less of {known.name} is better in itself: read `better` and `worse` as larger and smaller"
            )
    result = analyse(
        scores,
        _baseline(baseline, list(scores.arms)),
        confidence=confidence,
        lower_is_better=lower_is_better,
        seed=seed,
    )
    result["warnings"] = [*warnings, *result["warnings"]]
    cleaned: dict[str, Any] = finite({"metric": metric, "checkpoint_rule": rule, **result})
    return cleaned


def _sort_out(paths: Sequence[Path]) -> tuple[list[Path], list[Path], list[str]]:
    """Sorts the paths into tables and run folders, and says which are neither."""
    runs, rest = find_runs(paths)
    if runs:
        tables = [path for path in rest if path.is_file() and is_table(path)]
    else:
        left = [path for path in rest if not is_signal(path)]
        if rest and not left:
            raise DataError(
                f"{rest[0]} holds a measured signal and no run, so there is nothing to compare",
                f"`hicra report {rest[0]}` shows it; compare run folders that `hicra train` wrote",
            )
        refuse_rollouts(left)
        runs, tables = [path for path in left if path.is_dir()], [path for path in left if not path.is_dir()]
        for path in tables:
            if path.suffix.lower() not in SUFFIXES:
                raise DataError(f"{path} is no table that hicra reads", f"tables end in {', '.join(SUFFIXES)}")
    if tables and runs:
        raise DataError(f"{tables[0]} is a table, {runs[0]} a run folder", "compare tables or run folders, not both")
    return tables, runs, passed_over(path for path in rest if path not in (*tables, *runs))


def _baseline(given: str | None, arms: list[str]) -> str:
    if len(arms) == 1 and given in (None, arms[0]):
        raise DataError(f"there is only one arm, {arms[0]!r}", "give runs of another method, or rows of another arm")
    if given is None and DEFAULT_BASELINE in arms:
        given = DEFAULT_BASELINE
    if given is None:
        raise ConfigError("no baseline named", f"name one with --baseline; the arms are {', '.join(arms)}")
    if given not in arms:
        raise ConfigError(f"no arm is called {given!r}", did_you_mean(given, arms))
    return given
