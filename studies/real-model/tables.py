"""Writes tables and a picture of results of `hicra signal`: `python tables.py` makes README.md and signal.svg anew from
results.json.

A result is the JSON object of the verb with a `name`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hicra.drawing import signal as charts
from hicra.drawing import svg
from hicra.drawing.plot import plot
from hicra.drawing.readable import decimal, interval_end
from hicra.report.measured import measured
from hicra.report.signal import kind_sentence, model_of, steps_of

HERE = Path(__file__).resolve().parent
RESULTS, README, SVG = HERE / "results.json", HERE / "README.md", HERE / "signal.svg"
BEGIN, END = "<!-- tables.py writes what stands from here -->", "<!-- to here -->"
GAP = 40
PICTURE = (
    "![Share of the signal by kind of token, and what a step of each method is worth, by both lexicons](signal.svg)"
)
TITLE = "Where the learning signal of SmolLM2-135M is, by two lexicons"


def number(value: float | None, digits: int = 3, sign: bool = False) -> str:
    """Writes a number, or a dash where there is none."""
    return "-" if value is None else decimal(value, digits, sign)


def span(pair: Sequence[float] | None, digits: int = 3, sign: bool = False) -> str:
    """Writes an interval, or a dash where there is none."""
    low, high = (interval_end(one, digits) if sign else decimal(one, digits) for one in pair or (0.0, 0.0))
    return "-" if pair is None else f"{low} to {high}"


def many(value: int | None) -> str:
    """Writes how many batches would tell: a dash where it is told, or where no number can be said."""
    return "-" if value is None else f"{value:,}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table in Markdown."""
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows)]


def kinds_table(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Signal by kind of token, one row for each kind and result."""
    head = (
        "lexicon",
        "kind",
        "tokens",
        "share of the signal",
        "95 % interval",
        "signal",
        "noise",
        "snr",
        "batches that would tell",
    )
    rows = []
    for one in results:
        for name in charts.KINDS:
            kind = one["kinds"][name]
            share, signal, noise = (kind[key] for key in ("share", "signal", "noise"))
            rows.append((
                one["name"], name, f"{100 * one['tokens'][name] / one['all_tokens']:.1f} %", number(share), span(kind["ci"]),
                "-" if signal is None else f"{signal:.2g}", "-" if noise is None else f"{noise:.2g}", number(kind["snr"]),
                many(kind["batches_needed"]),
            ))  # fmt: skip
    return table(head, rows)


def methods_table(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a step of each method is worth, one row for each method and result."""
    head = (
        "lexicon",
        "method",
        "cosine",
        "95 % interval",
        "minus none",
        "95 % interval",
        "direction",
        "batches that would tell",
    )
    rows = []
    for one in results:
        for name in ("none", *sorted(set(one["methods"]) - {"none"})):
            method = one["methods"][name]
            told = ("", "", "") if name == "none" else (
                number(method["difference"], sign=True), span(method["difference_ci"], sign=True), many(method["batches_needed"])
            )  # fmt: skip
            rows.append((
                one["name"], f"`{name}`", number(method["cosine"]), span(method["cosine_ci"]), *told[:2],
                number(method["bias_cosine"]), told[2],
            ))  # fmt: skip
    return table(head, rows)


def batches_table(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the batches were like."""
    head = ("lexicon", "batches", "rollouts", "right", "mixed groups", "tokens", "planning")
    return table(head, [
        (
            one["name"], str(one["batches"]), str(one["rollouts"]), f"{100 * one['accuracy']:.1f} %",
            f"{one['mixed_groups']} of {one['groups']}", f"{one['all_tokens']:,}",
            f"{100 * one['tokens']['planning'] / one['all_tokens']:.1f} %",
        )
        for one in results
    ])  # fmt: skip


def sentences(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Says of each result which kind holds the signal, if its interval tells."""
    return [f"- {one['name']}: {kind_sentence(measured(one, one['name']))}" for one in results]


def picture(results: Sequence[Mapping[str, Any]], title: str) -> str:
    """The shares of the signal, and what a step of each method is worth, side by side."""
    found = [measured(one, one["name"]) for one in results]
    ends, y, out, said = charts.reach([step for one in found for step in steps_of(one)]), 12.0, list[str](), list[str]()
    for one in found:
        shares, steps = charts.shares_chart([model_of(one)]), charts.steps_chart(steps_of(one), ends)
        out.append(svg.tag("g", *shares.inside, transform=f"translate(12 {svg.short(y)})"))
        out.append(svg.tag("g", *steps.inside, transform=f"translate({12 + charts.WIDTH + GAP} {svg.short(y)})"))
        said += [shares.about, steps.about]
        y += max(shares.height, steps.height) + 24
    styled = [svg.tag("style", charts.looks()), *out]
    return plot(2 * charts.WIDTH + GAP + 24, y, title, styled, " ".join(said)) + "\n"


def width_table(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """How wide the intervals of the planning share are, and would be with more batches, since they shrink as 1 / sqrt(N)."""
    head = (
        "lexicon",
        "half width of the planning share",
        "with 4 times the batches",
        "with 16 times",
        "batches for 0.1",
    )
    rows = []
    for one in results:
        pair = one["kinds"]["planning"]["ci"]
        half = None if pair is None else (pair[1] - pair[0]) / 2
        rows.append((
            one["name"], *(number(None if half is None else half / factor, 2) for factor in (1, 2, 4)),
            "-" if half is None else f"{math.ceil(one['batches'] * (half / 0.1) ** 2):,}",
        ))  # fmt: skip
    return table(head, rows)


def cost_lines(found: Mapping[str, Any]) -> list[str]:
    """What a batch costs, and what was checked on a tiny one."""
    check, seconds = found["check"], found["wall_seconds_of_batches"]
    cost, projection = check["cpu_seconds"], check["projection"]
    return [
        f"Machine: {found['machine']}, one thread, float32, load average {found['load_average']}; {found['date']}, torch "
        f"{found['versions']['torch']}, transformers {found['versions']['transformers']}. A batch took {min(seconds):.0f} to "
        f"{max(seconds):.0f} s of wall beside other work, which says little; CPU seconds of {check['rollouts']} rollouts with "
        f"{check['tokens']} tokens:",
        "",
        *table(("stage", "CPU s"), [(name, f"{each:.2f}") for name, each in cost.items()]),
        "",
        f"Checked on these rollouts (`check.py`), whole gradient of the last layer, {check['numbers']:,} numbers: against one "
        f"made by transformers alone (chat template, prompts padded on the left, cross entropy) it differs by "
        f"{check['against_transformers']:.1g} of the largest number, and by {check['against_micro_batches_of_one']:.1g} with "
        f"one rollout at a time. {check['ended']} of {check['rollouts']} rollouts ended, and "
        f"{check['end_tokens_among_policy_tokens']} end tokens are policy tokens. The projection to {projection['k']:,} numbers "
        f"errs by {projection['error_of_inner_product']:.4f} of the norms in an inner product (standard error by the formula "
        f"{projection['standard_error_by_formula']:.4f}), and by {100 * projection['error_of_squared_norm']:.1f} % in a squared "
        "norm.",
    ]


def page(found: Mapping[str, Any]) -> str:
    """All tables and figures, as they stand in README.md."""
    results = found["results"]
    parts = [
        batches_table(results), [PICTURE], kinds_table(results), sentences(results), methods_table(results),
        ["## Width of the intervals"], width_table(results), ["## Cost, and what was checked"], cost_lines(found),
    ]  # fmt: skip
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def filled(text: str, found: Mapping[str, Any]) -> str:
    """Puts the tables into the page, between the two marks."""
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    return f"{before}{BEGIN}\n\n{page(found)}\n{END}{after}"


def main() -> None:
    """Writes the tables into the page, and the picture beside it."""
    data = json.loads(RESULTS.read_text(encoding="utf-8"))
    README.write_text(filled(README.read_text(encoding="utf-8"), data), encoding="utf-8")
    SVG.write_text(picture(data["results"], TITLE), encoding="utf-8")


if __name__ == "__main__":
    main()
