"""The verbs `hicra corpus inspect` and `hicra corpus overlap`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from hicra.cli.common import COMMON, Common, MaxBad, OnBad


def inspect(*paths: Path, on_bad: OnBad = "stop", max_bad: MaxBad = 0.01, common: Common = COMMON) -> None:
    """Show the recognised format, the meaning of each column, and what became of every line."""
    from hicra import corpus as reader

    result = reader.inspect(list(paths), on_bad, max_bad)
    lines = [f"{key:12} {result[key]}" for key in ("format", "rows", "kept", "skipped", "duplicates")]
    lines += [f"{name:12} from {origin}" for name, origin in result["columns"].items()]
    lines += [f"bad line     {bad['file']} {bad['line']}: {bad['reason']}" for bad in result["errors"]]
    common.give(result, "\n".join(lines), then=f"hicra mine {paths[0] if paths else 'PATH'} -o lexicon")


def overlap(
    train: Path,
    bench: Annotated[list[Path], Parameter(help="Benchmark files or folders.")],
    /,
    *,
    min_share: Annotated[float, Parameter(help="Smallest share of a question's 13-grams that makes a pair.")] = 0.0,
    question_column: Annotated[str | None, Parameter(help="Column of questions in the training files.")] = None,
    out: Annotated[Path | None, Parameter(name=["-o", "--out"], help="File for all pairs, as JSON Lines.")] = None,
    common: Common = COMMON,
) -> None:
    """List training rows that hold a benchmark question, as a whole or by 13 words in a row."""
    from hicra.tasks import overlap as contamination

    found = contamination.overlap(
        train, bench, min_share=min_share, question_column=question_column, most=contamination.ALL if out else 10_000
    )
    if out:
        contamination.write(found, out)
    lines = [
        f"{file}: {n['exact']} of {n['rows']} as a whole, {n['ngram']} by 13 words" for file, n in found.files.items()
    ]
    lines += [f"{h.kind:6}{h.share:5.2f}  {h.train_file} line {h.line}  {h.bench_file} {h.id}" for h in found.hits[:20]]
    more = found.exact + found.ngram - min(20, len(found.hits))
    then = f"the same with -o pairs.jsonl to save the other {more} pairs" if more and not out else ""
    common.give(found.as_json(), "\n".join(lines), then=then)
