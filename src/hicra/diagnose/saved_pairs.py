"""The comparisons by question as a file of the run folders that were compared, so that the page says what the terminal said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hicra.artifacts import canonical_json, read_json, write_text
from hicra.errors import ArtifactError

PAIRS = "pairs.json"
_AGAIN = "remove the file, or let `hicra diagnose` make the run folder again"
LARGEST = 1e300  # what is beyond it is no result of a comparison
_TEXTS = ("arm", "baseline", "metric", "verdict")
_NUMBERS = ("questions", "unpaired", "mean", "baseline_mean", "difference", "p_holm")


def save_pairs(places: Mapping[str, Path | None], pairs: Sequence[Mapping[str, Any]]) -> None:
    """Writes into the folder of each arm the comparisons that it takes part in; nothing where it takes part in none.

    Args:
        places: name of an arm -> its run folder, None where none is written.
        pairs: as `pairs.pairs` returns them.
    """
    for name, place in places.items():
        own = [one for one in pairs if name in (one["arm"], one["baseline"])]
        if place is not None and own:
            write_text(place / PAIRS, canonical_json({"pairs": own}))


def saved_pairs(run: Path) -> list[dict[str, Any]]:
    """Reads them back, in the order in which they were told; empty where there are none.

    Raises:
        ArtifactError: the file is not what `save_pairs` writes.
    """
    if not (run / PAIRS).exists():
        return []
    saved = read_json(run / PAIRS, _AGAIN)
    found = saved.get("pairs") if isinstance(saved, dict) else None
    if not isinstance(found, list) or not all(_is_pair(one) for one in found):
        raise ArtifactError(f"{run / PAIRS} holds no comparisons by question", _AGAIN)
    return found


def _is_pair(one: Any) -> bool:
    if not isinstance(one, dict) or not all(isinstance(one.get(key), str) for key in _TEXTS):
        return False
    ends = one.get("difference_ci")
    known = ends is None or (isinstance(ends, list) and len(ends) == 2 and all(map(_is_number, ends)))
    return known and all(_is_number(one.get(key)) for key in _NUMBERS)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST
