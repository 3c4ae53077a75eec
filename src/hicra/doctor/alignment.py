"""Checks a tokenizer on random rows of ids: the text in which grams are found must be what the tokenizer itself decodes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hicra.arrays import Ints
from hicra.doctor.fault import Fault
from hicra.generation.render import has_chat_template
from hicra.text.byte_tables import table_of
from hicra.text.stream import Vocabulary
from hicra.text.tokenizer import TokenBytes, load_tokenizer, token_bytes

ROWS, LONGEST = 200, 64
CHARACTERS = (0xE9, 0x2019, 0x4F60, 0x1F914)  # of two, three, three and four bytes
SPACED = ("wordpiece", "word-level")  # families that drop white space, whose decoders put some in again
_REPLACED = re.compile("\ufffd+")
_BLANK = re.compile(r"\s+")


def examine_tokenizer(folder: str, seed: int = 0) -> tuple[dict[str, Any], list[Fault], list[str]]:
    """Compares the text of random rows of token ids, and of a random beginning of each, with the tokenizer's own `decode`.

    Bytes that are no text are compared as such, however many marks a decoder shows for them. Special tokens are in no row.

    Args:
        folder: of a tokenizer, or a `.tiktoken` file, which has no `decode` to compare with.
        seed: of the rows.

    Returns:
        {tokenizer, family, vocabulary, rows, tokens, differ}, what is broken, and notes.

    Raises:
        ConfigError: the tokenizer does not load, or the bytes of its tokens are not known; the message says why.
    """
    table = token_bytes(folder)
    found: dict[str, Any] = {
        "tokenizer": folder, "family": table.family, "vocabulary": table.vocabulary, "rows": 0, "tokens": 0, "differ": 0,
    }  # fmt: skip
    if table_of(folder) is not None:
        return found, [], [f"{folder} is a table of bytes: there is no decode to compare it with"]
    tokenizer, vocabulary = load_tokenizer(folder)[0], Vocabulary(table)
    plain = _plain(table.family)
    rng = np.random.default_rng(seed)
    first = ""
    for ids in _random_rows(table, tokenizer, rng):
        found["rows"] += 1
        cut = int(rng.integers(0, len(ids))) + 1
        if said := _difference(ids, cut, vocabulary, tokenizer.decode, plain):
            found["differ"] += 1
            first = first or said
        found["tokens"] += len(ids)
    notes = []
    if table.family in SPACED:
        notes.append(f"the tokenizer {folder} drops white space, so grams with punctuation may be missed")
    if not has_chat_template(Path(folder)):
        notes.append(f"{folder} has no chat template: prompts are given to the model as plain text")
    problems = []
    if not found["rows"]:
        problems.append(Fault(f"{folder} holds no token that stands for a text", "give the tokenizer of the model"))
    if first:
        problems.append(Fault(
            f"the text of {found['differ']} of {ROWS} random rows is not what {folder} decodes; the first: {first}",
            "hicra tag FILE, without --tokenizer, which tags the text itself",
        ))  # fmt: skip
    return found, problems, notes


def _random_rows(table: TokenBytes, tokenizer: Any, rng: np.random.Generator) -> Iterator[Ints]:
    """Yields rows of ids that can stand in a text: of any tokens with bytes.

    Where a tokenizer falls back to bytes, a row holds those of one whole character: what a decoder makes of bytes that are no
    text is its own affair. Where it marks continuations of words, a row begins with no such token.
    """
    usable = np.flatnonzero(~table.wall[:-1])
    raw = [tokenizer.token_to_id(f"<0x{byte:02X}>") for byte in range(256)] if table.family == "metaspace" else []
    spelled = bool(raw) and None not in raw
    if spelled:
        usable = np.setdiff1d(usable, raw)
    begins = usable[table.blob[table.start[usable]] == ord(" ")] if table.family in SPACED else usable
    for _ in range(ROWS if len(begins) else 0):
        ids = rng.choice(usable, rng.integers(1, LONGEST + 1))
        ids[0] = rng.choice(begins)
        if spelled:
            character = chr(rng.choice(CHARACTERS)).encode()
            ids = np.insert(ids, rng.integers(0, len(ids) + 1), [raw[byte] for byte in character])
        yield ids


def _difference(ids: Ints, cut: int, vocabulary: Vocabulary, decode: Any, plain: Callable[[str], str]) -> str:
    """Returns how a row, or its first `cut` tokens, differs from what `decode` shows; "" where it does not."""
    row = ids.reshape(1, -1)
    [(text, ends)] = vocabulary.texts(row, np.ones(row.shape, np.bool_))
    shown = decode(ids.tolist())
    if plain(text) != plain(shown):
        return f"ids {ids.tolist()[:8]}... are read as {text[:40]!r}, and decode shows {shown[:40]!r}"
    begin, own = decode(ids[:cut].tolist()), text[: ends[cut - 1]]
    whole = not begin.endswith("\ufffd")  # else the last character goes on in the next token
    same = plain(own) == plain(begin) if whole else plain(own).startswith(plain(begin.rstrip("\ufffd")))
    if same:
        return ""
    return f"the first {cut} of ids {ids.tolist()[:8]}... end at {own[-20:]!r}, and decode at {begin[-20:]!r}"


def _plain(family: str) -> Callable[[str], str]:
    """Returns a function that takes out of a text what two right readings of one row may differ in."""

    def plain(text: str) -> str:
        text = _REPLACED.sub("\ufffd", text)
        if family in SPACED:
            return _BLANK.sub("", text)
        return text.lstrip(" ") if family == "metaspace" else text  # the space that may or may not open a text

    return plain
