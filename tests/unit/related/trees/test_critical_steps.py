"""Rows of trees say which tokens were chosen at critical steps, where the environment knows them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hicra.related.environments.chain import Chain
from hicra.related.rollouts import batch_of, drive
from hicra.related.system import Arena, System
from hicra.related.trees.carl import CARL
from hicra.related.trees.spo import SPOChain, SPOTree
from hicra.related.trees.table import TablePolicy
from hicra.related.trees.vineppo import VinePPO
from hicra.related.trees.walk import begin, cut, walk
from one_turn import OneTurn
from tree_draws import place_of

CHAIN = Chain(4, 2, (1, 3))  # right are a1 at step 1 and a1 at step 3
SYSTEMS: tuple[System, ...] = (
    CARL(n0=4, n=4), CARL(n0=4, n=4, update="all", join=False), VinePPO(group_size=4, k=1),
    SPOChain(group_size=4, k=1), SPOTree(branches=(3, 2), length=2),
)  # fmt: skip


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda one: type(one).__name__)
def test_a_choice_is_critical_at_steps_1_and_3_as_long_as_the_reward_can_be_reached(system: System) -> None:
    policy = TablePolicy(CHAIN, np.zeros((4, 2)))
    (made,) = system.generations(place_of(policy), [0, 1], 1)
    batch = batch_of(made.rows, made.rewards, made.group_ids, policy.codec.pad)
    turns, critical = batch["turn_ids"], batch["critical_mask"]
    assert critical.dtype == np.bool_
    assert not critical[(turns != 1) & (turns != 3)].any()  # padding and what was read are at no step
    for row in made.rows:
        words = policy.codec.decode(row.seen).split()  # s0 a. s1 a. s2 a. s3 a.
        took = {step: words[2 * step + 1] for step in range(4) if 2 * step + 1 < len(words)}
        for turn, flag in zip(row.fields["turn_ids"], row.fields["critical_mask"], strict=True):
            expected = turn == 1 or (turn == 3 and took[1] == "a1")  # after a wrong one at step 1 nothing matters
            assert flag == expected


def test_pieces_of_an_action_are_of_the_step_of_the_whole() -> None:
    chain, policy = Chain(4, 2, (0,)), TablePolicy(CHAIN, np.zeros((4, 2)))
    ((path,),) = drive([walk(chain, policy.codec, [begin(chain, policy.codec, 0)], 2)], policy)
    assert [move.critical for move in path] == [True, False, False, False]
    both = replace(path[0].wrote, ids=(4, 5), logps=(-1.0, -1.0), entropies=(0.5, 0.5))  # as if it were of two tokens
    assert [piece.critical for piece in cut(replace(path[0], wrote=both), [1], policy.codec)] == [True, True]


class Question(OneTurn):
    words, prompt = CHAIN.words, "s0"

    def reward(self, text: str) -> float:
        return 1.0


def test_without_an_environment_that_knows_there_is_no_such_field() -> None:
    policy = TablePolicy(CHAIN, np.zeros((4, 2)))
    (made,) = CARL(n0=2, n=1).generations(Arena(Question, policy.codec, policy, 2), [0], 1)
    assert all("critical_mask" not in row.fields for row in made.rows)
