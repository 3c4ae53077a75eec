"""What a puzzle is to the training of a masked-diffusion model, and how one is opened by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from hicra.arrays import Floats
from hicra.errors import ConfigError, did_you_mean
from hicra.related.named import checked, loaded


@dataclass(frozen=True)
class PuzzleScores:
    """What responses are worth.

    Attributes:
        rewards: [N] in [0, 1], what training sees.
        solved: [N] 1 where the puzzle is solved, else 0; what is reported.
    """

    rewards: Floats
    solved: Floats


class Puzzle(Protocol):
    """Problems whose prompts have one length, and whose responses have another.

    Attributes:
        symbols: V, ids that prompts and responses may hold.
        prompt_length, response_length: in tokens.
    """

    symbols: int
    prompt_length: int
    response_length: int

    def prompts(self, split: str) -> Tensor:
        """Returns the prompts of a split ("train" or "eval"), [n, prompt_length] int64; the two share no problem."""
        ...

    def texts(self, chance: np.random.Generator, count: int) -> tuple[Tensor, Tensor]:
        """Draws valid texts to pre-train on: prompts of "train" and responses, [count, ...] each."""
        ...

    def score(self, prompts: Tensor, responses: Tensor) -> PuzzleScores:
        """Scores a response to each prompt, [N, ...] each."""
        ...


PUZZLES: dict[str, tuple[str, str | None]] = {
    "sudoku": ("hicra.related.likelihoods.sudoku:Sudoku", "gym"),
    "countdown": ("hicra.related.likelihoods.countdown:Countdown", None),
}  # name: (`module:class`, which is loaded when it is asked for; the extra that installs what it needs)


def open_puzzle(name: str, settings: Mapping[str, Any]) -> Puzzle:
    """Returns a puzzle by its name, with its defaults for the settings that are not given.

    Raises:
        ConfigError: there is no puzzle of that name, a package that it needs is not installed, or a setting is refused.
    """
    if name not in PUZZLES:
        raise ConfigError(f"puzzle: no puzzle {name!r}", did_you_mean(name, PUZZLES))
    made = loaded(*PUZZLES[name], f"puzzle: {name}")
    puzzle: Puzzle = made(**checked(made, settings, name, "puzzle"))
    return puzzle
