"""Verbs on lexicons: mine, lexicon show, diff, merge, select, score, fit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from hicra.cli.common import COMMON, Common, LexiconArg, MaxBad, OnBad, Unit, app, lexicon

if TYPE_CHECKING:
    from hicra.lexicon import Lexicon

Positive = Annotated[str, Parameter(help="Labels that make a unit positive, separated by commas.")]


@app.command(sort_key=2)
def mine(
    *paths: Path,
    out: Annotated[Path, Parameter(name=["-o", "--out"])],
    preset: Annotated[
        str, Parameter(help="Named settings: paper, or sparse; what else is given goes over them.")
    ] = "paper",
    n_min: Annotated[int | None, Parameter(help="Words of the shortest n-gram; default 3.")] = None,
    n_max: Annotated[int | None, Parameter(help="Words of the longest n-gram; default 5.")] = None,
    min_df: Annotated[int | None, Parameter(help="An n-gram must occur in that many solutions; default 2.")] = None,
    count: Annotated[
        Literal["solutions", "questions"] | None, Parameter(help="What document frequency counts; default solutions.")
    ] = None,
    near_duplicates: Annotated[
        Literal["keep", "merge"] | None, Parameter(help="merge: solutions of the same words count once.")
    ] = None,
    across_questions: Annotated[bool | None, Parameter(help="Two questions must hold it; default yes.")] = None,
    closed: Annotated[bool | None, Parameter(help="Drop what always stands in one longer n-gram; default yes.")] = None,
    max_per_doc: Annotated[float | None, Parameter(help="Largest mean occurrences per solution.")] = None,
    burstiness: Annotated[float | None, Parameter(help="Largest residual inverse document frequency, in bits.")] = None,
    contrast: Annotated[float | None, Parameter(help="Least odds ratio, correct to incorrect solutions.")] = None,
    embedder: Annotated[
        str | None,
        Parameter(help="hashing, minilm, wordllama, model2vec:FOLDER, FILE.parquet; default minilm if there."),
    ] = None,
    max_embedded: Annotated[
        int | None, Parameter(help="Most n-grams embedded, the most frequent; default 10000.")
    ] = None,
    clusterer: Annotated[str | None, Parameter(help="minibatch_kmeans (default), hdbscan or agglomerative.")] = None,
    k: Annotated[int | None, Parameter(help="Number of clusters; default: by rule.")] = None,
    rare_join: Annotated[float | None, Parameter(help="Rarer n-grams join a cluster from this cosine on.")] = None,
    max_joined: Annotated[int | None, Parameter(help="Most n-grams tried for joining; default 50000.")] = None,
    top_clusters: Annotated[float | None, Parameter(help="Share of clusters kept, by cluster DF; default 0.2.")] = None,
    include_incorrect: Annotated[bool, Parameter(negative="")] = False,
    why: Annotated[tuple[str, ...], Parameter(negative="", help="Also say why this gram was kept or dropped.")] = (),
    backend: Annotated[Literal["local", "ray"], Parameter(help="ray: the same on a cluster.")] = "local",
    workers: Annotated[int, Parameter(help="Processes; the lexicon does not depend on them.")] = 1,
    on_bad: OnBad = "stop",
    max_bad: MaxBad = 0.01,
    common: Common = COMMON,
) -> None:
    """Mine a lexicon of strategic grams from correct solutions."""
    from hicra.artifacts import refuse_existing
    from hicra.mining.mine import mine_paths
    from hicra.mining.settings import MineSettings, preset_of
    from hicra.strict import validated

    given: dict[str, Any] = {
        "n_min": n_min, "n_max": n_max, "min_df": min_df, "count": count, "near_duplicates": near_duplicates,
        "across_questions": across_questions, "closed": closed, "max_per_doc": max_per_doc, "burstiness": burstiness,
        "contrast": contrast, "embedder": embedder, "max_embedded": max_embedded, "clusterer": clusterer, "k": k,
        "rare_join": rare_join, "max_joined": max_joined, "top_clusters": top_clusters, "seed": common.seed,
    }  # fmt: skip
    given = {name: value for name, value in given.items() if value is not None} | {
        "include_incorrect": include_incorrect
    }
    settings = validated(MineSettings, preset_of(preset) | given)
    refuse_existing(out, "the lexicon")
    common.say(f"mining {len(paths)} paths")
    made, report = mine_paths(
        list(paths), settings, on_bad=on_bad, max_bad=max_bad, backend=backend, workers=workers, why=why
    )
    made.save(out)
    lines = [
        f"{report['grams']} grams in {report['clusters_kept']} of {report['clusters']} clusters, from {report['solutions']} "
        f"solutions and {report['ngrams']} n-grams ({report['embedded']} embedded)",
        f"sha256 {report['content_hash']}",
        *(
            f"{each['gram']!r}: {'kept' if each['kept'] else 'dropped'}. {each['reason']}"
            for each in report.get("why", ())
        ),
    ]
    common.give(report | {"lexicon": str(out)}, "\n".join(lines), then=f"hicra tag {paths[0]} --lexicon {out}")


@lexicon.command
def show(
    name: LexiconArg,
    *,
    most: Annotated[int, Parameter(help="Grams printed.")] = 40,
    examples: Annotated[Path | None, Parameter(help="Rollouts to show two examples of each cluster from.")] = None,
    common: Common = COMMON,
) -> None:
    """Print what a lexicon holds: clusters with their members, most frequent first."""
    from hicra import corpus
    from hicra.cli.show_lexicon import show as view
    from hicra.lexicon import Lexicon
    from hicra.lexicon.check import duplicates_warning

    loaded = Lexicon.load(name)
    common.warn(duplicates_warning(loaded))
    texts = (
        None if examples is None else (text for part in corpus.batches([examples]) for text in part["response"] if text)
    )
    result, text = view(loaded, most, texts)
    common.give(result, text, then=f"hicra tag PATH --lexicon {name}")


@lexicon.command
def diff(a: LexiconArg, b: LexiconArg, *, common: Common = COMMON) -> None:
    """What lexicon B adds to and lacks of A."""
    from hicra.lexicon import Lexicon

    result = Lexicon.load(a).diff(Lexicon.load(b))
    lines = [f"+ {gram}" for gram in result["added_grams"]] + [f"- {gram}" for gram in result["removed_grams"]]
    summary = f"{result['added']} added, {result['removed']} removed, {result['common']} common, Jaccard {result['jaccard']:.3f}"
    common.give(result, "\n".join([*lines, summary]))


@lexicon.command
def merge(
    *lexicons: LexiconArg,
    out: Annotated[Path, Parameter(name=["-o", "--out"])],
    common: Common = COMMON,
) -> None:
    """The union of lexicons."""
    from hicra.lexicon import Lexicon
    from hicra.lexicon.combine import merge as union

    _keep(union([Lexicon.load(name) for name in lexicons], out.name), out, common)


@lexicon.command
def select(
    name: LexiconArg,
    *,
    out: Annotated[Path, Parameter(name=["-o", "--out"])],
    n_min: int | None = None,
    n_max: int | None = None,
    min_df: Annotated[int | None, Parameter(help="Least document frequency.")] = None,
    common: Common = COMMON,
) -> None:
    """The grams of a lexicon with so many words, or so frequent."""
    from hicra.lexicon import Lexicon
    from hicra.lexicon.combine import select as chosen

    _keep(chosen(Lexicon.load(name), n_min=n_min, n_max=n_max, min_df=min_df, name=out.name), out, common)


def _keep(made: Lexicon, out: Path, common: Common) -> None:
    made.save(out)
    result = {"lexicon": str(out), "grams": len(made), "content_hash": made.content_hash}
    common.give(result, f"{len(made)} grams, sha256 {made.content_hash}", then=f"hicra lexicon show {out}")


@lexicon.command
def score(
    name: LexiconArg,
    *labels: Path,
    positive: Positive = "planning,reflection",
    unit: Unit = None,
    common: Common = COMMON,
) -> None:
    """Score a lexicon against labelled traces: precision, recall, F1, lift, with intervals clustered by question."""
    from hicra.labels import read_labels
    from hicra.labels.score import score as scored
    from hicra.lexicon import Lexicon
    from hicra.lexicon.check import warnings_of

    loaded = Lexicon.load(name)
    for warning in warnings_of(loaded, unit):
        common.warn(warning)
    result = scored(loaded, read_labels(list(labels), positive.split(",")), unit, seed=common.seed or 0).as_dict()
    names = ("base_rate", "precision", "recall", "f1", "lift", "char_share")
    lines = [
        f"{result['units']} units of {result['traces']} traces, {result['questions']} questions; unit {result['unit']}"
    ]
    for key in names:
        low, high = result["intervals"].get(key, (None, None))
        lines.append(f"{key:12} {result[key]:.3f}" + (f"  ({low:.3f} to {high:.3f})" if low is not None else ""))
    common.give({"lexicon": loaded.name, **result}, "\n".join(lines), then=f"hicra tag PATH --lexicon {name}")


@lexicon.command
def fit(
    *labels: Path,
    out: Annotated[Path, Parameter(name=["-o", "--out"])],
    positive: Positive = "planning,reflection",
    max_grams: Annotated[int, Parameter(help="Most grams of the lexicon.")] = 500,
    common: Common = COMMON,
) -> None:
    """Fit a weighted lexicon to labelled traces, cross-validated by question."""
    from hicra.artifacts import refuse_existing
    from hicra.labels import read_labels
    from hicra.labels.fit import FitSettings
    from hicra.labels.fit import fit as fitted

    names = tuple(positive.split(","))
    traces = read_labels(list(labels), names)
    refuse_existing(out, "the lexicon")
    settings = FitSettings(max_grams=max_grams, positive=names, seed=common.seed or 0)
    made, report = fitted(traces, settings, name=out.name, progress=common.say)
    made.save(out)
    text = (
        f"{report['grams']} grams; on questions held out: precision {report['cv_precision']:.3f}, "
        f"recall {report['cv_recall']:.3f}, F1 {report['cv_f1']:.3f}\nsha256 {made.content_hash}"
    )
    then = f"hicra lexicon score {out} OTHER_LABELS"
    common.give({"lexicon": str(out), "content_hash": made.content_hash, **report}, text, then=then)
