"""Evidence of a run whose rollouts are one table, as tests of findings make it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from hicra.findings import Evidence
from hicra.findings.saved import Rollouts


def evidence_of(
    metrics: Sequence[Mapping[str, Any]], rollouts: pl.DataFrame | Rollouts, *further: Any, **named: Any
) -> Evidence:
    """Returns the evidence; `further` and `named` are as for `Evidence`."""
    return Evidence(metrics, rollouts if isinstance(rollouts, Rollouts) else Rollouts([rollouts]), *further, **named)
