"""What every related system shares: actions, the driver that samples them for many episodes at once, and rows of a batch.

A system is written as a generator for one episode or one tree. It yields the contexts in which it wants actions, and gets the
actions back. `drive` runs many of these together, so that each call of the policy samples for all of them.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np

from hicra.arrays import Array
from hicra.errors import DataError

Result = TypeVar("Result")
NOWHERE = -1  # of a whole-number field, at tokens that belong to no action
WHOLE = ("action_ids", "turn_ids", "level_ids", "state_ids", "episode_ids", "node_id", "parent_id", "n_children")
REAL = ("leaf_reward", "values")  # NaN at tokens that have none
FLAGS = ("subgoal_mask", "switch_mask", "critical_mask")  # false at tokens that are not of the kind


@dataclass(frozen=True)
class Asked:
    """A wish for one action.

    Attributes:
        context: ids of everything that the policy has read and written before.
        most: the most tokens of the action, its end token included.
        greedy: whether the likeliest token is taken each time.
    """

    context: tuple[int, ...]
    most: int
    greedy: bool = False


@dataclass(frozen=True)
class Action:
    """What the policy wrote in a context.

    Attributes:
        ids: token ids, the end token included where it came.
        text: the same without special tokens.
        ended: whether the end token came within the most tokens.
        logps: log-probability of each token when it was sampled, in nats.
        entropies: entropy of the distribution that each token was drawn from, in nats.
    """

    ids: tuple[int, ...]
    text: str
    ended: bool
    logps: tuple[float, ...]
    entropies: tuple[float, ...]


class Policy(Protocol):
    """Writes actions; a network, or a table in tests."""

    def __call__(self, asked: Sequence[Asked]) -> list[Action]:
        """Writes one action for each wish, in order."""
        ...


Rollout = Generator[list[Asked], list[Action], Result]


def drive(rollouts: Sequence[Rollout[Result]], policy: Policy) -> list[Result]:
    """Runs generators to their ends, all of them side by side, and returns what each returned, in order.

    The wishes of one round are asked for in one call, in the order of the generators, so the same policy and the same generators
    give the same actions.
    """
    results: dict[int, Result] = {}
    waiting: dict[int, list[Asked]] = {}
    answers: dict[int, list[Action] | None] = dict.fromkeys(range(len(rollouts)))
    while answers:
        for number, answer in answers.items():
            try:
                waiting[number] = next(rollouts[number]) if answer is None else rollouts[number].send(answer)
            except StopIteration as end:
                waiting.pop(number, None)
                results[number] = end.value
        made = iter(policy([one for wishes in waiting.values() for one in wishes]) if any(waiting.values()) else ())
        answers = {number: [next(made) for _ in wishes] for number, wishes in waiting.items()}
    return [results[number] for number in range(len(rollouts))]


@dataclass
class Row:
    """One row of a batch: what was read first, and then what was written and read in turns.

    Attributes:
        context: ids that were read before the first token of the row; they are no part of [B,T].
        ids, live: the tokens of the row, and whether the policy wrote each and is to learn from it.
        logps, entropies: of each token, 0 where the policy did not write it.
        fields: further numbers for each token by the name of their field; what the policy did not write has none.
        actions: the number of actions.
        inside: whether the row ends inside an action on purpose, as a segment of a tree does; it is not cut then.
    """

    context: tuple[int, ...]
    ids: list[int] = field(default_factory=list)
    live: list[bool] = field(default_factory=list)
    logps: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)
    fields: dict[str, list[float]] = field(default_factory=dict)
    actions: int = 0
    inside: bool = False

    def wrote(self, action: Action, live: bool = True, **fields: float) -> None:
        """Adds an action, whose tokens all get these fields and the next of `action_ids`.

        One that is not live stays out of the loss.
        """
        self._add(action.ids, live, action.logps, action.entropies, {"action_ids": self.actions, **fields})
        self.actions += 1

    def read(self, ids: Sequence[int]) -> None:
        """Adds what the policy read, such as the text of the environment."""
        self._add(ids, False, [0.0] * len(ids), [0.0] * len(ids), {})

    @property
    def seen(self) -> tuple[int, ...]:
        """The context of what comes next."""
        return (*self.context, *self.ids)

    def _add(
        self,
        ids: Sequence[int],
        live: bool,
        logps: Sequence[float],
        entropies: Sequence[float],
        fields: Mapping[str, float],
    ) -> None:
        before, n = len(self.ids), len(ids)
        self.ids += ids
        self.live += [live] * n
        self.logps += logps
        self.entropies += entropies
        for name in self.fields.keys() | fields.keys():
            none = nothing(name)
            self.fields.setdefault(name, [none] * before).extend([fields.get(name, none)] * n)


def nothing(name: str) -> float:
    """Returns what stands in a field where a token has no value.

    Raises:
        DataError: no field of a row has that name.
    """
    if name in WHOLE:
        return NOWHERE
    if name in REAL:
        return float("nan")
    if name in FLAGS:
        return False
    raise DataError(f"a row has no field {name!r}", f"its fields are {', '.join((*WHOLE, *REAL, *FLAGS))}")


def batch_of(rows: Sequence[Row], rewards: Sequence[float], group_ids: Sequence[int], pad: int) -> dict[str, Any]:
    """Puts rows into the arrays that methods of `hicra.credit` take, padded on the right to the longest.

    Args:
        rows: B rows.
        rewards, group_ids: of each row.
        pad: id that stands behind the end of a row.

    Returns:
        response_ids, response_mask, old_logprobs and entropies [B,T], rewards and group_ids [B], and [B,T] for every field that a
        row has.
    """
    width = max((len(row.ids) for row in rows), default=0)

    def padded(of: Sequence[Sequence[float]], none: float, kind: Any) -> Array:
        return np.array([[*values, *[none] * (width - len(values))] for values in of], kind).reshape(len(rows), width)

    batch: dict[str, Any] = {
        "response_ids": padded([row.ids for row in rows], pad, np.int64),
        "response_mask": padded([row.live for row in rows], False, np.bool_),
        "old_logprobs": padded([row.logps for row in rows], 0.0, np.float64),
        "entropies": padded([row.entropies for row in rows], 0.0, np.float64),
        "rewards": np.array(rewards, np.float64),
        "group_ids": np.array(group_ids, np.int64),
    }
    for name in sorted({name for row in rows for name in row.fields}):
        none = nothing(name)
        values = [row.fields.get(name, [none] * len(row.ids)) for row in rows]
        batch[name] = padded(values, none, np.int64 if name in WHOLE else np.bool_ if name in FLAGS else np.float64)
    return batch
