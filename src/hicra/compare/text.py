"""Writes a comparison as text for a terminal: the tables, every seed's value and the power line; warnings go to stderr."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hicra.drawing.readable import counted, printable

_WIDE = 10  # number of seeds that fit in one row


def render(result: Mapping[str, Any]) -> str:
    """Returns the text of a result of `compare`."""
    base, level = result["baseline"], f"{100 * result['confidence']:g} %"
    asked = f", {counted(result['questions'], 'question')} per seed" if result["questions"] else ""
    less = "" if result["higher_is_better"] else ", less is better"
    out = [f"metric      {result['metric']}{less}{asked}", f"checkpoint  {result['checkpoint_rule']}"]
    out += ["", *_columns(
        ("arm", "seeds", f"mean [{level}]", "IQM") if _any_iqm(result) else ("arm", "seeds", f"mean [{level}]"),
        [_arm(arm, arm["arm"] == result["baseline"], _any_iqm(result)) for arm in result["arms"]],
    )]  # fmt: skip
    out += ["", *_columns(
        (f"minus {base}", "pairs", f"difference [{level}]", "p", "p (Holm)", f"P(improves) [{level}]", "verdict"),
        [_comparison(row) for row in result["comparisons"]],
    ), ""]  # fmt: skip
    out += [f"{row['arm']}: {row['verdict']}: {row['why']}" for row in result["comparisons"]]
    if result["questions"]:
        out += ["", *_columns(
            (f"minus {base}", "new seeds", "new questions", "new seeds and questions"),
            [
                (row["arm"], *(span(row[key], True) for key in ("difference_ci", "question_ci", "seed_and_question_ci")))
                for row in result["comparisons"]
            ],
        )]  # fmt: skip
    out += ["", *_seeds(result["arms"]), ""]
    out += [f"power       {row['arm']}: {row['line']}" for row in result["power"]["comparisons"]]
    return "\n".join(map(printable, out))


def value(number: float | None, sign: bool = False) -> str:
    """Writes a number with four digits, or a dash for None."""
    return "-" if number is None else f"{number:+.4g}" if sign else f"{number:.4g}"


def span(ci: Sequence[float | None], sign: bool = False) -> str:
    """Writes an interval, or [unbounded]."""
    return "[unbounded]" if ci[0] is None else f"[{value(ci[0], sign)}, {value(ci[1], sign)}]"


def _any_iqm(result: Mapping[str, Any]) -> bool:
    return any(arm["iqm"] is not None for arm in result["arms"])


def _arm(arm: Mapping[str, Any], is_baseline: bool, with_iqm: bool) -> tuple[str, ...]:
    name = arm["arm"] + (" (baseline)" if is_baseline else "")
    middle = () if not with_iqm else ("-",) if arm["iqm"] is None else (f"{value(arm['iqm'])} {span(arm['iqm_ci'])}",)
    return (name, str(arm["n_seeds"]), f"{value(arm['mean'])} {span(arm['ci'])}", *middle)


def _comparison(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        row["arm"],
        str(row["n_seeds"]),
        f"{value(row['difference'], True)} {span(row['difference_ci'], True)}",
        value(row["p"]),
        value(row["p_holm"]),
        f"{row['prob_improvement']:.2f} [{row['prob_improvement_ci'][0]:.2f}, {row['prob_improvement_ci'][1]:.2f}]",
        row["verdict"],
    )


def _seeds(arms: Sequence[Mapping[str, Any]]) -> list[str]:
    """Writes every seed's value: as a table if it fits, else as one list per arm."""
    seeds = sorted({seed for arm in arms for seed in arm["seeds"]}, key=lambda seed: (isinstance(seed, str), seed))
    if len(seeds) > _WIDE:
        lists = (
            ", ".join(f"{s}: {value(v)}" for s, v in zip(arm["seeds"], arm["values"], strict=True)) for arm in arms
        )
        return [f"{arm['arm']}  {each}" for arm, each in zip(arms, lists, strict=True)]
    rows = []
    for arm in arms:
        by_seed = dict(zip(arm["seeds"], arm["values"], strict=True))
        rows.append((arm["arm"], *(value(by_seed.get(seed)) for seed in seeds)))
    return _columns(("seed", *map(str, seeds)), rows)


def _columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Writes the lines of a table, each column as wide as its widest entry."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    ]
