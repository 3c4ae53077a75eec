"""A loss of hicra as the policy loss of verl, in the workers that train the actor.

verl looks a policy loss up by its name in every worker, and makes the section `policy_loss` of its config into an object of the
class that the section names. That class is `HicraPolicyLoss` here. So a worker imports this module when it reads its config,
which registers the loss, and the settings come along.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import Any

import torch
from omegaconf import OmegaConf, open_dict
from verl.trainer.ppo.core_algos import agg_loss, register_policy_loss
from verl.utils.torch_functional import masked_mean
from verl.workers.config import PolicyLossConfig

from hicra.credit.assignment import Picked, choose
from hicra.credit.loss import Loss
from hicra.engines.chosen import SECTION
from hicra.errors import ConfigError

MODE = SECTION  # the name in verl's registry
OF_VERL = {"tokens": "token-mean", "responses": "seq-mean-token-mean", "constant": "seq-mean-token-sum-norm"}


@dataclass
class HicraPolicyLoss(PolicyLossConfig):  # type: ignore[misc]
    """verl's section `policy_loss`, with the name of a loss of hicra and its settings as JSON."""

    name: str = ""
    settings: str = "{}"


def use(config: Any, name: str, loss: Picked[Loss]) -> None:
    """Has the workers of a run take a loss of hicra, by changing verl's config, which they are sent.

    Args:
        config: verl's whole config.
        name: what the loss is found by in a worker.
        loss: the loss with its settings.

    Raises:
        ConfigError: the config names a policy loss of verl too.
    """
    section = config.actor_rollout_ref.actor.policy_loss
    if section.loss_mode not in ("vanilla", MODE):
        raise ConfigError(
            f"hicra.loss is {name} and actor_rollout_ref.actor.policy_loss.loss_mode is {section.loss_mode}",
            "name one of them",
        )
    settings = dict(loss.settings)
    settings["most_tokens"] = settings["most_tokens"] or int(config.data.max_response_length)
    with open_dict(section):
        section.update(
            OmegaConf.create({
                "_target_": f"{__name__}.{HicraPolicyLoss.__name__}", "loss_mode": MODE,
                "name": name, "settings": json.dumps(settings),
            })
        )  # fmt: skip


@functools.lru_cache(maxsize=4)
def _picked(name: str, settings: str) -> Picked[Loss]:
    return choose(Loss, name, json.loads(settings), "loss.name")


@register_policy_loss(MODE)  # type: ignore[untyped-decorator]
def policy_loss(
    old_log_prob: torch.Tensor,
    log_prob: torch.Tensor,
    advantages: torch.Tensor,
    response_mask: torch.Tensor,
    loss_agg_mode: str = "token-mean",
    config: Any = None,
    rollout_is_weights: torch.Tensor | None = None,
) -> tuple[torch.Tensor, dict[str, Any]]:
    """Returns the share of a part of a batch in the loss that the config names, and what verl logs of it.

    Args:
        old_log_prob, log_prob: [B,T] log-probabilities in nats.
        advantages: [B,T], shaped.
        response_mask: [B,T] the policy tokens.
        loss_agg_mode: how verl averages its own terms; it says nothing here (VERL-5).
        config: verl's config of the actor, with the totals of the whole batch.
        rollout_is_weights: [B,T] weights of verl's correction for rollouts of another policy, by which token losses are
            multiplied, or None.
    """
    picked = _picked(config.policy_loss.name, config.policy_loss.settings)
    losses = picked.entry.tokens(log_prob, old_log_prob, advantages, response_mask, **picked.settings)
    if rollout_is_weights is not None:
        losses = losses * rollout_is_weights
    totals = {**config.global_batch_info, "loss_scale_factor": picked.settings["most_tokens"]}
    mean = agg_loss(loss_mat=losses, loss_mask=response_mask, loss_agg_mode=OF_VERL[picked.settings["mean"]], **totals)
    moved = masked_mean((old_log_prob - log_prob).detach(), response_mask)
    return mean, {"actor/ppo_kl": moved.item()}
