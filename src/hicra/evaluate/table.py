"""Writes the result as text: a block per benchmark, with both intervals of each mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hicra.drawing.readable import counted
from hicra.evaluate.intervals import LIKE, THESE


def table(files: Mapping[str, Mapping[str, Any]]) -> str:
    """Writes a block for every benchmark of a result."""
    return "\n\n".join(_block(name, found) for name, found in files.items())


def _block(name: str, found: Mapping[str, Any]) -> str:
    low, high = found["n"]
    each = f"{low}" if low == high else f"{low} to {high}"
    asked, per_question = counted(found["questions"], "question"), "sample" if high == 1 else "samples"
    pictures = f" with {counted(found['images'], 'image')}" if found.get("images") else ""
    lines = [f"{name}: {asked}{pictures} x {each} {per_question}, template {found['template']}"]
    ks = list(found["pass_at_k"])
    head = ["", f"avg@{each.replace(' to ', '-')}", THESE, LIKE, *(f"pass@{k}" for k in ks if k != "1")]
    rows = [head]
    for mode, figures in found["modes"].items():
        shown = [_interval(figures["intervals"][which]) for which in (THESE, LIKE)]
        marked = mode + (" *" if mode == found["mode"] and len(found["modes"]) > 1 else "")
        rows.append([
            marked, _share(figures["avg_at_n"]), *shown, *(_share(figures["pass_at_k"][k]) for k in ks if k != "1")
        ])  # fmt: skip
    widths = [max(len(row[at]) for row in rows) for at in range(len(head))]
    lines += [
        "  "
        + "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, *_notes(found)])


def _notes(found: Mapping[str, Any]) -> list[str]:
    length, verdicts = found["length"], found["verdicts"]
    lines = [
        "  verdicts: " + ", ".join(f"{name} {number}" for name, number in verdicts.items() if number),
        f"  length in {length['unit']}: mean {length['mean']:.0f}, median {length['median']:.0f}, "
        f"95 % below {length['p95']:.0f}; truncated {_share(found['truncated_share'])}; "
        f"verifier timeouts {_share(found['verifier_timeout_share'])}",
    ]
    if found["verifier_timeout_share"] or found["verifier_error_share"]:
        lines.append(f"  if all unjudged samples were right: {_share(found['avg_at_n_if_unjudged_right'])}")
    if found["bad_gold"]:
        listed = ", ".join(found["bad_gold"][:5]) + (" ..." if len(found["bad_gold"]) > 5 else "")
        lines.append(
            f"  left out because the gold answer cannot be one: {counted(len(found['bad_gold']), 'question')} ({listed})"
        )
    if found["prompts_too_long"]:
        lines.append(
            f"  without a text because the prompt fills the model's context: {counted(found['prompts_too_long'], 'sample')}"
        )
    return lines


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _interval(pair: list[float] | None) -> str:
    return "-" if pair is None else f"{100 * pair[0]:.1f} to {100 * pair[1]:.1f} %"
