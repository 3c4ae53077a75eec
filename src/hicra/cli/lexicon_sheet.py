"""The verbs `hicra lexicon sheet` and `hicra lexicon agree`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from hicra.cli.common import COMMON, Common, LexiconArg, Overwrite, Rollouts, load_lexicon, tokenizer_folder
from hicra.cli.reading import READ_OPTIONS, ReadOptions, TokenizerOfIds, warn_of_rest
from hicra.drawing.readable import counted

WORST = 10  # clusters that are printed


def sheet(
    name: LexiconArg,
    *paths: Rollouts,
    out: Annotated[Path, Parameter(name=["-o", "--out"], help="The sheet to write, a .csv file that raters fill.")],
    key: Annotated[
        Path | None,
        Parameter(help="The key to write, which raters must not see. The default is the sheet's name with .key.json."),
    ] = None,
    grams: Annotated[
        int, Parameter(help="Largest number of grams on the sheet; as many random n-grams are added.")
    ] = 250,
    tokenizer: TokenizerOfIds = None,
    overwrite: Overwrite = False,
    reading: ReadOptions = READ_OPTIONS,
    common: Common = COMMON,
) -> None:
    """Write a blind sheet on which people mark phrases of a lexicon and random ones, and its key."""
    from hicra import corpus
    from hicra.artifacts import check_output
    from hicra.corpus.need_text import some_rows, with_text
    from hicra.errors import UsageError
    from hicra.labels.sheet import GRAM, QUESTION, make_sheet
    from hicra.labels.sheet_files import write
    from hicra.text.decode import decoder

    if grams < 1:
        raise UsageError(f"--grams {grams} leaves nothing to mark", "for example --grams 250")
    key = out.with_suffix(".key.json") if key is None else key
    read: list[Path | str | None] = [*paths, name, tokenizer]
    check_output(out, "the sheet", overwrite=overwrite, inputs=[*read, key], endings=(".csv",))
    check_output(key, "the key", overwrite=overwrite, inputs=[*read, out], endings=(".json",), option="--key")
    loaded = load_lexicon(name, common)
    if loaded.threshold is not None:
        common.warn(
            f"lexicon {loaded.name!r} marks whole sentences by the sum of weights; the sheet asks about its grams alone"
        )
    decode = None if tokenizer is None else decoder(tokenizer_folder(tokenizer))
    source = corpus.batches(list(paths), extras=False, decode=decode, **reading.options())

    def texts() -> Iterator[str]:
        before = 0
        for frame in source:
            yield from with_text(frame, before)["response"]
            before += frame.height
        some_rows(source.kept, source.skipped)

    made = make_sheet(loaded, texts(), grams=grams, seed=common.seed or 0)
    common.warn(reading.told(source.skipped))
    write(made, out, key, overwrite=overwrite)
    own = sum(item.kind == GRAM for item in made.items)
    foils = len(made.items) - own
    if foils < own:
        common.warn(f"only {counted(foils, 'place')} for random n-grams in these rollouts, for {counted(own, 'gram')}")
    result = {
        "sheet": str(out), "key": str(key), "name": made.name, "items": len(made.items), "grams": own, "foils": foils,
        "absent": len(made.absent), "left_out": made.left_out, "responses": made.responses, "seed": made.seed,
        "question": QUESTION, "skipped": source.skipped, "duplicates": source.duplicates,
    }  # fmt: skip
    warn_of_rest(result, common, paths, source.duplicates)
    lines = [
        f"{counted(own, 'gram')} and {counted(foils, 'random n-gram')} of {counted(made.responses, 'response')}",
        f"in no response, so not on the sheet: {counted(len(made.absent), 'gram')}; not drawn: {made.left_out}",
        f"give raters {out} (and not {key}), a copy for each, and this question:",
        f"  {QUESTION} Where you cannot say, mark it ?.",
    ]
    copies = [str(out.with_name(f"{out.stem}-{rater}.csv")) for rater in ("anna", "ben")]
    common.give(result, "\n".join(lines), then=shlex.join(["hicra", "lexicon", "agree", *copies, "--key", str(key)]))


def agree(
    *sheets: Annotated[Path, Parameter(help="Filled sheets, one for each rater; the file's name is the rater's.")],
    key: Annotated[Path, Parameter(help="The key that was written with the sheet.")],
    common: Common = COMMON,
) -> None:
    """Read filled sheets: the share of phrases that people call strategic, and how far they agree."""
    from hicra.labels.agree import agree as figures
    from hicra.labels.sheet_files import read_key, read_sheets

    known = read_key(key)
    result = figures(known, read_sheets(sheets, known), seed=common.seed or 0)
    for warning in result["warnings"]:
        common.warn(warning)
    common.give(result, "\n".join(_lines(result)), then="hicra lexicon push LEXICON OWNER/NAME --measured THIS.json")


def _lines(result: dict[str, Any]) -> list[str]:
    lines = [
        f"{counted(result['grams'], 'gram')} of lexicon {result['lexicon']!r} and {counted(result['foils'], 'random n-gram')}, "
        f"{counted(len(result['raters']), 'rater')}; called strategic:",
        f"{'':20} {'grams':24} random n-grams",
    ]
    for one in [*result["raters"], {"name": "majority", **result["majority"], "unsure": result["undecided"]}]:
        unsure = f"  ({one['unsure']} without a mark)" if one["unsure"] else ""
        lines.append(f"{one['name'][:20]:20} {_share(one['grams']):24} {_share(one['foils'])}{unsure}")
    if result["difference"] is not None:
        low, high = (100 * end for end in result["difference_interval"])
        lines.append(f"difference           {100 * result['difference']:.1f} points ({low:.1f} to {high:.1f})")
    lines.append(f"by occurrence        {_share(result['by_occurrence'])} of what the grams mark in these rollouts")
    for pair in result["pairs"]:
        lines.append(
            f"kappa                {_kappa(pair['kappa'], pair['interval'])} of {' and '.join(pair['raters'])}"
        )
    if len(result["pairs"]) > 1:
        lines.append(f"kappa, mean          {_kappa(result['kappa'], result['kappa_interval'])}")
    if result["clusters"]:
        lines.append("clusters, the least strategic first:")
        for one in result["clusters"][:WORST]:
            lines.append(f"  {_share(one):24} {counted(one['items'], 'gram'):10} such as {one['example']!r}")
        if len(result["clusters"]) > WORST:
            lines.append(f"  ... and {len(result['clusters']) - WORST} more (--json)")
    return lines


def _share(one: dict[str, Any]) -> str:
    if one["share"] is None:
        return "no mark"
    low, high = (100 * end for end in one["interval"])
    return f"{100 * one['share']:.1f} % ({low:.1f} to {high:.1f})"


def _kappa(kappa: float | None, interval: list[float] | None) -> str:
    if kappa is None or interval is None:
        return "not defined"
    return f"{kappa:.2f} ({interval[0]:.2f} to {interval[1]:.2f})"
