"""Each agent learns the errands from a table of logits, by its own advantages and plain policy gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from agents_made import CODEC, ERRANDS, Errands, place
from hicra import credit
from hicra.related.agents.flat import GRPO, GiGPO
from hicra.related.agents.himac import HiMAC
from hicra.related.agents.hiper import HiPER
from hicra.related.rollouts import Action, Asked, Row, batch_of

ACTIONS = [*ERRANDS, "wait"]
PLANS = ["key ; door ; gold", "gold ; door ; key", "door", "wait ; wait"]
SAYS = {"plan:": PLANS, "switch:": ["keep", "change"], "subgoal:": list(ERRANDS)}


class Learner:
    """A softmax over what can be said after the last two words of the context; what is said is one choice."""

    def __init__(self, seed: int) -> None:
        self.logits: dict[str, np.ndarray] = {}
        self.draw = np.random.default_rng(seed)

    def key(self, context: Sequence[int]) -> str:
        return CODEC.decode(context[-2:])

    def says(self, key: str) -> list[str]:
        return SAYS.get(key.split()[-1], ACTIONS)

    def chances(self, key: str) -> np.ndarray:
        logits = self.logits.setdefault(key, np.zeros(len(self.says(key))))
        shifted = np.exp(logits - logits.max())
        return shifted / shifted.sum()

    def __call__(self, asked: Sequence[Asked]) -> list[Action]:
        made = []
        for one in asked:
            key = self.key(one.context)
            p = self.chances(key)
            text = self.says(key)[int(p.argmax()) if one.greedy else int(self.draw.choice(len(p), p=p))]
            ids = (*CODEC.encode(text), CODEC.end)
            made.append(Action(ids, text, True, (0.0,) * len(ids), (0.0,) * len(ids)))
        return made

    def learn(self, rows: Sequence[Row], advantages: np.ndarray, rate: float) -> None:
        """Adds rate * A * grad log pi of every choice, with the probabilities from before."""
        steps: dict[str, np.ndarray] = {}
        for row, line in zip(rows, advantages, strict=True):
            numbers = row.fields["action_ids"]
            for first in [t for t, live in enumerate(row.live) if live and (t == 0 or numbers[t] != numbers[t - 1])]:
                key = self.key((*row.context, *row.ids[:first]))
                end = row.ids.index(CODEC.end, first)
                said = self.says(key).index(CODEC.decode(row.ids[first:end]))
                p = self.chances(key)
                steps.setdefault(key, np.zeros(len(p)))[:] += line[first] * (np.eye(len(p))[said] - p)
        for key, step in steps.items():
            self.logits[key] += rate * step / len(rows)


def success(system: Any, policy: Learner) -> float:
    return float(np.mean(system.play(place(policy, lambda: Errands(9)), range(200)).success))


@pytest.mark.parametrize(
    "system",
    [GRPO(), GiGPO(), HiMAC(budget=3, sub_done=False), HiMAC(budget=3, sub_done=False, alternate=False), HiPER()],
    ids=["grpo", "gigpo", "himac", "no_alternation", "hiper"],
)
def test_an_agent_learns_the_errands(system: Any) -> None:
    policy = Learner(seed=1)
    before = success(system, policy)
    name, settings = system.baseline
    for step in range(1, 61):
        for made in system.generations(place(policy, lambda: Errands(9)), [1, 2], step):
            batch = batch_of(made.rows, made.rewards, made.group_ids, CODEC.pad)
            advantages = np.asarray(credit.BASELINES[name](batch["rewards"], batch["group_ids"], batch, **settings))
            wide = (
                advantages
                if advantages.ndim == 2
                else np.repeat(advantages[:, None], batch["response_mask"].shape[1], 1)
            )
            policy.learn(made.rows, wide, rate=1.0)
    # errands of nine actions, each right with a quarter: three or more of nine, 1 - 0.75^9 - 9 / 4 * 0.75^8 - ... = 0.4
    assert before < 0.55
    assert success(system, policy) > 0.9
