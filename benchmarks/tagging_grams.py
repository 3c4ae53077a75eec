"""Gram lists for the tagging benchmark: 100, 249 (the paper's), 1,000, 10,000 and 100,000 grams.

Counted here in a few lines of numpy, so that the lists do not change when the miner does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

_OPENERS = "let let's i i'm we so but wait now maybe perhaps alternatively hmm okay first next then to if hold another"
_CUES = (
    "check think need try consider verify find see approach can should could recall start problem way another again "
    "sure step make double mistake understand figure confirm look wrong right know means"
)
OPENERS, CUES = frozenset(_OPENERS.split()), frozenset(_CUES.split())
_WORD_RUN = re.compile(r"[a-z]+(?:'[a-z]+)*(?: [a-z]+(?:'[a-z]+)*)*")


def ranked_ngrams(texts: Sequence[str], n_min: int = 3, n_max: int = 5, min_df: int = 2) -> list[str]:
    """N-grams of ASCII words in one clause, most document-frequent first, ties by text."""
    words: dict[str, int] = {"": 0}
    ids, document = [], []
    for index, text in enumerate(texts):
        folded = " ".join(text.replace("\u2019", "'").lower().split())
        row = [
            words.setdefault(word, len(words))
            for run in _WORD_RUN.findall(folded)
            for word in (*run.split(), "")  # "" between clauses: no n-gram crosses it
        ]
        ids.append(np.array(row, np.int64))
        document.append(np.full(len(row), index, np.int64))
    flat, owner = np.concatenate(ids), np.concatenate(document)
    names, found = list(words), []
    for n in range(n_min, n_max + 1):
        window = np.lib.stride_tricks.sliding_window_view(flat, n)
        start = np.flatnonzero((window != 0).all(axis=1))
        if not start.size:
            continue
        code = np.zeros(len(start), np.uint64)
        for offset in range(n):
            code = code * np.uint64(0x9E3779B97F4A7C15) + (flat[start + offset].astype(np.uint64) + np.uint64(1))
        order = np.argsort(code, kind="stable")  # equal n-grams stay in order of position, so of document
        start, code = start[order], code[order]
        first = np.append(True, code[1:] != code[:-1])
        new = first | np.append(True, owner[start[1:]] != owner[start[:-1]])
        head = np.flatnonzero(first)
        df = np.add.reduceat(new, head, dtype=np.int64)
        for at, count in zip(start[head[df >= min_df]].tolist(), df[df >= min_df].tolist(), strict=True):
            found.append((-count, " ".join(names[word] for word in flat[at : at + n].tolist())))
    return [gram for _, gram in sorted(found)]


def planning_like(gram: str) -> bool:
    """Whether a gram opens like planning talk and names a planning act."""
    words = gram.split()
    return words[0] in OPENERS and any(word in CUES for word in words[1:])


def gram_lists(texts: Sequence[str], paper: Sequence[str], sizes: Sequence[int]) -> dict[int, list[str]]:
    """size -> grams. 100: the most document-frequent planning-like ones; 249: the paper's; above: the paper's and the most
    document-frequent ones. Shorter than asked where the texts hold no more n-grams."""
    ranked = ranked_ngrams(texts)
    known = set(paper)
    longer = [*paper, *(gram for gram in ranked if gram not in known)]
    lists = {100: [gram for gram in ranked if planning_like(gram)][:100], len(paper): list(paper)}
    return {size: lists[size] if size in lists else longer[:size] for size in sizes}
