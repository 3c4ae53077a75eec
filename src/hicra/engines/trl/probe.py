"""Tries at the start whether a trainer's loss takes advantages token by token, so that another one fails loudly.

TRL's GRPO loss takes [B,T] on purpose, and does not promise it. A loss that expects [B] may broadcast [B,T] without a word. The
loss is tried on a batch of two rollouts with log-probabilities that are made up: at a probability ratio of 1 its derivative
by the advantages is the weight of each token, which does not depend on their shape.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from trl import GRPOTrainer

from hicra.errors import EngineError

LIVE = [[1, 1, 1], [1, 1, 0]]  # the last token of the second rollout is padding
BASE = [0.5, -0.25]
SHAPED = [[0.6, 0.5, 0.4], [-0.2, -0.3, -0.25]]  # of the signs of BASE, since some losses weigh those differently


def refuse_trainer(trainer: type) -> None:
    """Raises EngineError for a class that is not made from TRL's GRPOTrainer, and for one that Unsloth has compiled from it."""
    if named := next((one.__name__ for one in trainer.__mro__ if "Unsloth" in one.__name__), ""):
        raise EngineError(
            f"{named} is a trainer that Unsloth has compiled: its loss is a function of its own, which passes over the one that "
            "takes advantages [B,T] and over what hicra reads",
            "train without `import unsloth`, which puts that trainer in the place of TRL's GRPOTrainer",
        )
    if not issubclass(trainer, GRPOTrainer):
        name = next((one.__name__ for one in trainer.__mro__ if one.__module__.startswith("trl.")), trainer.__name__)
        raise EngineError(
            f"hicra works with TRL's GRPOTrainer and classes made from it, and {name} is none of them",
            "take GRPOTrainer; the rollouts of any other trainer can be given to `hicra diagnose`",
        )


def probe(trainer: Any, loss_of: Callable[[Any, dict[str, Any]], Any]) -> None:
    """Tries the loss of a trainer that is complete and does not train yet; leaves no trace.

    Args:
        trainer: the trainer.
        loss_of: its loss, (model, batch) -> number.

    Raises:
        EngineError: the loss does not take [B,T], or does something else with it than with [B].
    """
    training = trainer.model.training
    trainer.model.eval()  # in evaluation TRL's loss neither accumulates nor adapts anything
    kept = {mode: dict(values) for mode, values in trainer._metrics.items()}
    try:
        by_rollout, weights = _tried(trainer, loss_of, torch.tensor(BASE))
        wide, spread = _tried(trainer, loss_of, torch.tensor(BASE)[:, None].expand(2, 3))
        _, shaped = _tried(trainer, loss_of, torch.tensor(SHAPED))
    except Exception as error:  # whatever a loss raises at a batch of this shape
        raise _refused(trainer, f"{type(error).__name__}: {error}") from error
    finally:
        trainer.model.train(training)
        for mode, values in kept.items():
            trainer._metrics[mode].clear()
            trainer._metrics[mode].update(values)
    if not torch.allclose(wide, by_rollout, atol=1e-6) or not torch.allclose(spread.sum(1), weights, atol=1e-6):
        raise _refused(trainer, "equal advantages give another loss as [B,T] than as [B]")
    if shaped[torch.tensor(LIVE) == 0].any():
        raise _refused(trainer, "what stands in the padding reaches the loss")
    if not (shaped[torch.tensor(LIVE) == 1] != 0).all() or not torch.allclose(shaped, spread, atol=1e-6):
        raise _refused(trainer, "the advantage of a token does not reach that token alone")


def _tried(trainer: Any, loss_of: Callable[[Any, dict[str, Any]], Any], advantages: Any) -> tuple[Any, Any]:
    """Returns the loss, and its derivative by the advantages."""
    device = trainer.accelerator.device
    live = torch.tensor(LIVE, device=device)
    logps = torch.tensor([[-0.5, -1.0, -1.5], [-0.75, -0.25, -2.0]], device=device, requires_grad=True)
    given = advantages.clone().to(device).requires_grad_()
    one = torch.ones(2, 1, dtype=torch.long, device=device)
    batch = {
        "prompt_ids": one, "prompt_mask": one, "completion_ids": live, "completion_mask": live, "advantages": given,
        "num_items_in_batch": live.sum().float(), "old_per_token_logps": logps.detach(), "ref_per_token_logps": logps.detach(),
        "sampling_per_token_logps": logps.detach(), "importance_sampling_ratio": torch.ones(2, 3, device=device),
    }  # fmt: skip
    # equal entropies, so that a quantile of them leaves no token out
    forward = logps, torch.ones(2, 3, device=device), torch.zeros((), device=device)
    trainer._get_per_token_logps_and_entropies = lambda *_, **__: forward
    try:
        loss = loss_of(trainer.model, batch)
    finally:
        del trainer._get_per_token_logps_and_entropies
    (slope,) = torch.autograd.grad(loss, given)
    return loss.detach().cpu(), slope.cpu()


def _refused(trainer: Any, why: str) -> EngineError:
    names = [one.__name__ for one in type(trainer).__mro__ if "_compute_loss" in vars(one)]
    own = next((name for name in names if not name.startswith("Hicra")), type(trainer).__name__)
    return EngineError(
        f"the loss of {own} does not take advantages [B,T], one for each token: {why}",
        "put HicraMixin before a trainer whose loss does, such as TRL's GRPOTrainer, or choose another loss_type",
    )
