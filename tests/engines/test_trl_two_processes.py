"""Two processes on gloo: equal ranks, GRPO at alpha 0, groups over rank borders, figures of the whole batch."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import pytest

from forked import Forks
from hicra.credit import METHODS
from hicra.runs import RunFolder
from hicra.signal.memory import SignalMemory
from trl_signal_by_hand import by_hand
from trl_tiny import GROUP, make_model, naive_mask
from trl_two_workers import MEASURED

pytestmark = [pytest.mark.engine, pytest.mark.slow]

RANKS, STEPS = (0, 1), (0, 1)


@pytest.fixture(scope="module")
def both(tmp_path_factory: Any) -> tuple[list[dict[str, Any]], dict[str, list[Any]], RunFolder]:
    """(summaries by rank, {arm: arrays by rank}, the run folder of the arm "hicra") of one run on two processes."""
    folder = tmp_path_factory.mktemp("two")
    with Forks() as forks:
        jobs = forks.ranks([sys.executable, "-m", "trl_two_workers", folder], 2)
        said = "\n".join(
            line for job in jobs for line in job.stderr.splitlines() if "Error" in line
        )  # before the long tail
        assert [job.returncode for job in jobs] == [0, 0], said + "\n\n" + jobs[0].stderr[-2000:]
    summaries = [json.loads((folder / f"summary-{rank}.json").read_text(encoding="utf-8")) for rank in RANKS]
    arms = [arm for arm in summaries[0] if not arm.endswith("plain")]
    arrays = {arm: [np.load(folder / f"{arm}-{rank}.npz") for rank in RANKS] for arm in arms}
    return summaries, arrays, RunFolder.open(folder / "run")


def together(arrays: list[Any], step: int) -> dict[str, np.ndarray]:
    """The batch of both ranks, rows in order, the narrower one padded."""
    names = [name.split(".", 1)[1] for name in arrays[0].files if name.startswith(f"{step}.") and "loss" not in name]
    width = max(one[f"{step}.response_ids"].shape[1] for one in arrays)
    joined = {}
    for name in names:
        parts = [one[f"{step}.{name}"] for one in arrays]
        if parts[0].ndim == 2:
            parts = [np.pad(part, ((0, 0), (0, width - part.shape[1]))) for part in parts]
        joined[name] = np.concatenate(parts)
    return joined


def test_it_really_ran_on_two_processes(both: Any) -> None:
    for summary in both[0]:
        assert {(arm["world"], arm["type"]) for arm in summary.values()} == {(2, "DistributedType.MULTI_CPU")}


def test_ranks_end_equal_and_alpha_zero_is_plain_grpo(both: Any) -> None:
    first, second = both[0]
    assert {arm: one["hash"] for arm, one in first.items()} == {arm: one["hash"] for arm, one in second.items()}
    assert first["alpha 0"]["hash"] == first["plain"]["hash"]
    assert first["measured"]["hash"] == first["hicra"]["hash"]
    assert (
        len({one["hash"] for arm, one in first.items() if not arm.startswith(("quiet", "observed"))}) == 5
    )  # all others differ
    assert first["quiet alpha 0"]["hash"] == first["quiet plain"]["hash"] != first["quiet hicra"]["hash"]


def test_two_processes_measure_the_signal_as_one(both: Any) -> None:
    summaries, arrays = both[0], both[1]["measured"]
    first, second = (one["measured"]["logged"] for one in summaries)
    prompts = [{name: one[f"0.{name}"] for name in ("prompt_ids", "prompt_mask")} for one in arrays]
    batch = together(arrays, 0)
    for name in ("prompt_ids", "prompt_mask"):  # padded from the left
        width = max(one[name].shape[1] for one in prompts)
        batch[name] = np.concatenate([np.pad(one[name], ((0, 0), (width - one[name].shape[1], 0))) for one in prompts])
    # three groups of four; the second, rows 4 to 7, lies on both ranks and is the second half
    exact = by_hand(make_model(), batch, [0] * 4 + [1] * 4 + [0] * 4)
    scale = exact["noise_execution"]
    for name in MEASURED:
        assert first[name] == second[name]
        assert len(first[name]) == 2
        assert first[name][0] == pytest.approx(exact[name], abs=1e-5 * scale)


def test_two_processes_adapt_as_one(both: Any) -> None:
    found, arrays = both[0][0]["adaptive"]["logged"], both[1]["adaptive"]
    memory = SignalMemory()
    for step in STEPS:
        weights = [one[f"{step}.kind_weights"] for one in arrays]
        assert weights[0].tolist() == weights[1].tolist() == memory.weights.tolist()
        batch = together(arrays, step) | {"kind_weights": memory.weights}
        live = batch["response_mask"]
        shaped = METHODS["hicra_adaptive"](batch["base"], batch)
        assert np.array_equal(batch["advantages"] * live, shaped * live)
        kinds = ("planning", "execution")
        memory.update(*({kind: found[f"{of}_{kind}"][step] for kind in kinds} for of in ("signal", "noise")))
    assert weights[0].any(), "no signal was above 0, so this shows less"


@pytest.mark.parametrize(("arm", "method"), [("recentred", "hicra_recentred"), ("forking", "forking_tokens")])
def test_group_methods_shape_the_whole_batch_across_ranks(both: Any, arm: str, method: str) -> None:
    arrays = both[1][arm]
    widths = [[one[f"{step}.response_ids"].shape[1] for one in arrays] for step in STEPS]
    assert any(left != right for left, right in widths), "the ranks never padded differently, so this shows less"
    for step in STEPS:
        batch = together(arrays, step)
        base, given = batch["base"], batch["advantages"]
        assert batch["group_ids"].tolist() == [12 * step + row // GROUP for row in range(12)]
        assert (batch["group_ids"][4:8] == batch["group_ids"][4]).all()  # rows 4, 5 on one rank and 6, 7 on the other
        settings = {"recentred": {"alpha": 0.3}, "forking": {"rho": 0.2}}[arm]
        live = batch["response_mask"]
        assert np.array_equal(given * live, METHODS[method](base, batch, **settings) * live)
        alone = METHODS[method](base[:6], {name: value[:6] for name, value in batch.items()}, **settings)
        assert not np.array_equal(given[:6] * live[:6], alone * live[:6]), "a rank by itself gives the same"
        if arm == "recentred":
            bonus = (given - base[:, None]) * live
            assert np.abs(bonus).max() > 0.01
            for group in np.unique(batch["group_ids"]):
                assert abs(bonus[batch["group_ids"] == group].sum()) < 1e-5


@pytest.mark.parametrize("arm", ["hicra", "recentred", "forking"])
def test_logged_figures_are_those_of_the_gathered_counts(both: Any, arm: str) -> None:
    summaries, arrays = both[0], both[1][arm]
    values = summaries[0][arm]["logged"]
    for step in STEPS:
        batch = together(arrays, step)
        live = batch["response_mask"]
        mask = np.array([naive_mask(ids, on) for ids, on in zip(batch["response_ids"].tolist(), live, strict=True)])
        changed = (batch["advantages"] != batch["base"][:, None]) & live
        assert values["planning_share"][step] == pytest.approx((mask & live).sum() / live.sum(), abs=1e-9)
        assert values["changed_share"][step] == pytest.approx(changed.sum() / live.sum(), abs=1e-9)
        for name, planning in (("entropy_planning", True), ("entropy_execution", False)):
            total, count = 0.0, 0
            for one in arrays:
                kind = one[f"{step}.loss.live"] & (one[f"{step}.loss.mask"] == planning)
                total, count = total + one[f"{step}.loss.entropies"][kind].sum(dtype=float), count + int(kind.sum())
            assert values[name][step] == pytest.approx(total / count, rel=1e-6)


def test_a_rank_without_a_planning_token_takes_part_in_every_figure(both: Any) -> None:
    """Two micro-batches a step, rollouts of other lengths on each rank, and tokens that the policy did not write."""
    summaries, arrays = both[0], both[1]["quiet hicra"]
    first, second = (one["quiet hicra"]["logged"] for one in summaries)
    assert first == second
    for step in STEPS:
        masks = [one[f"{step}.planning_mask"] for one in arrays]
        live = [one[f"{step}.response_mask"] for one in arrays]
        assert masks[0].any()
        assert not masks[1].any()
        assert live[0].sum() != live[1].sum()
        count = live[0].sum() + live[1].sum()
        # 'hold on' and 'so' of the six rollouts of rank 0 stand before what the environment wrote
        assert masks[0].sum() == 18
        assert first["planning_share"][step] == pytest.approx(18 / count, abs=1e-9)
        assert first["length"][step] == pytest.approx(count / 12, abs=1e-9)
        for name, planning in (("entropy_planning", True), ("entropy_execution", False)):
            total, tokens = 0.0, 0
            for one in arrays:
                for part in (2 * step, 2 * step + 1):
                    kind = one[f"{part}.loss.live"] & (one[f"{part}.loss.mask"] == planning)
                    total, tokens = (
                        total + one[f"{part}.loss.entropies"][kind].sum(dtype=float),
                        tokens + int(kind.sum()),
                    )
            assert first[name][step] == pytest.approx(total / tokens, rel=1e-6)


def test_an_evaluation_on_two_processes_is_pooled(both: Any) -> None:
    """Two prompts of four rollouts, four a rank: lengths 3 + 1 + row + 3 x rank + 1, of which 3 x 4 tokens plan on rank 0."""
    first, second = (one["quiet hicra"]["evaluated"] for one in both[0])
    assert first == second
    # rank 0: 5, 6, 7, 8 tokens; rank 1: 8, 9, 10, 11
    assert first["length"] == [pytest.approx((26 + 38) / 8)]
    assert first["planning_share"] == [pytest.approx(12 / 64)]
    assert len(first["entropy_planning"]) == len(first["entropy_execution"]) == 1


def test_a_script_on_two_processes_has_one_run_folder(both: Any) -> None:
    summaries, arrays, run = both
    rows = run.metrics()
    assert [row["step"] for row in rows] == [1, 2]
    assert [row["hicra/planning_share"] for row in rows] == summaries[0]["hicra"]["logged"]["planning_share"]
    assert [file.name for file in run.rollout_files()] == [
        f"step-{step:06d}{part}.parquet" for step in (1, 2) for part in ("-part1", "")
    ]
    by_rank = list(run.rollouts())[1::-1]  # of step 1, rank 0 first
    for frame, one in zip(by_rank, arrays["hicra"], strict=True):
        live = one["0.response_mask"]
        assert frame["token_ids"].to_list() == [
            row[on].tolist() for row, on in zip(one["0.response_ids"], live, strict=True)
        ]
    assert len({identity for frame in by_rank for identity in frame["id"]}) == 12


def test_a_run_that_is_only_looked_at_is_the_plain_one_on_both_ranks(both: Any) -> None:
    for one in both[0]:
        assert one["observed plain"]["hash"] == one["plain"]["hash"]
        found, same = one["observed plain"]["logged"], one["alpha 0"]["logged"]
        for name in ("planning_share", "entropy_planning", "entropy_execution", "accuracy", "length"):
            assert len(found[name]) == 2
            assert found[name] == same[name]
        first = one["measured"]["logged"]  # which starts from the same model and rollouts
        assert found["signal_execution"][0] == pytest.approx(first["signal_execution"][0], rel=1e-6)
