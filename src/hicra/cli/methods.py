"""The verb `hicra methods`."""

from __future__ import annotations

from typing import Any

from hicra.cli.common import UNDRAWN, Undrawn


def methods(*, common: Undrawn = UNDRAWN) -> None:
    """List the baselines, credit methods (shapers) and losses, with needs, settings and source."""
    from hicra.credit import BASELINES, LOSSES, METHODS

    rows: list[dict[str, Any]] = [
        {"name": e.name, "kind": e.kind, "needs": list(e.needs), "settings": e.settings, "source": e.source}
        for e in (*BASELINES.values(), *METHODS.values(), *LOSSES.values())
    ]
    lines = [
        f"{row['kind']:9} {row['name']:18} {', '.join(f'{k}={v}' for k, v in row['settings'].items()) or '-':31} {row['source']}"
        for row in rows
    ]
    common.give(
        {"methods": rows},
        "\n".join(lines),
        then="hicra train --config recipes/plan-execute/config.yaml --method NAME -o RUN",
    )
