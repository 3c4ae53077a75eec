"""What the pages of methods say of the study: one line a method that was an arm, from the stored results."""

from __future__ import annotations

from contrasts import Estimate, contrast
from results import Cell, Results

from hicra.drawing.readable import counted, decimal, interval_end


def both(arm: str) -> tuple[tuple[Cell, str], ...]:
    """The primary runs of an arm from either start, and what to call each."""
    return (Cell(arm), "strong start"), (Cell(arm, "weak"), "weak start")


# page, method: what was run of it, as (cell of the study, what to call it)
ARMS: dict[str, dict[str, tuple[tuple[Cell, str], ...]]] = {
    "docs/methods/hicra.md": {
        **{arm: both(arm) for arm in ("hicra", "hicra_difficulty", "hicra_bonus")},
        "difficulty_all": tuple(
            (Cell("difficulty_all", part="alphas", settings={"alpha": alpha}), f"strong start, alpha {alpha}")
            for alpha in (0.2, 0.8)
        ),
        "planning_only": ((Cell("planning_only", part="demonstrations"), "strong start"),),
    },
    "docs/methods/controls.md": {"placebo": both("placebo")},
    "docs/methods/entropy.md": {"entropy_advantage": both("entropy_advantage")},
}


def of_methods(results: Results) -> dict[str, dict[str, str]]:
    """Makes the line of each method, by page and method; a method of which no run is shown yet is said to have none."""
    return {
        page: {method: _line([_told(results, cell, name) for cell, name in cells]) for method, cells in methods.items()}
        for page, methods in ARMS.items()
    }


def _line(found: list[str]) -> str:
    told = "; ".join(filter(None, found))
    if not told:
        return "- **Controlled study**: an arm of [the registered study](../study.md), which is under way."
    return (
        "- **Controlled study**: [the registered study](../study.md) on the embedded task; mean held-out accuracy over a run "
        f"(0 to 1) minus GRPO's, with 95 % intervals: {told}."
    )


def _told(results: Results, cell: Cell, name: str) -> str:
    one: Estimate | None = contrast(results, cell, Cell("none", cell.start))
    if one is None or one.estimate is None or one.low is None or one.high is None:
        return ""
    return (
        f"{decimal(one.estimate, 3, sign=True)} ({interval_end(one.low, 3)} to {interval_end(one.high, 3)}) from the {name}, "
        f"{counted(one.n, 'pair')}"
    )
