"""The verb `hicra mine`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from hicra.cli.common import COMMON, Common, MaxBad, OnBad
from hicra.cli.options import given, options
from hicra.mining.settings import MineSettings, preset_of
from hicra.strict import validated

MineOptions = options(MineSettings, but=("seed",))


def mine(
    *paths: Path,
    out: Annotated[Path, Parameter(name=["-o", "--out"], help="The lexicon folder.")],
    preset: Annotated[
        str, Parameter(help="Named settings, paper or sparse. Options that are given override them.")
    ] = "paper",
    settings: MineOptions = MineOptions(),  # type: ignore[valid-type]  # noqa: B008
    why: Annotated[tuple[str, ...], Parameter(negative="", help="Also say why this gram was kept or dropped.")] = (),
    backend: Annotated[
        Literal["local", "ray"], Parameter(help="Where to count; ray does the same on a cluster.")
    ] = "local",
    workers: Annotated[int, Parameter(help="Number of processes; the lexicon does not depend on it.")] = 1,
    on_bad: OnBad = "stop",
    max_bad: MaxBad = 0.01,
    common: Common = COMMON,
) -> None:
    """Mine a lexicon of strategic grams from correct solutions."""
    from hicra.artifacts import refuse_existing
    from hicra.mining.mine import mine_paths

    seed: dict[str, Any] = {} if common.seed is None else {"seed": common.seed}
    chosen = validated(MineSettings, preset_of(preset) | given(settings) | seed)
    refuse_existing(out, "the lexicon")
    common.say(f"mining {len(paths)} paths")
    made, report = mine_paths(
        list(paths), chosen, on_bad=on_bad, max_bad=max_bad, backend=backend, workers=workers, why=why
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
