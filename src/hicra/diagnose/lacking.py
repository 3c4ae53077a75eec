"""What to say of rows that lack something, and of metrics that no row allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from hicra.diagnose.measure import PER_TOKEN, SIGN, StepMetrics
from hicra.metrics import describe

# what only a trainer knows, or an option of its own asks for: metrics of these are no loss to a reader of rollouts
TRAINED = frozenset(("advantages", "signal_every", "kind_weights", "an environment", "attention"))
OF_SAMPLING = frozenset(("hicra/sampling_rounds", "hicra/groups_replaced"))


def repeated_steps(steps: Mapping[int, StepMetrics]) -> list[str]:
    """Returns what to say where a step holds the rollouts of the step before, text by text.

    TRL writes the latest generation at every logging step, so one that is trained on twice stands there twice. Steps of one row
    are passed over: a model that hardly changes says the same again.
    """
    ordered = sorted(steps.items())
    again = [
        step
        for (_, before), (step, one) in pairwise(ordered)
        if one.rows == before.rows > 1 and one.texts == before.texts
    ]
    if not again:
        return []
    more = f" and {len(again) - 1} more {'step' if len(again) == 2 else 'steps'}" if len(again) > 1 else ""
    holds = "hold" if more else "holds"
    return [
        f"step {again[0]}{more} {holds} the rollouts of the step before again, as TRL writes a generation that is trained on "
        "more than once; they count at each step"
    ]


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
            least = "at least" if SIGN[column] > 0 else "at most"
            fits = f"one number a {counts[:-1]}, each {least} 0"
            told.append(f"{column} fit the {counts} of no row ({fits}), so {metrics} are null{how}")
    return told


def left_out(coverage: Mapping[str, int]) -> dict[str, str]:
    """Returns the metrics that a diagnosis can compute and no row allowed, with what they need."""
    lacking = {name: describe(name) for name, rows in coverage.items() if not rows}
    return {
        name: ", ".join(of.needs)
        for name, of in lacking.items()
        if of is not None and name not in OF_SAMPLING and not TRAINED.intersection(of.needs)
    }
