"""Carries the labels that a task gives to words over to tokens: the exact kinds of a task that knows them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hicra.arrays import Bools
from hicra.errors import DataError
from hicra.tasks.base import Task

WORD = re.compile(r"\S+")
HEAD = "label:"


def label_kinds(
    task: Task,
    rows: Sequence[Mapping[str, Any]],
    texts: Sequence[tuple[str, Sequence[int]]],
    ended: Sequence[bool],
    live: Bools,
) -> dict[str, Bools]:
    """Returns the tokens [B,T] of each label, by `label:NAME`, sorted; empty where the task knows no labels.

    A token has the label of the word in which its first character stands that is no white space. A token without one (an end
    token, a space) has none.

    Args:
        task: gives a label to each word (split at white space).
        rows: the problem of each rollout.
        texts: of each rollout its text, and for each of the T columns the character where it ends (`Tagger.texts`).
        ended: whether each rollout ended with the end token.
        live: [B,T] bool, the policy tokens.

    Raises:
        DataError: the task gives another number of labels than there are words.
    """
    found: dict[str, Bools] = {}
    for at, ((text, ends), row) in enumerate(zip(texts, rows, strict=True)):
        labels = task.labels(text, row, ended[at])
        if labels is None:
            continue
        words = [match.span() for match in WORD.finditer(text)]
        if len(words) != len(labels):
            raise DataError(
                f"task {task.name!r} gives {len(labels)} labels to {len(words)} words of rollout {at}",
                "labels() must give one label to each word, split at white space",
            )
        word, begin = 0, 0
        for column in np.flatnonzero(live[at]).tolist():
            end = ends[column]
            while word < len(words) and words[word][1] <= begin:
                word += 1
            if word < len(words) and max(begin, words[word][0]) < end:
                name = f"{HEAD}{labels[word]}"
                found.setdefault(name, np.zeros(live.shape, bool))[at, column] = True
            begin = max(begin, end)
    return dict(sorted(found.items()))
