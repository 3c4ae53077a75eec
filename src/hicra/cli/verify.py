"""The verb `hicra verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from hicra.cli.common import COMMON, Common, Out


def verify(
    cases: Path,
    *,
    out: Out = None,
    workers: Annotated[int, Parameter(help="Number of processes for answers that need algebra.")] = 2,
    timeout: Annotated[float, Parameter(help="Seconds for an answer, from when a worker starts on it.")] = 2.0,
    mode: Annotated[
        Literal["boxed", "strict", "lenient"],
        Parameter(help="boxed compares the box by value, strict as text; lenient takes the last number without a box."),
    ] = "boxed",
    common: Common = COMMON,
) -> None:
    """Judge answers: give a verdict to each row of id, completion and gold."""
    from hicra.verify import VERDICTS, verify_file

    result = verify_file(cases, out, workers, timeout, mode)
    text = ", ".join(f"{result[name]} {name}" for name in VERDICTS if result[name])
    common.give(
        result,
        f"{result['n']} answers: {text}; {result['seconds']:.2f} s",
        then="" if out else "the same with -o verdicts.jsonl to save the verdicts",
    )
