"""The chain of choices: its reward and its exact labels, and the table that plays it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hicra.errors import ConfigError, DataError
from hicra.related.environments import Environment
from hicra.related.environments.chain import Chain
from hicra.related.rollouts import Asked, Policy, Row, batch_of
from hicra.related.system import Codec
from hicra.related.trees.table import TablePolicy, WordIds, sure_but_critical


def reward(chain: Chain, actions: tuple[str, ...]) -> float:
    chain.reset(0)
    steps = [chain.step(action) for action in actions]
    assert [one.done for one in steps] == [False] * (len(actions) - 1) + [True]
    return sum(one.reward for one in steps)


def test_the_reward_is_one_exactly_if_every_critical_step_was_right() -> None:
    chain = Chain(4, 3, (1, 3))  # the right actions are a1 at step 1 and a0 at step 3
    assert [chain.right_action(step) for step in range(4)] == ["a0", "a1", "a2", "a0"]
    won = [actions for actions in itertools.product(chain.names, repeat=4) if reward(chain, actions)]
    assert won == [(a, "a1", b, "a0") for a in chain.names for b in chain.names]


def test_it_names_the_step_that_comes() -> None:
    chain: Environment = Chain(2, 2, (0,))
    assert chain.reset(5) == "s0"
    first = chain.step(" a0 ")
    assert (first.text, first.reward, first.done, first.valid) == ("s1", 0.0, False, True)
    last = chain.step("nonsense")
    assert (last.text, last.reward, last.done, last.valid) == ("", 1.0, True, False)
    assert {"s0", "s1", "a0", "a1"} == {*chain.words}


def best(chain: Chain) -> float:
    """The greatest reward that can be reached from here, by trying all."""
    here, found = chain.save(), []
    for action in chain.actions():
        chain.restore(here)
        led = chain.step(action)
        found.append(led.reward if led.done else best(chain))
    chain.restore(here)
    return max(found)


def test_critical_says_whether_the_choice_changes_what_can_be_reached() -> None:
    chain = Chain(3, 2, (0, 2))
    seen = set()
    for actions in itertools.product(chain.names, repeat=2):
        chain.reset(0)
        for action in (*actions, None):
            here, after = chain.save(), []
            for other in chain.actions():
                chain.restore(here)
                led = chain.step(other)
                after.append(led.reward if led.done else best(chain))
            chain.restore(here)
            assert chain.critical() == (len({*after}) > 1)
            assert (after[chain.names.index(chain.expert())]) == max(after)
            seen.add((here, chain.critical()))
            if action:
                chain.step(action)
    assert {critical for _, critical in seen} == {True, False}


def test_a_saved_state_is_left_as_it_was_and_may_be_of_another_chain() -> None:
    chain, other = Chain(3, 2, (0,)), Chain(3, 2, (0,))
    chain.reset(0)
    chain.step("a0")
    saved = chain.save()
    chain.step("a1")
    other.restore(saved)
    assert other.state_id() == (1, True) != chain.state_id()
    other.step("a0")
    assert other.step("a1").reward == 1


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda: Chain(0), "a chain of 0 steps"),
        (lambda: Chain(3, 1), "3 steps with 1 actions"),
        (lambda: Chain(3, 2, ()), r"critical is \[\]"),
        (lambda: Chain(3, 2, (1, 3)), r"critical is \[1, 3\], and the steps are 0 to 2"),
    ],
)
def test_a_chain_that_cannot_be_is_refused(made, says) -> None:
    with pytest.raises(ConfigError, match=says):
        made()


def test_it_is_played_between_reset_and_end_alone() -> None:
    chain = Chain(1, 2, (0,))
    with pytest.raises(DataError, match="has not begun"):
        chain.step("a0")
    chain.reset(0)
    with pytest.raises(DataError, match="'x' is no state"):
        chain.restore("x")
    chain.step("a0")
    for call in (chain.save, chain.state_id, lambda: chain.step("a0")):
        with pytest.raises(DataError, match="has ended"):
            call()
    with pytest.raises(DataError, match="'s9' is no step"):
        chain.step_named("s9")


# ---- the table
def test_words_are_ids() -> None:
    codec: Codec = WordIds(("s0", "a0", "a1"))
    assert codec.encode("a1 s0") == [2, 0]
    assert codec.decode([2, codec.end, 0, codec.pad]) == "a1 s0"
    with pytest.raises(DataError, match="'a7' is no word"):
        codec.encode("a0 a7")


def test_a_table_samples_by_its_probabilities_and_knows_them() -> None:
    chain = Chain(2, 3, (1,))
    table = TablePolicy(chain, np.log(np.array([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]])), seed=3)
    policy: Policy = table
    made = policy([Asked((0,), most=1)] * 4000)
    counts = np.bincount([one.ids[0] - 2 for one in made], minlength=3) / 4000
    assert counts == pytest.approx([0.5, 0.25, 0.25], abs=0.03)  # four standard errors
    assert sorted({one.logps[0] for one in made}) == pytest.approx(np.log([0.25, 0.5]))
    # 0.5 log 2 + 2 * 0.25 log 4 = 1.5 log 2
    assert made[0].entropies == (pytest.approx(1.5 * np.log(2)),)
    (greedy,) = policy([Asked((0, 2, 1), most=1, greedy=True)])
    assert (greedy.text, greedy.ended, greedy.ids) == ("a2", True, (2 + 2,))


def test_the_exact_gradient_is_that_of_the_success() -> None:
    chain = Chain(3, 3, (0, 2))
    logits = np.random.default_rng(0).normal(size=(3, 3))
    table = TablePolicy(chain, logits)
    small, numeric = 1e-6, np.zeros((3, 3))
    for place in np.ndindex(3, 3):
        for sign in (1, -1):
            moved = logits.copy()
            moved[place] += sign * small
            numeric[place] += sign * TablePolicy(chain, moved).success() / (2 * small)
    assert table.exact_gradient() == pytest.approx(numeric, abs=1e-9)
    assert (table.exact_gradient()[1] == 0).all()


def test_the_gradient_of_a_batch_by_hand() -> None:
    # one token at step 1, chosen a0 of p = (0.5, 0.25, 0.25), A = 2: 2 * (1 - 0.5, -0.25, -0.25)
    table = TablePolicy(Chain(2, 3, (1,)), np.log(np.array([[0.2, 0.2, 0.6], [0.5, 0.25, 0.25]])))
    row = Row(context=(1,))
    row.wrote(table([Asked((1,), most=1, greedy=True)])[0], turn_ids=1)
    batch = batch_of([row], [1.0], [0], table.codec.pad)
    assert table.gradient(batch, np.array([[2.0]])).tolist() == [[0, 0, 0], [1, -0.5, -0.5]]


def test_over_all_episodes_the_gradient_of_reward_times_score_is_exact() -> None:
    chain = Chain(3, 2, (0, 2))
    table = TablePolicy(chain, np.random.default_rng(1).normal(size=(3, 2)))
    total = np.zeros((3, 2))
    for actions in itertools.product(range(2), repeat=3):
        chance = table.probabilities[range(3), actions].prod()
        batch = {
            "response_mask": np.ones((1, 3), bool), "turn_ids": np.arange(3)[None],
            "response_ids": np.array([actions]) + table.first,
        }  # fmt: skip
        won = reward(chain, tuple(chain.names[one] for one in actions))
        total += chance * table.gradient(batch, np.full((1, 3), won))
    assert total == pytest.approx(table.exact_gradient(), abs=1e-12)


def test_a_table_that_is_sure_but_critical() -> None:
    chain = Chain(4, 3, (1, 2))
    table = TablePolicy(chain, sure_but_critical(chain, sure=0.98, right=0.3))
    assert table.success() == pytest.approx(0.09)
    assert table.probabilities[0] == pytest.approx([0.98, 0.01, 0.01])
    assert table.probabilities[1] == pytest.approx([0.35, 0.3, 0.35])
