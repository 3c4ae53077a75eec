"""What the scripts for a GPU share: they ask for one, and say which card it was."""

from __future__ import annotations

import sys
from typing import Any

import torch


def missing_gpu(small: bool, flag: str) -> bool:
    """Says whether the run needs a GPU that is not there, and tells the user; `flag` is what tries the path without one."""
    if small or torch.cuda.is_available():
        return False
    print(f"error: torch sees no GPU; fix: run it where there is one, or try the path with {flag}", file=sys.stderr)
    return True


def card() -> dict[str, Any]:
    """The card with its memory in bytes and the CUDA that torch was built for; the name is "none" on a CPU."""
    if not torch.cuda.is_available():
        return {"card": "none"}
    found = torch.cuda.get_device_properties(torch.cuda.current_device())
    return {"card": found.name, "card_bytes": found.total_memory, "cuda": torch.version.cuda}
