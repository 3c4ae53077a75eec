"""HICRA on TRL; torch and trl are imported when a name below is first used.

    from hicra.engines.trl import HicraGRPOConfig, HicraGRPOTrainer, HicraMixin

`mixin` holds the class that is put before TRL's GRPOTrainer, `run` does one run of `hicra train`, and `keeper` saves what the
run produces.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hicra.engines.trl.mixin import HicraGRPOConfig, HicraGRPOTrainer, HicraMixin

__all__ = ["HicraGRPOConfig", "HicraGRPOTrainer", "HicraMixin"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("hicra.engines.trl.mixin"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
