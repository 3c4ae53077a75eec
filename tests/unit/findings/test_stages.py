"""The stage analysis on a run with a planted knee, and entropies that are known for every kind of rollout and token."""

import importlib
import math

import polars as pl
import pytest

from evidence_made import evidence_of
from hicra.findings import look

module = importlib.import_module("hicra.findings.stages")
stages = module.stages

KNEE, LAST = 12, 24
ACCURACY = [0.05 * min(step, KNEE) for step in range(1, LAST + 1)]  # rises by 0.05 a step to 0.6, and stays there


def run(rows, accuracy=ACCURACY):
    metrics = [{"step": step, "hicra/accuracy": value} for step, value in enumerate(accuracy, 1)]
    return evidence_of(metrics, pl.DataFrame(rows))


def rollouts(entropy, steps=range(1, LAST + 1)):
    """A right rollout of low perplexity, one that nobody judged, and a wrong one of high perplexity, in each step."""
    return [
        {"step": step, "correct": correct, "entropies": entropy(step, correct), "logprobs": [logprob] * 6}
        for step in steps
        for correct, logprob in ((True, -0.1), (None, -0.5), (False, -2.0))
    ]


def falls(step, correct):
    """While the accuracy rises, entropy falls by 0.1 a step in wrong rollouts alone; then by 0.1 a step in each last third."""
    rising, plateau = min(step, KNEE), max(0, step - KNEE)
    begin = 3 - 0.1 * rising if correct is False else 2.0
    return [begin] * 4 + [begin - 0.1 * plateau] * 2


def change(stage, kind):
    return stage["entropy"][kind]["change"]


def test_the_planted_knee_and_what_falls_in_each_stage():
    found = stages(run(rollouts(falls)))
    figures = found.figures
    assert (figures["knee"], figures["knee_range"]) == (KNEE, [KNEE, KNEE])
    rising, plateau = figures["stages"]
    assert (rising["name"], rising["steps"]) == ("rising", [1, 12])
    assert (plateau["name"], plateau["steps"]) == ("plateau", [13, 24])
    assert rising["accuracy"] == pytest.approx([0.125, 0.525])
    assert plateau["accuracy"] == pytest.approx([0.6, 0.6])
    # rising: steps 9 to 12 against 1 to 4 are eight steps apart, so -0.8 in wrong rollouts and nothing in the others
    assert change(rising, "wrong") == change(rising, "ppl_high") == pytest.approx(-0.8)
    for kind in ("right", "ppl_low", "ppl_middle"):
        assert change(rising, kind) == pytest.approx(0)
    assert change(rising, "all") == pytest.approx(-0.8 / 3)
    assert change(rising, "end") == change(rising, "beginning") == pytest.approx(-0.8 / 3)
    # plateau: again eight steps, in the last third (tokens 4 and 5 of 6) of every rollout
    assert change(plateau, "end") == pytest.approx(-0.8)
    for kind in ("beginning", "middle"):
        assert change(plateau, kind) == pytest.approx(0)
    for kind in ("right", "wrong", "ppl_low", "ppl_middle", "ppl_high", "all"):
        assert change(plateau, kind) == pytest.approx(-0.8 / 3)
    assert rising["entropy"]["wrong"]["first"] == pytest.approx(3 - 0.1 * 2.5)
    assert "rises up to step 12 (95\u00a0% 12 to 12)" in found.text
    assert "0.00 in right rollouts and -0.80 in wrong ones" in found.text


def test_a_run_without_a_knee_is_one_stage():
    line = [0.04 * step for step in range(1, LAST + 1)]
    found = stages(run(rollouts(falls), line))
    assert (found.figures["knee"], found.figures["knee_range"]) == (None, None)
    [whole] = found.figures["stages"]
    assert (whole["name"], whole["steps"]) == ("whole", [1, 24])
    # steps 17 to 24 against 1 to 8: 0.1 (12 - 4.5) = 0.75 less in wrong rollouts, and 0.1 (20.5 - 12) = 0.85 less in last thirds
    assert change(whole, "right") == pytest.approx(-0.85 / 3)
    assert change(whole, "wrong") == pytest.approx(-0.75 - 0.85 / 3)
    assert "one stage" in found.text


def test_an_accuracy_that_falls_before_its_knee_is_one_stage():
    assert stages(run(rollouts(falls), ACCURACY[::-1])).figures["knee"] is None


def test_only_steps_with_saved_rollouts_count():
    figures = stages(run(rollouts(falls, steps=(1, 12, 13)))).figures
    rising, plateau = figures["stages"]
    assert change(rising, "wrong") == pytest.approx(-1.1)  # step 12 against step 1
    assert set(plateau["entropy"].values()) == {None}  # one saved step tells no change


def test_equal_perplexities_share_a_third():
    rows = [row | {"logprobs": [-1.0] * 6} for row in rollouts(falls)]
    rising = stages(run(rows)).figures["stages"][0]["entropy"]
    assert (rising["ppl_low"], rising["ppl_high"]) == (None, None)
    assert rising["ppl_middle"] == pytest.approx(rising["all"])


def test_kinds_are_absent_where_their_columns_are():
    rows = [{"step": row["step"], "entropies": row["entropies"]} for row in rollouts(falls)]
    found = stages(run(rows))
    assert set(found.figures["stages"][0]["entropy"]) == {"all", "beginning", "middle", "end"}
    assert "right rollouts" not in found.text


def test_values_that_are_missing_do_not_count():
    rows = [row | {"entropies": [*row["entropies"][:-1], None]} for row in rollouts(falls)]
    entropy = stages(run(rows)).figures["stages"][1]["entropy"]
    assert entropy["end"]["change"] == pytest.approx(-0.8)  # of the one token that is left of each last third
    assert not any(math.isnan(kind["change"]) for kind in entropy.values())


def test_what_is_missing():
    assert stages(evidence_of([], pl.DataFrame())) is None
    assert stages(run(rollouts(falls), [None] * LAST)) is None
    assert stages(run([{"step": 1, "response": "a"}])) is None
    assert stages(run(rollouts(falls), ACCURACY[:19])) is None
    assert look(run(rollouts(falls), ACCURACY[:19])).unlooked["stages"] == "19 steps have accuracy, and it takes 20"
