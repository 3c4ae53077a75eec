"""Sorts the runs of a page into arms, and gives arms the names that people know them by, such as "GRPO (none)"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hicra.errors import ArtifactError
from hicra.report.encode import clean
from hicra.runs import RunFolder
from hicra.runs.arms import mapping, name_arms
from hicra.runs.folder import OBSERVED

_OF_GRPO = {
    "baseline": ("", "dr_grpo", "grpo"),
    "loss": ("", "clip"),
}  # "": the config does not name it, so it is the default


def common_name(arm: str, config: Mapping[str, Any]) -> str:
    """Returns the common name of an arm, with its settings behind it.

    Args:
        arm: its name in `hicra compare`: `none`, `hicra(alpha=0.4)`.
        config: the config of a run of it.

    >>> [common_name("none", {}), common_name("hicra(alpha=0.4)", {}), common_name("none", {"baseline": {"name": "rloo"}})]
    ['GRPO (none)', 'HICRA (alpha=0.4)', 'none']
    """
    method, opened, settings = arm.partition("(")
    if method == "hicra":
        return f"HICRA ({settings}" if opened else "HICRA"
    is_grpo = all(str(mapping(config.get(part)).get("name") or "") in known for part, known in _OF_GRPO.items())
    if method == "none" and is_grpo:
        return f"GRPO (none, {settings}" if opened else "GRPO (none)"
    return arm


def page_arms(folders: Sequence[RunFolder], names: Sequence[str]) -> tuple[tuple[str, ...], list[int]]:
    """Returns the arms, `none` and `hicra` first so that they have the same colours on every page, and the number of each run's.

    A diagnosed run is an arm of its own. It bears the name that told it apart when it was diagnosed, and that of its folder where
    there was none or where another run of the page bears it.

    Args:
        folders: the run folders of the page.
        names: what the page calls each folder.

    Raises:
        ArtifactError: a manifest names no method.
    """
    for folder in folders:
        if not isinstance(folder.manifest.get("method"), str):
            raise ArtifactError(
                f"{folder.path / 'hicra.json'} names no method", "write the method and the seed of the run into it"
            )
    trained = [folder for folder in folders if not folder.diagnosed]
    of_trained = dict(zip((folder.path for folder in trained), map(clean, name_arms(trained)), strict=True))
    wished = [
        of_trained.get(folder.path) or (name if folder.method == OBSERVED else clean(folder.method))
        for folder, name in zip(folders, names, strict=True)
    ]
    found = list(of_trained.values())
    arm_of = []
    for at, folder in enumerate(folders):
        name = wished[at]
        if folder.diagnosed:
            name = base = names[at] if wished.count(name) > 1 else name
            number = 1
            while name in found:
                number += 1
                name = f"{base}, {number}"
            found.append(name)
        arm_of.append(name)
    first = {"none": 0, "hicra": 1}
    rank = {name: first.get(name.partition("(")[0], 2) for name in of_trained.values()}
    arms = sorted(dict.fromkeys(arm_of), key=lambda name: rank.get(name, 2))
    return tuple(arms), [arms.index(name) for name in arm_of]
