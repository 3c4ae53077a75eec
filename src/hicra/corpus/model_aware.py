"""Chooses training prompts by what the model that is to be trained can do: those that it always or never solves teach nothing.

The rollouts of a model on a pool of prompts say how hard each prompt is for it. This is the data practice of GRPO-TCR
(arXiv:2510.11701), which takes eight rollouts a prompt.

Deviations:
TCR-4. The shares of easy, medium and hard prompts that the source matches are not known here. They are an argument; without them
    every prompt is kept that was solved sometimes. Medium prompts lie strictly between the two borders.
"""

from __future__ import annotations

import random
from collections.abc import Hashable, Sequence
from math import isfinite, isnan

from hicra.errors import ConfigError, DataError

EASY, HARD = 0.75, 0.25
KINDS = ("easy", "medium", "hard")


def model_aware_filter(
    correct: Sequence[float | None],
    prompts: Sequence[Hashable],
    *,
    shares: tuple[float, float, float] | None = None,
    seed: int = 0,
) -> list[Hashable]:
    """Returns the prompts that were solved sometimes, and of those as many as fit shares of easy, medium and hard ones.

    Easy prompts are solved in at least 75 % of their rollouts, hard ones in at most 25 %.

    Args:
        correct: [B] whether each rollout is right: 1, 0 or a bool; None or NaN where that is unknown, and it does not count.
        prompts: [B] the prompt of each rollout, or any name of it.
        shares: of easy, medium and hard prompts, from 0 to 1, with a sum of 1; None keeps all.
        seed: decides which prompts of a kind are left out.

    Returns:
        The kept prompts, in the order in which they stand first. With shares it is the largest such choice, each number
        rounded down.

    Raises:
        DataError: the lengths differ, or an entry of `correct` is neither 0 nor 1.
        ConfigError: the shares are no shares.

    >>> model_aware_filter([1, 0, 1, 1, 0, 0], ["a", "a", "b", "b", "c", "c"])
    ['a']
    """
    if len(correct) != len(prompts):
        raise DataError(f"{len(correct)} rollouts and {len(prompts)} prompts", "give the prompt of each rollout")
    right: dict[Hashable, list[int]] = {}  # prompt: [number of right rollouts, number of judged ones]
    for row, (value, prompt) in enumerate(zip(correct, prompts, strict=True)):
        count = right.setdefault(prompt, [0, 0])
        if value is None or isnan(value):
            continue
        if value not in (0, 1):
            raise DataError(
                f"correct of row {row} is {value!r}", "give 1 where the answer is right, 0 where it is wrong"
            )
        count[0] += int(value)
        count[1] += 1
    kinds = {prompt: _kind(good / of) for prompt, (good, of) in right.items() if 0 < good < of}
    if shares is None:
        return list(kinds)
    wanted = dict(zip(KINDS, _checked(shares), strict=True))
    members = {kind: [prompt for prompt in kinds if kinds[prompt] == kind] for kind in KINDS}
    most = min(len(members[kind]) / share for kind, share in wanted.items() if share)
    chance = random.Random(seed)
    kept: set[Hashable] = set()
    for kind, share in wanted.items():
        kept.update(chance.sample(members[kind], int(most * share + 1e-9)))  # 3 / 0.3 * 0.3 must not be 2.99
    return [prompt for prompt in kinds if prompt in kept]


def _kind(rate: float) -> str:
    return "easy" if rate >= EASY else "hard" if rate <= HARD else "medium"


def _checked(shares: Sequence[float]) -> Sequence[float]:
    if len(shares) != 3 or not all(isfinite(one) and 0 <= one <= 1 for one in shares) or abs(sum(shares) - 1) > 1e-6:
        raise ConfigError(
            f"shares of easy, medium and hard prompts are {tuple(shares)}", "give three shares with a sum of 1"
        )
    return shares
