"""`hicra diagnose`: every metric that the rollouts of any run allow, step by step."""

from __future__ import annotations

from hicra.diagnose.diagnose import diagnose

__all__ = ["diagnose"]
