"""A small world for agents, a codec of its words, and policies that are scripts or tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hicra.errors import ConfigError, DataError
from hicra.related.agents.words import MARKERS
from hicra.related.environments import Reply
from hicra.related.rollouts import Action, Asked
from hicra.related.system import Arena

ERRANDS = ("key", "door", "gold")


class Errands:
    """The words `key`, `door` and `gold` are to be said in this order; others are not understood. It cannot be saved."""

    name = "errands"
    words = ("errands", *ERRANDS, "wait", "done:", "0", "1", "2")

    def __init__(self, longest: int = 6) -> None:
        self.longest = longest
        self.made, self.clock = 0, longest  # an episode has to be begun first

    def reset(self, seed: int) -> str:
        self.made, self.clock = 0, 0
        return "errands"

    def step(self, text: str) -> Reply:
        if self.clock >= self.longest or self.made == len(ERRANDS):
            raise DataError("the episode has ended", "reset it")
        self.clock += 1
        self.made += text == ERRANDS[self.made]
        won = self.made == len(ERRANDS)
        done = won or self.clock == self.longest
        return Reply("" if done else f"done: {self.made}", float(won), done, text in (*ERRANDS, "wait"))

    def save(self) -> object:
        raise ConfigError("errands cannot be saved", "play them from the start")

    def restore(self, state: object) -> None:
        raise ConfigError("errands cannot be saved", "play them from the start")

    def state_id(self) -> int:
        return self.made


class Knowing(Errands):
    """Errands that know which steps are critical: the last one."""

    def critical(self) -> bool:
        return self.made == 2


class Shown(Errands):
    """Errands that can be saved, and know their subgoals and their expert."""

    def save(self) -> object:
        return self.made, self.clock

    def restore(self, state: object) -> None:
        self.made, self.clock = state  # type: ignore[misc]

    def subgoals(self) -> Sequence[str]:
        return ERRANDS[self.made :]

    def reached(self, subgoal: str) -> bool:
        return ERRANDS.index(subgoal) < self.made

    def expert(self) -> str:
        return ERRANDS[self.made]

    def actions(self) -> Sequence[str]:
        return ("wait",)


class Words:
    """One id a word; 0 ends an action and is padding."""

    end = pad = 0

    def __init__(self, more: Sequence[str] = ()) -> None:
        self.known = ["<end>", *dict.fromkeys((*Errands.words, *MARKERS, *more))]

    def encode(self, text: str) -> list[int]:
        return [self.known.index(word) for word in text.split()]

    def decode(self, ids: Sequence[int]) -> str:
        return " ".join(self.known[one] for one in ids if one)


CODEC = Words()


class Script:
    """Writes what a function of the context's text says; `asked` keeps every wish with that text.

    A text that ends in " ..." has no end token.
    """

    def __init__(self, say: Callable[[str, bool], str]) -> None:
        self.say, self.asked = say, list[tuple[str, Asked]]()

    def __call__(self, asked: Sequence[Asked]) -> list[Action]:
        made = []
        for one in asked:
            context = CODEC.decode(one.context)
            self.asked.append((context, one))
            text = self.say(context, one.greedy)
            cut = text.endswith("...")
            ids = (*CODEC.encode(text.removesuffix("...")), *(() if cut else (CODEC.end,)))
            made.append(Action(ids, CODEC.decode(ids), not cut, (-0.5,) * len(ids), (1.0,) * len(ids)))
        return made


class TablePolicy:
    """A softmax over words [K,V], with a row of logits for each pair of the last word of the context and the cue before it.

    An action is one word and its end token, which is sure.
    """

    def __init__(self, logits: dict[str, Sequence[float]], words: Sequence[str], seed: int) -> None:
        self.rows = list(logits)
        self.logits = np.array([logits[row] for row in self.rows], float)
        self.words, self.draw = list(words), np.random.default_rng(seed)

    def probabilities(self) -> np.ndarray:
        shifted = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        return shifted / shifted.sum(axis=1, keepdims=True)

    def row(self, context: Sequence[int]) -> int:
        return self.rows.index(CODEC.decode(context[-1:]))

    def __call__(self, asked: Sequence[Asked]) -> list[Action]:
        made, chances = [], self.probabilities()
        for one in asked:
            p = chances[self.row(one.context)]
            word = int(p.argmax()) if one.greedy else int(self.draw.choice(len(p), p=p))
            ids = (*CODEC.encode(self.words[word]), CODEC.end)
            made.append(Action(ids, CODEC.decode(ids), True, (float(np.log(p[word])), 0.0), (0.0, 0.0)))
        return made


def place(policy: Callable[[Sequence[Asked]], list[Action]], world: Callable[[], Errands] = Errands) -> Arena:
    return Arena(world, CODEC, policy, most=4)
