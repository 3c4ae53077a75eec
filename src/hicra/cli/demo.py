"""The verb `hicra demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from hicra.cli.common import COMMON, Common, Overwrite


def demo(
    *,
    out: Annotated[Path, Parameter(name=["-o", "--out"], help="The folder of the demo.")] = Path("runs/demo"),
    overwrite: Overwrite = False,
    common: Common = COMMON,
) -> None:
    """Show the whole way on the embedded task: sample, mine, tag, measure the learning signal, train two arms, report."""
    from hicra.demo.run import run_demo

    result = run_demo(out, seed=common.seed or 0, say=common.say, overwrite=overwrite)
    common.give(result, result["text"], then=f"open {result['report']}")
