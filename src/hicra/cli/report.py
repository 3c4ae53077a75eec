"""The verb `hicra report`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from hicra.cli.common import UNDRAWN, Overwrite, Undrawn


def report(
    *runs: Annotated[Path, Parameter(help="Run folders, or folders of them; and folders of `hicra signal`.")],
    out: Annotated[
        Path | None,
        Parameter(name=["-o", "--out"], help="The page to write; by default report.html in the folder that is given."),
    ] = None,
    overwrite: Overwrite = False,
    common: Undrawn = UNDRAWN,
) -> None:
    """Build one offline HTML page from run folders."""
    from hicra.artifacts import check_output
    from hicra.errors import ConfigError
    from hicra.report import build_report
    from hicra.runs.find import files_read, find_runs, is_signal, passed_over, refuse_files

    if not runs:
        raise ConfigError("no run folder given", "name at least one: `hicra report RUN... -o FILE.html`")
    found, rest = find_runs(runs)
    signals = [path for path in rest if is_signal(path)]
    found, rest = [*found, *signals], [path for path in rest if path not in signals]
    for said in passed_over(rest if found else []):
        common.warn(said)
    if not found:
        refuse_files(rest)
    found = found or list(runs)  # reading them says what they lack
    page = out or (runs[0] if len(runs) == 1 else found[0]) / "report.html"
    check_output(page, "the report", overwrite=overwrite, inputs=files_read(found), endings=(".html", ".htm"))
    result = build_report(found, page)
    common.give(
        result, f"{result['report']} ({result['bytes'] / 1000:.0f} kB)", then=f"open {shlex.quote(result['report'])}"
    )
