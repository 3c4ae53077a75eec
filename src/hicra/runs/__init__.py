"""A run on disk, whatever engine made it: its folder, its checkpoints, and its config."""

from __future__ import annotations

from hicra.runs.folder import RunFolder

__all__ = ["RunFolder"]
