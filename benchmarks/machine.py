"""What a benchmark result says of where and when it was made."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
from pathlib import Path
from typing import Any


def machine(*packages: str) -> dict[str, object]:
    """Machine, date and versions, for the head of a result file."""
    names = ("numpy", *packages)
    return {
        "machine": f"{os.cpu_count()} cores, {processor()}, {platform.machine()}, {platform.system()}",
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in names},
        "load_average": round(os.getloadavg()[0], 1),
    }


def processor() -> str:
    """What the processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown processor")


def finish(report: dict[str, Any], output: Path | None) -> int:
    """Prints a report as JSON, writes it where that was asked for, and gives the exit code: 0 where its claim holds."""
    text = json.dumps(report, indent=2) + "\n"
    print(text, end="")
    if output:
        output.write_text(text, encoding="utf-8")
    return 0 if report["holds"] else 1
