"""Demonstrations to subgoals that the low level can reach, by its own critic.

From the first state s_0 of a demonstration its later states s_1, s_2, ... are offered as subgoals, in their order. The last one
before the critic falls below a threshold becomes the subgoal of s_0; then the same from there.

    Q(s_0, s_1), ..., Q(s_0, s_i) >= threshold > Q(s_0, s_{i+1})    gives (s_0, s_i), and s_i is the next s_0

Deviations (arXiv:2306.06394 is known from descriptions and from the code of a sibling method):
PEAR-1. Where not even s_1 is within reach, s_0 gets no subgoal, and s_1 is the next s_0: no subgoal below the threshold is
    kept.
PEAR-2. The last state of a demonstration becomes a subgoal where it is within reach.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hicra.arrays import Array, Floats
from hicra.errors import ConfigError, DataError

Critic = Callable[[Array, Array], Array]  # states [n,D] and goals [n,G] to values [n]
Pairs = list[tuple[int, int]]  # (number of a state, number of the state that is its subgoal)


def relabelled(states: Array, goals: Array, critic: Critic, threshold: float) -> Pairs:
    """Cuts a demonstration into subgoals.

    Args:
        states: [N,D] of a demonstration, in order.
        goals: [N,G] what each state achieves, as a goal.
        critic: of the low level.
        threshold: the least value of a subgoal that counts as within reach.

    Returns:
        (state, subgoal) by their numbers, in order.

    Raises:
        DataError: states and goals are not equally many, or a value of the critic is not finite.
        ConfigError: the threshold is not finite.

    >>> steps = np.arange(6.0)[:, None]  # a corridor
    >>> relabelled(steps, steps, lambda at, to: -abs(to - at)[:, 0], threshold=-2)
    [(0, 2), (2, 4), (4, 5)]
    """
    _checked(states, goals)
    if not np.isfinite(threshold):
        raise ConfigError(f"a threshold of {threshold}", "give a value that the critic takes, such as -5")
    found, here, last = [], 0, len(states) - 1
    while here < last:
        ahead = goals[here + 1 :]
        values: Floats = np.asarray(critic(np.repeat(states[here : here + 1], len(ahead), 0), ahead), np.float64)
        if values.shape != (len(ahead),) or not np.isfinite(values).all():
            raise DataError(
                f"the critic says {values.tolist()[:3]}... of {len(ahead)} subgoals from state {here}",
                "it must give one finite value a subgoal; look at the losses of the low level",
            )
        below = np.flatnonzero(values < threshold)
        reach = int(below[0]) if below.size else len(ahead)
        if reach:
            found.append((here, here + reach))
        here += max(reach, 1)
    return found


def every(states: Array, goals: Array, interval: int) -> Pairs:
    """Cuts a demonstration into subgoals at equal distances, whatever the low level can do: the control.

    Args:
        states, goals: as of `relabelled`.
        interval: states from one subgoal to the next, from 1.

    Raises:
        DataError, ConfigError: as of `relabelled`.

    >>> every(np.zeros((6, 1)), np.zeros((6, 1)), 2)
    [(0, 2), (2, 4), (4, 5)]
    """
    _checked(states, goals)
    if interval < 1:
        raise ConfigError(f"a subgoal every {interval} states", "give 1 or more")
    last = len(states) - 1
    return [(here, min(here + interval, last)) for here in range(0, last, interval)]


def _checked(states: Array, goals: Array) -> None:
    if np.ndim(states) != 2 or np.ndim(goals) != 2 or len(states) != len(goals):
        raise DataError(
            f"a demonstration with states {np.shape(states)} and goals {np.shape(goals)}",
            "give [N,D] and [N,G] of the same N states",
        )
