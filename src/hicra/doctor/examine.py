"""Puts together all that `hicra doctor` says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hicra.doctor.alignment import examine_tokenizer
from hicra.doctor.coverage import examine_lexicon
from hicra.doctor.engines import examine_engines, examine_environments
from hicra.doctor.fault import Fault
from hicra.doctor.machine import machine, notes_on
from hicra.doctor.packages import examine_packages, tested, versions
from hicra.drawing.readable import counted
from hicra.errors import HicraError
from hicra.generation.models import resolve_tokenizer
from hicra.lexicon import Lexicon

DEFAULT = "paper"
Found = tuple[dict[str, Any] | None, list[Fault], list[str]]  # what was found, what is broken, and notes


def examine(
    *,
    verl: bool = False,
    tokenizer: str | None = None,
    rollouts: Path | None = None,
    lexicon: str | None = None,
    mapping: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Examines the installation, and what else is named.

    An absent engine is no problem. A missing base package is one, and so is an engine that is installed and cannot work, and a
    tokenizer or lexicon that is named and does not do.

    Args:
        verl: whether verl is meant to be used here, so that its absence is a problem.
        tokenizer: folder of a tokenizer to check, or the name of a built-in model.
        rollouts: file or folder of rollouts, on whose first rows the lexicon is tried.
        lexicon: the lexicon to try, None for `paper`; without rollouts one that is named is only read, and a note says so.
        mapping: field of ours -> column of the rollouts.

    Returns:
        {versions, tested {package: versions}, engines {name: {version, note}}, environments {extra: {version, note}},
        verl_plugin_registered, machine, tokenizer, coverage (these two None where they are not asked for), notes [text],
        problems [{what, fix}]}.
    """
    problems, notes = examine_packages()
    engines, registered, more = examine_engines(verl)
    problems += more
    here = machine()
    notes += notes_on(here)
    result = {
        "versions": versions(), "tested": tested(), "engines": engines, "environments": examine_environments(),
        "verl_plugin_registered": registered, "machine": here, "tokenizer": None, "coverage": None,
    }  # fmt: skip

    def of_tokenizer() -> Found:
        return (None, [], []) if tokenizer is None else examine_tokenizer(str(resolve_tokenizer(tokenizer)))

    def of_lexicon() -> Found:
        if rollouts is None and lexicon is None:
            return None, [], []
        loaded = Lexicon.load(lexicon or DEFAULT)
        if rollouts is None:
            said = f"lexicon {loaded.name} can be read ({counted(len(loaded), 'gram')})"
            return None, [], [f"{said}; what it marks is only seen on rollouts: add --rollouts PATH"]
        folder = None if tokenizer is None else str(resolve_tokenizer(tokenizer))
        return examine_lexicon(rollouts, loaded, folder, mapping)

    for name, look in (("tokenizer", of_tokenizer), ("coverage", of_lexicon)):
        try:
            result[name], found, told = look()
        except HicraError as error:
            found, told = [Fault(error.message, error.fix)], []
        problems += [one for one in found if one not in problems]
        notes += told
    return result | {"notes": notes, "problems": [one.as_json() for one in problems]}
