"""What a benchmark result says of where and when it was made."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform


def machine(*packages: str) -> dict[str, object]:
    """Machine, date and versions, for the head of a result file."""
    names = ("numpy", *packages)
    return {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in names},
        "load_average": round(os.getloadavg()[0], 1),
    }
