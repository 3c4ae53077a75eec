"""The verb `hicra doctor` shows what is installed, what each engine needs, and how to repair what is missing or broken."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from hicra.cli.common import UNDRAWN, Undrawn
from hicra.cli.reading import Map


def doctor(
    *,
    verl: Annotated[
        bool, Parameter(negative="", help="verl is meant to run here: its absence, too, is a problem.")
    ] = False,
    tokenizer: Annotated[
        str | None,
        Parameter(
            help="Folder of a model or tokenizer: its bytes are compared with its decode on 200 random rows of ids."
        ),
    ] = None,
    rollouts: Annotated[
        Path | None, Parameter(help="A file or folder of rollouts, on whose first 1000 rows the lexicon is tried.")
    ] = None,
    lexicon: Annotated[
        str | None,
        Parameter(
            help="The lexicon that is tried: a built-in one (paper, paper-n3, planning), a folder made by mine or fit, or a text "
            "file. Left out it is paper; without rollouts one that is named is only read."
        ),
    ] = None,
    map: Map = (),
    common: Undrawn = UNDRAWN,
) -> int:
    """Show what is installed, which engines are ready, and how to repair what is broken."""
    from hicra.corpus.mapping import parse_mapping
    from hicra.doctor import examine
    from hicra.errors import UsageError

    if map and rollouts is None:
        raise UsageError("--map says how rollouts are read, and there are none", "add --rollouts PATH, or leave it out")
    result = examine(verl=verl, tokenizer=tokenizer, rollouts=rollouts, lexicon=lexicon, mapping=parse_mapping(map))
    common.give(result, "\n".join(_lines(result)))
    return 1 if result["problems"] else 0


def _lines(result: dict[str, Any]) -> list[str]:
    """Returns what a terminal shows."""
    tested = result["tested"]
    lines = [
        f"{name:18} {version or 'not installed':16}{f' tested: {tested[name]}' if tested.get(name) else ''}".rstrip()
        for name, version in result["versions"].items()
    ]
    lines += [f"engine {name:11} {engine['note']}" for name, engine in result["engines"].items()]
    lines += [f"extra {name:12} {found['note']}" for name, found in result["environments"].items()]
    lines += [f"{name:18} {_word(value)}" for name, value in result["machine"].items()]
    if found := result["tokenizer"]:
        lines.append(
            f"tokenizer          {found['family']}, {found['vocabulary']} ids; {found['rows'] - found['differ']} of "
            f"{found['rows']} random rows are what it decodes"
        )
    if found := result["coverage"]:
        tokens = "tokens" if result["tokenizer"] else "words"  # without a tokenizer, words stand for them
        lines.append(
            f"lexicon            {found['lexicon']}: {found['planning_share']:.1%} of {found['tokens']} {tokens} in "
            f"{found['rows']} rows, {found['grams_found']} of {found['grams']} grams found"
        )
    lines += [f"note: {note}" for note in result["notes"]]
    lines += [f"problem: {problem['what']}\n  fix: {problem['fix']}" for problem in result["problems"]]
    return lines if result["problems"] else [*lines, "no problem found"]


def _word(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else "-" if value is None else str(value)
