"""What to say of rows that lack something, and of metrics that no row allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hicra.diagnose.measure import PER_TOKEN, StepMetrics
from hicra.metrics import describe

# what only a trainer knows: metrics of these are no loss to a reader of rollouts
TRAINED = frozenset(("advantages", "signal_every", "kind_weights", "an environment"))
OF_SAMPLING = frozenset(("hicra/sampling_rounds", "hicra/groups_replaced"))


def lacking(found: Sequence[StepMetrics], rows: int, known: Mapping[str, int], counts: str) -> list[str]:
    """Returns what to say of columns that only some rows have, or that fit no row.

    Args:
        found: the measured steps.
        rows: number of rows.
        known: column -> rows with a value.
        counts: what lengths are counted in.
    """
    of = {
        "correct": ("verdict", "hicra/accuracy and hicra/pass_at_K"),
        "reward": ("reward", "hicra/reward and hicra/mixed_groups"),
        "group_id": ("group and no question", "hicra/pass_at_K and hicra/mixed_groups"),
        "entropies": (f"entropies that fit their {counts}", "hicra/entropy_planning and hicra/entropy_execution"),
        "logprobs": (f"logprobs that fit their {counts}", "hicra/ppl_planning and hicra/ppl_execution"),
    }
    told = []
    for column, (what, metrics) in of.items():
        if column == "reward" and not known.get(column):
            continue  # verdicts stand for it
        having = sum(one.having[column] for one in found)
        if 0 < having < rows:
            told.append(f"{rows - having} of {rows} rows have no {what}; {metrics} count the other {having}")
        elif not having and column in PER_TOKEN and known.get(column):
            how = "; --tokenizer DIR counts tokens" if counts == "words" else ""
            told.append(f"{column} fit the {counts} of no row, so {metrics} are null{how}")
    return told


def left_out(coverage: Mapping[str, int]) -> dict[str, str]:
    """Returns the metrics that a diagnosis can compute and no row allowed, with what they need."""
    lacking = {name: describe(name) for name, rows in coverage.items() if not rows}
    return {
        name: ", ".join(of.needs)
        for name, of in lacking.items()
        if of is not None and name not in OF_SAMPLING and not TRAINED.intersection(of.needs)
    }
