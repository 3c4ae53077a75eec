"""Verbs on rollouts: corpus inspect and overlap, tag, verify, diagnose."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

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


@corpus.command
def overlap(
    train: Path,
    bench: Annotated[list[Path], Parameter(help="Benchmark files or folders.")],
    /,
    *,
    min_share: Annotated[float, Parameter(help="Smallest share of a question's 13-grams that makes a pair.")] = 0.0,
    question_column: Annotated[str | None, Parameter(help="Where questions stand in the training files.")] = None,
    out: Annotated[Path | None, Parameter(name=["-o", "--out"], help="Every pair, as JSON Lines.")] = None,
    common: Common = COMMON,
) -> None:
    """List training rows that hold a benchmark question, whole or 13 of its words in a row."""
    from hicra.tasks import overlap as contamination

    found = contamination.overlap(
        train, bench, min_share=min_share, question_column=question_column, most=contamination.ALL if out else 10_000
    )
    if out:
        contamination.write(found, out)
    lines = [f"{file}: {n['exact']} of {n['rows']} whole, {n['ngram']} by 13 words" for file, n in found.files.items()]
    lines += [f"{h.kind:6}{h.share:5.2f}  {h.train_file} line {h.line}  {h.bench_file} {h.id}" for h in found.hits[:20]]
    more = found.exact + found.ngram - min(20, len(found.hits))
    then = f"the other {more} pairs: -o pairs.jsonl" if more and not out else ""
    common.give(found.as_json(), "\n".join(lines), then=then)


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
            f"lexicon {lexicon!r} matches nothing in these {result['rows']} rows; see `hicra lexicon show {lexicon}`"
        )
    kind = result["token_kind"]
    text = (
        f"{result['planning_tokens']} of {result['tokens']} {kind} are planning ({result['planning_share']:.2%}), "
        f"in {result['rows']} rows; {result['tokens_per_second']:,.0f} {kind} a second"
    )
    common.give(result, text, then="" if out else "the same with -o tagged.parquet to keep the spans")


@app.command(sort_key=5)
def verify(
    cases: Path,
    *,
    out: Out = None,
    workers: Annotated[int, Parameter(help="Processes for what needs algebra.")] = 2,
    timeout: Annotated[float, Parameter(help="Seconds for an answer, from when a worker starts on it.")] = 2.0,
    mode: Annotated[
        Literal["boxed", "strict", "lenient"],
        Parameter(help="boxed; strict: the box as text; lenient: or the last number."),
    ] = "boxed",
    common: Common = COMMON,
) -> None:
    """Judge answers: rows of id, completion, gold in, a verdict each out."""
    from hicra.verify import VERDICTS, verify_file

    result = verify_file(cases, out, workers, timeout, mode)
    text = ", ".join(f"{result[name]} {name}" for name in VERDICTS if result[name])
    common.give(
        result,
        f"{result['n']} answers: {text}; {result['seconds']:.2f} s",
        then="" if out else "the same with -o verdicts.jsonl",
    )


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
    from hicra.cli.step_table import step_table

    common.give(
        result,
        step_table(result["steps"]),
        then=f"hicra report {out}" if out else "the same with -o RUN, then hicra report RUN",
    )
