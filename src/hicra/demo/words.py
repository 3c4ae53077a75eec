"""Says what the demo found: lines for the terminal, the sections of its page, and what to do next."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hicra.demo.sampling import MINED
from hicra.drawing.readable import decimal, interval_end
from hicra.drawing.signal import side_of
from hicra.findings.measured_signal import NO_RUN, gradient_told, kind_sentence, step_sentences
from hicra.lexicon import Lexicon

BY_CHANCE = "Each interval leaves out the truth one time in twenty, so of all of these one may do so by chance."
WIDTH = 110  # letters of a line of the terminal
_SHOWN = ("kinds", "methods", "batches", "rollouts", "accuracy", "seconds", "groups", "mixed_groups", "warnings")


def mask_words(score: Mapping[str, float]) -> str:
    """Says how well a mask fits the exact labels.

    >>> mask_words({"precision": 0.9551, "recall": 0.4432, "base_rate": 0.29})
    'tokens: precision 0.955, recall 0.443, base rate 0.290'
    """
    return (
        f"tokens: precision {score['precision']:.3f}, recall {score['recall']:.3f}, base rate {score['base_rate']:.3f}"
    )


def signal_lines(signal: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Says for each start where the signal is, then what a step of each method is worth: its cosine minus that of none."""
    lines = []
    for start, found in signal.items():
        right = "" if found["accuracy"] is None else f" ({100 * found['accuracy']:.0f} % right)"
        lines.append(f"{start} start{right}: {kind_sentence(found)}")
        if not gradient_told(found):
            lines += step_sentences(found)
    names = [name for name in next(iter(signal.values()))["methods"] if name != "none"]
    lines.append(
        "The cosine of one batch's step with the mean unshaped gradient of the others, minus that of none (GRPO's step):"
    )
    cells = [["", *(f"{start} start" for start in signal)]]
    cells += [
        [name, *(_difference(found["methods"][name], gradient_told(found)) for found in signal.values())]
        for name in names
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines += [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    ]
    return [*lines, BY_CHANCE, NO_RUN]


def _difference(method: Mapping[str, Any], told_at_all: bool) -> str:
    if method["difference"] is None:
        return "cannot be told"
    said = decimal(method["difference"], 3, sign=True)
    if method["difference_ci"] is None:
        return f"{said} (no interval)"
    low, high = method["difference_ci"]
    told = {1: "better", -1: "worse", 0: "not told apart"}[side_of(low, high) if told_at_all else 0]
    return f"{said} ({interval_end(low, 3)} to {interval_end(high, 3)}) {told}"


def sections(
    lexicon: Lexicon,
    scores: Mapping[str, Mapping[str, float]],
    signal: Mapping[str, Mapping[str, Any]],
    evaluation: Mapping[str, Any],
    verdict: Mapping[str, Any],
    out: Path,
) -> dict[str, Any]:
    """Makes the sections that the page has beside the runs themselves."""
    columns = ("gram", "n", "cluster", "cluster_df", "doc_freq")
    rows = [
        {"arm": arm, "stage": stage, **{key: found[stage][key] for key in ("accuracy", "ci", "problems")},
         **{key: found[stage][key] for key in ("first_plan_right", "equations_right", "strategy_entropy") if key in found[stage]}}
        for arm, found in evaluation.items() for stage in ("start", "final")
    ]  # fmt: skip
    return {
        "signal": [_of_page(start, found) for start, found in signal.items()],
        "lexicon": lexicon.table.sort(["cluster", "gram"]).select(columns).to_dicts(),
        "mask_score": [{"start": start, **score} for start, score in scores.items()],
        "evaluation": rows, "verdict": _verdict(verdict), "next": next_commands(out),
    }  # fmt: skip


def _verdict(verdict: Mapping[str, Any]) -> dict[str, str]:
    """Says in two rows how far the arms are apart and how far chance alone puts them."""
    difference = decimal(100 * verdict["difference"], 1, sign=True)
    said = f"{difference} points of {verdict['metric']}, {verdict['verdict']}: {verdict['why']}"
    return {"HICRA minus GRPO (none)": said, "by chance": verdict["chance"]}


def _of_page(start: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what the page shows of a measurement."""
    return {
        "name": f"{start} start", **{key: found[key] for key in _SHOWN},
        "lexicon": "exact: the planning phrases that the task knows",
    }  # fmt: skip


def next_commands(out: Path) -> list[str]:
    """Lists commands that go on from the demo."""

    def of(name: str) -> str:
        return shlex.quote(str(out / name))

    return [
        f"hicra signal --model plan-execute-weak --task plan_execute --batches 64 -o {of('signal-weak')}",
        f"hicra lexicon show {of('lexicon')}",
        f"hicra train --config {of('config.yaml')} --method hicra_difficulty -o {of('hicra_difficulty')}",
        f"hicra report {of('none')} {of('hicra')} {of('hicra_difficulty')} -o {of('three.html')}",
        "hicra mine YOUR_ROLLOUTS.jsonl -o lexicon",
    ]


def summary(result: Mapping[str, Any], out: Path) -> str:
    """Writes what the demo found, the signal first and the training after it, for a terminal."""
    batches = next(iter(result["signal"].values()))["batches"]
    lines = [f"1. Where the learning signal is ({batches} batches of each start, the exact planning tokens)"]
    lines += [f"   {line}" for line in signal_lines(result["signal"])]
    lines += ["2. A short training from the strong start, one seed an arm, with the mined lexicon"]
    for arm, found in result["evaluation"].items():
        start, final = found["start"], found["final"]
        low, high = final["ci"]
        lines.append(
            f"   {arm:6} held-out accuracy {start['accuracy']:.3f} -> {final['accuracy']:.3f} (95 % {low:.3f} to {high:.3f})"
        )
    verdict = result["verdict"]
    difference = decimal(verdict["difference"], 3, sign=True)
    lines += [
        f"   hicra against none: {difference}, {verdict['verdict']} ({verdict['why']})",
        *textwrap.wrap(verdict["chance"], WIDTH, initial_indent="   ", subsequent_indent="   "),
        f"   mask of the mined lexicon on the {MINED} start, {mask_words(result['mask_score'])}",
        f"report: {result['report']}",
    ]
    return "\n".join([*lines, "what to do next:", *(f"  {command}" for command in next_commands(out))])
