"""Losses that TRL has too: the same number and the same gradient as its own code, on the same made-up tensors.

TRL's trainer is built and asked for its loss; nothing is trained. Made-up log-probabilities take the place of the model's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from trl import GRPOTrainer

from hicra.credit import LOSSES
from trl_tiny import COUNT_PADDING, LENGTH, TOKENIZER, make_model, make_trainer, prompts, reward, settings

pytestmark = pytest.mark.engine

CLIP = {"epsilon": 0.2, "epsilon_high": 0.28}
SEQUENCE = {"importance_sampling_level": "sequence", "epsilon": 0.1, "epsilon_high": 0.15}
BOUNDS = {"clip_low": 0.1, "clip_high": 0.15}
# name, our settings, TRL's arguments
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "clip-responses": ("clip", {"mean": "responses"}, {"loss_type": "grpo", **CLIP}),
    "clip-tokens": ("clip", {"mean": "tokens"}, {"loss_type": "dapo", **CLIP}),
    "clip-constant": ("clip", {"mean": "constant", "most_tokens": LENGTH}, {"loss_type": "dr_grpo", **CLIP}),
    "dual_clip": ("dual_clip", {"c": 1.4}, {"loss_type": "dapo", "delta": 1.4, **CLIP}),
    "entropy": ("entropy_regularised", {"coefficient": 0.1}, {"loss_type": "dapo", "entropy_coef": 0.1, **CLIP}),
    "cispo": ("cispo", {"clip_high": 0.2}, {"loss_type": "cispo", "epsilon_high": 1.2}),
    "gspo": ("gspo", BOUNDS, {"loss_type": "grpo", **SEQUENCE}),
    "gspo-tokens": ("gspo", {"mean": "tokens", **BOUNDS}, {"loss_type": "dapo", **SEQUENCE}),
    "luspo": ("gspo", {"mean": "constant", "most_tokens": 1, **BOUNDS}, {"loss_type": "luspo", **SEQUENCE}),
    "sapo": ("sapo", {}, {"loss_type": "sapo"}),
    "vespo": ("vespo", {}, {"loss_type": "vespo"}),
}


def made_up(by_rollout: bool = False) -> dict[str, torch.Tensor]:
    """Four rollouts of up to 14 tokens, ragged, off policy by up to a few tenths of a nat."""
    at = torch.Generator().manual_seed(1)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=at)

    live = torch.arange(LENGTH) < torch.tensor([[14], [9], [1], [5]])
    old = -normal(4, LENGTH).abs()
    advantages = normal(4, 1) if by_rollout else normal(4, LENGTH)
    return {
        "logps": (old + 0.3 * normal(4, LENGTH)).clamp(max=-1e-3), "old_logps": old,
        "advantages": advantages.expand(4, LENGTH).contiguous(), "mask": live, "entropies": normal(4, LENGTH).abs(),
    }  # fmt: skip


def of_trl(trainer: Any, given: dict[str, torch.Tensor], by_rollout: bool = False) -> tuple[float, list[torch.Tensor]]:
    """The number, and its gradients by the log-probabilities and the entropies."""
    logps, entropies = (given[key].clone().requires_grad_() for key in ("logps", "entropies"))
    trainer._get_per_token_logps_and_entropies = lambda *_, **__: (logps, entropies, torch.zeros(()))
    trainer.model.eval()  # in evaluation nothing is accumulated
    live = given["mask"].long()
    one = torch.ones(4, 1, dtype=torch.long)
    loss = trainer._compute_loss(
        trainer.model,
        {
            "prompt_ids": one, "prompt_mask": one, "completion_ids": live, "completion_mask": live,
            "advantages": given["advantages"][:, 0] if by_rollout else given["advantages"],
            "old_per_token_logps": given["old_logps"], "num_items_in_batch": live.sum().float(),
        },
    )  # fmt: skip
    return loss.item(), list(torch.autograd.grad(loss, (logps, entropies), allow_unused=True))


def of_hicra(name: str, chosen: dict[str, Any], given: dict[str, torch.Tensor]) -> tuple[float, list[torch.Tensor]]:
    logps, entropies = (given[key].clone().requires_grad_() for key in ("logps", "entropies"))
    rest = (given[key] for key in ("old_logps", "advantages", "mask"))
    loss = LOSSES[name](logps, *rest, {"entropies": entropies}, **chosen)
    return loss.item(), list(torch.autograd.grad(loss, (logps, entropies), allow_unused=True))


def check_equal(ours: tuple[float, list[Any]], theirs: tuple[float, list[Any]]) -> None:
    assert ours[0] == pytest.approx(theirs[0], rel=1e-5, abs=1e-6)
    for mine, other in zip(ours[1], theirs[1], strict=True):
        assert (mine is None) == (other is None)
        assert mine is None or torch.allclose(mine, other, rtol=1e-4, atol=1e-7)
    assert ours[1][0].count_nonzero() > 3  # they agree on something


@pytest.mark.parametrize("case", [case for case in CASES if case not in COUNT_PADDING])
def test_the_loss_is_trls(case: str, tmp_path: Path) -> None:
    name, chosen, arguments = CASES[case]
    trainer = make_trainer(tmp_path, None, **arguments)
    check_equal(of_hicra(name, chosen, made_up()), of_trl(trainer, made_up()))


def test_gmpo_is_trls_where_advantages_are_one_a_rollout(tmp_path: Path) -> None:
    gmpo = pytest.importorskip("trl.experimental.gmpo")
    trainer = gmpo.GMPOTrainer(
        model=make_model(), reward_funcs=reward, args=gmpo.GMPOConfig(**settings(tmp_path)),
        train_dataset=prompts(), processing_class=TOKENIZER,
    )  # fmt: skip
    given = made_up(by_rollout=True)
    check_equal(of_hicra("gmpo", {}, given), of_trl(trainer, given, by_rollout=True))


def test_the_tensors_reach_every_branch(tmp_path: Path) -> None:
    """Equality says nothing where no token is clipped: here some are, on both sides, and some by the second bound."""
    given = made_up()
    ratio, advantages = (given["logps"] - given["old_logps"]).exp(), given["advantages"]
    for beyond in (
        (ratio > 1.28) & (advantages > 0),
        (ratio < 0.8) & (advantages < 0),
        (ratio > 1.4) & (advantages < 0),
    ):
        assert (beyond & given["mask"]).any()
    by_response = ((given["logps"] - given["old_logps"]) * given["mask"]).sum(1) / given["mask"].sum(1)
    assert ((by_response.exp() > 1.15) | (by_response.exp() < 0.9)).any()
    assert isinstance(make_trainer(tmp_path, None), GRPOTrainer)
