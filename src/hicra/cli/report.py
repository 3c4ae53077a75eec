"""The verb `hicra report`."""

from __future__ import annotations

from pathlib import Path

from hicra.cli.common import COMMON, Common, Out


def report(*runs: Path, out: Out = None, common: Common = COMMON) -> None:
    """Build one offline HTML page from run folders."""
    from hicra.errors import ConfigError
    from hicra.report import build_report

    if not runs:
        raise ConfigError("no run folder given", "name at least one: `hicra report RUN... -o FILE.html`")
    result = build_report(list(runs), out or runs[0] / "report.html")
    common.give(result, f"{result['report']} ({result['bytes'] / 1000:.0f} kB)", then=f"open {result['report']}")
