"""The rules of public HICRA implementations, written anew from descriptions of what they do (no line of theirs is here).

Each marks what its original marks, flaws included, and is at least as quick as a plain writing of that rule in Python
would be: regexes are compiled once, fragments are looked up in a list, and nothing waits on a device. `find` takes ids
[B,T] and the policy's tokens [B,T] (a prefix of each row) and returns a mask [B,T].
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Table = list[bytes | None]  # id -> bytes, None for special tokens
CHUNK = 2**27  # booleans compared at a time


class IdWindows:
    """A trainer proposed to TRL: every gram is encoded once, as it is typed; windows of ids are compared with all grams by
    broadcasting; then a Python loop walks the windows and marks those that were equal. 8 rows at a time.

    The originals' first word has no space before it and no capital, so on byte-level BPE it misses what stands inside a text.
    """

    name = "id windows (TRL PR 4997's rule)"

    def __init__(self, grams: Sequence[str], table: Table, tokenizer: Any) -> None:
        by_length: dict[int, list[list[int]]] = {}
        for encoding in tokenizer.encode_batch(list(grams), add_special_tokens=False):
            by_length.setdefault(len(encoding.ids), []).append(encoding.ids)
        self.grams = {n: np.array(ids, np.int64) for n, ids in sorted(by_length.items()) if n}

    def find(self, ids: Ints, live: Bools) -> Bools:
        mask = np.zeros_like(live)
        for low in range(0, len(ids), 8):
            part, here = ids[low : low + 8], live[low : low + 8]
            width = int(here.sum(axis=1).max(initial=0))  # the padding on the right is not looked at
            for n, grams in self.grams.items():
                if width < n:
                    continue
                windows = np.lib.stride_tricks.sliding_window_view(part[:, :width], n, axis=1)
                hit = np.zeros(windows.shape[:2], np.bool_)
                step = max(1, CHUNK // windows.size)
                for at in range(0, len(grams), step):
                    hit |= (windows[:, :, None, :] == grams[None, None, at : at + step, :]).all(-1).any(-1)
                for row in range(hit.shape[0]):
                    for column in range(hit.shape[1]):
                        if hit[row, column]:
                            mask[low + row, column : column + n] = True
        return mask & live


class WindowRegex:
    """retrain's detector: one regex of all grams, searched in windows of space-joined token fragments. From each start the
    window grows to max(5, longest gram's words) tokens; the first one that holds a gram anywhere is marked whole.
    """

    name = "window regex (retrain's rule)"

    def __init__(self, grams: Sequence[str], table: Table, tokenizer: Any) -> None:
        self.fragments = ["" if piece is None else piece.decode("utf-8", "replace").strip() for piece in table]
        self.window = max(5, *(len(gram.split()) for gram in grams))
        self.prepare(grams)

    def prepare(self, grams: Sequence[str]) -> None:
        self.search = re.compile(rf"\b(?:{'|'.join(map(re.escape, grams))})\b", re.IGNORECASE).search

    def holds(self, text: str) -> bool:
        return self.search(text) is not None

    def find(self, ids: Ints, live: Bools) -> Bools:
        mask = np.zeros_like(live)
        for row, length in enumerate(live.sum(axis=1).tolist()):
            words = [self.fragments[i] for i in ids[row, :length].tolist()]
            for start in range(length):
                for stop in range(start + 1, min(start + self.window, length) + 1):
                    if self.holds(" ".join(words[start:stop])):
                        mask[row, start:stop] = True
                        break
        return mask


class WindowRegexByGram(WindowRegex):
    """textpolicy's function, and retrain's second one: the same windows, but each gram's own regex is tried in turn."""

    name = "window regex, gram by gram (textpolicy's rule)"

    def prepare(self, grams: Sequence[str]) -> None:
        self.searches = [re.compile(rf"\b{re.escape(gram)}\b", re.IGNORECASE).search for gram in grams]

    def holds(self, text: str) -> bool:
        return any(search(text) for search in self.searches)


class WholeSequence:
    """A notebook's rule: a completion whose lower-cased text holds a phrase anywhere is marked from end to end."""

    name = "whole sequence (notebook's rule)"

    def __init__(self, grams: Sequence[str], table: Table, tokenizer: Any) -> None:
        self.grams, self.pieces = list(grams), [piece or b"" for piece in table]

    def find(self, ids: Ints, live: Bools) -> Bools:
        mask = np.zeros_like(live)
        for row, length in enumerate(live.sum(axis=1).tolist()):
            text = b"".join([self.pieces[i] for i in ids[row, :length].tolist()]).decode("utf-8", "replace").lower()
            mask[row, :length] = any(gram in text for gram in self.grams)
        return mask


PEERS = (IdWindows, WindowRegex, WindowRegexByGram, WholeSequence)
