"""How the planning share and the length change over a run, and which grams the change is made of.

Deviations (the paper compares no two steps of a run):
CHANGE-1. With fewer than 20 steps the last one is compared with the first. The interval is the jackknife's over questions, of the
    difference of the two pooled figures: a question at both steps is left out of both, so it is paired, and where all questions
    stand at both, the interval of the length is that of the paired t test. With fewer than five questions at a step there is
    none. From 20 steps on the start and the end are parts as in FINDING-1, their figures means over steps, and the interval is
    over steps, since figures wander from step to step by more than the questions tell.
CHANGE-2. Every planning unit (token, word or character) belongs to one gram: that of the longest span that holds it; of spans of
    equal length to that of the one that begins first, and of equal spans to the first gram of the alphabet. So the parts of the
    grams add up to the planning share.
CHANGE-3. Without a gram the planning share is that of the units that belong to no gram or another one; they still count as
    units. A sentence that is lit as a whole belongs to the heaviest gram in it, so it goes with that.
"""

from __future__ import annotations

import math

import numpy as np

from hicra.arrays import Array, Bools, Floats, Ints
from hicra.errors import DataError
from hicra.findings.curves import LEAST_STEPS, Rise, part_size, rise
from hicra.findings.laid_spans import Laid, Spans
from hicra.stats import jackknife_interval

LEAST_QUESTIONS = 5


def owners(one: Laid) -> tuple[Ints, Bools]:
    """Returns the number of the gram that each unit of a step belongs to (CHANGE-2), -1 where none, and whether that is form.

    Args:
        one: a step; its grams are numbered in the order of the alphabet.
    """
    owner, form = np.full(one.size, -1, np.int64), np.zeros(one.size, np.bool_)
    length = one.stop - one.start
    order = np.lexsort((-one.gram, -one.start, length))  # the last that is written stays
    sizes = length[order].astype(np.int64)
    unit = np.repeat(one.start[order] - (np.cumsum(sizes) - sizes), sizes) + np.arange(int(sizes.sum()))
    owner[unit], form[unit] = np.repeat(one.gram[order], sizes), np.repeat(one.form[order], sizes)
    return owner, form


class ShareChanges:
    """Compares both ends of a run that has at least two steps with units.

    Attributes:
        ends: of start and end the first and the last step.
        by_steps: whether the ends are parts of many steps, with intervals over steps.
        parts: [2,G] the part of the planning share that each gram has, at both ends.
        form: the share of the planning units that are headings or lit by a gram without a letter, at both ends.
        questions, paired: how many questions the ends have together, and how many of them both have.
    """

    def __init__(self, spans: Spans) -> None:
        steps = [one for one in spans.laid if one.size]
        if len(steps) < 2:
            raise DataError("one step has no change", "give the rollouts of two steps")
        self.by_steps = len(steps) >= LEAST_STEPS
        size = part_size(len(steps)) if self.by_steps else 1
        self.ends = [(part[0].step, part[-1].step) for part in (steps[:size], steps[-size:])]
        self._steps = np.array([one.step for one in steps], np.float64)
        used = steps if self.by_steps else [steps[0], steps[-1]]
        found = [owners(one) for one in used]
        self._units = np.array([one.size for one in used], np.float64)
        self._rows = np.array([len(one.questions) for one in used], np.float64)
        self._of_gram = np.stack([np.bincount(owner + 1, minlength=len(spans.grams) + 1)[1:] for owner, _ in found])
        form = np.array([marks.sum() for _, marks in found], np.float64)
        shares = self._of_gram / self._units[:, None]
        cut = [slice(0, size), slice(-size, None)]
        self.parts: Floats = np.stack([shares[part].mean(axis=0) for part in cut])
        planning = self._of_gram.sum(axis=1)
        self.form = [float(form[part].sum() / max(1, planning[part].sum())) for part in cut]
        self._sides = [] if self.by_steps else [_Side(one, owner) for one, (owner, _) in zip(used, found, strict=True)]
        asked = [set() if self.by_steps else set(one.questions.tolist()) for one in (used[0], used[-1])]
        self.questions, self.paired = len(asked[0] | asked[1]), len(asked[0] & asked[1])

    def share(self, without: Bools | None = None) -> Rise:
        """Compares the planning share, without the units of some grams [G] where they are given (CHANGE-3)."""
        kept = np.ones(self._of_gram.shape[1], np.bool_) if without is None else ~without
        if self.by_steps:
            return self._of_curve((self._of_gram @ kept) / self._units)
        return self._of_questions([(side.planning(kept), side.units) for side in self._sides])

    def length(self) -> Rise:
        """Compares the mean number of units of a response."""
        if self.by_steps:
            return self._of_curve(self._units / self._rows)
        return self._of_questions([(side.units, np.ones(len(side.units))) for side in self._sides])

    def _of_curve(self, values: Floats) -> Rise:
        return rise(self._steps, values)

    def _of_questions(self, sides: list[tuple[Array, Array]]) -> Rise:
        """Compares sums over responses, (above, below) [R] of each end."""
        names = [side.questions for side in self._sides]
        known, of = np.unique(np.concatenate(names), return_inverse=True)
        places = of[: len(names[0])], of[len(names[0]) :]
        sums = np.array(
            [[np.bincount(at, values, len(known)) for values in pair] for at, pair in zip(places, sides, strict=True)]
        )  # [2 ends, above and below, K]
        whole = sums.sum(axis=2)
        before, after = (float(above / below) for above, below in whole)
        if min(len(np.unique(at)) for at in places) < LEAST_QUESTIONS:
            return Rise(before, after, -math.inf, math.inf)
        left = whole[:, :, None] - sums
        if (left[:, 1] <= 0).any():
            return Rise(before, after, -math.inf, math.inf)
        without = left[1, 0] / left[1, 1] - left[0, 0] / left[0, 1]
        return Rise(before, after, *jackknife_interval(after - before, without))


class _Side:
    """The responses of one step: their questions and units [R], and of which gram each unit is."""

    def __init__(self, one: Laid, owner: Ints) -> None:
        self.questions = one.questions
        self.units = np.diff(one.begins).astype(np.float64)
        self._response, self._owner = np.repeat(np.arange(len(self.units)), np.diff(one.begins)), owner

    def planning(self, kept: Bools) -> Floats:
        """[R] the number of units that belong to one of the grams that are kept [G]."""
        counted = np.append(kept, False)[self._owner]  # -1 is no gram
        return np.bincount(self._response, counted, len(self.units)).astype(np.float64)
