"""Finds grams of a lexicon that can never match, by the rule in docs/concepts/tagging.md.

A gram can match somewhere exactly when it matches a text that is the gram and nothing else: folding goes character by
character, and the ends of a text forbid least (so a gram that starts with a combining mark may match: after anything that is
no word). Two cases remain: the span type "sentence", which counts only grams inside one sentence, and tokenizers that cannot
spell every character (MiniLM's drops accents).

A gram that can match finds nothing in texts of another script: `uncovered_script`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hicra.drawing.readable import counted
from hicra.errors import ConfigError, did_you_mean
from hicra.lexicon.lexicon import BUILT_IN, Lexicon
from hicra.text.scripts import letters_by_script
from hicra.text.sentences import ends
from hicra.text.stream import Vocabulary
from hicra.text.tokenizer import token_bytes

UNITS = ("gram", "sentence")


def name_of(folder: Path) -> str:
    """Returns the name by which `Lexicon.load` finds a folder: a built-in lexicon goes before a folder of its name."""
    return f"./{folder}" if str(folder) in BUILT_IN else str(folder)


def hidden_warning(name: str) -> str | None:
    """Returns one sentence where a built-in lexicon hides what is of the same name in the working folder, else None."""
    if name not in BUILT_IN or not Path(name).exists():
        return None
    kind = "folder" if Path(name).is_dir() else "file"
    return f"{name!r} is the built-in lexicon here; the {kind} of that name is './{name}'"


def unmatchable(lexicon: Lexicon, unit: str) -> list[str]:
    """Returns the grams that match no text at all, sorted: for "sentence" those with a sentence end inside, for "gram" none.

    Raises:
        ConfigError: `unit` is no span type.
    """
    if unit not in UNITS:
        raise ConfigError(f"unit {unit!r} is no span type", did_you_mean(unit, UNITS))
    if unit == "gram":
        return []
    return [gram for gram in lexicon.phrases if any(end < len(gram) for end in ends(gram))]


def unmatchable_warning(lexicon: Lexicon, unit: str, most: int = 5) -> str | None:
    """Returns one sentence that names those grams (at most `most`), or None where there are none."""
    grams = unmatchable(lexicon, unit)
    if not grams:
        return None
    return (
        f"{len(grams)} of {len(lexicon)} grams of lexicon {lexicon.name!r} cross a sentence end and never match "
        f"with --unit {unit}: {_named(grams, most)}"
    )


def unspellable(lexicon: Lexicon, tokenizer: Any) -> list[str]:
    """Returns the grams with a character that no token of a tokenizer holds, sorted; none where it falls back to bytes."""
    table = token_bytes(tokenizer)
    own = ~table.wall
    if np.unique(table.blob[table.start[own & (table.length == 1)]]).size == 256:
        return []
    vocabulary = Vocabulary(table)
    alphabet = set(vocabulary.data.tobytes().decode("utf-8", "replace"))
    return [gram for gram in lexicon.phrases if not alphabet.issuperset(gram)]


def warnings_of(lexicon: Lexicon, unit: str | None, tokenizer: Any = None) -> list[str]:
    """Returns all that a user should know before tagging with a lexicon, a sentence each; `unit` is as for `Tagger`."""
    unit = lexicon.default_unit if unit is None else unit
    found = [duplicates_warning(lexicon), unmatchable_warning(lexicon, unit)]
    if tokenizer is not None and (grams := unspellable(lexicon, tokenizer)):
        found.append(
            f"{len(grams)} of {len(lexicon)} grams hold a character that the tokenizer cannot spell: {_named(grams)}"
        )
    if unit == "gram" and lexicon.threshold is not None:
        found.append(
            f"the weights of lexicon {lexicon.name!r} are made for --unit sentence; its grams alone mark far too much"
        )
    return [warning for warning in found if warning]


def uncovered_script(lexicon: Lexicon, letters: Mapping[str, int]) -> str | None:
    """Says that most letters of some texts are of scripts in which a lexicon has no gram; None where they are not.

    Args:
        letters: number of letters of each script, as `letters_by_script` counts them.
    """
    known, total = letters_by_script(lexicon.phrases), sum(letters.values())
    foreign = sorted(((count, script) for script, count in letters.items() if script not in known), reverse=True)
    if 2 * sum(count for count, _ in foreign) <= total:
        return None
    named = [(count, script) for count, script in foreign if 10 * count >= total] or foreign[:1]
    shares = [f"{100 * count / total:.0f} % of the letters are {script}" for count, script in named]
    scripts = "that script" if len(shares) == 1 else "those scripts"
    return f"{' and '.join(shares)}; lexicon {lexicon.name!r} has no gram in {scripts}"


def nothing_found(lexicon: Lexicon, rows: int, letters: Mapping[str, int]) -> str:
    """Says that a lexicon matches nothing in some rows, and why, where their script is the reason; `letters` as above."""
    found = f"lexicon {lexicon.name!r} matches nothing in {counted(rows, 'row')}"
    why = uncovered_script(lexicon, letters)
    return f"{found}: {why}" if why else found


def duplicates_warning(lexicon: Lexicon, most: int = 5) -> str | None:
    """Returns one sentence that names phrases given more than once (`Lexicon.duplicates`), or None where there are none."""
    if not lexicon.duplicates:
        return None
    named = ", ".join(f"{gram!r} ({count} times)" for gram, count in list(lexicon.duplicates.items())[:most])
    more = f" and {len(lexicon.duplicates) - most} more" if len(lexicon.duplicates) > most else ""
    given = (
        "is given more than once and counts" if len(lexicon.duplicates) == 1 else "are given more than once and count"
    )
    return f"{counted(len(lexicon.duplicates), 'gram')} of lexicon {lexicon.name!r} {given} once: {named}{more}"


def _named(grams: list[str], most: int = 5) -> str:
    return ", ".join(map(repr, grams[:most])) + (f" and {len(grams) - most} more" if len(grams) > most else "")
