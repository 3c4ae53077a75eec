"""Soft Bellman backups of a small problem in tables, by whole actions and by tokens, whose fixed points tell the same.

An action is a string of m tokens over V symbols. The backup by actions has a table of V^m values a state. The backup by
tokens has one for each beginning of an action, V + V^2 + ... + V^m values, of which a state needs m V at a time when an
action is written. Because the reference is a product over tokens, and the KL divergence of two products is the sum of the
expected divergences of their tokens, both have the same state values and the same policy
(`tests/unit/related/critics/test_consistency.py`, to 1e-8).

Source: Wen et al. 2024, arXiv:2402.06700.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from typing import TypeVar

import numpy as np

from hicra.arrays import Array, Floats, Ints
from hicra.errors import DataError
from hicra.related.critics.soft import soft_policy, soft_value
from hicra.related.environments import Environment

Table = TypeVar("Table", Floats, list[Floats])
ENDED = -1
MOST_ROUNDS = 5_000


@dataclass(frozen=True)
class StringProblem:
    """A problem whose actions are strings. S is the number of states, m the tokens of an action, V the symbols.

    Attributes:
        rewards: [S,V,...,V] float, with m axes of V.
        leads: [S,V,...,V] int, the next state, or ENDED.
        log_rho: m arrays [S,V], [S,V,V] and so on: the reference's log-probability of a token after the tokens before it.
        beta: weight of the distance to the reference, above 0.
        gamma: discount of an action, below 1 or with episodes that end.
    """

    rewards: Floats
    leads: Ints
    log_rho: tuple[Floats, ...]
    beta: float
    gamma: float

    @property
    def log_rho_of_actions(self) -> Floats:
        """Log-probability of each action under the reference, [S,V,...,V]."""
        return joined(self.log_rho)


def joined(of_tokens: Sequence[Floats]) -> Floats:
    """Adds the log-probabilities of tokens up to those of actions, [S,V,...,V]."""
    return reduce(lambda before, last: before[..., None] + last, of_tokens)


def action_values(q: Floats, problem: StringProblem) -> Floats:
    """Returns the soft value of each state [S] by a table of actions [S,V,...,V]."""
    return _value_of_actions(q, problem.log_rho_of_actions, problem.beta)


def action_policy(q: Floats, problem: StringProblem) -> Floats:
    """Returns the log-probabilities of the actions [S,V,...,V] by a table of actions."""
    values = action_values(q, problem)
    return problem.log_rho_of_actions + (q - values.reshape(-1, *[1] * (q.ndim - 1))) / problem.beta


def action_backup(q: Floats, problem: StringProblem) -> Floats:
    """Does one backup of a table of actions: Q(s, a) <- r + gamma V(s')."""
    return _led(action_values(q, problem), problem)


def token_values(q: Sequence[Floats], problem: StringProblem) -> list[Floats]:
    """Returns the soft value of each state and of each beginning of an action: m arrays [S], [S,V], [S,V,V] and so on."""
    return [soft_value(one, log_rho, problem.beta) for one, log_rho in zip(q, problem.log_rho, strict=True)]


def token_policy(q: Sequence[Floats], problem: StringProblem) -> list[Floats]:
    """Returns the log-probabilities of the tokens, m arrays [S,V], [S,V,V] and so on."""
    return [soft_policy(one, log_rho, problem.beta) for one, log_rho in zip(q, problem.log_rho, strict=True)]


def token_advantages(q: Sequence[Floats], problem: StringProblem) -> list[Floats]:
    """Returns Q(s, w_<j, w_j) - V(s, w_<j), m arrays [S,V], [S,V,V] and so on."""
    return [one - value[..., None] for one, value in zip(q, token_values(q, problem), strict=True)]


def token_backup(q: Sequence[Floats], problem: StringProblem) -> list[Floats]:
    """Does one backup of a table of tokens, m arrays [S,V], [S,V,V] and so on, as `backup.py` says."""
    first, *later = token_values(q, problem)
    return [*later, _led(first, problem)]


def fixed_point(
    backup: Callable[[Table, StringProblem], Table], start: Table, problem: StringProblem, within: float = 1e-12
) -> Table:
    """Does backups until the table no longer changes.

    Args:
        backup: `action_backup` or `token_backup`.
        start: the table to begin with.
        problem: what is solved.
        within: the largest change of a value that counts as none.

    Raises:
        DataError: the values do not come to rest, as with `gamma` 1 and episodes that never end.
    """
    table = start
    for _ in range(MOST_ROUNDS):
        after = backup(table, problem)
        pairs = zip([after], [table], strict=True) if isinstance(after, np.ndarray) else zip(after, table, strict=True)
        change = max(float(np.abs(one - other).max()) for one, other in pairs)
        table = after
        if change <= within:
            return table
    raise DataError(
        f"the values still change by {change:g} after {MOST_ROUNDS} backups",
        "give a gamma below 1, or episodes that end",
    )


def problem_of(
    environment: Environment, seed: int, symbols: Sequence[str], length: int, *, beta: float, gamma: float
) -> StringProblem:
    """Makes the tables of an episode of an environment by trying every action in every state; the reference is uniform.

    State 0 is the first of the episode. The environment must have more time than its states lie apart, since its clock is no
    part of a state.

    Args:
        environment: its actions are `length` symbols with spaces between them.
        seed: of the episode.
        symbols: the V symbols.
        length: the m tokens of an action.
        beta, gamma: of the problem.

    Raises:
        DataError: an action ends the episode when its time is up, so that nobody can say what else would have come.
    """
    environment.reset(seed)
    numbers: dict[Hashable, int] = {environment.state_id(): 0}
    waiting = [(0, environment.save())]  # the number of actions before a state, and the state
    rewards, leads = list[Array](), list[Array]()
    shape = (len(symbols),) * length
    for taken, saved in waiting:  # grows while it is gone through
        paid, led = np.zeros(shape), np.full(shape, ENDED)
        for places in product(range(len(symbols)), repeat=length):
            environment.restore(saved)
            reply = environment.step(" ".join(symbols[one] for one in places))
            paid[places] = reply.reward
            if reply.done and taken + 1 >= environment.longest:
                raise DataError(
                    f"an episode of {environment.name} is over after {taken + 1} actions, and it has time for no more",
                    "make the environment with a larger `longest`",
                )
            if not reply.done:
                there = environment.state_id()
                if there not in numbers:
                    numbers[there] = len(numbers)
                    waiting.append((taken + 1, environment.save()))
                led[places] = numbers[there]
        rewards.append(paid)
        leads.append(led)
    states = len(numbers)
    uniform = tuple(np.full((states, *shape[: place + 1]), -np.log(len(symbols))) for place in range(length))
    return StringProblem(np.stack(rewards), np.stack(leads), uniform, beta, gamma)


def _value_of_actions(q: Floats, log_rho: Floats, beta: float) -> Floats:
    value: Floats = soft_value(q.reshape(len(q), -1), log_rho.reshape(len(q), -1), beta)
    return value


def _led(values: Floats, problem: StringProblem) -> Floats:
    """Returns r + gamma V(s'), where V is 0 after the end."""
    after = np.where(problem.leads == ENDED, 0.0, values[problem.leads])
    return np.asarray(problem.rewards + problem.gamma * after)
