"""The backup by tokens and the backup by actions have the same fixed point, on strings of 3 tokens over 4 symbols, to 1e-8."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax

from hicra.errors import DataError
from hicra.related.critics.backup import token_targets
from hicra.related.critics.soft import divergence
from hicra.related.critics.tabular import (
    ENDED,
    StringProblem,
    action_backup,
    action_policy,
    action_values,
    fixed_point,
    joined,
    problem_of,
    token_advantages,
    token_backup,
    token_policy,
    token_values,
)
from hicra.related.environments.strings import Strings

LENGTH, SYMBOLS, STATES = 3, 4, 3
SHAPE = (STATES, *(SYMBOLS,) * LENGTH)


def world(seed: int = 0, beta: float = 0.3, gamma: float = 0.9) -> StringProblem:
    """A problem whose rewards, next states and reference are drawn; a third of the actions end the episode."""
    chance = np.random.default_rng(seed)
    rho = tuple(log_softmax(chance.normal(size=SHAPE[: place + 2]), axis=-1) for place in range(LENGTH))
    leads = chance.integers(0, STATES, SHAPE)
    leads[chance.random(SHAPE) < 0.3] = ENDED
    return StringProblem(chance.normal(size=SHAPE), leads, rho, beta, gamma)


def by_tokens(problem: StringProblem) -> list[np.ndarray]:
    return fixed_point(token_backup, [np.zeros_like(one) for one in problem.log_rho], problem)


def by_actions(problem: StringProblem) -> np.ndarray:
    return fixed_point(action_backup, np.zeros_like(problem.rewards), problem)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6), st.floats(0.05, 5), st.floats(0, 0.9))
def test_both_backups_have_the_same_values_and_the_same_policy(seed: int, beta: float, gamma: float) -> None:
    problem = world(seed, beta, gamma)
    tokens, actions = by_tokens(problem), by_actions(problem)
    assert token_values(tokens, problem)[0] == pytest.approx(action_values(actions, problem), abs=1e-8)
    policy, whole = np.exp(joined(token_policy(tokens, problem))), np.exp(action_policy(actions, problem))
    assert policy == pytest.approx(whole, abs=1e-8)
    assert whole.reshape(STATES, -1).sum(axis=1) == pytest.approx(np.ones(STATES))
    assert tokens[-1] == pytest.approx(actions, abs=1e-8)  # the values of last tokens are those of actions


def test_strings_built_in_the_environment() -> None:
    """The same of the environment itself: 2 strings of 3 letters over 4, of which the second letter counts."""
    environment = Strings(strings=2, letters=4, length=3, counts=1)
    problem = problem_of(environment, 0, environment.letters, 3, beta=0.1, gamma=0.99)
    assert problem.rewards.shape == (2, 4, 4, 4)  # the first string and the second
    tokens, actions = by_tokens(problem), by_actions(problem)
    assert token_values(tokens, problem)[0] == pytest.approx(action_values(actions, problem), abs=1e-8)
    assert np.exp(joined(token_policy(tokens, problem))) == pytest.approx(
        np.exp(action_policy(actions, problem)), abs=1e-8
    )


def test_the_values_of_strings_worked_by_hand() -> None:
    """One letter of four pays 1 in the last string: V = beta log(3/4 + e^(1/beta)/4); the string before pays gamma V so."""
    beta, gamma = 0.5, 0.9
    environment = Strings(strings=2, letters=4, length=3, counts=1)
    problem = problem_of(environment, 0, environment.letters, 3, beta=beta, gamma=gamma)
    values = token_values(by_tokens(problem), problem)
    last = beta * np.log(0.75 + np.exp(1 / beta) / 4)  # 0.5 log(0.75 + 1.84726) = 0.5 x 0.95446
    first = beta * np.log(0.75 + np.exp(gamma * last / beta) / 4)
    assert last == pytest.approx(0.47723, abs=1e-5)
    assert values[0] == pytest.approx([first, last])


def test_the_targets_of_played_rows_are_the_fixed_point_of_the_tables() -> None:
    """What training regresses on, from episodes with the values of the best policy, is what the tables have for each token."""
    environment, gamma = Strings(strings=3, letters=3, length=2, counts=1), 0.8
    problem = problem_of(environment, 3, environment.letters, 2, beta=0.4, gamma=gamma)
    tokens, chance = by_tokens(problem), np.random.default_rng(0)
    values, lengths = token_values(tokens, problem), set()
    for _ in range(60):
        environment.reset(3)
        rows: dict[str, list[float]] = {"values": [], "rewards": [], "actions": [], "expected": []}
        done, state, action = False, 0, 0
        while not done:
            letters = chance.integers(3, size=2).tolist()
            reply = environment.step(" ".join(environment.letters[one] for one in letters))
            for place in range(2):
                before = (state, *letters[:place])
                rows["values"].append(values[place][before])
                rows["rewards"].append(reply.reward)
                rows["actions"].append(action)
                rows["expected"].append(tokens[place][(*before, letters[place])])
            done, state, action = reply.done, int(problem.leads[(state, *letters)]), action + 1
        found = token_targets(
            [rows["values"]], [rows["rewards"]], [rows["actions"]], np.ones((1, 2 * action), bool), gamma
        )
        assert found[0] == pytest.approx(rows["expected"], abs=1e-9)
        lengths.add(action)
    assert lengths == {1, 2, 3}


def test_an_episode_whose_time_is_up_has_no_tables() -> None:
    environment = Strings(strings=3, letters=2, length=1, counts=0, longest=2)
    with pytest.raises(DataError, match="over after 2 actions, and it has time for no more"):
        problem_of(environment, 0, environment.letters, 1, beta=0.1, gamma=0.9)


def test_all_of_the_credit_lies_on_the_letter_that_counts() -> None:
    """Of five letters the third counts: at every other one Q - V is 0, and there it is beta log(pi / rho)."""
    environment = Strings(strings=2, letters=4, length=5, counts=2)
    problem = problem_of(environment, 6, environment.letters, 5, beta=0.1, gamma=0.99)
    tokens = by_tokens(problem)
    advantages = token_advantages(tokens, problem)
    spread = [float(np.abs(one[0]).max()) for one in advantages]
    assert spread[2] > 0.1
    assert [one for place, one in enumerate(spread) if place != 2] == pytest.approx([0.0] * 4, abs=1e-9)
    right = int(np.exp(token_policy(tokens, problem)[2][0, 0, 0]).argmax())
    assert environment.reset(6) == f"spell . want {environment.letters[right]} ."
    for one, policy, rho in zip(advantages, token_policy(tokens, problem), problem.log_rho, strict=True):
        assert one == pytest.approx(0.1 * (policy - rho), abs=1e-9)
    # one number for the whole action, as GRPO and PPO with a group baseline have it, cannot tell the letters apart
    whole = joined(advantages)[0]
    assert np.abs(whole - whole.mean()).max() > 0.1
    assert np.ptp(whole, axis=(0, 1, 3, 4)).max() == pytest.approx(0, abs=1e-9)


def test_a_large_beta_leaves_the_reference() -> None:
    problem = world(1, beta=1e8)
    tokens = by_tokens(problem)
    assert np.exp(joined(token_policy(tokens, problem))) == pytest.approx(np.exp(problem.log_rho_of_actions), abs=1e-6)


def test_a_small_beta_is_greedy_q_learning_over_tokens() -> None:
    """As beta goes to 0 the backup takes the largest value in place of the soft one, and the policy the best token."""
    problem = world(2, beta=1e-6)
    soft = by_tokens(problem)

    def greedy(q: list[np.ndarray], given: StringProblem) -> list[np.ndarray]:
        best = [one.max(axis=-1) for one in q]
        after = np.where(given.leads == ENDED, 0.0, best[0][given.leads])
        return [*best[1:], given.rewards + given.gamma * after]

    hard = fixed_point(greedy, [np.zeros_like(one) for one in problem.log_rho], problem)
    for one, other, policy in zip(soft, hard, token_policy(soft, problem), strict=True):
        assert one == pytest.approx(other, abs=1e-4)
        assert (policy.argmax(axis=-1) == other.argmax(axis=-1)).all()
        assert np.exp(policy).max(axis=-1) == pytest.approx(np.ones(other.shape[:-1]), abs=1e-6)


@given(st.integers(0, 10**6))
def test_the_chain_rule_of_the_distance(seed: int) -> None:
    """KL of whole actions is the sum over tokens of the expected KL after the tokens before."""
    chance = np.random.default_rng(seed)
    pi, rho = (
        [log_softmax(chance.normal(size=SHAPE[: place + 2]), axis=-1) for place in range(LENGTH)] for _ in range(2)
    )
    whole = divergence(joined(pi).reshape(STATES, -1), joined(rho).reshape(STATES, -1))
    parts = np.zeros(STATES)
    for place in range(LENGTH):
        reach = np.exp(joined(pi[:place])) if place else np.ones(STATES)
        parts += (reach * divergence(pi[place], rho[place])).reshape(STATES, -1).sum(axis=1)
    assert whole == pytest.approx(parts, abs=1e-9)


def test_values_that_never_come_to_rest_are_named() -> None:
    problem = world()
    endless = replace(problem, gamma=1.0, leads=np.zeros(SHAPE, int), rewards=np.ones(SHAPE))
    with pytest.raises(DataError, match="still change by 1"):
        by_actions(endless)
