"""Verbs on rollouts: corpus inspect, tag, diagnose."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from hicra.cli.common import COMMON, Common, LexiconArg, MaxBad, OnBad, Out, Tokenizer, Unit, app, corpus


@corpus.command
def inspect(*paths: Path, on_bad: OnBad = "stop", max_bad: MaxBad = 0.01, common: Common = COMMON) -> None:
    """Say which format was recognised, which columns map to what, and account for every line."""
    from hicra import corpus as reader

    result = reader.inspect(list(paths), on_bad, max_bad)
    lines = [f"{key:12} {result[key]}" for key in ("format", "rows", "kept", "skipped", "duplicates")]
    lines += [f"{name:12} from {origin}" for name, origin in result["columns"].items()]
    lines += [f"bad line     {bad['file']} {bad['line']}: {bad['reason']}" for bad in result["errors"]]
    common.give(result, "\n".join(lines), then=f"hicra mine {paths[0] if paths else 'PATH'} -o lexicon")


@app.command(sort_key=4)
def tag(
    *paths: Path,
    lexicon: LexiconArg = "paper",
    tokenizer: Tokenizer = None,
    unit: Unit = None,
    out: Out = None,
    workers: Annotated[int, Parameter(help="Processes; the output does not depend on them.")] = 1,
    on_bad: OnBad = "stop",
    max_bad: MaxBad = 0.01,
    common: Common = COMMON,
) -> None:
    """Tag the planning spans of rollouts; -o OUT.parquet or OUT.jsonl keeps them."""
    from hicra.lexicon import Lexicon
    from hicra.lexicon_check import warnings_of
    from hicra.progress import Bar
    from hicra.tagging import tag_paths

    loaded = Lexicon.load(lexicon)
    for warning in warnings_of(loaded, unit or loaded.default_unit, tokenizer):
        common.warn(warning)
    with Bar(None, "tagging", "row", common.quiet) as bar:
        result = tag_paths(
            list(paths), loaded, tokenizer=tokenizer, unit=unit, out=out, on_bad=on_bad, max_bad=max_bad, workers=workers,
            progress=bar.show,
        )  # fmt: skip
    if not result["planning_chars"]:
        common.warn(
            f"lexicon {lexicon!r} matches nothing in these {result['rows']} rows; see `hicra lexicon show {lexicon}`"
        )
    kind = result["token_kind"]
    text = (
        f"{result['planning_tokens']} of {result['tokens']} {kind} are planning ({result['planning_share']:.2%}), "
        f"in {result['rows']} rows; {result['tokens_per_second']:,.0f} {kind} a second"
    )
    common.give(result, text, then="" if out else "the same with -o tagged.parquet to keep the spans")


@app.command(sort_key=6)
def diagnose(
    *paths: Path,
    lexicon: LexiconArg = "paper",
    tokenizer: Tokenizer = None,
    unit: Unit = None,
    out: Annotated[
        Path | None, Parameter(name=["-o", "--out"], help="Also write a run folder that report reads.")
    ] = None,
    on_bad: OnBad = "stop",
    max_bad: MaxBad = 0.01,
    common: Common = COMMON,
) -> None:
    """Measure the rollouts of any run: every metric that the rows allow, per step."""
    from hicra.diagnose import diagnose as measure
    from hicra.lexicon import Lexicon

    result = measure(
        list(paths), Lexicon.load(lexicon), tokenizer=tokenizer, unit=unit, out=out, on_bad=on_bad, max_bad=max_bad
    )
    from hicra.progress import step_table

    common.give(
        result,
        step_table(result["steps"]),
        then=f"hicra report {out}" if out else "the same with -o RUN, then hicra report RUN",
    )
