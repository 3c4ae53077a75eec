"""The recorded spans of a run on a line for each step, in tokens, words or characters; what several findings count anew.

Deviations:
SPANS-1. Where rollouts have `token_ends`, shares are of tokens; where a diagnosis counted words, of the same words; and of
    characters else, since the place of each token is not recorded. So a share is that of the table wherever it can be.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from hicra.arrays import Array, Bools, Ints
from hicra.findings.columns import with_columns_of
from hicra.findings.finding import Evidence
from hicra.findings.gram_use import are_spans
from hicra.findings.questions import Numbers, question_column, question_numbers
from hicra.findings.saved import Rollouts
from hicra.text.words import piece_ranges

AnyInts = npt.NDArray[np.signedinteger]  # 4 bytes each where they fit
OF_CHARACTERS = "Shares are of characters here, since the place of each of the tokens is not recorded."
_HEADING = re.compile(r"\s*(#|\*\*.*\*\*[\s:.]*$)", re.DOTALL)


@dataclass(frozen=True)
class Laid:
    """The spans of the R responses of a step, on a line on which all of them stand one after the other.

    Attributes:
        step: its number.
        begins: [R+1] where each response begins; the last is the number of units of all.
        questions: [R] a number that responses to one question share, within a step and from step to step.
        gram, start, stop: [H] the number of each span's gram, and where it starts and ends; by start, then the longest first.
        form: [H] whether a span is a matter of form: its gram has no letter, or its text is a heading (`#`, or all bold).
    """

    step: int
    begins: AnyInts
    questions: Numbers
    gram: AnyInts
    start: AnyInts
    stop: AnyInts
    form: Bools

    @property
    def size(self) -> int:
        """The number of units of all its responses."""
        return int(self.begins[-1])


@dataclass(frozen=True)
class Spans:
    """Holds the spans of a run, about 13 bytes each.

    Attributes:
        counts: "tokens", "words" or "characters": what the units are.
        by: what tells questions apart: "prompt", "group_id", "id" or "" (each response is one).
        grams: the G grams that occur, sorted.
        laid: the steps, ascending.
    """

    counts: str
    by: str
    grams: list[str]
    laid: list[Laid]


def spans_of(evidence: Evidence) -> Spans | None:
    """Lays the recorded spans of all rollouts on a line for each step, once a run; None where none is recorded."""
    return evidence.rollouts.once(_spans_of, evidence.counts)


def _spans_of(rollouts: Rollouts, asked: str) -> Spans | None:
    if not are_spans(rollouts.schema.get("spans", pl.Null())):
        return None
    counts = "tokens" if rollouts.once(_have_token_ends) else "words" if asked == "words" else "characters"
    name, column = question_column(rollouts)
    grams: dict[str, int] = {}
    found = []
    for table in rollouts.by_step(
        "spans", "response", *(["token_ends"] if counts == "tokens" else []), *filter(None, [column])
    ):
        told = with_columns_of(table, step="integer", response="text")
        rows = None if told is None else told.drop_nulls("spans")
        if rows is not None and rows.height:
            found.append(_laid(rows, counts, question_numbers(rows, name, column), grams))
    if not grams:
        return None
    names = sorted(grams)  # so that what is drawn does not depend on the order of the rollouts
    number = np.argsort([grams[gram] for gram in names]).astype(np.int32)
    laid = [Laid(one.step, one.begins, one.questions, number[one.gram], one.start, one.stop, one.form) for one in found]
    return Spans(counts, name, names, laid)


def _laid(rows: pl.DataFrame, counts: str, questions: Numbers, grams: dict[str, int]) -> Laid:
    """Lays the spans of the rollouts of a step; gives each new gram a number."""
    ends = rows["token_ends"].to_list() if counts == "tokens" else [None] * rows.height
    hits: list[tuple[int, int, int, bool]] = []
    begins = [0]
    for spans, text, of_tokens in zip(rows["spans"].to_list(), rows["response"].to_list(), ends, strict=True):
        begin = begins[-1]
        known = [span for span in spans if span is not None and None not in span.values()]
        low, high = (np.array([span[end] for span in known], np.int64) for end in ("start", "end"))
        size, first, last = _in_units(text, of_tokens, counts, low, high)
        for span, start, stop in zip(known, first.tolist(), last.tolist(), strict=True):
            if 0 <= start < stop:
                gram = span["gram"]
                form = _is_form(gram, text[span["start"] : span["end"]])
                hits.append((grams.setdefault(gram, len(grams)), begin + start, begin + stop, form))
        begins.append(begin + size)
    table: AnyInts = np.array(hits, np.int64).reshape(-1, 4)
    if begins[-1] < 2**31:
        table = table.astype(np.int32)
    gram, start_at, stop_at, form_at = table[np.lexsort((-table[:, 2], table[:, 1]))].T.copy()
    return Laid(
        int(rows["step"][0]), np.array(begins, np.int64), questions, gram, start_at, stop_at, form_at.astype(np.bool_)
    )


def _in_units(text: str, ends: Sequence[int] | None, counts: str, low: Ints, high: Ints) -> tuple[int, Ints, Ints]:
    """Returns how many units a text has, and the first unit of each span and the one behind its last [H].

    A span has the units from the first that ends behind its start to the last that begins before its end.
    """
    if counts == "characters":
        return len(text), low, np.minimum(high, len(text))
    starts: Array
    stops: Array
    if ends is None:
        starts, stops = piece_ranges(text)
    else:
        stops = np.array(ends, np.float64)  # what others wrote may be no whole numbers
        starts = np.concatenate([[0.0], stops])[:-1]
    return len(stops), np.searchsorted(stops, low, "right"), np.searchsorted(starts, high, "left")


def _is_form(gram: str, text: str) -> bool:
    return not has_letter(gram) or _HEADING.match(text) is not None


def has_letter(gram: str) -> bool:
    """Says whether a gram has a letter; `#`, `**` and `1.` have none.

    >>> [has_letter(gram) for gram in ("## step", "**", "等一下")]
    [True, False, True]
    """
    return any(char.isalpha() for char in gram)


def _have_token_ends(rollouts: Rollouts) -> bool:
    """Says whether every rollout with spans and a response says where its tokens end."""
    dtype = rollouts.schema.get("token_ends")
    if not isinstance(dtype, pl.List) or not dtype.inner.is_numeric():
        return False
    known = pl.col("token_ends").is_not_null() & ~pl.col("token_ends").list.contains(None).fill_null(False)
    for table in rollouts.by_step("spans", "response", "token_ends"):
        rows = with_columns_of(table, step="integer", response="text")
        if rows is not None and not rows.drop_nulls("spans").select(known.all()).item():
            return False
    return True
