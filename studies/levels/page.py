"""The page and the picture of the signal by level, from results.json: the same bytes for the same numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hicra.drawing import signal as charts
from hicra.drawing import svg
from hicra.drawing.plot import plot
from hicra.drawing.readable import decimal

HERE = Path(__file__).resolve().parent
RESULTS, PICTURE = HERE / "results.json", HERE / "levels.svg"
PAGE = HERE.parents[1] / "docs" / "evidence" / "levels.md"
METER = HERE.parent / "hierarchy" / "results" / "meter.json"  # the same question of single responses, HICRA's own
WORLDS = {"chain": "trees on the chain", "hcraft": "agents in the workshop"}
DIVISIONS = (("blueprint", "thought", "action"), ("critical", "other"))
TITLE = "Share of the signal by level, of trees and agents"

Found = Sequence[dict[str, Any]]


def divided(one: dict[str, Any], division: Sequence[str]) -> list[str]:
    """Returns the kinds of a division that a result has, if there are two or more to compare."""
    there = [kind for kind in division if kind in one["kinds"]]
    return there if len(there) > 1 else []


def responses() -> list[charts.ModelShares]:
    """Returns the shares of planning and execution at the first weak and the first strong start of the registered study."""
    checkpoints = json.loads(METER.read_text(encoding="utf-8"))["checkpoints"]
    return [
        charts.ModelShares(
            f"{one['start']} start",
            "GRPO, single responses",
            tuple(charts.Share(kind, one["kinds"][kind]["share"], *one["kinds"][kind]["ci"]) for kind in charts.KINDS),
        )
        for start in ("weak", "strong")
        for one in checkpoints
        if (one["start"], one["warm"], one["step"]) == (start, 1, 0)
    ]


def picture(results: Found) -> str:
    """Draws the shares of every system, a column for the trees, and one for agents and single responses."""
    out, said, high = [], [], 0.0
    for number, world in enumerate(WORLDS):
        models = responses() if number else []
        for one in results:
            kinds = [kind for division in DIVISIONS for kind in divided(one, division)]
            if one["world"] == world and kinds:
                shares = tuple(
                    charts.Share(kind, one["kinds"][kind]["share"], *(one["kinds"][kind]["ci"] or (None, None)))
                    for kind in kinds
                )
                models.append(charts.ModelShares(one["system"], WORLDS[world], shares))
        chart = charts.shares_chart(models)
        out.append(svg.tag("g", *chart.inside, transform=f"translate({12 + number * (charts.WIDTH + 40)} 12)"))
        said.append(chart.about)
        high = max(high, chart.height)
    width = len(WORLDS) * (charts.WIDTH + 40) - 16
    return plot(width, high + 24, TITLE, [svg.tag("style", charts.looks()), *out], " ".join(said)) + "\n"


def table(results: Found) -> str:
    """All kinds of all systems."""
    lines = [
        "| world | system | actions | episodes right, % | kind | tokens, % | share of signal, % | 95 % | signal to noise |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in results:
        right = "-" if one["accuracy"] is None else decimal(100 * one["accuracy"], 1)
        for kind in (kind for division in DIVISIONS for kind in division if kind in one["kinds"]):
            found = one["kinds"][kind]
            share = "-" if found["share"] is None else decimal(100 * found["share"], 1)
            ends = "-" if found["ci"] is None else " to ".join(decimal(100 * end, 1) for end in found["ci"])
            snr = "-" if found["snr"] is None else decimal(found["snr"], 2)
            tokens = decimal(100 * found["token_share"], 1)
            row = (
                one["world"],
                f"`{one['system']}`",
                f"{one['interactions']:,}",
                right,
                kind,
                tokens,
                share,
                ends,
                snr,
            )
            lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def page(results: Found) -> str:
    """The whole page."""
    about = results[0]
    return f"""# Where the signal of trees and agents lies

Written by `studies/levels/measure.py` from its results; no number is typed by hand.

HICRA asks how much of the gradient's signal lies on planning tokens. The same question can be put to systems that have the
hierarchy in their rollouts: is it on the blueprint or on the actions, on critical actions or on others? Each system plays from
the same start model, which is not trained in between, and its own advantages make the gradient ({about["batches"]} batches of
{about["prompts"]} prompts, whole gradient). *Signal* is the squared length of the gradient's expectation, estimated without bias;
intervals are jackknives over batches ([deviations RELATED-7 and -8](../deviations.md)).

![Share of the signal by level](../../studies/levels/levels.svg)

The figure has single responses to the embedded task beside them, in whose signal HICRA looks for planning: two start models of
the [registered study](../study.md).

{table(results)}

Shares of one division add up to 100 %: blueprint, thought and action are one, critical and other actions another. A kind that a
system does not have is not listed. Of HiPER, blueprint means the subgoals and the words that keep or change them. The
two generations of HiMAC count as they are trained, each a mean over its own tokens, so a token of its blueprints weighs more than
one of its actions.

These are single start models and two small worlds: they show what the meter sees there, and nothing about other models.

    python recipes/carl-chain/warmstart.py -o runs/chain-start
    python recipes/agents/warmstart.py hcraft -o runs/hcraft-start
    python studies/levels/measure.py
"""
