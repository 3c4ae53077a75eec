"""The measurement of the learning signal that lies in a run folder, as findings read it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from hicra.artifacts import read_json
from hicra.errors import ArtifactError
from hicra.metrics.kinds import KINDS
from hicra.runs.find import RESULT, SIGNAL_FOLDER, is_signal

_AGAIN = "remove the folder, or let `hicra diagnose --model DIR --signal` make the run folder again"


def saved_signal(run: Path) -> dict[str, Any] | None:
    """Reads it, with the keys of `hicra signal --json`; None where the run folder has none.

    Raises:
        ArtifactError: the file is not what was written: it lacks a kind, or a share is no number.
    """
    folder = run / SIGNAL_FOLDER
    if not is_signal(folder):
        return None
    found = read_json(folder / RESULT, _AGAIN)
    kinds = found.get("kinds") if isinstance(found, dict) else None
    methods = found.get("methods") if isinstance(found, dict) else None
    if not isinstance(kinds, dict) or not isinstance(methods, dict) or not isinstance(methods.get("none"), dict):
        raise ArtifactError(f"{folder / RESULT} holds no measurement of the signal", _AGAIN)
    for name in KINDS:
        one = kinds.get(name)
        if not isinstance(one, dict) or not (_number(one.get("share")) and _ends(one.get("ci"))):
            raise ArtifactError(f"{folder / RESULT}: kinds.{name} holds no share with its interval", _AGAIN)
    return dict(found)


def _number(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and math.isfinite(value))


def _ends(value: Any) -> bool:
    return value is None or (
        isinstance(value, list) and len(value) == 2 and None not in value and all(map(_number, value))
    )
