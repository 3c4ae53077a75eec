"""Plays environments at random, and walks through all states of a small one, through nothing but their own interface."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from hicra.related.environments import Reply

NONSENSE = "fly to the moon"


def pick(environment: Any, random: Random) -> str:
    """An action: mostly one that does something, now and then the demonstrator's, or words that mean nothing."""
    draw = random.random()
    if draw < 0.05:
        return NONSENSE
    possible = environment.actions()
    return random.choice(possible) if possible else NONSENSE


def wander(environment: Any, seed: int, random: Random, most: int = 1000) -> list[tuple[str, Reply]]:
    """The actions of one episode with what they led to; at most so many."""
    environment.reset(seed)
    gone: list[tuple[str, Reply]] = []
    while len(gone) < most and not (gone and gone[-1][1].done):
        text = pick(environment, random)
        gone.append((text, environment.step(text)))
    return gone


def replay(environment: Any, texts: Sequence[str]) -> list[tuple[Reply, Any]]:
    """What these actions lead to from here, with the state behind each."""
    return [(environment.step(text), environment.state_id()) for text in texts]


Leads = list[tuple[str, float, bool, Any]]


def walk(environment: Any, seed: int, choices: Sequence[str], most: int) -> dict[Any, Leads]:
    """Every state that can be reached, with (text, reward, done, next state) of each of the choices; at most so many states.

    One in ten further ways to a state that is known is tried too: it must lead on as the first way did.
    """
    environment.reset(seed)
    random = Random(0)
    found: dict[Any, Leads] = {}
    waiting = [(environment.state_id(), environment.save())]
    while waiting:
        state, saved = waiting.pop()
        if state in found and random.random() > 0.1:
            continue
        leads, beyond = [], []
        for text in choices:
            environment.restore(saved)
            step = environment.step(text)
            leads.append((step.text, step.reward, step.done, environment.state_id()))
            if not step.done:
                beyond.append((environment.state_id(), environment.save()))
        if state in found:
            assert leads == found[state], "two ways to one state lead on to different things"
        else:
            found[state] = leads
            waiting += beyond
        assert len(found) <= most, "the world is larger than this test allows"
    return found


def distinct(found: dict[Any, Leads]) -> int:
    """The number of states that some sequence of actions tells apart, by refining what one action tells apart."""
    kinds, count = dict.fromkeys(found, 0), 1
    while True:
        numbers: dict[Any, int] = {}
        kinds = {
            state: numbers.setdefault(
                (kinds[state], *((*one[:3], kinds.get(one[3], -1)) for one in leads)), len(numbers)
            )
            for state, leads in found.items()
        }
        if len(numbers) == count:
            return count
        count = len(numbers)
