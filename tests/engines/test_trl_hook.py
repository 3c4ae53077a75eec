"""Where the advantages go: shaped once a generation, by the mask of the sampled ids, and carried with their rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hicra.errors import EngineError
from trl_tiny import GROUP, ID, TOKENIZER, Recorder, logged, make_trainer, naive_masks, parameters_hash, reward, run

pytestmark = pytest.mark.engine

BUFFERED = {
    "per_device_train_batch_size": 4, "steps_per_generation": 2, "num_iterations": 2, "max_steps": 8,
    "scale_rewards": "none",
}  # fmt: skip


def group_differences(ids: torch.Tensor, live: torch.Tensor) -> torch.Tensor:
    """[B] reward minus its group's mean, from the sampled ids alone."""
    lists = [row[on].tolist() for row, on in zip(ids, live, strict=True)]
    rewards = torch.tensor(reward(completion_ids=lists))
    return rewards - rewards.view(-1, GROUP).mean(dim=1).repeat_interleave(GROUP)


@pytest.fixture(scope="module")
def buffered(tmp_path_factory: Any) -> Any:
    """Two generations, each split in two micro-batches and trained on twice."""
    return run(tmp_path_factory.mktemp("buffered"), trainer=Recorder, **BUFFERED)


def test_advantages_are_shaped_once_over_inner_epochs(buffered: Any) -> None:
    assert len(buffered.generations) == 2
    assert len(buffered.seen) == 8  # two generations x two halves x two epochs
    for made in buffered.generations:
        ids, live = torch.from_numpy(made["response_ids"]), torch.from_numpy(made["response_mask"])
        base, mask = group_differences(ids, live), naive_masks(ids, live)
        expected = torch.where(mask, base[:, None] + 0.2 * base[:, None].abs(), base[:, None])
        assert mask.any()
        assert torch.allclose(torch.from_numpy(made["base"]), base, atol=1e-6)
        assert torch.allclose(torch.from_numpy(made["advantages"]) * live, expected * live, atol=1e-6)
    for first, again in ((0, 2), (1, 3), (4, 6), (5, 7)):  # the second epoch trains on the very same numbers
        assert torch.equal(buffered.seen[first]["ids"], buffered.seen[again]["ids"])
        assert torch.equal(buffered.seen[first]["advantages"], buffered.seen[again]["advantages"])


def test_the_mask_rides_with_its_row_through_shuffle_and_split(buffered: Any) -> None:
    moved = 0
    for index, batch in enumerate(buffered.seen):
        made = buffered.generations[index // 4]
        assert torch.equal(batch["mask"], naive_masks(batch["ids"], batch["live"]))
        for row in range(len(batch["ids"])):
            outside = batch["advantages"][row][batch["live"][row] & ~batch["mask"][row]]
            assert (outside == batch["base"][row]).all()  # all other tokens of a row share its one advantage
            home = np.flatnonzero((made["response_ids"] == batch["ids"][row].numpy()).all(axis=1))
            assert any(np.array_equal(made["advantages"][at], batch["advantages"][row].numpy()) for at in home)
            moved += row + index % 2 * 4 not in home
    assert moved > 8, "nothing was shuffled, so this test shows nothing"


def test_the_saved_generation_holds_what_the_loss_saw(buffered: Any) -> None:
    """Entropies and log-probabilities come back to the order of generation, row by row."""
    made = buffered.last_generation
    live = made.arrays["response_mask"]
    assert np.isfinite(made.arrays["entropies"][live]).all()
    assert np.isfinite(made.arrays["logprobs"][live]).all()
    for batch in buffered.seen[6:]:  # the last epoch over the last generation
        for row in range(len(batch["ids"])):
            home = np.flatnonzero((made.arrays["response_ids"] == batch["ids"][row].numpy()).all(axis=1))[0]
            kept = batch["live"][row].numpy()
            assert np.allclose(made.arrays["entropies"][home][kept], batch["entropies"][row].numpy()[kept], atol=1e-6)
            assert np.allclose(made.arrays["logprobs"][home][kept], batch["logps"][row].numpy()[kept], atol=1e-6)
    assert len(made.inputs) == len(live) == 8
    assert made.inputs[0]["prompt"] == made.inputs[GROUP - 1]["prompt"] != made.inputs[GROUP]["prompt"]


# ---- tokens that the policy did not produce


def said(text: str) -> list[int]:
    return [ID[word] for word in text.split()]


def tool_rollouts(prompts: list[str], trainer: Any) -> dict[str, Any]:
    """'hold [on] let [three] me recheck [so] nine so' with what is in brackets coming from a tool."""
    parts = [("hold", 1), ("on", 0), ("let", 1), ("three", 0), ("me recheck", 1), ("so", 0), ("nine so", 1)]
    ids = [token for text, _ in parts for token in said(text)]
    mask = [own for text, own in parts for _ in said(text)]
    rows = range(len(prompts))
    return {
        "prompt_ids": [TOKENIZER(prompt)["input_ids"] for prompt in prompts],
        "completion_ids": [[*ids, *said("minus one")[: row % 3], TOKENIZER.eos_token_id] for row in rows],
        "logprobs": [[0.0] * (len(ids) + row % 3 + 1) for row in rows],
        "env_mask": [mask + [1] * (row % 3 + 1) for row in rows],
    }


def test_tool_tokens_are_never_planning_and_nothing_matches_across_them(tmp_path: Path) -> None:
    # as TRL always calls it, also where several generations share a prompt: one rollout a row
    trainer = run(tmp_path, trainer=Recorder, extra={"rollout_func": tool_rollouts}, max_steps=1)
    (batch,) = trainer.seen
    planning = torch.tensor([False, False, False, False, True, True, False, False, True])
    #        hold on(tool) let three(tool) me recheck so(tool) nine so: neither 'hold on' nor 'let me' is whole
    assert (batch["mask"][:, :9] == planning).all()
    assert not batch["mask"][:, 9:].any()
    assert not (batch["mask"] & ~batch["live"]).any()
    assert torch.equal(batch["mask"], naive_masks(batch["ids"], batch["live"]))
    changed = (batch["advantages"] != batch["base"][:, None]) & batch["live"]
    assert torch.equal(changed, batch["mask"] & (batch["base"] != 0)[:, None])
    assert logged(trainer, "hicra/planning_share") == [
        pytest.approx(3 / (6 + 1 + 7 / 8))
    ]  # eight rows of 7 to 9 tokens


# ---- methods that look beyond a row


def test_recentred_bonus_sums_to_zero_in_each_true_group(tmp_path: Path) -> None:
    """Micro-batches of 2 are half a group: groups made by position in the micro-batch would not come out at zero."""
    small = {"per_device_train_batch_size": 2, "steps_per_generation": 4, "max_steps": 4, "scale_rewards": "none"}
    trainer = run(tmp_path, "hicra_recentred", {"alpha": 0.3}, trainer=Recorder, **small)
    (made,) = trainer.generations
    assert made["group_ids"].tolist() == [0] * GROUP + [1] * GROUP
    bonus = (made["advantages"] - made["base"][:, None]) * made["response_mask"]
    assert np.abs(bonus).max() > 0.01
    for group in (0, 1):
        assert abs(bonus[made["group_ids"] == group].sum()) < 1e-5
    seen = torch.cat([batch["advantages"] - batch["base"][:, None] for batch in trainer.seen])
    live = torch.cat([batch["live"] for batch in trainer.seen])
    assert float((seen * live).abs().sum()) == pytest.approx(float(np.abs(bonus).sum()), rel=1e-5)


def test_group_ids_stay_distinct_over_generations(buffered: Any) -> None:
    first, second = (set(made["group_ids"].tolist()) for made in buffered.generations)
    assert len(first) == len(second) == 2
    assert not first & second


def test_entropy_methods_train_on_the_entropies_of_the_sampling_policy(tmp_path: Path) -> None:
    """At the first step the sampling policy is the trained one: the loss's own entropies give the same advantages."""
    trainer = run(tmp_path, "entropy_advantage", {"alpha": 0.4, "kappa": 2.0}, trainer=Recorder, max_steps=1)
    (batch,) = trainer.seen
    base, live = batch["base"][:, None], batch["live"]
    expected = base + torch.minimum(0.4 * batch["entropies"], base.abs() / 2)
    assert torch.allclose(batch["advantages"] * live, expected * live, atol=1e-5)
    assert ((batch["advantages"] != base) & live).any()


def test_forking_tokens_keeps_the_top_fifth_by_entropy(tmp_path: Path) -> None:
    trainer = run(tmp_path, "forking_tokens", {"rho": 0.2}, trainer=Recorder, max_steps=1)
    (batch,) = trainer.seen
    live, moving = batch["live"], (batch["base"] != 0)[:, None].expand_as(batch["live"])
    threshold = np.quantile(batch["entropies"][live].numpy(), 0.8)
    margin = (batch["entropies"] - threshold).abs() > 1e-5  # the token at the threshold itself may go either way
    expected = batch["entropies"] >= threshold
    assert torch.equal((batch["advantages"] != 0)[live & moving & margin], expected[live & moving & margin])
    assert logged(trainer, "hicra/changed_share")[0] == pytest.approx(0.8, abs=0.1)


@pytest.mark.parametrize("method", ["hicra_released", "placebo", "hicra_recentred", "forking_tokens"])
def test_every_method_trains_with_accumulation_and_inner_epochs(tmp_path: Path, method: str) -> None:
    trainer = run(tmp_path, method, **(BUFFERED | {"max_steps": 4}))
    assert all(np.isfinite(logged(trainer, "loss")))
    assert 0 < logged(trainer, "hicra/changed_share")[0] < 1


# ---- the self-check


class Rewrites(Recorder):
    """What a callback, a patched TRL or a second mixin might do to a batch on its way to the loss."""

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> Any:
        return super()._compute_loss(model, self.rewrite(dict(inputs)))


def flattened(batch: dict[str, Any]) -> dict[str, Any]:
    return batch | {"advantages": batch["hicra_base"][:, None].expand_as(batch["advantages"]).clone()}


def shaped_everywhere(batch: dict[str, Any]) -> dict[str, Any]:
    return batch | {"advantages": batch["advantages"] * 1.2}


def rows_swapped(batch: dict[str, Any]) -> dict[str, Any]:
    return batch | {"planning_mask": batch["planning_mask"].flip(0)}


@pytest.mark.parametrize("rewrite", [flattened, shaped_everywhere, rows_swapped])
def test_the_self_check_stops_a_run_whose_advantages_were_rewritten(tmp_path: Path, rewrite: Any) -> None:
    trainer = make_trainer(tmp_path, trainer=Rewrites)
    trainer.rewrite = rewrite
    with pytest.raises(EngineError, match=r"self-check of method 'hicra'.*\n.*fix:"):
        trainer.train()


def test_the_self_check_also_guards_the_method_none(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, "none", trainer=Rewrites)
    trainer.rewrite = shaped_everywhere
    with pytest.raises(EngineError, match="self-check of method 'none'"):
        trainer.train()


# ---- nothing left to train on, and resuming


def test_everything_truncated_gives_no_nan_and_no_crash(tmp_path: Path) -> None:
    never_ends = {"suppress_tokens": [i for i in range(len(TOKENIZER)) if i not in ID.values()]}
    trainer = run(tmp_path, mask_truncated_completions=True, generation_kwargs=never_ends)
    hicra = {key: value for entry in trainer.state.log_history for key, value in entry.items() if "hicra/" in key}
    assert hicra["hicra/length"] == 0
    assert all(np.isfinite(value) for value in hicra.values())
    assert not {"hicra/planning_share", "hicra/entropy_planning", "hicra/ppl_execution"} & set(hicra)
    assert all(torch.isfinite(value).all() for value in trainer.model.parameters())


@pytest.mark.parametrize(
    ("options", "half"),
    [({}, 2), (BUFFERED, 4)],
    ids=["one generation a step", "two halves twice, saved at the end of a generation's use"],
)
def test_a_resumed_run_is_the_straight_run_bit_for_bit(tmp_path: Path, options: dict[str, Any], half: int) -> None:
    options = options | {"max_steps": 2 * half, "save_strategy": "steps", "save_steps": half}
    straight = run(tmp_path / "straight", **options)
    resumed = make_trainer(tmp_path / "resumed", **options)
    resumed.train(resume_from_checkpoint=str(tmp_path / "straight" / "out" / f"checkpoint-{half}"))
    assert parameters_hash(resumed) == parameters_hash(straight)
    for name in ("loss", "hicra/planning_share", "hicra/entropy_planning", "hicra/semantic_entropy"):
        assert logged(resumed, name)[-1] == logged(straight, name)[-1]
