"""The verb `hicra mine`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from hicra.cli.common import COMMON, Common, Overwrite, Rollouts, tokenizer_folder
from hicra.cli.options import given, options
from hicra.cli.reading import READ_OPTIONS, ReadOptions, TokenizerOfIds, warn_of_rest
from hicra.drawing.readable import counted
from hicra.mining.settings import MineSettings, preset_of
from hicra.strict import validated

MineOptions = options(MineSettings, but=("seed",))


def mine(
    *paths: Rollouts,
    out: Annotated[Path, Parameter(name=["-o", "--out"], help="The lexicon folder.")],
    overwrite: Overwrite = False,
    preset: Annotated[
        str, Parameter(help="Named settings, sparse or paper. Options that are given override them.")
    ] = "sparse",
    settings: MineOptions = MineOptions(),  # type: ignore[valid-type]  # noqa: B008
    why: Annotated[tuple[str, ...], Parameter(negative="", help="Also say why this gram was kept or dropped.")] = (),
    backend: Annotated[
        Literal["local", "ray"], Parameter(help="Where to count; ray does the same on a cluster.")
    ] = "local",
    workers: Annotated[int, Parameter(help="Number of processes; the lexicon does not depend on it.")] = 1,
    tokenizer: TokenizerOfIds = None,
    reading: ReadOptions = READ_OPTIONS,
    common: Common = COMMON,
) -> None:
    """Mine a lexicon of strategic grams from correct solutions."""
    from hicra.artifacts import check_output
    from hicra.lexicon.check import name_of
    from hicra.mining.mine import mine_paths

    seed: dict[str, Any] = {} if common.seed is None else {"seed": common.seed}
    chosen = validated(MineSettings, preset_of(preset) | given(settings) | seed)
    check_output(out, "the lexicon", overwrite=overwrite, inputs=paths, folder=True)
    common.say(f"mining {paths[0]}" if len(paths) == 1 else f"mining {len(paths)} paths")
    made, report = mine_paths(
        list(paths),
        chosen,
        backend=backend,
        workers=workers,
        why=why,
        tokenizer=tokenizer_folder(tokenizer),
        **reading.options(),
    )
    for warning in [*report["warnings"], reading.told(report["skipped"])]:
        common.warn(warning)
    warn_of_rest(report, common, paths, report["duplicates"])
    made.save(out, overwrite=overwrite)
    lines = [
        f"{counted(report['grams'], 'gram')} in {report['clusters_kept']} of {counted(report['clusters'], 'cluster')}, from "
        f"{counted(report['solutions'], 'solution')} and {counted(report['ngrams'], 'n-gram')} ({report['embedded']} embedded by "
        f"{report['embedder']})",
        f"sha256 {report['content_hash']}",
        *(
            f"{each['gram']!r}: {'kept' if each['kept'] else 'dropped'}. {each['reason']}"
            for each in report.get("why", ())
        ),
    ]
    then = reading.command("tag", paths, tokenizer, "--lexicon", name_of(out))
    common.give(report | {"lexicon": str(out)}, "\n".join(lines), then=then)
