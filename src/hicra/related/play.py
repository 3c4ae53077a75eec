"""An episode in which the policy reads the world and acts, step by step, and nothing more."""

from __future__ import annotations

from collections.abc import Sequence

from hicra.related.environments import Environment
from hicra.related.rollouts import Asked, Rollout, drive
from hicra.related.system import Codec, Place


def played(place: Place, seeds: Sequence[int], greedy: bool) -> list[bool]:
    """Plays one episode of each seed side by side, and returns whether each reached its goal.

    Args:
        place: where it is played; its environment is made once for each seed.
        seeds: of the episodes.
        greedy: whether the likeliest token is taken each time.
    """
    episodes = [episode(place.environment(), place.codec, seed, place.most, greedy) for seed in seeds]
    return drive(episodes, place.policy)


def episode(environment: Environment, codec: Codec, seed: int, most: int, greedy: bool) -> Rollout[bool]:
    """Plays one episode, whose context is every text and action so far; the goal is reached where the last reward is above 0.

    Args:
        environment: a new one, or one whose episode has ended.
        codec: of the policy.
        seed: of the episode.
        most: the most tokens of an action.
        greedy: whether the likeliest token is taken each time.
    """
    context = tuple(codec.encode(environment.reset(seed)))
    while True:
        (action,) = yield [Asked(context, most, greedy)]
        led = environment.step(action.text)
        if led.done:
            return led.reward > 0
        context = (*context, *action.ids, *codec.encode(led.text))
