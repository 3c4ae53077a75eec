"""Writes the result of a measurement as text for a terminal: two tables, and in sentences what they say and what they do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hicra.drawing.readable import counted, duration

KIND_HEAD = ("kind of token", "tokens", "share of the signal", "95 % interval", "signal", "noise", "signal/noise")
METHOD_HEAD = ("method", "cosine", "95 % interval", "minus none", "95 % interval", "direction", "signal/noise")


def text_of(found: Mapping[str, Any]) -> str:
    """Writes the result of `measure`, without its warnings."""
    return "\n".join([_first(found), "", *_kinds(found), "", *_methods(found), "", *said(found)])


def said(found: Mapping[str, Any]) -> list[str]:
    """Says in sentences where the signal is, which methods take a better or worse step, and what would tell the rest."""
    planning, lines = found["kinds"]["planning"], []
    if planning["ci"] is not None:
        low, high = planning["ci"]
        kind = "planning" if low > 0.5 else "execution" if high < 0.5 else ""
        lines.append(
            f"Most of the learning signal lies on {kind} tokens."
            if kind
            else "Whether more of the signal lies on planning or on execution tokens cannot be told from these batches"
            f"{_would_do(planning)}."
        )
    told = {
        name: one
        for name, one in _in_order(found["methods"], ("none",))
        if name != "none" and one["difference_ci"] is not None
    }
    better = [name for name, one in told.items() if one["difference_ci"][0] > 0]
    worse = [name for name, one in told.items() if one["difference_ci"][1] < 0]
    rest = [f"{name}{_would_do(one)}" for name, one in told.items() if name not in (*better, *worse)]
    for names, what in (
        (better, "A step of {} is nearer to the true gradient than one of none."),
        (worse, "A step of {} is farther from it than one of none."),
        (rest, "For {} that cannot be told."),
    ):
        if names:
            lines.append(what.format(_listed(names)))
    # what cannot be told stands above already
    lines += [f"Note: {text}." for text in found["warnings"] if "cannot be told" not in text]
    return [
        *lines,
        "A better step is not yet a better run: what the model does well already has no signal, and can be lost.",
    ]


def _would_do(one: Mapping[str, Any]) -> str:
    needed = one["batches_needed"]
    return (
        ""
        if needed is None
        else " (more than 1000 batches would do)"
        if needed > 1000
        else f" (about {needed} batches would do)"
    )


def _first(found: Mapping[str, Any]) -> str:
    accuracy = "accuracy unknown" if found["accuracy"] is None else f"{100 * found['accuracy']:.1f} % right"
    return (
        f"{counted(found['batches'], 'batch', 'batches')}, {found['rollouts']} rollouts, {accuracy}, "
        f"{found['mixed_groups']} of {found['groups']} groups mixed, {duration(found['seconds'])}"
    )


def _kinds(found: Mapping[str, Any]) -> list[str]:
    rows: list[Sequence[str]] = [KIND_HEAD]
    for name, one in _in_order(found["kinds"], ("planning", "execution")):
        tokens = found["tokens"][name] / max(1, found["all_tokens"])
        rows.append((
            name, f"{100 * tokens:.1f} %", _share(one["share"]), _range(one["ci"], _share), _small(one["signal"]),
            _small(one["noise"]), _small(one["snr"]),
        ))  # fmt: skip
    return _table(rows)


def _methods(found: Mapping[str, Any]) -> list[str]:
    rows: list[Sequence[str]] = [METHOD_HEAD]
    for name, one in _in_order(found["methods"], ("none",)):
        rows.append((
            name, _number(one["cosine"]), _range(one["cosine_ci"], _number),
            *(("", "") if name == "none" else (_signed(one["difference"]), _range(one["difference_ci"], _signed))),
            _number(one["bias_cosine"]), _small(one["snr"]),
        ))  # fmt: skip
    return [
        *_table(rows),
        "  cosine: of one batch's step with the mean unshaped gradient of the other batches; direction: cosine of the mean",
        "  steps, corrected for noise; at 1 the method points where the unshaped gradient points.",
    ]


def _in_order(table: Mapping[str, Any], first: Sequence[str]) -> list[tuple[str, Any]]:
    """Lists the entries by name, some of them first, since a file keeps no other order."""
    return [(name, table[name]) for name in (*first, *sorted(name for name in table if name not in first))]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.3f}"


def _small(value: float | None) -> str:
    return "-" if value is None else f"{value:.2g}"


def _range(pair: Sequence[float] | None, write: Any) -> str:
    return "-" if pair is None else f"{write(pair[0])} to {write(pair[1])}"
