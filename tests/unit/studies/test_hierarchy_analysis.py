"""Figures of runs, pairs and contrasts of the hierarchy study, by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from agreement import agreement, kendall
from analysis import auc, change, ends, half_time, onset, running_mean, token_entropy
from claims import blocks, partial_rank
from contrasts import PRIMARY, contrast, estimate, pairs, primary_contrasts
from hypotheses import best_fixed, crossing
from results import Cell, Results, check, read_results, runs_of

import study_made
from hicra.errors import DataError


def small(arm, warm, seed, accuracy, **changed):
    """A run with three evaluations and nothing else."""
    return {
        "part": "primary", "arm": arm, "start": "strong", "warm": warm, "seed": seed, "rate": 1e-3, "lexicon": "exact",
        "settings": {}, "steps": 20, "evals": {"step": [0, 10, 20], "accuracy": accuracy}, "curves": {},
    } | changed  # fmt: skip


def test_area_by_hand():
    # 10 x (.2 + .4) / 2 + 10 x (.4 + .8) / 2 = 3 + 6, over 20
    assert auc(small("none", 0, 0, [0.2, 0.4, 0.8])) == pytest.approx(0.45)


def test_uneven_evaluations_weigh_by_their_gaps():
    run = small("none", 0, 0, [0.0, 1.0, 1.0], evals={"step": [0, 30, 40], "accuracy": [0.0, 1.0, 1.0]})
    assert auc(run) == pytest.approx((15 + 10) / 40)


def test_ends_are_tenths():
    assert ends(np.arange(20.0)) == (0.5, 18.5)
    assert ends(np.array([3.0, 5.0])) == (3.0, 5.0)
    assert change(np.arange(20.0)) == 18.0


def test_running_mean_reaches_back_ten_values():
    values = np.zeros(25)
    values[10] = 1.0
    # from value 10 to value 19 the 1 is among the last ten
    assert np.flatnonzero(running_mean(values)).tolist() == list(range(10, 20))
    assert running_mean(values)[12] == pytest.approx(0.1)
    assert running_mean(np.array([2.0, 4.0])).tolist() == [2.0, 3.0]


def test_half_time_of_a_jump_and_of_a_fall():
    steps = np.arange(1.0, 41.0)
    jump = np.repeat([0.0, 1.0], 20)
    assert half_time(steps, jump) == half_time(steps, -jump) == 25.0  # five of the ten steps 16 to 25 are past the jump


def test_onset_is_the_first_count_above_the_threshold():
    steps = np.array([10.0, 20.0, 30.0])
    assert onset(steps, np.array([1.0, 2.0, 5.0]), 2.0) == 30.0
    assert onset(steps, np.array([1.0, 2.0, 5.0]), 5.0) is None


def test_token_entropy_weighs_kinds_by_their_share():
    run = small("none", 0, 0, [0, 0, 0], curves={
        "planning_share": [0.25, 0.5], "entropy_planning": [0.8, 1.0], "entropy_execution": [0.4, 0.0],
    })  # fmt: skip
    assert token_entropy(run).tolist() == pytest.approx([0.5, 0.5])  # .25 x .8 + .75 x .4, and .5 x 1


def test_blocks_and_partial_rank_by_hand():
    assert blocks(np.arange(20.0)).tolist() == [4.5, 14.5]
    first, second, given = np.array([1.0, 2, 3, 4]), np.array([1.0, 2, 4, 3]), np.array([2.0, 1, 3, 4])
    # r12 = r13 = 1 - 6 x 2 / 60 = .8, r23 = 1 - 6 x 4 / 60 = .6: (.8 - .48) / sqrt(.36 x .64) = .32 / .48
    assert partial_rank(first, second, given) == pytest.approx(2 / 3)
    assert partial_rank(first, second, first) is None  # nothing of the first is left


def test_pairs_go_by_warm_start_and_seed():
    runs = (
        small("none", 0, 1, [0.0, 0.2, 0.2]), small("none", 0, 2, [0.0, 0.4, 0.4]), small("none", 1, 1, [0.0, 0.0, 0.0]),
        small("hicra", 0, 2, [0.0, 0.8, 0.8]), small("hicra", 1, 1, [0.0, 0.4, 0.4]), small("hicra", 1, 9, [1, 1, 1]),
    )  # fmt: skip
    differences, warm, lost = pairs(Results(runs), Cell("hicra"), Cell("none"))
    # areas: .6 - .3 at (0, 2), .3 - 0 at (1, 1); (1, 9) has no partner
    assert differences.tolist() == pytest.approx([0.3, 0.3])
    assert (warm, lost) == ([0, 1], 1)
    assert contrast(Results(runs), Cell("hicra"), Cell("placebo")) is None


def test_too_few_pairs_have_no_interval_and_say_how_many():
    one = estimate("x", [0.1, 0.3], [0, 1])
    assert (one.estimate, one.low, one.p, one.n, one.told) == (pytest.approx(0.2), None, None, 2, False)


def test_smallest_effect_and_pairs_needed_by_hand():
    values = [0.0, 0.1, 0.2, 0.3, 0.1, 0.2]
    one = estimate("x", values, range(6))
    # sd = sqrt(.055 / 5) = .104881; the noncentral t finds a gap of 1.4346 sd with 6 pairs in 80 %
    assert one.smallest == pytest.approx(1.4346 * 0.104881, rel=1e-3)
    assert one.needed == 37


def test_holm_runs_over_all_primary_contrasts_that_were_run():
    stored = study_made.made({"strong": 2, "weak": 2})
    found = primary_contrasts(Results(tuple(stored["training"])))
    assert len(found) == 2 * len(PRIMARY)
    ordered = sorted(found.values(), key=lambda one: one.p)
    assert ordered[0].p_holm == pytest.approx(min(1.0, ordered[0].p * len(found)))
    assert all(one.p_holm >= one.p for one in ordered)


def test_crossing_is_interpolated():
    def at(step, share, accuracy):
        return {"step": step, "accuracy": accuracy, "kinds": {"planning": {"share": share}}}

    # from .2 at 20 % to .6 at 40 %: 1/2 is three quarters of the way
    assert crossing([at(50, 0.6, 0.4), at(0, 0.2, 0.2), at(100, 0.4, 0.9)]) == pytest.approx(0.35)
    assert crossing([at(0, 0.2, 0.2), at(50, 0.5, 0.4)]) is None
    assert crossing([at(0, 0.2, 0.2), at(20, None, 0.3), at(50, 0.8, 0.4)]) == pytest.approx(0.3)


def test_kendall_by_hand():
    # pairs: (1,2) in order, (1,3) in order, (2,3) not: (2 - 1) / 3; a tie in one list leaves two pairs there
    assert kendall(np.array([1.0, 2, 3]), np.array([10.0, 30, 20])) == pytest.approx(1 / 3)
    assert kendall(np.array([1.0, 1, 2]), np.array([1.0, 2, 3])) == pytest.approx(2 / math.sqrt(2 * 3))
    assert kendall(np.array([1.0, 1]), np.array([1.0, 2])) is None


def test_agreement_of_arms_in_order_and_in_reverse():
    quality = {f"arm{i}": np.array([i + 0.0, i + 0.1]) for i in range(6)}
    gains = {f"arm{i}": np.array([10.0 * i, 10.0 * i + 1]) for i in range(6)} | {"other": np.array([0.0])}
    found = agreement(quality, gains)
    assert (found.spearman, found.kendall, found.arms) == (pytest.approx(1.0), pytest.approx(1.0), 6)
    assert found.low == pytest.approx(1.0)  # no redraw puts two of these arms in another order
    turned = agreement(quality, {arm: -values for arm, values in gains.items()})
    assert (turned.spearman, turned.high) == (pytest.approx(-1.0), pytest.approx(-1.0))
    assert agreement(dict([*quality.items()][:4]), gains) is None


def test_best_fixed_method_is_neither_grpo_nor_the_adaptive_one():
    assert best_fixed(Results(tuple(study_made.made()["training"])), "strong") == "hicra_difficulty"
    assert best_fixed(Results(()), "strong") is None


def test_stored_results_are_read_as_written(tmp_path):
    stored = study_made.made({"strong": 1, "weak": 1}, warm_starts=2)
    study_made.write(stored, tmp_path)
    found = read_results(tmp_path)
    assert list(found.runs) == stored["training"]
    assert len(found.checkpoints) == len(stored["meter"]["checkpoints"])
    assert found.quality is None
    assert read_results(tmp_path / "nothing").runs == ()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"part": "more"}, "line 2: part is 'more'"),
        ({"evals": {"step": [0, 10], "accuracy": [0.1]}}, "line 2: evals.step"),
        ({"evals": {"step": [0, 10], "accuracy": [0.1, None]}}, "line 2: an evaluation has no accuracy"),
        ({"seed": 1}, "line 2: the run stands in line 1 too"),
    ],
)
def test_a_bad_run_is_refused_by_its_line(changed, told):
    with pytest.raises(DataError, match=told):
        check([small("none", 0, 1, [0, 0, 0]), small("none", 0, 2, [0, 0, 0]) | changed], "training")


def test_a_run_without_a_key_is_refused():
    run = small("none", 0, 1, [0, 0, 0])
    del run["seed"]
    with pytest.raises(DataError, match="no seed"):
        check([run], "training")


def test_a_cell_that_two_runs_of_a_pair_agree_with_says_too_little():
    runs = (small("none", 0, 1, [0, 0, 0]), small("none", 0, 1, [0, 0, 0], rate=2e-3))
    with pytest.raises(DataError, match="warm start 0 and seed 1"):
        runs_of(Results(runs), Cell("none"))
    assert len(runs_of(Results(runs), Cell("none", rate=2e-3))) == 1


def test_made_runs_are_the_same_each_time():
    assert json.dumps(study_made.made()) == json.dumps(study_made.made())
