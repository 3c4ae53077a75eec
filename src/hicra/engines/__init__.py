"""Training engines: each is a thin adapter in a folder of its own and an optional extra, and none imports another.

    from hicra.engines import shape_rollouts        # lists in, an advantage for each token out: for any other trainer

`train` is the verb: it turns a config into a run folder, whatever engine does the training. The name above is imported on first
use, so that an engine costs nothing where it is not asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hicra.engines.lists import shape_rollouts

__all__ = ["shape_rollouts"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.lists"), name)
