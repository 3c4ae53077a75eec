"""The verb `hicra verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from hicra.cli.common import UNDRAWN, Out, Overwrite, Undrawn, tokenizer_folder
from hicra.cli.reading import Map, TokenizerOfIds, no_skipping, warn_of_rest
from hicra.drawing.readable import counted


def verify(
    cases: Annotated[Path, Parameter(help="Rows of id, completion and gold, or rollouts with an answer.")],
    *,
    out: Out = None,
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

    if out:
        check_output(out, "the file of verdicts", overwrite=overwrite, inputs=[cases], endings=(".jsonl",))
    decode = None if tokenizer is None else decoder(tokenizer_folder(tokenizer))
    with no_skipping():
        result = verify_file(
            cases, out, workers, timeout, mode, mapping=parse_mapping(map), decode=decode, overwrite=overwrite
        )
    warn_of_rest(result, common, [cases])
    text = ", ".join(f"{result[name]} {name}" for name in VERDICTS if result[name])
    common.give(
        result,
        f"{counted(int(result['n']), 'answer')}: {text}; {result['seconds']:.2f} s",
        then="" if out else "the same with -o verdicts.jsonl to save the verdicts",
    )
