"""HICRA on TRL; torch and trl are imported when a name below is first used.

    from hicra.engines.trl import HicraGRPOConfig, HicraGRPOTrainer, HicraMixin, HicraObserver

`mixin` holds the class that is put before TRL's GRPOTrainer, `config` its fields, `probe` and `guard` what it checks before and
while it trains, and `beside` what it writes beside the weights. `reading` is the part of it that only reads, and `observer` the
callback that puts that part before a trainer which trains as it ever did. `run` does one run of `hicra train`; `writer` and
`keeper` save what a run produces; `ranks` is what several processes agree on. `versions` says which versions of TRL all this is
tested with.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from hicra.engines.trl.versions import refuse_unknown

if TYPE_CHECKING:
    from hicra.engines.trl.config import HicraGRPOConfig
    from hicra.engines.trl.mixin import HicraGRPOTrainer, HicraMixin
    from hicra.engines.trl.observer import HicraObserver

__all__ = ["HicraGRPOConfig", "HicraGRPOTrainer", "HicraMixin", "HicraObserver"]
_HOMES = {
    "HicraGRPOConfig": "config", "HicraGRPOTrainer": "mixin", "HicraMixin": "mixin", "HicraObserver": "observer",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    refuse_unknown()  # before anything of TRL is imported, since another version may lack it
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
