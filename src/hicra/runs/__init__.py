"""What a run is on disk, whatever engine made it: the folder, its checkpoints, and the config that decides it."""

from __future__ import annotations

from hicra.runs.folder import RunFolder

__all__ = ["RunFolder"]
