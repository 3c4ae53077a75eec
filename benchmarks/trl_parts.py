"""What of a trainer is hicra's own: the methods of TRL that it overrides, and the events that its callbacks listen to."""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback
from trl import GRPOTrainer

from hicra.engines.trl import HicraMixin

OVERRIDES = sorted(
    {
        name
        for part in HicraMixin.__mro__
        if part.__module__.startswith("hicra.")
        for name, value in vars(part).items()
        if callable(value) and not name.startswith("__") and hasattr(GRPOTrainer, name)
    }
)


def callbacks(trainer: Any) -> tuple[Any, ...]:
    """The callbacks that HicraMixin adds to a trainer."""
    return trainer.hicra_guard, trainer.hicra_meter


def events(callback: Any) -> list[str]:
    """The names of the events that a callback listens to."""
    names = [name for name in vars(TrainerCallback) if name.startswith("on_")]
    return [name for name in names if getattr(type(callback), name) is not getattr(TrainerCallback, name)]
