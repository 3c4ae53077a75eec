"""The verb `hicra verify`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from hicra.cli.common import UNDRAWN, Out, Overwrite, Undrawn, tokenizer_folder
from hicra.cli.reading import Map, TokenizerOfIds, no_skipping, warn_of_rest
from hicra.drawing.readable import argument, counted
from hicra.errors import UsageError


def verify(
    *cases: Annotated[Path, Parameter(help="Rows of id, completion and gold, or rollouts with an answer.")],
    out: Out = None,
    judged: Annotated[
        Path | None,
        Parameter(
            help="Also write the rows with `correct` as judged into a .jsonl file, for `hicra diagnose`; what could not be "
            "judged is null."
        ),
    ] = None,
    overwrite: Overwrite = False,
    workers: Annotated[int, Parameter(help="Number of processes for answers that need algebra.")] = 2,
    timeout: Annotated[float, Parameter(help="Seconds for an answer, from when a worker starts on it.")] = 2.0,
    mode: Annotated[
        Literal["boxed", "strict", "lenient"],
        Parameter(help="boxed compares the box by value, strict as text; lenient takes the last number without a box."),
    ] = "boxed",
    map: Map = (),
    tokenizer: TokenizerOfIds = None,
    common: Undrawn = UNDRAWN,
) -> None:
    """Judge answers: give a verdict to each row of id, completion and gold."""
    from hicra.artifacts import check_output
    from hicra.corpus.mapping import parse_mapping
    from hicra.text.decode import decoder
    from hicra.verify import VERDICTS, verify_file

    for path, what, option in ((out, "the file of verdicts", "-o"), (judged, "the judged rows", "--judged")):
        if path:
            check_output(path, what, overwrite=overwrite, inputs=list(cases), endings=(".jsonl",), option=option)
    if out and judged and out.resolve() == judged.resolve():
        raise UsageError("-o and --judged name one file", "give each its own")
    decode = None if tokenizer is None else decoder(tokenizer_folder(tokenizer))
    with no_skipping():
        result = verify_file(
            cases, out, workers, timeout, mode, mapping=parse_mapping(map), decode=decode, overwrite=overwrite,
            judged=judged,
        )  # fmt: skip
    warn_of_rest(result, common, cases)
    text = ", ".join(f"{result[name]} {name}" for name in VERDICTS if result[name])
    common.give(
        result,
        f"{counted(int(result['n']), 'answer')}: {text}; {result['seconds']:.2f} s",
        then=_then(out, judged),
    )


def _then(out: Path | None, judged: Path | None) -> str:
    """Returns what could come next."""
    if judged:
        return f"hicra diagnose {shlex.join([argument(judged)])}"
    back = "--judged judged.jsonl to save the rows with these verdicts, then hicra diagnose judged.jsonl"
    return f"the same with {back}" if out else f"the same with -o verdicts.jsonl to save the verdicts, or {back}"
