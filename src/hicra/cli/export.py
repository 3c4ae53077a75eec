"""The verb `hicra export`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from hicra.cli.common import UNDRAWN, Overwrite, Undrawn
from hicra.errors import UsageError


def export(
    *runs: Annotated[Path, Parameter(help="Run folders, or folders of them.")],
    out: Annotated[Path | None, Parameter(name=["-o", "--out"], help="The folder to write; required.")] = None,
    format: Annotated[
        str,
        Parameter(
            help="parquet: a table of metrics in long form and one of rollouts; inspect: a log for each saved step."
        ),
    ] = "parquet",
    overwrite: Overwrite = False,
    common: Undrawn = UNDRAWN,
) -> None:
    """Write run folders for other tools: tidy Parquet tables, or logs of Inspect."""
    from hicra.drawing.readable import counted
    from hicra.export.export import export as write

    if not runs:
        raise UsageError("no run folder given", "name at least one: `hicra export RUN... -o DIR`")
    if out is None:
        raise UsageError("hicra export needs a folder (-o)", "use `hicra export RUN... -o DIR`")
    result = write(runs, out, format, overwrite=overwrite)
    for warning in result["warnings"]:
        common.warn(warning)
    rows, files = sum(result["files"].values()), counted(len(result["files"]), "file")
    place = shlex.quote(str(out))
    then = f"inspect view --log-dir {place}" if format == "inspect" else ""
    common.give(result, f"{out}: {files}, {counted(rows, 'row')} ({result['bytes'] / 1000:.0f} kB)", then=then)
