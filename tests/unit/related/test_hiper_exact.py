"""HiPER's gradient on subgoals, by enumeration of every group of two episodes: exact at lam_seg 1, and not at lam_seg 0."""

from __future__ import annotations

import copy
import itertools
from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest

from agents_made import CODEC, Errands, Script
from hicra import credit
from hicra.related.agents.execute import Manner, Numbering
from hicra.related.agents.hiper import KeptOrChanged, group_values, keep_or_change
from hicra.related.environments import Reply
from hicra.related.rollouts import batch_of, drive

SAYS = {"subgoal:": ("key", "gold"), "switch:": ("keep", "change"), "act:": ("key", "door")}


class Two(Errands):
    """Two actions; the reward is 1 for key and then door, 1/2 for door twice, else 0."""

    def __init__(self) -> None:
        super().__init__(2)
        self.said: list[str] = []

    def reset(self, seed: int) -> str:
        self.said = []
        return "errands"

    def step(self, text: str) -> Reply:
        self.said.append(text)
        done = len(self.said) == 2
        reward = {("key", "door"): 1.0, ("door", "door"): 0.5}.get(tuple(self.said), 0.0)
        return Reply("" if done else f"done: {int(text == 'key')}", reward if done else 0.0, done)

    def state_id(self) -> int:
        return len(self.said) * 2 + (self.said[:1] == ["key"])


class Enumerated:
    """Says the next of a list of choices, each the first or the second of what may be said, and keeps what decided it."""

    def __init__(self, choices: tuple[int, ...]) -> None:
        self.choices, self.keys = iter(choices), list[tuple[str, str]]()
        self.script = Script(self.say)

    def say(self, context: str, greedy: bool) -> str:
        words = context.split()
        seen = next(word for word in reversed(words) if word in ("errands", "0", "1"))
        held = [word for before, word in pairwise(words) if before in ("goal:", "subgoal:")][-1:]
        self.keys.append((words[-1], " ".join([seen, *(held if words[-1] != "subgoal:" else [])])))
        return SAYS[words[-1]][next(self.choices)]


def episodes() -> list[tuple[KeptOrChanged, list[tuple[str, str]], tuple[int, ...]]]:
    """Every episode with the contexts of its decisions and its choices: subgoal, action, keep or change (and subgoal), action."""
    found = []
    for first, change, last in itertools.product((0, 1), (0, 1), (0, 1)):
        for action, *second in itertools.product((0, 1), *([(0, 1)] if change else [])):
            choices = (first, action, change, *second, last)
            policy = Enumerated(choices)
            rollout = keep_or_change(Two(), 1, CODEC, Manner(4), 4, states=Numbering())
            found.append((drive([rollout], policy.script)[0], policy.keys, choices))
    return found


@pytest.mark.parametrize(("lam_seg", "exact"), [(1.0, True), (0.0, False)])
def test_the_gradient_on_subgoals_is_exact_where_the_reward_reaches_them(lam_seg: float, exact: bool) -> None:
    everything = episodes()
    assert len(everything) == 2 * 2 * (1 + 2) * 2
    rng = np.random.default_rng(0)
    chance: dict[tuple[str, str], np.ndarray] = defaultdict(lambda: rng.dirichlet((2.0, 2.0)))
    p = np.array(
        [
            np.prod([chance[key][choice] for key, choice in zip(keys, choices, strict=True)])
            for _, keys, choices in everything
        ]
    )
    assert p.sum() == pytest.approx(1.0)
    wanted: dict[tuple[str, str], np.ndarray] = defaultdict(lambda: np.zeros(2))
    made: dict[tuple[str, str], np.ndarray] = defaultdict(lambda: np.zeros(2))
    for (one, keys, choices), of_one in zip(everything, p, strict=True):
        for key, choice in zip(keys, choices, strict=True):
            wanted[key] += of_one * one.reward * (np.eye(2)[choice] - chance[key])
    for pair in itertools.product(range(len(everything)), repeat=2):
        group = [copy.deepcopy(everything[number][0]) for number in pair]
        group_values(group)
        batch = batch_of([one.rows[0] for one in group], [one.reward for one in group], [0, 0], CODEC.pad)
        a = credit.BASELINES["hiper"](batch["rewards"], [0, 0], batch, lam_seg=lam_seg)
        for row, number in enumerate(pair):
            _, keys, choices = everything[number]
            for decision, (key, choice) in enumerate(zip(keys, choices, strict=True)):
                token = int(np.argmax(batch["action_ids"][row] == decision))
                made[key] += p[list(pair)].prod() * a[row, token] * (np.eye(2)[choice] - chance[key]) / 2
    subgoals = [key for key in wanted if key[0] == "subgoal:"]
    assert len(subgoals) == 3  # at the start, after key, and after door
    apart = max(float(np.abs(made[key] - wanted[key]).max()) for key in subgoals)
    assert (apart < 1e-9) == exact
    assert max(float(np.abs(wanted[key]).max()) for key in subgoals) > 1e-3
