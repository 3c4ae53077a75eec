"""HICRA on verl, without a fork; what a name below needs is imported when it is first used.

    from hicra.engines.verl import shape        # the legacy trainer: one call after compute_advantage(data)

verl finds `plugin` by itself, through the entry point group `verl.plugins`, in every process; it registers the trainer modes of
`trainer`, which read the section `hicra` of verl's config (`hicra.engines.chosen`). `rows` is a batch as numpy arrays, shaped and
counted, and `legacy` the function for trainers that hold a whole batch in one place. `check` says whether the plug-in really
works here, and `versions` which versions of verl all this is tested with.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hicra.engines.verl.check import registered
    from hicra.engines.verl.legacy import shape

__all__ = ["registered", "shape"]
_HOMES = {"registered": "check", "shape": "legacy"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
