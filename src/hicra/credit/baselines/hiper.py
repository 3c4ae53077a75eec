"""HiPER: advantages inside subgoals for actions, and across subgoals for the choice of a subgoal (Peng et al. 2026,
2602.16165).

An episode is cut into segments: a segment begins where a new subgoal is written. Actions get GAE that stops at the end of their
segment, where it takes the value of what follows. The subgoal of a segment gets GAE over whole segments, each of which counts
as one step. The decision to keep or change gets what its segment brings, less its value.

What is certain: the three formulas, and the defaults of gamma and both lambdas, from the authors' code. What is a
reconstruction: how segments and values are found in a batch of tokens.

Deviations:
HIPER-1. A row is a whole episode. `turn_ids` numbers its steps, -1 where a token belongs to none. A segment begins at the first
    step and at each step with a token in `subgoal_mask`; the authors read the word that says to switch.
HIPER-2. `values` holds the value of a decision at its first token: of the state at a subgoal, of the state with its subgoal at
    an action, of the state with the old subgoal at keep or change. A step without action tokens takes the value of its first
    token instead, and so does a first step without a subgoal. Where values come from is the caller's business.
HIPER-3. Only the reward at the end of a row is known, and it is that of the last step. The episode has then ended: no value
    follows. The authors can take a value where an episode was cut.
HIPER-4. `std` whitens each kind of decision over the batch, each decision once, with the unbiased standard deviation + 1e-6;
    the authors divide by the biased one. It is their setting in the runs that they publish, and not their default.
HIPER-5. A remark in the authors' code gives the advantage of keep or change as the difference of two values. What the code
    computes, where it has a value for that decision, is the return of the segment less this value, and that is followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from hicra.arrays import Array, Bools, Floats, Ints
from hicra.credit.baseline import Baseline
from hicra.credit.baselines.groups import EPSILON, numbered
from hicra.credit.border import check_finite
from hicra.credit.entry import Batch
from hicra.strict import Share

KINDS = ("action", "subgoal", "switch")


@dataclass(frozen=True)
class EpisodeSteps:
    """The steps of an episode; N counts them.

    Attributes:
        columns: the tokens of each kind of decision at each step; none where the step has no such decision.
        begins: [N] whether a segment begins at the step.
        low, high, term: [N] values of the action, of the state, and of keeping or changing; those of decisions that are not
            there are never read.
    """

    columns: dict[str, list[Ints]]
    begins: Bools
    low: Floats
    high: Floats
    term: Floats


def hiper(
    rewards: Floats,
    group_ids: Array,
    batch: Batch,
    *,
    gamma: Annotated[float, Field(gt=0, le=1)] = 1.0,
    lam_turn: Share = 1.0,
    lam_seg: Share = 0.95,
    scale: Literal["none", "std"] = "none",
) -> Floats:
    """Returns the hierarchical advantage of each token, [B,T]: all tokens of a decision have the same.

    Args:
        rewards: [B] float64, NaN where unscorable; such an episode gets 0.
        group_ids: [B], not used.
        batch: holds response_mask, turn_ids, subgoal_mask, switch_mask and values, [B,T].
        gamma: discount of each step.
        lam_turn: lambda inside a segment.
        lam_seg: lambda across segments.
        scale: "std" whitens the advantages of each kind of decision over the batch.

    Raises:
        DataError: a turn id is no whole number or below -1, or a policy token of a turn has no finite value.
    """
    live = batch["response_mask"] & ~np.isnan(rewards)[:, None]
    turns = numbered(batch["turn_ids"], live, "turn_ids")
    live = live & (turns >= 0)
    check_finite(batch["values"], live, "values", "value")
    found: dict[str, list[tuple[int, Ints, float]]] = {kind: [] for kind in KINDS}
    for row in np.flatnonzero(live.any(axis=1)).tolist():
        steps = steps_of(
            live[row], turns[row], batch["subgoal_mask"][row], batch["switch_mask"][row], batch["values"][row]
        )
        made = dict(zip(KINDS, advantages_of(steps, float(rewards[row]), gamma, lam_turn, lam_seg), strict=True))
        for kind in KINDS:
            both = zip(steps.columns[kind], made[kind], strict=True)
            found[kind] += [(row, columns, float(a)) for columns, a in both if columns.size]
    out = np.zeros(live.shape)
    for decisions in found.values():
        numbers = np.array([a for _, _, a in decisions])
        for (row, columns, _), a in zip(decisions, whitened(numbers) if scale == "std" else numbers, strict=True):
            out[row, columns] = a
    return out


def steps_of(live: Bools, turns: Ints, subgoal: Array, switch: Array, values: Array) -> EpisodeSteps:
    """Returns the steps of one row, all arguments [T]; `live` are its policy tokens that belong to a step."""
    switching = live & switch.astype(bool)
    choosing = live & subgoal.astype(bool) & ~switching
    acting = live & ~switching & ~choosing
    columns: dict[str, list[Ints]] = {kind: [] for kind in KINDS}
    read: dict[str, list[float]] = {kind: [] for kind in KINDS}
    begins: list[bool] = []
    for number, turn in enumerate(np.unique(turns[live])):
        here = live & (turns == turn)
        first = np.flatnonzero(here)[0]
        own = [np.flatnonzero(here & kind) for kind in (acting, choosing, switching)]
        for kind, tokens in zip(KINDS, own, strict=True):
            columns[kind].append(tokens)
            read[kind].append(float(values[tokens[0] if tokens.size else first]))
        begins.append(number == 0 or own[1].size > 0)
    low, high, term = (np.array(read[kind]) for kind in KINDS)
    return EpisodeSteps(columns, np.array(begins), low, high, term)


def segments(begins: Bools) -> Iterator[tuple[int, int]]:
    """Yields the first step of each segment and the one after its last, the last segment first."""
    stop = len(begins)
    for start in np.flatnonzero(begins)[::-1]:
        yield int(start), stop
        stop = int(start)


def advantages_of(
    steps: EpisodeSteps, reward: float, gamma: float, lam_turn: float, lam_seg: float
) -> tuple[Floats, Floats, Floats]:
    """Returns the advantage of the action, of the subgoal and of keep or change at each step, [N] each.

    That of a subgoal is 0 where no segment begins.
    """
    n = len(steps.begins)
    low, high, term = np.zeros(n), np.zeros(n), np.zeros(n)
    after, across = 0.0, 0.0  # the value of the next segment's state, and the advantage of its subgoal
    for start, stop in segments(steps.begins):
        inside, value, back = 0.0, after, after
        for step in range(stop - 1, start - 1, -1):
            earned = reward if step == n - 1 else 0.0
            inside = earned + gamma * value - steps.low[step] + gamma * lam_turn * inside
            back = earned + gamma * back
            low[step], term[step], value = inside, back - steps.term[step], steps.low[step]
        # `back` is now the discounted reward of the segment and, behind it, the value of the next one
        across = back - steps.high[start] + gamma ** (stop - start) * lam_seg * across
        high[start], after = across, steps.high[start]
    return low, high, term


def whitened(numbers: Floats) -> Floats:
    """Returns numbers [N] less their mean, over their unbiased standard deviation + 1e-6; exactly 0 where all are equal."""
    if not numbers.size or (numbers == numbers[0]).all():
        return np.zeros(len(numbers))
    return np.asarray((numbers - numbers.mean()) / (numbers.std(ddof=1) + EPSILON))


HIPER = Baseline(
    "hiper", hiper, "Peng et al. 2026, arXiv:2602.16165",
    needs=("response_mask", "turn_ids", "subgoal_mask", "switch_mask", "values"),
)  # fmt: skip
