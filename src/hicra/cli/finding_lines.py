"""Writes what `hicra diagnose` prints below its table: the metrics that are left out, and the findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hicra.cli.suggested import NOTHING, Stands, lacks
from hicra.drawing.readable import printable
from hicra.findings.examples import place_text


def finding_lines(
    seen: Sequence[dict[str, Any]],
    not_seen: Sequence[dict[str, Any]],
    unlooked: Sequence[dict[str, Any]] = (),
    stands: Stands = NOTHING,
) -> str:
    """Writes a line per finding, alarms with an exclamation mark, and what was not seen and what could not be looked for.

    Below an alarm stand the rollouts that show it and the command to go on with. Where there is none, the first line says so.

    Args:
        seen, not_seen: {name, text, alarm, rollouts, then}, with several arms also {arm}.
        unlooked: {name, why}, with several arms also {arm}.
        stands: what stands for ROLLOUTS and RUN in a command, where that is known.

    >>> from pathlib import Path
    >>> print(finding_lines([{"name": "no_gradient", "text": "All groups.", "alarm": True, "then": "hicra mine ROLLOUTS",
    ...     "rollouts": [{"step": 3, "row": 1, "id": "q7"}]}], [{"name": "truncation"}],
    ...     [{"name": "stages", "why": "no step has accuracy"}], Stands([Path("a.jsonl")])))
    <BLANKLINE>
    <BLANKLINE>
    ! no_gradient: All groups.
        rollouts that show it: step 3 row 1 (q7)
        go on with: hicra mine a.jsonl
    looked for and not seen: truncation (--json says why)
    could not look for stages: no step has accuracy
    """
    lines = []
    if (seen or not_seen or unlooked) and not any(one["alarm"] for one in seen):
        lines.append("Nothing goes wrong in what could be looked at.")
    for one in seen:
        lines.append(f"{'! ' if one['alarm'] else '  '}{_arm(one)}{one['name']}: {one['text']}")
        if one["alarm"]:
            lines += _below(one, stands)
    arms = {one["arm"] for one in [*seen, *not_seen, *unlooked] if "arm" in one}
    lines += [f"looked for and not seen: {_names(not_seen, arms)} (--json says why)"] if not_seen else []
    for why in dict.fromkeys(one["why"] for one in unlooked):
        lines.append(f"could not look for {_names([one for one in unlooked if one['why'] == why], arms)}: {why}")
    return "\n\n" + "\n".join(lines) if lines else ""


def left_out_line(left_out: Mapping[str, str]) -> str:
    """Writes which metrics no row allowed, by what they need; the empty text where there is none.

    >>> left_out_line({"hicra/accuracy": "correct or reward", "hicra/reward": "reward", "hicra/ppl_planning": "reward"})
    '\\nleft out: accuracy (needs correct or reward); reward, ppl_planning (needs reward)'
    """
    by_need: dict[str, list[str]] = {}
    for name, needs in left_out.items():
        by_need.setdefault(needs, []).append(name.removeprefix("hicra/"))
    said = [f"{', '.join(names)} (needs {needs})" for needs, names in by_need.items()]
    return f"\nleft out: {'; '.join(said)}" if said else ""


def _below(one: dict[str, Any], stands: Stands) -> list[str]:
    """The lines below an alarm."""
    shown, then = [place_text(place) for place in one.get("rollouts", ())], one.get("then", "")
    lines = [f"    rollouts that show it: {', '.join(shown)}"] if shown else []
    if then:
        lines.append(f"    go on with: {stands.command(then, one.get('arm'))}")
    if lacking := lacks(then):
        lines.append(f"    {lacking}")
    return lines


def _names(entries: Sequence[dict[str, Any]], arms: set[str]) -> str:
    """Lists the names, each with the arms that it holds for; without them where it holds for all arms."""
    of: dict[str, list[str]] = {}
    for one in entries:
        of.setdefault(one["name"], []).extend([one["arm"]] if "arm" in one else [])
    return ", ".join(
        name if len(own) == len(arms) else f"{name} ({printable(', '.join(own))})" for name, own in of.items()
    )


def _arm(one: dict[str, Any]) -> str:
    return f"{printable(one['arm'])}, " if "arm" in one else ""
