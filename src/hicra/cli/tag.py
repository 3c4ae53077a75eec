"""The verb `hicra tag`."""

from __future__ import annotations

import shlex
from typing import Annotated, Literal

from cyclopts import Parameter

from hicra.cli.common import (
    UNDRAWN,
    LexiconArg,
    Out,
    Overwrite,
    Rollouts,
    Tokenizer,
    Undrawn,
    Unit,
    lexicon_line,
    load_lexicon,
    tokenizer_folder,
)
from hicra.cli.reading import READ_OPTIONS, ReadOptions, warn_of_rest
from hicra.cli.suggested import Stands


def tag(
    *paths: Rollouts,
    lexicon: LexiconArg = "paper",
    tokenizer: Tokenizer = None,
    unit: Unit = None,
    out: Out = None,
    overwrite: Overwrite = False,
    backend: Annotated[
        Literal["local", "ray"], Parameter(help="Where to tag; ray does the same on a cluster.")
    ] = "local",
    workers: Annotated[int, Parameter(help="Number of processes; the output does not depend on it.")] = 1,
    reading: ReadOptions = READ_OPTIONS,
    common: Undrawn = UNDRAWN,
) -> None:
    """Tag the planning spans of rollouts; -o OUT.parquet or OUT.jsonl saves them."""
    from hicra.artifacts import check_output
    from hicra.cli.progress import Bar
    from hicra.drawing.readable import argument, counted
    from hicra.lexicon.check import warnings_of
    from hicra.tagging import tag_paths

    if out:
        check_output(out, "the output", overwrite=overwrite, inputs=[*paths, lexicon, tokenizer])
    loaded, tokenizer = load_lexicon(lexicon, common), tokenizer_folder(tokenizer)
    for warning in warnings_of(loaded, unit, tokenizer):
        common.warn(warning)
    with Bar(None, "tagging", "row", common.quiet) as bar:
        result = tag_paths(
            list(paths), loaded, tokenizer=tokenizer, unit=unit, out=out, workers=workers, backend=backend,
            progress=bar.show, overwrite=overwrite, **reading.options(),
        )  # fmt: skip
    common.warn(reading.told(result["skipped"]))
    look = "" if result["planning_chars"] else f"; look at it with `hicra lexicon show {lexicon}`"
    for warning in result["warnings"]:
        common.warn(f"{warning}{look}")
    warn_of_rest(result, common, paths, result["duplicates"], "are tagged like the others")
    kind = result["token_kind"]
    text = (
        f"{result['planning_tokens']} of {result['tokens']} {kind} are planning ({result['planning_share']:.2%}), "
        f"in {counted(result['rows'], 'row')}; {result['tokens_per_second']:,.0f} {kind} per second"
    )
    result |= {"content_hash": loaded.content_hash, "lexicon": {"name": loaded.name, "grams": len(loaded)}}
    how = [] if tokenizer is None else ["--tokenizer", argument(tokenizer)]
    how += [] if lexicon == "planning" else ["--lexicon", argument(lexicon)]  # diagnose takes that one by itself
    diagnose = Stands(paths, reading=reading).command(shlex.join(["hicra", "diagnose", "ROLLOUTS", *how, "-o", "run"]))
    common.give(
        result,
        f"{text}\n{lexicon_line(loaded, unit)}",
        then=diagnose if out else "the same with -o tagged.parquet to save the spans",
    )
