"""What is logged is what was trained on: every figure recomputed from the sampled ids and the loss's own tensors."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from hicra.metrics import METRICS
from trl_tiny import Recorder, logged, make_trainer, naive_masks, prompts, run

pytestmark = pytest.mark.engine


def pooled(batches: list[dict[str, torch.Tensor]], what: str, planning: bool) -> float:
    """Sum over all tokens of a kind in all micro-batches, divided by their number."""
    kinds = [(batch["mask"] if planning else ~batch["mask"]) & batch["live"] for batch in batches]
    total = sum(float(batch[what][kind].double().sum()) for batch, kind in zip(batches, kinds, strict=True))
    return total / sum(int(kind.sum()) for kind in kinds)


@pytest.fixture(scope="module")
def accumulated(tmp_path_factory: Any) -> Any:
    options = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2, "max_steps": 3}
    return run(tmp_path_factory.mktemp("accumulated"), trainer=Recorder, **options)


def test_shares_equal_those_recomputed_from_the_sampled_ids(accumulated: Any) -> None:
    planning, changed = logged(accumulated, "hicra/planning_share"), logged(accumulated, "hicra/changed_share")
    lengths = logged(accumulated, "hicra/length")
    assert len(planning) == len(changed) == 3
    for step, made in enumerate(accumulated.generations):
        ids, live = torch.from_numpy(made["response_ids"]), torch.from_numpy(made["response_mask"])
        mask, moving = naive_masks(ids, live), torch.from_numpy(made["base"] != 0)[:, None]
        assert planning[step] == pytest.approx(int(mask.sum()) / int(live.sum()), abs=1e-9)
        assert changed[step] == pytest.approx(int((mask & moving).sum()) / int(live.sum()), abs=1e-9)
        assert lengths[step] == pytest.approx(int(live.sum()) / len(ids), abs=1e-9)
        before = (torch.from_numpy(made["base"])[:, None] * live).sum() / live.sum()
        after = (torch.from_numpy(made["advantages"]) * live).sum() / live.sum()
        assert logged(accumulated, "hicra/advantage_mean_before")[step] == pytest.approx(float(before), abs=1e-6)
        assert logged(accumulated, "hicra/advantage_mean_after")[step] == pytest.approx(float(after), abs=1e-6)
    assert max(changed) > 0


def test_entropy_and_perplexity_are_pooled_over_micro_batches(accumulated: Any) -> None:
    uneven = False
    for step in range(3):
        batches = accumulated.seen[2 * step : 2 * step + 2]
        for kind in ("planning", "execution"):
            entropy = pooled(batches, "entropies", kind == "planning")
            perplexity = math.exp(-pooled(batches, "logps", kind == "planning"))
            assert logged(accumulated, f"hicra/entropy_{kind}")[step] == pytest.approx(entropy, rel=1e-6)
            assert logged(accumulated, f"hicra/ppl_{kind}")[step] == pytest.approx(perplexity, rel=1e-5)
            each = [pooled([batch], "entropies", kind == "planning") for batch in batches]
            uneven |= abs(sum(each) / 2 - entropy) > 1e-5
    assert uneven, "the mean of means would have passed as well"


def test_metrics_pool_over_all_steps_since_the_last_log(tmp_path: Path) -> None:
    trainer = run(tmp_path, trainer=Recorder, max_steps=4, logging_steps=2)
    shares, entropies = logged(trainer, "hicra/planning_share"), logged(trainer, "hicra/entropy_planning")
    assert len(shares) == len(entropies) == 2
    for index in (0, 1):
        batches = trainer.seen[2 * index : 2 * index + 2]
        planning, tokens = (sum(int(batch[key].sum()) for batch in batches) for key in ("mask", "live"))
        assert shares[index] == pytest.approx(planning / tokens, abs=1e-9)
        assert entropies[index] == pytest.approx(pooled(batches, "entropies", True), rel=1e-6)


def test_every_logged_name_is_in_the_table_and_trl_means_the_same(accumulated: Any) -> None:
    known = {metric.name for metric in METRICS} | {"hicra/pass_at_1", "hicra/pass_at_2", "hicra/pass_at_4"}
    names = {name for entry in accumulated.state.log_history for name in entry if name.startswith("hicra/")}
    assert names <= known
    assert {"hicra/accuracy", "hicra/semantic_entropy", "hicra/conditional_entropy", "hicra/pass_at_4"} <= names
    for mine, theirs in (("hicra/length", "completions/mean_length"), ("hicra/reward", "reward")):
        assert logged(accumulated, mine) == pytest.approx(logged(accumulated, theirs), abs=1e-5)


def test_evaluation_logs_its_own_values_beside_those_of_training(tmp_path: Path) -> None:
    trainer = make_trainer(
        tmp_path, trainer=Recorder, extra={"eval_dataset": prompts(4)},
        per_device_eval_batch_size=4, eval_strategy="steps", eval_steps=2,
    )  # fmt: skip
    trainer.train()
    assert len(logged(trainer, "hicra/planning_share")) == 2
    (share,) = logged(trainer, "eval_hicra/planning_share")
    evaluated = trainer.seen[2:]  # two training steps, then four prompts x four samples in batches of four
    assert len(evaluated) == 4
    planning, tokens = (sum(int(batch[key].sum()) for batch in evaluated) for key in ("mask", "live"))
    assert share == pytest.approx(planning / tokens, abs=1e-9)
    (entropy,) = logged(trainer, "eval_hicra/entropy_execution")
    assert entropy == pytest.approx(pooled(evaluated, "entropies", False), rel=1e-6)
    assert trainer.last_generation.arrays["response_ids"].shape[0] == 8  # of training, not of evaluation


def test_a_model_can_be_evaluated_before_it_is_trained(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, extra={"eval_dataset": prompts(4)}, per_device_eval_batch_size=4, max_steps=1)
    assert 0 <= trainer.evaluate()["eval_hicra/planning_share"] <= 1
    trainer.train()
    assert len(logged(trainer, "hicra/planning_share")) == 1
