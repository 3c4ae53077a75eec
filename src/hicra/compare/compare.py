"""The verb: files or folders in, one JSON-ready object out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hicra.artifacts import finite
from hicra.compare.analyse import analyse
from hicra.compare.runs import read_runs
from hicra.compare.table import SUFFIXES, read_tables
from hicra.errors import ConfigError, DataError, did_you_mean
from hicra.metrics.table import describe

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
    """Compares every arm with a baseline, paired by seed.

    Args:
        sources: run folders (or folders of run folders), or tables .csv, .jsonl, .parquet; never both.
        baseline: an arm; None takes the arm `none`.
        metric: of run folders, see metric.py; of a table, the column that holds the values (None: `value`).
        lower_is_better: turns the verdict and the probability of improvement round; always so for `steps_to`.
        seed: of what is drawn: the IQM's bootstrap, and sign flips past 20 seeds.

    Returns:
        metric, baseline, checkpoint_rule, confidence, higher_is_better, questions, arms, comparisons, power, warnings
        (docs/compare.md); None where a number does not exist, as an interval of one seed.

    Raises:
        ConfigError, DataError, ArtifactError: bad arguments or input, named with the nearest right thing.
    """
    paths = [Path(source) for source in sources]
    if not paths:
        raise ConfigError(
            "nothing to compare", "hicra compare RUN... --baseline ARM, or hicra compare TABLE.csv --baseline ARM"
        )
    tables, runs = _sort_out(paths)
    warnings: list[str] = []
    if tables:
        column = metric or "value"
        scores, rule = read_tables(tables, column), f"the table's column {column!r}, one value a row"
        metric = column
    else:
        found = read_runs(runs, metric)
        scores, metric, rule = found.scores, found.metric, found.rule
        lower_is_better = lower_is_better or found.lower_is_better
        warnings += found.warnings
        known = describe(metric.rpartition(":")[2])
        if known and not known.direction:
            warnings.append(
                f"neither more nor less of {known.name} is better in itself: read the verdict as more or less"
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


def _sort_out(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Tables and run folders; a folder of run folders stands for those."""
    tables: list[Path] = []
    runs: list[Path] = []
    for path in paths:
        if path.is_dir():
            inner = sorted(manifest.parent for manifest in path.glob("*/hicra.json"))
            runs += inner if inner and not (path / "hicra.json").exists() else [path]
        elif not path.exists():
            raise DataError(f"{path} does not exist", "give run folders, or a table .csv, .jsonl or .parquet")
        elif path.suffix.lower() in SUFFIXES:
            tables.append(path)
        else:
            raise DataError(f"{path} is no table that hicra reads", f"tables end in {', '.join(SUFFIXES)}")
    if tables and runs:
        raise DataError(f"{tables[0]} is a table, {runs[0]} a run folder", "compare tables, or run folders, not both")
    return tables, runs


def _baseline(given: str | None, arms: list[str]) -> str:
    if given is None and DEFAULT_BASELINE in arms:
        given = DEFAULT_BASELINE
    if given is None:
        raise ConfigError("no baseline named", f"--baseline ARM; arms: {', '.join(arms)}")
    if given not in arms:
        raise ConfigError(f"no arm is called {given!r}", did_you_mean(given, arms))
    if len(arms) < 2:
        raise DataError(f"there is only one arm, {given!r}", "give runs of another method, or rows of another arm")
    return given
