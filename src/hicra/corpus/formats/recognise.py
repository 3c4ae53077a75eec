"""Finds the format of a file. A further one is a file beside this one, and a line in the table."""

from __future__ import annotations

from collections.abc import Collection

from hicra.corpus.formats import (
    inspect_ai,
    lighteval,
    lm_eval,
    nemo_rl,
    nemo_skills,
    open_instruct,
    openr1_math,
    openrlhf,
    prime_rl,
    qwen_eval,
    rlprobe,
    sharegpt,
    skyrl,
    trl,
    verl,
)
from hicra.corpus.formats.interface import Context, Format
from hicra.corpus.formats.plain import PLAIN

FORMATS: tuple[Format, ...] = (
    trl.FORMAT,
    verl.FORMAT,
    openrlhf.FORMAT,
    lm_eval.FORMAT,
    lighteval.FORMAT,
    lighteval.OLDER,
    nemo_rl.FORMAT,
    nemo_skills.FORMAT,
    open_instruct.FORMAT,
    openr1_math.FORMAT,
    prime_rl.FORMAT,
    qwen_eval.FORMAT,
    rlprobe.FORMAT,
    skyrl.FORMAT,
    inspect_ai.FORMAT,
    sharegpt.FORMAT,
)


def format_of(keys: Collection[str], context: Context) -> Format:
    """Returns the format of a file; the plain one where it is none of the table, or the user says what the response is.

    Args:
        keys: columns of a parquet file, or keys of the first row of another.
        context: of the file.
    """
    if "response" in context.mapping:
        return PLAIN
    return next((known for known in FORMATS if known.fits(keys, context.floats)), PLAIN)


def nearest_layout(keys: Collection[str], context: Context) -> str:
    """Returns what to say of the known layout that has most in common with these columns of a row."""
    found = set(keys)
    own = next((known for known in FORMATS if known.fits(found, context.floats)), None)
    if own is not None:
        return f"it is a row of {own.name}, and the first row of its file is not: a file holds one layout"
    best = max(FORMATS, key=lambda known: len(known.needs & found) / len(known.needs))
    if 2 * len(best.needs & found) < len(best.needs):
        return "the nearest known layout is plain rows, with the text in response, completion, messages or solution"
    return f"the nearest known layout is {best.name}, which {_differs(best, found)}"


def _differs(known: Format, found: set[str]) -> str:
    if lacks := sorted(known.needs - found):
        return f"also has {', '.join(map(repr, lacks))}"
    if refused := sorted(known.never & found):
        return f"has no {', '.join(map(repr, refused))}"
    if known.floats:
        return "is parquet, with a column of floats for each reward"
    return f"also has one of {', '.join(map(repr, sorted(known.one_of)))}"
