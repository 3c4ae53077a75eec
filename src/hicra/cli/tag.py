"""The verb `hicra tag`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from hicra.cli.common import COMMON, Common, LexiconArg, MaxBad, OnBad, Out, Tokenizer, Unit


def tag(
    *paths: Path,
    lexicon: LexiconArg = "paper",
    tokenizer: Tokenizer = None,
    unit: Unit = None,
    out: Out = None,
    workers: Annotated[int, Parameter(help="Number of processes; the output does not depend on it.")] = 1,
    on_bad: OnBad = "stop",
    max_bad: MaxBad = 0.01,
    common: Common = COMMON,
) -> None:
    """Tag the planning spans of rollouts; -o OUT.parquet or OUT.jsonl saves them."""
    from hicra.cli.progress import Bar
    from hicra.lexicon import Lexicon
    from hicra.lexicon.check import warnings_of
    from hicra.tagging import tag_paths

    loaded = Lexicon.load(lexicon)
    for warning in warnings_of(loaded, unit, tokenizer):
        common.warn(warning)
    with Bar(None, "tagging", "row", common.quiet) as bar:
        result = tag_paths(
            list(paths), loaded, tokenizer=tokenizer, unit=unit, out=out, on_bad=on_bad, max_bad=max_bad, workers=workers,
            progress=bar.show,
        )  # fmt: skip
    if not result["planning_chars"]:
        common.warn(
            f"lexicon {lexicon!r} matches nothing in these {result['rows']} rows; look at it with "
            f"`hicra lexicon show {lexicon}`"
        )
    kind = result["token_kind"]
    text = (
        f"{result['planning_tokens']} of {result['tokens']} {kind} are planning ({result['planning_share']:.2%}), "
        f"in {result['rows']} rows; {result['tokens_per_second']:,.0f} {kind} per second"
    )
    common.give(result, text, then="" if out else "the same with -o tagged.parquet to save the spans")
