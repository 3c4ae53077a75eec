"""`hicra train` itself on two processes: one run folder, equal ranks, figures of the whole batch, resume, what is refused."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from hicra import corpus
from hicra.compare.compare import compare
from hicra.report import build_report
from hicra.runs import RunFolder
from paths import SUPPORT
from train_small import weights

pytestmark = [pytest.mark.engine, pytest.mark.slow]
ENDED = ("hicra", "none", "alpha 0", "recentred", "straight", "resumed")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: Any) -> tuple[Path, list[dict[str, Any]], subprocess.CompletedProcess[str]]:
    """(folder of all runs, what each rank found, the process) of one torchrun."""
    folder = tmp_path_factory.mktemp("ranks")
    places = os.pathsep.join([str(SUPPORT), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    done = subprocess.run(
        [*command, str(SUPPORT / "hicra_train_ranks.py"), str(folder)],
        env=os.environ | {"PYTHONPATH": places, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=800, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-6000:]
    return folder, [json.loads((folder / f"found-{rank}.json").read_text(encoding="utf-8")) for rank in (0, 1)], done


def rollouts(run: RunFolder, step: int) -> pl.DataFrame:
    """The rollouts of a step of both ranks."""
    files = sorted((run.path / "rollouts").glob(f"step-{step:06d}*.parquet"))
    assert [file.name for file in files] == [f"step-{step:06d}-part1.parquet", f"step-{step:06d}.parquet"]
    return pl.concat([pl.read_parquet(file) for file in reversed(files)])


def tokens(table: pl.DataFrame, column: str) -> np.ndarray:
    """The values of all tokens, one after another."""
    return np.concatenate([np.array(row) for row in table[column]])


def test_both_ranks_end_with_the_same_weights_and_one_of_them_speaks(ran: Any) -> None:
    folder, (first, second), done = ran
    for arm in ENDED:
        assert first[arm]["code"] == second[arm]["code"] == 0
        assert first[arm]["hashes"] == second[arm]["hashes"]
        assert len(first[arm]["hashes"]) == 1
    objects = [json.loads(line) for line in done.stdout.splitlines() if '"run_dir"' in line]
    names = ["hicra", "none", "zero", "recentred", "straight", "hicra", "stopped", "stopped"]
    assert [Path(one["run_dir"]).name for one in objects] == names
    assert objects[0]["steps"] == 2
    assert "eval/accuracy" in objects[0]["final"]
    assert (folder / "hicra" / "final" / "model.safetensors").exists()
    assert not list(folder.glob(".*.lock"))
    assert not (folder / "hicra" / "checkpoints" / ".work").exists()


def test_alpha_zero_is_grpo_and_methods_differ(ran: Any) -> None:
    (first, _) = ran[1]
    assert first["alpha 0"]["hashes"] == first["none"]["hashes"]
    assert len({first[arm]["hashes"][0] for arm in ("none", "hicra", "recentred")}) == 3


def test_a_resumed_run_is_the_straight_one_on_both_ranks(ran: Any) -> None:
    """Each rank has random numbers of its own; a checkpoint holds those of both."""
    folder, found, _ = ran
    for one in found:
        assert one["resumed"]["hashes"] == one["straight"]["hashes"]
    assert weights(folder / "hicra" / "final") == weights(folder / "straight" / "final")
    resumed, straight = (RunFolder.open(folder / name).metrics() for name in ("hicra", "straight"))
    assert [row["step"] for row in resumed] == [1, 2, 3, 4]
    for mine, theirs in zip(resumed, straight, strict=True):
        assert {key: mine[key] for key in mine if key not in ("step_time", "epoch")} == {
            key: theirs[key] for key in theirs if key not in ("step_time", "epoch")
        }
    before = [json.loads(line) for line in (folder / "metrics-of-two-steps.jsonl").read_text().splitlines()]
    assert [row["loss"] for row in before] == [row["loss"] for row in resumed[:2]]


@pytest.mark.parametrize("name", ["hicra", "none", "recentred"])
def test_the_metrics_are_those_of_the_rollouts_of_both_ranks(ran: Any, name: str) -> None:
    run = RunFolder.open(ran[0] / name)
    for step, row in enumerate(run.metrics()[:2], 1):
        table = rollouts(run, step)
        assert table.height == 24
        assert table["id"].n_unique() == 24
        assert sorted(table.group_by("group_id").len()["len"]) == [8, 8, 8]
        planning, after = tokens(table, "planning_mask").astype(bool), tokens(table, "advantages")
        before = np.concatenate(
            [np.full(len(ids), base) for ids, base in zip(table["token_ids"], table["advantage"], strict=True)]
        )
        count = len(planning)
        assert row["hicra/length"] == pytest.approx(count / 24)
        assert row["hicra/planning_share"] == pytest.approx(planning.sum() / count)
        assert row["hicra/accuracy"] == pytest.approx(table["correct"].cast(pl.Float64).mean())
        assert row["hicra/advantage_mean_after"] == pytest.approx(after.mean(), abs=1e-6)
        assert row["hicra/advantage_mean_before"] == pytest.approx(before.mean(), abs=1e-6)
        changed = np.abs(after - before) > 1e-7
        assert row["hicra/changed_share"] == pytest.approx(changed.sum() / count)
        assert changed.any() == (name != "none" and bool(planning.any()) and bool(before.any()))
        for kind, chosen in (("planning", planning), ("execution", ~planning)):
            entropy, logprob = tokens(table, "entropies")[chosen], tokens(table, "logprobs")[chosen]
            assert row[f"hicra/entropy_{kind}"] == pytest.approx(entropy.mean(), rel=1e-5)
            assert row[f"hicra/ppl_{kind}"] == pytest.approx(math.exp(-logprob.mean()), rel=1e-5)


def test_a_method_of_batch_scope_sees_groups_that_lie_on_both_ranks(ran: Any) -> None:
    """`hicra_recentred` takes the mean of its bonus over the planning tokens of a group: what it adds sums to 0 in each."""
    run, largest = RunFolder.open(ran[0] / "recentred"), 0.0
    for step in (1, 2):
        table = rollouts(run, step)
        groups = table["group_id"].to_list()
        assert groups[8] == groups[15]  # rows 8 to 11 of rank 0 and 12 to 15 of rank 1
        for group in set(groups):
            mine = table.filter(pl.col("group_id") == group)
            added = [np.array(a) - base for a, base in zip(mine["advantages"], mine["advantage"], strict=True)]
            assert abs(sum(one.sum() for one in added)) < 1e-5
            largest = max(largest, *(np.abs(one).max() for one in added))
    assert largest > 0.01


def test_a_signal_to_one_rank_stops_both_with_a_checkpoint(ran: Any) -> None:
    """Rank 1 alone got it, in the first of two steps; what goes on from there is the run without the signal."""
    folder, found, done = ran
    for one in found:
        assert one["stopped"]["code"] == 128 + 15
        assert one["went on"]["code"] == 0
        assert one["went on"]["hashes"] == one["hicra"]["hashes"] != one["stopped"]["hashes"]
    assert found[0]["stopped"]["hashes"] == found[1]["stopped"]["hashes"]
    objects = [json.loads(line) for line in done.stdout.splitlines() if '"run_dir"' in line]
    assert (objects[6]["steps"], objects[6]["interrupted"]) == (1, 15)
    assert [row["step"] for row in RunFolder.open(folder / "stopped").metrics()] == [1, 2]


def test_the_report_and_the_comparison_read_the_parts_of_all_ranks(ran: Any) -> None:
    runs = [ran[0] / "none", ran[0] / "zero"]
    build_report(runs, ran[0] / "report.html")
    assert (ran[0] / "report.html").stat().st_size > 10_000
    assert compare(runs, baseline="none", metric="hicra/accuracy")["comparisons"][0]["arm"] == "hicra"
    read = corpus.read(ran[0] / "none" / "rollouts")
    assert (read.kept, read.duplicates) == (48, 0)  # two steps of 24


def test_ranks_with_different_lexicons_or_configs_are_refused_at_the_start(ran: Any) -> None:
    folder, found, done = ran
    for arm, says in (
        ("other lexicon", "lexicon is '"),
        ("other seed", "train.seed is '0' on rank 0 and '5' on rank 1"),
    ):
        assert [one[arm] for one in found] == [{"code": 1, "hashes": []}] * 2
        assert f"the processes train with different things: {says}" in done.stderr
    assert RunFolder.open(folder / "other").metrics() == []


def test_rollouts_that_cannot_be_shared_are_refused_before_anything_is_written(ran: Any) -> None:
    folder, found, done = ran
    assert [one["odd"]["code"] for one in found] == [1, 1]
    assert (
        "a step has 9 rollouts (train.prompts_per_step x train.group_size), which 2 processes cannot share"
        in done.stderr
    )
    assert not (folder / "odd").exists()
