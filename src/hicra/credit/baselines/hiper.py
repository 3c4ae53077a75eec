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
ACTION, SUBGOAL, SWITCH = range(len(KINDS))


@dataclass(frozen=True)
class Decisions:
    """The steps of all episodes, one after another; S counts steps, D the tokens of their decisions.

    Attributes:
        places: [D] where the tokens stand in the batch, row after row.
        number: [D] the step of each.
        kind: [D] the decision that each is part of, a place in KINDS.
        row: [S] the row of each step.
        begins: [S] whether a segment begins there.
        values: [3,S] the value of each decision; of one that is not there it is never read.
    """

    places: Ints
    number: Ints
    kind: Ints
    row: Ints
    begins: Bools
    values: Floats


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
    if not live.any():
        return np.zeros(live.shape)
    steps = steps_of(live, turns, batch["subgoal_mask"], batch["switch_mask"], batch["values"])
    made = advantages_of(steps, rewards, gamma, lam_turn, lam_seg)
    if scale == "std":
        for kind, numbers in enumerate(made):
            there = np.unique(steps.number[steps.kind == kind])
            numbers[there] = whitened(numbers[there])
    out = np.zeros(live.size)
    out[steps.places] = made[steps.kind, steps.number]
    return out.reshape(live.shape)


def steps_of(live: Bools, turns: Ints, subgoal: Array, switch: Array, values: Array) -> Decisions:
    """Returns the steps of a batch, all arguments [B,T]; `live`, at least one, are the policy tokens that belong to a step."""
    places = np.flatnonzero(live)
    rows, turn = places // live.shape[1], turns.ravel()[places]
    if ((rows[1:] == rows[:-1]) & (turn[1:] < turn[:-1])).any():  # else they stand by row and step already
        order = np.lexsort((places, turn, rows))
        places, rows, turn = places[order], rows[order], turn[order]
    new = np.ones(len(rows), bool)
    new[1:] = (rows[1:] != rows[:-1]) | (turn[1:] != turn[:-1])
    firsts, number = np.flatnonzero(new), np.cumsum(new) - 1
    switching, choosing = (mask.ravel()[places].astype(bool) for mask in (switch, subgoal))
    kind = np.where(switching, SWITCH, choosing * SUBGOAL)
    value, row = values.ravel()[places].astype(float), rows[firsts]
    read = np.tile(value[firsts], (len(KINDS), 1))
    heads = np.flatnonzero(new | np.append(True, kind[1:] != kind[:-1]))
    _, one = np.unique(number[heads] * len(KINDS) + kind[heads], return_index=True)
    heads = heads[one]  # the first token of each decision, which may have other tokens between its own
    read[kind[heads], number[heads]] = value[heads]
    begins = np.zeros(len(firsts), bool)
    begins[number[kind == SUBGOAL]] = True
    begins |= np.append(True, row[1:] != row[:-1])
    return Decisions(places, number, kind, row, begins, read)


def advantages_of(steps: Decisions, rewards: Floats, gamma: float, lam_turn: float, lam_seg: float) -> Floats:
    """Returns the advantage of the action, of the subgoal and of keep or change at each step, [3,S].

    That of a subgoal is 0 where no segment begins. All episodes are walked through at once, each from its last step on.

    Args:
        steps: those of the batch.
        rewards: [B], of each row.
        gamma, lam_turn, lam_seg: as of `hiper`.
    """
    number_of = np.bincount(steps.row)
    ends = np.cumsum(number_of)  # the step after the last of each row
    low, high, term = steps.values
    out = np.zeros(steps.values.shape)
    # The action's advantage and the value of what follows it; the discounted reward of the segment and, behind it, the value of
    # the next one; the steps of the segment so far; the advantage of the next subgoal.
    inside, value, back, across = np.zeros((4, len(ends)))
    length = np.zeros(len(ends), np.int64)
    for left in range(number_of.max()):  # steps that come after
        rows = np.flatnonzero(number_of > left)
        here = ends[rows] - 1 - left
        earned = rewards[rows] if left == 0 else 0.0
        inside[rows] = earned + gamma * value[rows] - low[here] + gamma * lam_turn * inside[rows]
        back[rows] = earned + gamma * back[rows]
        length[rows] += 1
        out[ACTION, here], out[SWITCH, here], value[rows] = inside[rows], back[rows] - term[here], low[here]
        rows, here = rows[steps.begins[here]], here[steps.begins[here]]  # the segment ends here, seen from behind
        across[rows] = back[rows] - high[here] + gamma ** length[rows] * lam_seg * across[rows]
        out[SUBGOAL, here] = across[rows]
        inside[rows], length[rows] = 0.0, 0
        value[rows] = back[rows] = high[here]
    return out


def whitened(numbers: Floats) -> Floats:
    """Returns numbers [N] less their mean, over their unbiased standard deviation + 1e-6; exactly 0 where all are equal."""
    if not numbers.size or (numbers == numbers[0]).all():
        return np.zeros(len(numbers))
    return np.asarray((numbers - numbers.mean()) / (numbers.std(ddof=1) + EPSILON))


HIPER = Baseline(
    "hiper", hiper, "Peng et al. 2026, arXiv:2602.16165",
    needs=("response_mask", "turn_ids", "subgoal_mask", "switch_mask", "values"),
)  # fmt: skip
