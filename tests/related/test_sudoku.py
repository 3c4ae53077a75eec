"""The puzzle "sudoku" against the package that generates it."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("reasoning_gym")

from hicra.errors import ConfigError
from hicra.related.likelihoods.puzzle import open_puzzle
from hicra.tasks.reasoning_gym.task import ReasoningGym

pytestmark = pytest.mark.slow
SETTINGS = {"careless": 0.0, "train": 60, "held_out": 20}


def grids() -> np.ndarray:
    """All 288 filled grids, [288,16]."""
    lines = list(permutations(range(1, 5)))
    found = []
    for rows in product(lines, repeat=4):
        grid = np.array(rows)
        columns = all(len(set(grid[:, column])) == 4 for column in range(4))
        boxes = all(len(set(grid[a : a + 2, b : b + 2].ravel())) == 4 for a in (0, 2) for b in (0, 2))
        if columns and boxes:
            found.append(grid.ravel())
    return np.array(found)


def test_every_problem_has_one_solution_which_is_the_one_that_pays() -> None:
    puzzle, every = open_puzzle("sudoku", SETTINGS), grids()
    assert len(every) == 288
    for split, count in (("train", 60), ("eval", 20)):
        prompts = puzzle.prompts(split)
        assert prompts.shape == (count, 16)
        for prompt in prompts:
            fits = every[((prompt.numpy() == 0) | (prompt.numpy() == every)).all(1)]
            assert len(fits) == 1
            scores = puzzle.score(prompt[None], prompt.new_tensor(fits))
            assert (scores.rewards[0], scores.solved[0]) == (1, 1)
    train, held_out = ({tuple(one.tolist()) for one in puzzle.prompts(split)} for split in ("train", "eval"))
    assert not train & held_out


def test_a_wrong_cell_costs_its_share_of_the_empty_ones() -> None:
    puzzle = open_puzzle("sudoku", SETTINGS)
    prompts, solutions = puzzle.texts(np.random.default_rng(0), 30)
    assert puzzle.score(prompts, solutions).solved.all()
    for prompt, solution in zip(prompts, solutions, strict=True):
        empty, given = ((prompt == 0).nonzero()[0].item(), (prompt != 0).nonzero()[0].item())
        for place, loss in ((empty, 1 / int((prompt == 0).sum())), (given, 0)):
            wrong = solution.clone()
            wrong[place] = solution[place] % 4 + 1
            scores = puzzle.score(prompt[None], wrong[None])
            assert scores.rewards[0] == pytest.approx(1 - loss)
            assert scores.solved[0] == 0


def test_careless_texts_are_valid_grids_of_other_problems() -> None:
    puzzle, valid = open_puzzle("sudoku", {**SETTINGS, "careless": 0.7}), {grid.tobytes() for grid in grids()}
    prompts, texts = puzzle.texts(np.random.default_rng(0), 1000)
    assert all(text.numpy().tobytes() in valid for text in texts)
    assert puzzle.score(prompts, texts).solved.mean() == pytest.approx(0.3, abs=0.05)


def test_too_many_empty_cells_and_too_many_problems_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="beyond, no grid is unique"):
        open_puzzle("sudoku", {"most": 13})
    monkeypatch.setattr(ReasoningGym, "rows", lambda task, split, count: [{}] * 6)
    with pytest.raises(ConfigError, match="7 problems are asked for, and there are 6 with 6 to 7 empty cells"):
        open_puzzle("sudoku", {"most": 7, "train": 7})
