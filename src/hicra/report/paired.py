"""Reads what `hicra diagnose` said of runs that it compared by question, and says why other diagnosed runs are not compared.

The figures are those that the terminal showed (`diagnose/saved_pairs.py`); nothing is compared anew here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hicra.diagnose.saved_pairs import saved_pairs
from hicra.drawing.readable import shorten
from hicra.report.encode import clean
from hicra.report.model import Apart, Pair
from hicra.runs import RunFolder
from hicra.runs.arms import mapping, shown

MARKED_BY = ("lexicon", "unit", "counts", "tokenizer")  # keys of the config of a diagnosed run


def read_pairs(folders: Sequence[RunFolder], arm_of: Sequence[int]) -> tuple[Pair, ...]:
    """Returns the comparisons of which both runs are on the page.

    Args:
        folders: the run folders of the page.
        arm_of: the number of the arm of each.

    Raises:
        ArtifactError: a file of comparisons is damaged.
    """
    saved = [saved_pairs(folder.path) if folder.diagnosed else [] for folder in folders]
    found = []
    for at, folder in enumerate(folders):
        for one in saved[at]:
            if one["arm"] == folder.method and (other := _partner(folders, saved, at, one)) is not None:
                found.append(_pair(one, arm_of[at], arm_of[other]))
    return tuple(found)


def why_apart(folders: Sequence[RunFolder], arm_of: Sequence[int], pairs: Sequence[Pair]) -> Apart:
    """Says which diagnosed runs of a page are compared with nothing, and why."""
    compared = {arm for pair in pairs for arm in (pair.arm, pair.baseline)}
    alone = [at for at, folder in enumerate(folders) if folder.diagnosed and arm_of[at] not in compared]
    if not alone or len(folders) < 2:
        return Apart()
    arms = tuple(arm_of[at] for at in alone)
    one = len(alone) == 1
    they, their, were = ("It", "its", "was") if one else ("They", "their", "were")
    if not all(folder.diagnosed for folder in folders):
        return Apart(
            arms, "Diagnosed rollouts come without a seed, so their figures are shown beside those of the trained runs."
        )
    files, ways = [_files(folder) for folder in folders], [_way(folder) for folder in folders]
    told: tuple[str, ...] = tuple(
        f"{shorten(clean(folder.path.name), 80)}: {_told(folder, file)}"
        for folder, file in zip(folders, files, strict=True)
    )
    if any(file != files[0] for file in files):
        other = "other" if compared else "different"
        why = (
            f"{they} {were} made from {other} rollouts, so {their} figures are shown side by side and not compared. Answers to "
            "the same questions can be compared by diagnosing them together (hicra diagnose FILE FILE --apart -o RUNS)."
        )
    elif any(way != ways[0] for way in ways):
        why = f"{they} {were} tagged in another way, so {their} figures are shown side by side and not compared."
    else:
        told = ()  # nothing differs
        why = (
            f"{they} {were} diagnosed without a comparison, so {their} figures are shown side by side. With --apart or --by, "
            "hicra diagnose compares runs question by question."
        )
    return Apart(arms, why, told)


def _partner(
    folders: Sequence[RunFolder], saved: Sequence[Sequence[dict[str, Any]]], at: int, one: dict[str, Any]
) -> int | None:
    """Returns the run that a comparison was made with: one that holds the same comparison, beside it if there are several."""
    others = [
        other
        for other, folder in enumerate(folders)
        if other != at and folder.method == one["baseline"] and one in saved[other]
    ]
    others.sort(key=lambda other: folders[other].path.parent != folders[at].path.parent)
    return others[0] if others else None


def _pair(one: dict[str, Any], arm: int, baseline: int) -> Pair:
    ends = one["difference_ci"]
    return Pair(
        arm, baseline, clean(one["metric"]).removeprefix("hicra/"), int(one["questions"]), int(one["unpaired"]),
        float(one["mean"]), float(one["baseline_mean"]), float(one["difference"]),
        None if ends is None else (float(ends[0]), float(ends[1])), float(one["p_holm"]), clean(one["verdict"]),
    )  # fmt: skip


def _files(folder: RunFolder) -> dict[str, str]:
    """Returns the hashes of the files that a run was made from, by name."""
    return {str(name): str(sha) for name, sha in mapping(folder.manifest.get("inputs")).items() if name != "lexicon"}


def _way(folder: RunFolder) -> tuple[Any, ...]:
    config = mapping(folder.manifest.get("config"))
    return (mapping(folder.manifest.get("inputs")).get("lexicon"), *(config.get(key) for key in MARKED_BY))


def _told(folder: RunFolder, files: dict[str, str]) -> str:
    config = mapping(folder.manifest.get("config"))
    named = ", ".join(f"{name} (sha256 {sha[:12]})" for name, sha in files.items()) or "files that are not named"
    ways = ", ".join(f"{key} {shown(config.get(key))}" for key in MARKED_BY if config.get(key) is not None)
    return clean(shorten(f"made from {named}" + (f"; {ways}" if ways else ""), 500))
