"""A table of logits in place of a network, for the chain: sampling and gradients are exact and take microseconds.

A step of the chain is one token, and so is an action. The table has one softmax for each step, so the gradient of the expected
reward has a closed form, and an estimate of it is a sum over the tokens of a batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hicra.arrays import Floats
from hicra.errors import DataError, did_you_mean
from hicra.related.environments.chain import Chain
from hicra.related.rollouts import Action, Asked


class WordIds:
    """Words as ids; it is a `Codec`. The ids of padding and of the end follow those of the words."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self.ids = {word: number for number, word in enumerate(self.words)}
        self.pad, self.end = len(self.words), len(self.words) + 1

    def encode(self, text: str) -> list[int]:
        """Returns the ids of the words of a text.

        Raises:
            DataError: a word is unknown.
        """
        found = text.split()
        if unknown := [word for word in found if word not in self.ids]:
            raise DataError(f"{unknown[0]!r} is no word of this table", did_you_mean(unknown[0], self.words))
        return [self.ids[word] for word in found]

    def decode(self, ids: Sequence[int]) -> str:
        """Returns the words of ids, with a space between them; the ids of padding and of the end are left out."""
        return " ".join(self.words[one] for one in ids if one < len(self.words))


class TablePolicy:
    """Chooses the actions of a chain by a softmax for each step; it is a `Policy`.

    Args:
        chain: what is played.
        logits: [S,A] of each step and action.
        seed: of the draws.
    """

    def __init__(self, chain: Chain, logits: Floats, seed: int = 0) -> None:
        self.chain, self.codec, self.logits = chain, WordIds(chain.words), logits
        self.rng = np.random.default_rng(seed)
        self.first = len(chain.places)  # id of the first action; that of a step is its number

    @property
    def probabilities(self) -> Floats:
        """The probabilities of the actions at each step, [S,A]."""
        shares = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    def __call__(self, asked: Sequence[Asked]) -> list[Action]:
        """Writes one action for each wish: a token, which ends it."""
        steps = np.array([one.context[-1] for one in asked])
        table = self.probabilities
        chances = table[steps]
        drawn = (self.rng.random(len(asked))[:, None] > chances.cumsum(axis=1)[:, :-1]).sum(axis=1)
        chosen = np.where([one.greedy for one in asked], chances.argmax(axis=1), drawn)
        logps = np.log(chances[np.arange(len(asked)), chosen])
        entropies = -np.sum(table * np.log(np.maximum(table, 1e-300)), axis=1)[steps]
        words = [self.chain.names[one] for one in chosen]
        return [
            Action((self.first + one,), word, True, (logp,), (entropy,))
            for one, word, logp, entropy in zip(chosen.tolist(), words, logps.tolist(), entropies.tolist(), strict=True)
        ]

    def success(self) -> float:
        """Returns the expected reward: the product of the chances of the right actions at critical steps."""
        return float(np.prod([self.probabilities[step, self._right(step)] for step in self.chain.critical_steps]))

    def exact_gradient(self) -> Floats:
        """Returns the gradient of the expected reward J by the logits, [S,A]: J (1[a right] - p(a)) at critical steps, else 0."""
        out = np.zeros_like(self.logits)
        for step in self.chain.critical_steps:
            out[step] = -self.probabilities[step]
            out[step, self._right(step)] += 1
        return self.success() * out

    def gradient(self, batch: Mapping[str, Any], advantages: Floats) -> Floats:
        """Returns the sum over policy tokens of A times the gradient of the token's log-probability, [S,A].

        Args:
            batch: as `batch_of` gives it, with `turn_ids`: the step that a token was written at.
            advantages: [B,T].
        """
        live = batch["response_mask"]
        steps, chosen = batch["turn_ids"][live], batch["response_ids"][live] - self.first
        scores = -self.probabilities[steps]
        scores[np.arange(len(steps)), chosen] += 1
        out = np.zeros_like(self.logits)
        np.add.at(out, steps, advantages[live][:, None] * scores)
        return out

    def _right(self, step: int) -> int:
        return self.chain.names.index(self.chain.right_action(step))


def sure_but_critical(chain: Chain, sure: float, right: float) -> Floats:
    """Returns logits [S,A] of a policy that chooses right with one chance at critical steps, and is sure elsewhere.

    Args:
        chain: what is played.
        sure: chance of the right action at steps that are not critical; the others share the rest.
        right: chance of the right action at critical steps.
    """
    count = len(chain.names)
    out = np.empty((chain.longest, count))
    for step in range(chain.longest):
        chance = right if step in chain.critical_steps else sure
        out[step] = np.log((1 - chance) / (count - 1))
        out[step, chain.names.index(chain.right_action(step))] = np.log(chance)
    return out
