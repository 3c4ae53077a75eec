"""Writes the result of a measurement as text for a terminal: two tables, and in sentences what they say and what they do not."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from hicra.drawing.readable import counted, decimal, duration, interval_end
from hicra.findings.measured_signal import (
    COSINE,
    DIRECTION,
    NO_RUN,
    NOISE,
    chance_sentence,
    compared,
    kind_sentence,
    labels_note,
    notes,
    step_sentences,
    untold,
)

KIND_HEAD = ("kind of token", "tokens", "share of the signal", "95 % interval", "signal", "noise", "signal/noise")
METHOD_HEAD = ("method", "cosine", "95 % interval", "minus none", "95 % interval", "direction", "signal/noise")
_WIDTH = 116  # letters of a line under a table


def text_of(found: Mapping[str, Any]) -> str:
    """Writes the result of `measure`, without its warnings."""
    return "\n".join([_first(found), "", *_kinds(found), "", *_methods(found), "", *said(found)])


def said(found: Mapping[str, Any]) -> list[str]:
    """Says in sentences where the signal is, which methods take a better or worse step, and what would tell the rest."""
    head, names = untold(found)
    return [
        kind_sentence(found),
        *step_sentences(found),
        *filter(None, [chance_sentence(compared(found)), head]),
        *(f"  {name}" for name in names),
        *(f"Note: {text}." for text in notes(found)),
        NO_RUN,
    ]


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
    return [*_table(rows), f"  {NOISE}", *(f"  {line}" for line in textwrap.wrap(labels_note(found), _WIDTH))]


def _methods(found: Mapping[str, Any]) -> list[str]:
    rows: list[Sequence[str]] = [METHOD_HEAD]
    for name, one in _in_order(found["methods"], ("none",)):
        rows.append((
            name, _number(one["cosine"]), _range(one["cosine_ci"], _number),
            *(("", "") if name == "none" else (_signed(one["difference"]), _range(one["difference_ci"], _end))),
            _number(one["bias_cosine"]), _small(one["snr"]),
        ))  # fmt: skip
    return [*_table(rows), *(f"  {line}" for text in (COSINE, DIRECTION) for line in textwrap.wrap(text, _WIDTH))]


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


def _share(value: float | None) -> str:
    return "-" if value is None else f"{decimal(100 * value, 1)} %"


def _number(value: float | None) -> str:
    return "-" if value is None else decimal(value, 3)


def _signed(value: float | None) -> str:
    return "-" if value is None else decimal(value, 3, sign=True)


def _end(value: float) -> str:
    return interval_end(value, 3)


def _small(value: float | None) -> str:
    return "-" if value is None else f"{value:.2g}"


def _range(pair: Sequence[float] | None, write: Any) -> str:
    return "-" if pair is None else f"{write(pair[0])} to {write(pair[1])}"
