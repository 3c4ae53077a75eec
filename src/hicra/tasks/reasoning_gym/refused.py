"""The data sets of reasoning-gym that are refused because their scorers run what a model wrote; all others were checked.

This is true of one version, so no other version is used. To move to a new one, read its scorers
(tests/unit/tasks/test_reasoning_gym_scorers.py says which became unsafe), then change `VERSION` and the extra `gym`.
"""

from __future__ import annotations

from hicra.errors import ConfigError

VERSION = "0.1.25"
_EVAL = "hands the answer to eval"
_SYMPY = "hands the answer to sympy's parser, which hands it to eval"
REFUSED: dict[str, tuple[str, tuple[str, ...]]] = {  # the reason, and data sets with similar questions
    "binary_matrix": (_EVAL, ("rotten_oranges", "rotate_matrix", "largest_island")),
    "composite": ("passes the answer on to the scorers of other data sets", ("chain_sum", "leg_counting", "maze")),
    "countdown": (_SYMPY, ("chain_sum", "basic_arithmetic", "cryptarithm")),
    "intermediate_integration": (_SYMPY, ("polynomial_equations", "simple_equations", "complex_arithmetic")),
    "n_queens": (_EVAL, ("mini_sudoku", "futoshiki", "kakurasu")),
    "polynomial_multiplication": (_SYMPY, ("polynomial_equations", "complex_arithmetic", "products")),
    "puzzle24": (_SYMPY, ("chain_sum", "basic_arithmetic", "cryptarithm")),
    "simple_integration": (_SYMPY, ("polynomial_equations", "simple_equations", "complex_arithmetic")),
    "spiral_matrix": (_EVAL, ("rotate_matrix", "manipulate_matrix", "pool_matrix")),
    "string_insertion": (_EVAL, ("string_manipulation", "string_splitting", "string_synthesis")),
}


def refuse_unsafe(dataset: str) -> None:
    """Raises ConfigError, with the reason and similar data sets, if a data set's scorer runs what a model wrote."""
    if dataset in REFUSED:
        why, near = REFUSED[dataset]
        raise ConfigError(
            f"task.settings.dataset {dataset!r} is refused: its scorer {why}, so the model's text would run as Python",
            f"choose a similar data set, whose scorer runs nothing: {', '.join(near)}",
        )
