"""verl's own config, composed as its command composes it."""

from __future__ import annotations

from typing import Any

from hydra import compose, initialize_config_module


def config(*overrides: str) -> Any:
    with initialize_config_module("verl.trainer.config", version_base=None):
        return compose("ppo_trainer", overrides=["algorithm.adv_estimator=grpo", *overrides])
