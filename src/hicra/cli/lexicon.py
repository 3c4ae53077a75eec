"""The verbs `hicra lexicon show`, `diff`, `merge`, `select`, `score` and `fit`; files beside it hold `sheet`, `agree`, `push`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from hicra.cli.common import COMMON, UNDRAWN, Common, LexiconArg, Overwrite, Undrawn, Unit, load_lexicon
from hicra.cli.lexicon_push import push as push
from hicra.cli.lexicon_sheet import agree as agree
from hicra.cli.lexicon_sheet import sheet as sheet
from hicra.cli.options import given, options
from hicra.cli.reading import Map, no_skipping
from hicra.drawing.readable import counted
from hicra.labels.settings import FitSettings

if TYPE_CHECKING:
    from hicra.lexicon import Lexicon

NewLexicon = Annotated[Path, Parameter(name=["-o", "--out"], help="The lexicon folder.")]
Labels = Annotated[Path, Parameter(help="Labelled traces: files, or folders of files.")]
Positive = Annotated[str, Parameter(help="Labels that make a unit positive, separated by commas.")]
FitOptions = options(FitSettings, only=("max_grams",))


def show(
    name: LexiconArg,
    *,
    most: Annotated[int, Parameter(help="Number of grams printed.")] = 40,
    examples: Annotated[Path | None, Parameter(help="Rollouts from which each cluster gets two examples.")] = None,
    map: Map = (),
    common: Undrawn = UNDRAWN,
) -> None:
    """Print what a lexicon holds: clusters with their members, the most frequent first."""
    from hicra import corpus
    from hicra.cli.show_lexicon import show as view
    from hicra.corpus.mapping import parse_mapping
    from hicra.lexicon.check import duplicates_warning

    loaded = load_lexicon(name, common)
    common.warn(duplicates_warning(loaded))
    mapping, texts = parse_mapping(map), None
    if examples is not None:
        parts = corpus.batches([examples], mapping=mapping)
        texts = (text for part in parts for text in part["response"] if text)
    with no_skipping():
        result, text = view(loaded, most, texts)
    common.give(result, text, then=f"hicra tag PATH --lexicon {shlex.quote(name)}")


def diff(a: LexiconArg, b: LexiconArg, *, common: Undrawn = UNDRAWN) -> None:
    """Show which grams lexicon B adds to lexicon A, and which it lacks."""
    result = load_lexicon(a, common).diff(load_lexicon(b, common))
    lines = [f"+ {gram}" for gram in result["added_grams"]] + [f"- {gram}" for gram in result["removed_grams"]]
    summary = f"{result['added']} added, {result['removed']} removed, {result['common']} common, Jaccard {result['jaccard']:.3f}"
    common.give(result, "\n".join([*lines, summary]))


def merge(
    *lexicons: LexiconArg,
    out: NewLexicon,
    overwrite: Overwrite = False,
    common: Undrawn = UNDRAWN,
) -> None:
    """Write the union of lexicons."""
    from hicra.artifacts import check_output
    from hicra.lexicon.combine import merge as union

    check_output(out, "the lexicon", overwrite=overwrite, inputs=lexicons, folder=True)
    _keep(union([load_lexicon(name, common) for name in lexicons], out.name), out, overwrite, common)


def select(
    name: LexiconArg,
    *,
    out: NewLexicon,
    overwrite: Overwrite = False,
    n_min: Annotated[int | None, Parameter(help="Smallest number of words of a gram.")] = None,
    n_max: Annotated[int | None, Parameter(help="Largest number of words of a gram.")] = None,
    min_df: Annotated[int | None, Parameter(help="Smallest document frequency.")] = None,
    common: Undrawn = UNDRAWN,
) -> None:
    """Write the grams of a lexicon that have a given number of words or document frequency."""
    from hicra.artifacts import check_output
    from hicra.lexicon.combine import select as chosen

    check_output(out, "the lexicon", overwrite=overwrite, inputs=[name], folder=True)
    made = chosen(load_lexicon(name, common), n_min=n_min, n_max=n_max, min_df=min_df, name=out.name)
    _keep(made, out, overwrite, common)


def _keep(made: Lexicon, out: Path, overwrite: bool, common: Common) -> None:
    from hicra.lexicon.check import name_of

    made.save(out, overwrite=overwrite)
    result = {"lexicon": str(out), "grams": len(made), "content_hash": made.content_hash}
    then = f"hicra lexicon show {shlex.quote(name_of(out))}"
    common.give(result, f"{counted(len(made), 'gram')}, sha256 {made.content_hash}", then=then)


def score(
    name: LexiconArg,
    *labels: Labels,
    positive: Positive = "planning,reflection",
    unit: Unit = None,
    common: Common = COMMON,
) -> None:
    """Score a lexicon against labelled traces: precision, recall, F1 and lift, with intervals."""
    from hicra.labels.score import score as scored
    from hicra.labels.seen import seen_warning
    from hicra.labels.traces import read_labels
    from hicra.lexicon.check import warnings_of

    loaded = load_lexicon(name, common)
    traces = read_labels(list(labels), positive.split(","))
    flattered = seen_warning(loaded, traces)
    warnings = [*warnings_of(loaded, unit), *([flattered] if flattered else [])]
    for warning in warnings:
        common.warn(warning)
    result = scored(loaded, traces, unit, seed=common.seed or 0).as_dict()
    names = ("base_rate", "precision", "recall", "f1", "lift", "char_share")
    lines = [
        f"{counted(result['units'], 'unit')} of {counted(result['traces'], 'trace')}, "
        f"{counted(result['questions'], 'question')}; span type {result['unit']}"
    ]
    for key in names:
        low, high = result["intervals"].get(key, (None, None))
        lines.append(f"{key:12} {result[key]:.3f}" + (f"  ({low:.3f} to {high:.3f})" if low is not None else ""))
    common.give(
        {"lexicon": loaded.name, "content_hash": loaded.content_hash, **result, "warnings": warnings},
        "\n".join(lines),
        then=f"hicra tag PATH --lexicon {shlex.quote(name)}",
    )


def fit(
    *labels: Labels,
    out: NewLexicon,
    overwrite: Overwrite = False,
    positive: Positive = "planning,reflection",
    settings: FitOptions = FitOptions(),  # type: ignore[valid-type]  # noqa: B008
    common: Common = COMMON,
) -> None:
    """Fit a weighted lexicon to labelled traces, cross-validated by question."""
    from hicra.artifacts import check_output
    from hicra.labels.fit import fit as fitted
    from hicra.labels.traces import read_labels
    from hicra.lexicon.check import name_of

    names = tuple(positive.split(","))
    check_output(out, "the lexicon", overwrite=overwrite, inputs=labels, folder=True)
    traces = read_labels(list(labels), names)
    chosen = FitSettings(**given(settings), positive=names, seed=common.seed or 0)
    made, report = fitted(traces, chosen, name=out.name, progress=common.say)
    made.save(out, overwrite=overwrite)
    text = (
        f"{counted(report['grams'], 'gram')}; on held-out questions: precision {report['cv_precision']:.3f}, "
        f"recall {report['cv_recall']:.3f}, F1 {report['cv_f1']:.3f}\nsha256 {made.content_hash}"
    )
    then = f"hicra lexicon score {shlex.quote(name_of(out))} OTHER_LABELS"
    common.give({"lexicon": str(out), "content_hash": made.content_hash, **report}, text, then=then)
