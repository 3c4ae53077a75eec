"""Refuses a model whose outputs are not finite, before it is kept or handed on."""

from __future__ import annotations

from typing import Any

import torch

from hicra.errors import EngineError


def refuse_ruined(model: Any, where: str) -> None:
    """Raises EngineError if the model answers a few tokens with anything but finite numbers."""
    training = model.training
    model.eval()
    with torch.no_grad():
        ids = torch.arange(min(32, model.config.get_text_config().vocab_size), device=model.device)[None]
        finite = bool(torch.isfinite(model(input_ids=ids).logits).all())
    model.train(training)
    if not finite:
        raise EngineError(
            f"the outputs of the model are not finite {where}",
            "lower train.learning_rate, and train into another -o; the checkpoints that are there are of steps before",
        )
