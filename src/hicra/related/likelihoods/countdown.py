"""The puzzle "countdown": three numbers and a target, to be reached by using each number once.

The prompt is the three numbers and the two digits of the target, the response five tokens: number, sign, number, sign, number.
Products come before sums.

Deviations:
ESPO-7. Problems and their judge are made here: the scorer of reasoning-gym's countdown hands the answer to a parser that runs it,
    so the project refuses that data set, and its generator with it. Numbers have one digit, targets two; signs are plus, minus
    and times.
ESPO-8. The reward is 1 for the target, 0.1 where each number is used once and the value is another one, and 0 else, as in the
    publications on diffusion models.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import permutations, product

import numpy as np
import torch
from torch import Tensor

from hicra.arrays import Ints, as_numpy
from hicra.errors import ConfigError
from hicra.related.likelihoods.puzzle import PuzzleScores
from hicra.strict import Positive, Share

PLUS, MINUS, TIMES = SIGNS = (10, 11, 12)
NEARLY = 0.1  # reward of a text that uses the numbers
MOST_TARGET = 99
EVAL_EVERY = 5  # one set of numbers in five is held out


class Countdown:
    """The puzzle "countdown"; see `Puzzle`.

    Args:
        careless: share of the texts of pre-training that use the numbers and miss the target.
        held_out: number of problems of "eval", whose sets of numbers "train" does not have.

    Raises:
        ConfigError: there are fewer problems than are to be held out.
    """

    symbols, prompt_length, response_length = 13, 5, 5

    def __init__(self, *, careless: Share = 0.7, held_out: Positive = 200) -> None:
        self.careless = careless
        train, evaluated = _problems()
        if held_out > len(evaluated):
            raise ConfigError(
                f"puzzle.held_out is {held_out}, and there are {len(evaluated)} problems to hold out", "ask for fewer"
            )
        order = np.random.default_rng(0).permutation(len(evaluated))
        self._prompts = {"train": train, "eval": evaluated[np.sort(order[:held_out])]}

    def prompts(self, split: str) -> Tensor:
        """Returns the problems of a split, [n,5]."""
        return torch.from_numpy(self._prompts[split])

    def texts(self, chance: np.random.Generator, count: int) -> tuple[Tensor, Tensor]:
        """Draws problems with a text that reaches the target, or a careless one; [count,5] each."""
        prompts = self._prompts["train"][chance.integers(len(self._prompts["train"]), size=count)]
        written = np.array([_texts(tuple(sorted(prompt[:3].tolist()))) for prompt in prompts])  # [count,54,5]
        reaches = values(written) == _target(prompts)[:, None]
        wanted = chance.random(count)[:, None] >= self.careless
        weights = chance.random(reaches.shape) * (
            reaches == wanted
        )  # some text reaches, some misses, of any three numbers
        return torch.from_numpy(prompts), torch.from_numpy(written[np.arange(count), weights.argmax(1)])

    def score(self, prompts: Tensor, responses: Tensor) -> PuzzleScores:
        """Scores expressions (ESPO-8)."""
        given, written = as_numpy(prompts), as_numpy(responses)
        used = written[:, ::2]
        valid = (written[:, 1::2] >= PLUS).all(1) & (np.sort(used, 1) == np.sort(given[:, :3], 1)).all(1)
        solved = valid & (values(np.where(valid[:, None], written, _HARMLESS)) == _target(given))
        return PuzzleScores(np.where(solved, 1.0, NEARLY * valid), solved.astype(np.float64))


_HARMLESS = np.array([0, PLUS, 0, PLUS, 0])


def values(texts: Ints) -> Ints:
    """Returns the values of texts [...,5] that are number, sign, number, sign, number."""
    a, one, b, two, c = np.moveaxis(texts, -1, 0)
    first = np.where(two == TIMES, b * c, b)  # what the first sign is applied to
    left = np.where(one == TIMES, a * first, a + np.where(one == MINUS, -first, first))
    return np.asarray(np.where(two == TIMES, left, left + np.where(two == MINUS, -c, c)))


def _target(prompts: Ints) -> Ints:
    """Returns the target [...] of prompts [...,5]."""
    return np.asarray(prompts[..., 3] * 10 + prompts[..., 4])


@lru_cache(maxsize=1024)
def _texts(numbers: tuple[int, ...]) -> Ints:
    """Returns the 54 texts that use three numbers, [54,5]."""
    orders, signs = permutations(numbers), product(SIGNS, repeat=2)
    return np.array([[a, one, b, two, c] for (a, b, c), (one, two) in product(orders, list(signs))])


def _problems() -> tuple[Ints, Ints]:
    """Returns the problems of both splits, [n,5] each: a split has its own sets of numbers, in every order."""
    found: tuple[list[list[int]], list[list[int]]] = ([], [])
    sets = [(a, b, c) for a, b, c in product(range(1, 10), repeat=3) if a <= b <= c]
    for number, numbers in enumerate(sets):
        reached = sorted({value for value in values(_texts(numbers)).tolist() if 0 < value <= MOST_TARGET})
        for order in sorted(set(permutations(numbers))):
            found[number % EVAL_EVERY == 0].extend([*order, *divmod(target, 10)] for target in reached)
    return np.array(found[0]), np.array(found[1])
