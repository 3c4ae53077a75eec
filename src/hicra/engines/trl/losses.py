"""Puts a loss of `hicra.credit` in the place of TRL's own, without a copy of TRL's code.

TRL's loss is computed with advantages of 0: what is left of it are its KL, entropy and router terms, on one forward pass. The
chosen loss is computed on the log-probabilities of that pass, and the two are added. Where no loss is chosen, TRL's own stands.

Deviations:
TRAIN-6. With a chosen loss, the KL term (`train.kl`) is the mean over tokens, whatever the loss takes the mean of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from hicra.credit.loss import averaged
from hicra.signal.gradients import stopped


@contextmanager
def entropies_with_gradient(trainer: Any) -> Iterator[None]:
    """Lets a forward pass keep the gradient of the entropies where the chosen loss takes them.

    TRL before 1.16 drops it, to save memory, unless its own entropy bonus is on.
    """
    chosen, bonus = trainer.hicra_shaping.credit.loss, trainer._entropy_bonus_enabled
    trainer._entropy_bonus_enabled = bonus or (chosen is not None and "entropies" in chosen.entry.needs)
    try:
        yield
    finally:
        trainer._entropy_bonus_enabled = bonus


def loss_of(
    trainer: Any, loss_of_trl: Callable[[Any, dict[str, Any]], Any], model: Any, inputs: dict[str, Any], live: Any
) -> tuple[Any, Any]:
    """Computes the loss of a micro-batch, to be added up over the micro-batches and averaged over the processes.

    Args:
        trainer: the trainer with HicraMixin.
        loss_of_trl: its own loss, (model, inputs) -> number.
        model, inputs: as TRL gives them, with advantages [B,T].
        live: [B,T] bool, the policy tokens.

    Returns:
        The loss, and the number of policy tokens with an advantage that give no gradient, since the loss is clipped there; NaN
        for TRL's own loss, which logs its own clip ratios.
    """
    chosen = trainer.hicra_shaping.credit.loss
    advantages = inputs["advantages"]
    if chosen is None:
        return loss_of_trl(model, inputs), torch.full((), float("nan"), device=live.device)
    rest = loss_of_trl(model, inputs | {"advantages": torch.zeros_like(advantages)})
    for named in trainer._metrics.values():  # clip ratios of advantages of 0 say nothing
        for name in [name for name in named if name.startswith("clip_ratio")]:
            del named[name]
    logps, entropies = trainer._hicra_latest
    old = inputs.get("old_per_token_logps")
    tokens = chosen.entry.tokens(
        logps, logps.detach() if old is None else old, advantages, live, {"entropies": entropies}, **chosen.settings
    )
    if "importance_sampling_ratio" in inputs:  # vLLM samples with other numbers than the trainer computes
        tokens = tokens * inputs["importance_sampling_ratio"]
    parts = trainer.current_gradient_accumulation_steps if trainer.model.training else 1
    whole = inputs["num_items_in_batch"].clamp(min=1.0) / trainer.accelerator.num_processes
    if trainer.model.training:
        whole = whole * parts / trainer.args.steps_per_generation
    policy = averaged(
        tokens, live, chosen.settings["mean"], whole, len(live) * parts,
        chosen.settings["most_tokens"] or trainer.max_completion_length,
    )  # fmt: skip
    return rest + policy, stopped(policy, logps, advantages, live)
