"""When does losing entropy buy accuracy? The stage analysis of the entropy-performance exchange (arXiv:2508.02260), on one run.

That paper tells a rising stage, in which accuracy grows fast while entropy falls mostly in wrong responses, from a plateau,
in which the little that is still gained comes from responses of low perplexity and from tokens late in the response. Here a
run is split at the knee of its accuracy, and the change of token entropy in each stage is split in three ways: by right and
wrong rollouts, by thirds of perplexity, and by thirds of the response.

Deviations (the paper is known here by its findings; it prints no rule for the stages):
STAGES-1. The knee is the one bend of the accuracy over the steps (`stats.change_points`). It splits the run where the accuracy
    surely rises before it and at most half as fast after it, as the bends of FINDING-2 are read; else the run is one stage.
STAGES-2. The change of entropy in a stage is the mean over the tokens of the last third of its saved steps minus that of the
    first third (at least a step each).
STAGES-3. Thirds of perplexity are those of a step's rollouts, by their mean log-probability; equal ones fall into the same third.
    A token belongs to the third of the response in which it begins.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl

from hicra.arrays import Bools, Floats, Ints
from hicra.drawing.readable import decimal
from hicra.findings.curves import LEAST_STEPS, curve
from hicra.findings.finding import Evidence, Finding
from hicra.findings.per_token import FlatTokens, tokens_of
from hicra.findings.phases import SLOWER, direction
from hicra.findings.saved import Rollouts
from hicra.stats import Bend, Changes, average_ranks, change_points

THIRDS = 3
Sums = dict[str, tuple[float, int]]  # kind of tokens -> the sum of their entropies, and their number
_ACCURACY = "hicra/accuracy"
_PERPLEXITY = ("ppl_low", "ppl_middle", "ppl_high")
_PLACE = ("beginning", "middle", "end")


def stages(evidence: Evidence) -> Finding | None:
    """Splits a run at the knee of its accuracy; None where no rollout has `entropies`, or fewer than 20 steps have an accuracy.

    Figures: knee (step, or null), knee_range [low, high], and stages, a list of {name ("rising", "plateau", or "whole" without a
    knee), steps [first, last], accuracy [first third, last third], entropy {all, right, wrong, ppl_low, ppl_middle, ppl_high,
    beginning, middle, end}}. Each kind of tokens has {first, last, change} in nats, null where a stage has too few saved steps or
    no such tokens.
    """
    x, y = curve(evidence, _ACCURACY)
    if len(x) < LEAST_STEPS or not (sums := _sums_of_steps(evidence.rollouts)):
        return None
    knee = _knee(change_points(x, y, most=1))
    parts = {"whole": np.ones(len(x), np.bool_)} if knee is None else {"rising": x <= knee.at, "plateau": x > knee.at}
    figures: dict[str, Any] = {
        "knee": None if knee is None else knee.at,
        "knee_range": None if knee is None else [knee.low, knee.high],
        "stages": [
            {
                "name": name, "steps": [int(x[inside][0]), int(x[inside][-1])], "accuracy": _ends(y[inside]),
                "entropy": _entropies(sums, int(x[inside][0]), int(x[inside][-1])),
            }
            for name, inside in parts.items()
        ],
    }  # fmt: skip
    return Finding("stages", _text(figures), figures)


def _knee(changes: Changes) -> Bend | None:
    """Returns the bend at which the accuracy stops rising fast, or None (STAGES-1)."""
    if not changes.bends:
        return None
    before, after = changes.pieces
    rises = direction(before, changes) == "rises" and after.slope < SLOWER * before.slope
    return changes.bends[0] if rises else None


def _sums_of_steps(rollouts: Rollouts) -> dict[int, Sums]:
    """Returns of each step with entropies the sum and the number of the entropies of each kind of tokens.

    Kinds that a column tells are absent where it is, and so are the thirds of perplexity where a rollout has no
    log-probabilities.
    """
    found: dict[int, Sums] = {}
    spoken = True
    for table in rollouts.by_step("entropies", "logprobs", "correct"):
        tokens = tokens_of(table, "entropies")
        if tokens is not None:
            kinds = _kinds(tokens)
            spoken = spoken and _PERPLEXITY[0] in kinds
            entropies = tokens.values["entropies"]
            known = np.isfinite(entropies)
            found[int(table["step"][0])] = {
                name: (float(entropies[members & known].sum()), int((members & known).sum()))
                for name, members in kinds.items()
            }
    if spoken:
        return found
    return {step: {name: one for name, one in sums.items() if name not in _PERPLEXITY} for step, sums in found.items()}


def _kinds(tokens: FlatTokens) -> dict[str, Bools]:
    """Returns which tokens [N] of a step belong to each kind."""
    row, kept = tokens.row, tokens.rollouts
    kinds = {"all": np.ones(len(row), np.bool_)}
    if kept.schema.get("correct") == pl.Boolean:
        correct = kept["correct"].cast(float).fill_null(float("nan")).to_numpy()
        kinds |= {"right": (correct == 1)[row], "wrong": (correct == 0)[row]}
    if (spoken := tokens_of(kept, "logprobs")) is not None and spoken.left_out == 0:
        third = _perplexity_thirds(spoken)[row]
        kinds |= {name: third == at for at, name in enumerate(_PERPLEXITY)}
    length = np.bincount(row)[row]
    third = THIRDS * tokens.at // length
    return kinds | {name: third == at for at, name in enumerate(_PLACE)}


def _perplexity_thirds(tokens: FlatTokens) -> Ints:
    """[B] the third of its step that a rollout is in, 0 for the lowest perplexity; -1 where it is unknown."""
    logprobs = tokens.values["logprobs"]
    known = np.isfinite(logprobs)
    count = np.bincount(tokens.row[known], minlength=tokens.rollouts.height)
    total = np.bincount(tokens.row[known], logprobs[known], minlength=tokens.rollouts.height)
    thirds = np.full(tokens.rollouts.height, -1)
    members = np.flatnonzero(count > 0)
    if len(members):
        ranks = average_ranks(-total[members] / count[members])
        thirds[members] = np.floor(THIRDS * (ranks - 0.5) / len(members))
    return thirds


def _entropies(of_steps: dict[int, Sums], first: int, last: int) -> dict[str, Any]:
    """Returns the entropy of each kind at both ends of a stage, from step `first` to `last`."""
    saved = [step for step in of_steps if first <= step <= last]
    kinds = list(dict.fromkeys(name for sums in of_steps.values() for name in sums))
    if len(saved) < 2:
        return dict.fromkeys(kinds)
    count = max(1, len(saved) // THIRDS)
    found: dict[str, Any] = {}
    for name in kinds:
        begin, end = (
            _mean([of_steps[step][name] for step in steps if name in of_steps[step]])
            for steps in (saved[:count], saved[-count:])
        )
        found[name] = None if begin is None or end is None else {"first": begin, "last": end, "change": end - begin}
    return found


def _mean(sums: list[tuple[float, int]]) -> float | None:
    total, size = math.fsum(one for one, _ in sums), sum(size for _, size in sums)
    return total / size if size else None


def _ends(values: Floats) -> list[float]:
    count = max(1, len(values) // THIRDS)
    return [float(values[:count].mean()), float(values[-count:].mean())]


def _text(figures: dict[str, Any]) -> str:
    if figures["knee"] is None:
        said = ["The accuracy shows no knee after which it levels off, so the run is one stage."]
    else:
        low, high = (f"{value:.0f}" for value in figures["knee_range"])
        said = [
            f"The accuracy rises up to step {figures['knee']:.0f} (95\u00a0% {low} to {high}) and levels off after it."
        ]
    when = {"rising": "While it rises", "plateau": "On the plateau", "whole": "Over the run"}
    for stage in figures["stages"]:
        before, after = (decimal(value, 2) for value in stage["accuracy"])
        said.append(f"{when[stage['name']]}, it goes from {before} to {after}; {_changes(stage['entropy'])}.")
    return " ".join(said)


def _changes(entropy: dict[str, Any]) -> str:
    def shown(*names: str) -> list[str] | None:
        values = [entropy.get(name) for name in names]
        return None if None in values else [decimal(value["change"], 2, sign=True) for value in values]  # type: ignore[index]

    if (of_all := shown("all")) is None:
        return "too few of its rollouts are saved to tell how entropy changes"
    said = [f"token entropy changes by {of_all[0]} nats"]
    if outcome := shown("right", "wrong"):
        said.append(f"by {outcome[0]} in right rollouts and {outcome[1]} in wrong ones")
    if thirds := shown(*_PERPLEXITY):
        said.append(f"by {thirds[0]}, {thirds[1]} and {thirds[2]} in the thirds of low, middle and high perplexity")
    if place := shown(*_PLACE):
        said.append(f"by {place[0]}, {place[1]} and {place[2]} at the beginning, middle and end of the response")
    return ", ".join(said)
