"""An episode in which the policy reads the world and acts, step by step, and nothing more."""

from __future__ import annotations

from collections.abc import Sequence

from hicra.related.environments import Environment
from hicra.related.rollouts import Asked, Rollout, Row, drive
from hicra.related.system import Arena, Codec, Generated, reached


def played(place: Arena, seeds: Sequence[int], greedy: bool) -> Generated:
    """Plays one episode of each seed side by side; each is a row of its own.

    Args:
        place: where it is played; its environment is made once for each seed.
        seeds: of the episodes.
        greedy: whether the likeliest token is taken each time.
    """
    episodes = [episode(place.environment(), place.codec, seed, place.most, greedy) for seed in seeds]
    done = drive(episodes, place.policy)
    success, actions = [reached(reward) for _, reward in done], sum(row.actions for row, _ in done)
    return Generated(
        rows=[row for row, _ in done], rewards=[reward for _, reward in done], group_ids=list(range(len(done))),
        success=success, interactions=actions, generated=actions, correct=success,
    )  # fmt: skip


def episode(environment: Environment, codec: Codec, seed: int, most: int, greedy: bool) -> Rollout[tuple[Row, float]]:
    """Plays one episode, whose context is every text and action so far; returns its row and the sum of its rewards.

    Args:
        environment: a new one, or one whose episode has ended.
        codec: of the policy.
        seed: of the episode.
        most: the most tokens of an action.
        greedy: whether the likeliest token is taken each time.
    """
    row, total = Row(tuple(codec.encode(environment.reset(seed)))), 0.0
    while True:
        (action,) = yield [Asked(row.seen, most, greedy)]
        row.wrote(action)
        led = environment.step(action.text)
        total += led.reward
        if led.done:
            return row, total
        row.read(codec.encode(led.text))
