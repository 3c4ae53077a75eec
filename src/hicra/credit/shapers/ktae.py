"""KTAE, key-token advantage estimation: a token earns by its association with the right rollouts of its group.

For each token id of a group, a table counts right and wrong rollouts with and without it. From it come the strength of the
association (Fisher's exact test and information gain) and its direction (difference of the shares, and ratio of the frequencies).

The formula is the paper's (Sun et al. 2025, arXiv:2505.16826); where the paper and the authors' code differ, it is the code's,
from which the constants come as well.

Deviations:
KTAE-1. The p-value of Fisher's test is two-sided: the chance of all tables that are no more likely than the one seen, as in the
    code. The paper prints the chance of that one table. Here it is computed in whole numbers, so a p of 1 is exactly 1.
KTAE-2. The frequency of a token is its count over the number of tokens of that side, and 1e-5 is added to the denominators of
    the ratio, both as in the code. So a token that only one side has is driven close to the bound, unless
    responses are very long.
KTAE-3. The value is bound tanh((h1 F + h2 IG) D / 2), in which tanh(x/2) = 2 sigmoid(x) - 1. The code has h1 = h2 = 1, divides by
    h1 + h2, and lets the value reach 1: that is h1 = h2 = 1/2 and bound 1, the defaults. The paper prints the sigmoid minus 1/2,
    which is bound 1/2.
KTAE-4. A rollout is right if its reward is above 0, as in the code. One that could not be scored is in no table, and its own
    advantages stay as they are.
KTAE-5. Where no rollout of a group is right, or none is wrong, or one side has no policy token, nothing changes.
KTAE-6. The code gives 0 to one token id, the end token of its model. Here every token id counts; the end token usually stands in
    nearly all rollouts, and so has hardly any association.
"""

from __future__ import annotations

import functools
import math
from typing import Annotated

import numpy as np
from pydantic import Field

from hicra.arrays import Array, Bools, Floats, Ints
from hicra.credit.entry import Batch
from hicra.credit.method import Method
from hicra.strict import Share

LEAST_FREQUENCY = 1e-5
LARGEST_VOCABULARY = 1 << 20
Weight = Annotated[float, Field(ge=0)]


def shape(
    advantages: Array,
    batch: Batch,
    *,
    bound: Weight = 1.0,
    h1: Weight = 0.5,
    h2: Weight = 0.5,
    h3: Weight = 1.0,
    k1: Annotated[float, Field(gt=0)] = 2.0,
    b: Share = 0.5,
) -> Array:
    """Returns A + bound tanh((h1 F + h2 IG) D / 2), the same for each occurrence of a token id in a group.

    An advantage may change its sign.

    Args:
        advantages: [B,T].
        batch: holds response_ids and response_mask [B,T], rewards and group_ids [B].
        bound: at least 0, what the value of a token approaches; 0 gives A back.
        h1, h2: at least 0, the weights of Fisher's test and of the information gain.
        h3: at least 0, the weight of the ratio of frequencies in the direction.
        k1, b: BM25's constants, which bound a frequency and correct for the length of a side.
    """
    if bound == 0:
        return advantages
    shaped = advantages.copy()
    rewards, live = batch["rewards"], batch["response_mask"]
    _, group = np.unique(batch["group_ids"], return_inverse=True)
    scored = np.flatnonzero(~np.isnan(rewards))
    order = scored[np.argsort(group[scored], kind="stable")]
    for rows in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        mask, right = live[rows], rewards[rows] > 0
        row = np.repeat(np.arange(len(rows)), np.count_nonzero(mask, axis=1))
        of_right = right[row]
        if of_right.all() or not of_right.any():
            continue
        tokens, code = numbered(batch["response_ids"][rows][mask])
        seen = np.zeros((len(rows), tokens), np.bool_)
        seen[row, code] = True
        n_right, n_wrong = np.count_nonzero(right), np.count_nonzero(~right)
        table = np.count_nonzero(seen[right], axis=0), np.count_nonzero(seen[~right], axis=0)
        fisher, gain, shares = (value[table] for value in associations(n_right, n_wrong))
        direction = shares + h3 * frequency_ratio(code, of_right, tokens, k1, b)
        value = bound * np.tanh((h1 * fisher + h2 * gain) * direction / 2)
        added = np.zeros(mask.shape)
        added[mask] = value[code]
        shaped[rows] += added
    return shaped


def numbered(ids: Ints) -> tuple[int, Ints]:
    """Returns how many distinct ids there are, and the number of each, [P] from 0; ids of a vocabulary need no sorting."""
    if len(ids) and ids.min() >= 0 and ids.max() < LARGEST_VOCABULARY:
        there = np.zeros(int(ids.max()) + 1, np.bool_)
        there[ids] = True
        number = np.cumsum(there) - 1
        return int(number[-1]) + 1, number[ids]
    token, code = np.unique(ids, return_inverse=True)
    return len(token), code


@functools.lru_cache(maxsize=256)
def associations(n_right: int, n_wrong: int) -> tuple[Floats, Floats, Floats]:
    """Returns what a token's table says of it, for each table that a group can have.

    Args:
        n_right, n_wrong: the right and the wrong rollouts of the group, at least 1 each.

    Returns:
        Three arrays that cannot be written to, all of shape [n_right + 1, n_wrong + 1]; entry [a, c] is for a token that stands
        in a of the right and c of the wrong rollouts. They are F = exp(-2 p) of Fisher's p-value, and 0 where p is 1; the
        information gain in bits; and asin(sqrt(share of the right)) - asin(sqrt(share of the wrong)).
    """
    fisher = np.zeros((n_right + 1, n_wrong + 1))
    for total in range(n_right + n_wrong + 1):
        tables = range(max(0, total - n_wrong), min(n_right, total) + 1)
        ways = {a: math.comb(n_right, a) * math.comb(n_wrong, total - a) for a in tables}
        every = sum(ways.values())
        for a, own in ways.items():
            as_rare = sum(other for other in ways.values() if other <= own)
            fisher[a, total - a] = 0.0 if as_rare == every else math.exp(-2 * as_rare / every)
    with_right, with_wrong = np.meshgrid(np.arange(n_right + 1), np.arange(n_wrong + 1), indexing="ij")
    having = (with_right + with_wrong) / (n_right + n_wrong)  # share of the rollouts that have the token
    unsure = having * _bits(with_right, with_wrong) + (1 - having) * _bits(n_right - with_right, n_wrong - with_wrong)
    gain = _bits(np.array([n_right]), np.array([n_wrong])) - unsure
    shares = np.arcsin(np.sqrt(with_right / n_right)) - np.arcsin(np.sqrt(with_wrong / n_wrong))
    for array in (fisher, gain, shares):
        array.setflags(write=False)
    return fisher, gain, shares


def _bits(first: Array, second: Array) -> Floats:
    """Returns the entropy, in bits, of a coin that fell so often on either side; 0 where it never fell."""
    share = first / np.maximum(first + second, 1)
    other = second / np.maximum(first + second, 1)
    entropy: Floats = -share * np.log2(np.where(share > 0, share, 1)) - other * np.log2(np.where(other > 0, other, 1))
    return entropy


def frequency_ratio(code: Ints, of_right: Bools, tokens: int, k1: float, b: float) -> Floats:
    """Returns TF_right / TF_wrong - TF_wrong / TF_right of each token [V], with the saturated frequencies of BM25.

    Args:
        code: [P] which of the group's distinct tokens each policy token is, from 0.
        of_right: [P], whether it stands in a right rollout.
        tokens: how many distinct tokens the group has, V.
        k1, b: BM25's constants.
    """
    saturated, count = [], np.bincount(code, minlength=tokens)
    count_right = np.bincount(code[of_right], minlength=tokens)
    for on_side in (count_right, count - count_right):
        length = int(on_side.sum())
        frequency = on_side / length
        relative = length / (len(code) / 2)  # to the mean length of the two sides
        saturated.append((k1 + 1) * frequency / (frequency + k1 * (1 - b + b * relative)))
    right, wrong = saturated
    ratio: Floats = right / (wrong + LEAST_FREQUENCY) - wrong / (right + LEAST_FREQUENCY)
    return ratio


METHOD = Method(
    "ktae", shape, "Sun et al. 2025, arXiv:2505.16826, with the constants of the authors' code",
    needs=("response_mask", "response_ids", "rewards", "group_ids"), scope="batch", strength="bound",
)  # fmt: skip
