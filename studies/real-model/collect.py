"""Collects what was measured into results.json and signal.svg: `python collect.py DIR`.

DIR holds the folders of `hicra signal` that measure.py began, each finished by the verb; check.json is what check.py wrote.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

import numpy as np
from measure import LEXICONS
from tables import HERE, RESULTS, TITLE, picture

from hicra.artifacts import canonical_json, write_text
from hicra.report.measured import read_measured
from machine import machine

DIGITS = 6


def rounded(value: Any) -> Any:
    """Keeps six significant digits of every number."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    return [rounded(each) for each in value] if isinstance(value, list) else value


def seconds(folder: Path) -> list[float]:
    """Seconds of wall that each batch took, for all lexicons together."""
    found = []
    for part in sorted((folder / "parts").glob("*.npz")):
        with np.load(part, allow_pickle=False) as file:
            found.append(json.loads(file["about"].tobytes())["seconds"])
    return found


def main() -> None:
    """Reads the folders and writes both files."""
    folder, check = Path(sys.argv[1]), HERE / "check.json"
    results = []
    for name in LEXICONS:
        read_measured(folder / name, name)  # refuses what is not complete
        results.append({"name": name, **json.loads((folder / name / "signal.json").read_text(encoding="utf-8"))})
    found = {
        **machine("torch", "transformers"),
        "wall_seconds_of_batches": seconds(folder / LEXICONS[0]),
        "check": json.loads(check.read_text(encoding="utf-8")), "results": results,
    }  # fmt: skip
    write_text(RESULTS, canonical_json(rounded(found)))
    write_text(HERE / "signal.svg", picture(rounded(results), TITLE))


if __name__ == "__main__":
    main()
