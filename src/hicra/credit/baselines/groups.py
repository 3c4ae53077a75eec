"""The groups of a batch as the formulas of this folder need them: numbered, and without the rollouts that have no reward."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hicra.arrays import Array, Bools, Floats, Ints, as_token_ids
from hicra.errors import DataError

EPSILON = 1e-6  # added to a standard deviation before a division (CREDIT-1)


@dataclass(frozen=True)
class Groups:
    """The scored rollouts of a batch and their groups; N counts these rollouts, K their groups.

    Attributes:
        rollouts: rows of the batch.
        rows: [N] the rows that have a reward, in order.
        rewards: [N] float64.
        number: [N] from 0 to K-1: equal for rollouts of one group.
        size: [K] scored rollouts of each group.
    """

    rollouts: int
    rows: Ints
    rewards: Floats
    number: Ints
    size: Ints

    def total(self, values: Array) -> Array:
        """Returns the sum of values [N] over the group of each rollout, [N]."""
        return np.bincount(self.number, values, len(self.size))[self.number]

    def largest(self, values: Array) -> Array:
        """Returns the largest of values [N] in the group of each rollout, [N]."""
        high = np.full(len(self.size), -np.inf)
        np.maximum.at(high, self.number, values)
        return high[self.number]

    def equal(self) -> Bools:
        """Returns for each rollout whether all rewards of its group are equal, [N]; a group of one is so too."""
        return np.asarray(self.largest(self.rewards) == -self.largest(-self.rewards))

    def filled(self, values: Array) -> Floats:
        """Returns values [N] or [N,T] at their rows of the batch and 0 at the rows that have no reward, [B] or [B,T]."""
        out = np.zeros((self.rollouts, *values.shape[1:]))
        out[self.rows] = values
        return out


def scored_groups(rewards: Floats, group_ids: Array) -> Groups:
    """Numbers the groups of a batch; an unscorable rollout (its reward is NaN) is left out of its group (CREDIT-2).

    Args:
        rewards: [B] float64, NaN where unscorable.
        group_ids: [B], equal for rollouts of one prompt.
    """
    rows = np.flatnonzero(~np.isnan(rewards))
    _, number, size = np.unique(group_ids[rows], return_inverse=True, return_counts=True)
    return Groups(len(rewards), rows, rewards[rows], number, size)


def numbered(values: Array, live: Bools, of: str) -> Ints:
    """Returns a field of numbers [B,T], such as states or actions, as integers.

    Args:
        values: [B,T]; -1 where a token belongs to none.
        live: [B,T] the policy tokens; others are not looked at.
        of: the name of the field.

    Raises:
        DataError: that of a policy token is no whole number, or below -1.
    """
    whole = as_token_ids(values, live, of)
    wrong = live & (whole < -1)
    if wrong.any():
        row, token = np.argwhere(wrong)[0]
        raise DataError(
            f"{of}[{row}, {token}] is {whole[row, token]}",
            "number them from 0, and write -1 where a token belongs to no action",
        )
    return whole


def stretches(acting: Bools, *ids: Ints) -> tuple[Ints, Ints, Ints]:
    """Finds the stretches of tokens that follow one another in a row and have equal ids; there are far fewer than tokens.

    Args:
        acting: [N,T] the tokens that belong to a stretch.
        ids: [N,T] each; a stretch ends where one of them changes.

    Returns:
        The row and the first column of each stretch, [R] each, row by row from left to right, and for each token the number of
        its stretch, [N,T]; that of a token that belongs to none means nothing.
    """
    same = acting[:, :-1].copy()
    for one in ids:
        same &= one[:, 1:] == one[:, :-1]
    begins = acting.copy()
    begins[:, 1:] &= ~same
    rows, columns = np.nonzero(begins)
    return rows, columns, np.maximum(np.cumsum(begins.ravel()).reshape(begins.shape) - 1, 0)


def relative(values: Floats, number: Ints, scale: str = "none") -> Floats:
    """Returns each value less the mean of its group: exactly 0 for a group of one, or of equal values.

    Args:
        values: [N] float64.
        number: [N] number of the group of each, from 0.
        scale: "none"; "std" divides by the unbiased standard deviation of the group + 1e-6; "loo" multiplies by G/(G-1), which
            gives the value less the mean of the others.

    Returns:
        [N] float64.
    """
    size = np.bincount(number)
    centred = values - (np.bincount(number, values) / np.maximum(size, 1))[number]
    first = np.zeros(len(size))
    first[number] = values  # any one value of the group serves
    differs = np.bincount(number, values != first[number], len(size)) > 0
    centred[~differs[number]] = 0.0  # the mean of three 0.1 in floating point is not 0.1
    if scale == "std":
        variance = np.bincount(number, centred**2) / np.maximum(size - 1, 1)
        centred = centred / (np.sqrt(variance) + EPSILON)[number]
    if scale == "loo":
        centred = centred * (size / np.maximum(size - 1, 1))[number]
    return centred


def right(groups: Groups, of: str) -> Bools:
    """Returns which scored rollouts are right, [N].

    Args:
        groups: their rewards are 1 for right and 0 for wrong.
        of: the name of the baseline, for the message.

    Raises:
        DataError: a reward is neither 0 nor 1.
    """
    other = np.flatnonzero((groups.rewards != 0) & (groups.rewards != 1))
    if other.size:
        raise DataError(
            f"rewards must be 0 or 1 for baseline {of!r}: that of row {groups.rows[other[0]]} is {groups.rewards[other[0]]} "
            f"({other.size} of {len(groups.rows)} are neither)",
            "give 1 for a right answer, 0 for a wrong one and None where it cannot be judged, or choose 'dr_grpo'",
        )
    return np.asarray(groups.rewards == 1)
