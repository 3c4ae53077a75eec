"""The verbs `hicra corpus inspect` and `hicra corpus overlap`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from hicra.cli.common import UNDRAWN, Overwrite, Rollouts, Undrawn, tokenizer_folder
from hicra.cli.reading import READ_OPTIONS, Map, ReadOptions, TokenizerOfIds
from hicra.drawing.readable import counted


def inspect(
    *paths: Rollouts,
    tokenizer: TokenizerOfIds = None,
    reading: ReadOptions = READ_OPTIONS,
    common: Undrawn = UNDRAWN,
) -> None:
    """Show the recognised format, the meaning of each column, and what became of every line."""
    from hicra import corpus as reader
    from hicra.text.decode import decoder

    decode = None if tokenizer is None else decoder(tokenizer_folder(tokenizer))
    result = reader.inspect(list(paths), decode=decode, **reading.options())
    if result["without_text"]:
        common.warn(
            f"{result['without_text']} of {result['kept'] + result['duplicates']} rows hold token ids and no text; "
            "--tokenizer DIR reads them"
        )
    if result["without_response"]:
        common.warn(f"lines without a response, since the model said nothing there: {result['without_response']}")
    for warning in [*result["warnings"], reading.told(result["skipped"])]:
        common.warn(warning)
    names = ("format", "rows", "kept", "skipped", "duplicates", "correct", "wrong", "unknown", "steps", "questions")
    lines = [f"{name:12} {result[name]}" for name in names]
    lines += [f"{name:12} from {origin}" for name, origin in result["columns"].items()]
    lines += [f"also         {name}" for name in result["extra_columns"]]
    if result["left_out"]:
        lines.append("files that were not read")
    lines += [f"left out     {beside['file']}: {beside['reason']}" for beside in result["left_out"]]
    lines += [
        f"in two files {', '.join(pair['files'])}: {counted(pair['rows'], 'row')}" for pair in result["in_two_files"]
    ]
    lines += [f"bad line     {bad['file']} {bad['line']}: {bad['reason']}" for bad in result["errors"]]
    first, *others = _next(result, reading, paths, tokenizer)
    common.give(result, "\n".join(lines), then=first)
    for other in others:
        common.say(f"or:   {other}")


def _next(result: dict[str, Any], reading: ReadOptions, paths: Sequence[Path], tokenizer: str | None) -> list[str]:
    """Returns the commands that could come next: mining needs right answers, and steps are to be diagnosed."""
    mine, diagnose = (
        reading.command("mine", paths, tokenizer, "-o", "lexicon"),
        reading.command("diagnose", paths, tokenizer),
    )
    if not result["correct"]:
        return [diagnose]
    return [mine, diagnose] if result["steps"] else [mine]


def overlap(
    train: Annotated[Path, Parameter(help="Training data: a file, or a folder of files.")],
    bench: Annotated[list[Path], Parameter(help="Benchmark files or folders.")],
    /,
    *,
    min_share: Annotated[float, Parameter(help="Smallest share of a question's 13-grams that makes a pair.")] = 0.0,
    question_column: Annotated[str | None, Parameter(help="Column of questions in the training files.")] = None,
    map: Map = (),
    out: Annotated[Path | None, Parameter(name=["-o", "--out"], help="File for all pairs, as JSON Lines.")] = None,
    overwrite: Overwrite = False,
    common: Undrawn = UNDRAWN,
) -> None:
    """List training rows that hold a benchmark question, as a whole or by 13 words in a row."""
    from hicra.artifacts import check_output
    from hicra.corpus.mapping import parse_mapping
    from hicra.errors import UsageError
    from hicra.tasks import overlap as contamination

    mapping = parse_mapping(map)
    if other := sorted(mapping.keys() - {"question"}):
        raise UsageError(f"--map {other[0]}=...: overlap reads questions alone", "--map question=THEIRS")
    if question_column is not None and mapping:
        raise UsageError("--question-column and --map question= say the same", "give one of them")
    column = mapping.get("question", question_column)
    if out:
        check_output(out, "the list of pairs", overwrite=overwrite, inputs=[train, *bench])
    found = contamination.overlap(
        train, bench, min_share=min_share, question_column=column, most=contamination.ALL if out else 10_000
    )
    if out:
        contamination.write(found, out)
    lines = [
        f"{file}: {n['exact']} of {n['rows']} as a whole, {n['ngram']} by 13 words" for file, n in found.files.items()
    ]
    lines += [f"{h.kind:6}{h.share:5.2f}  {h.train_file} line {h.line}  {h.bench_file} {h.id}" for h in found.hits[:20]]
    more = found.exact + found.ngram - min(20, len(found.hits))
    then = f"the same with -o pairs.jsonl to save the other {counted(more, 'pair')}" if more and not out else ""
    common.give(found.as_json(), "\n".join(lines), then=then)
