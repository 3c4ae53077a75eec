"""The verb `hicra methods`."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

from cyclopts import Parameter

from hicra.cli.common import UNDRAWN, Undrawn

TITLES = {
    "baseline": "Baselines: rewards to advantages (baseline.name)",
    "shaper": "Shapers: advantages to advantages, the credit methods (method.name, method.then)",
    "loss": "Losses: advantages to the number that is minimised (loss.name)",
    "preset": "Presets: the usual combinations (preset)",
}


def methods(
    name: Annotated[str | None, Parameter(help="Show this one whole: formula, settings, fields and source.")] = None,
    /,
    *,
    common: Undrawn = UNDRAWN,
) -> None:
    """List the baselines, credit methods (shapers), losses and presets, or show one whole."""
    from hicra.credit import BASELINES, LOSSES, METHODS, PRESETS
    from hicra.errors import UsageError, did_you_mean

    entries = [*BASELINES.values(), *METHODS.values(), *LOSSES.values(), *PRESETS.values()]
    rows: list[dict[str, Any]] = [
        {
            "name": e.name, "kind": e.kind, "needs": list(e.needs), "settings": e.settings, "source": e.source,
            "formula": "" if e.kind == "preset" else inspect.cleandoc(e.function.__doc__ or ""),
        }
        for e in entries
    ]  # fmt: skip
    then = "hicra train --config recipes/plan-execute/config.yaml --method NAME -o RUN"
    if name is None:
        common.give({"methods": rows}, "\n".join(_listed(rows)), then="hicra methods NAME")
        return
    if name not in {row["name"] for row in rows}:
        raise UsageError(f"there is no method {name!r}", did_you_mean(name, [row["name"] for row in rows]))
    row = next(row for row in rows if row["name"] == name)
    key = {"baseline": "baseline.name", "loss": "loss.name", "preset": "preset"}.get(row["kind"])
    if key:
        then = f"hicra train --config recipes/plan-execute/config.yaml --set {key}={name} -o RUN"
    common.give({"methods": [row]}, "\n".join(_whole(row)), then=then.replace("NAME", name))


def _listed(rows: list[dict[str, Any]]) -> list[str]:
    lines: list[str] = []
    width = max(len(row["name"]) for row in rows) + 2
    for kind, title in TITLES.items():
        lines += ["", title] if lines else [title]
        for row in rows:
            if row["kind"] == kind:
                lines.append(f"  {row['name']:{width}}{row['formula'].partition(chr(10))[0] or row['source']}")
    return lines


def _whole(row: dict[str, Any]) -> list[str]:
    lines = [f"{row['name']}, a {row['kind']}", f"source:   {row['source']}"]
    lines += [f"needs:    {', '.join(row['needs']) or 'rewards and groups alone'}"] if row["kind"] != "preset" else []
    lines += ["settings, with their defaults:" if row["settings"] else "settings: none"]
    lines += [f"  {key} = {value}" for key, value in row["settings"].items()]
    return [*lines, *(["", row["formula"]] if row["formula"] else [])]
