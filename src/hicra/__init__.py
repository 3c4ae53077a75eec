"""hicra: hierarchy-aware credit assignment for reinforcement learning of LLM reasoning.

The public names are imported on first use, so that `import hicra` costs nothing and never brings in torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from hicra.version import __version__

__all__ = ["Lexicon", "Tagger", "__version__", "corpus", "credit", "metrics", "stats", "verify"]

_HOME = {"Lexicon": "hicra.lexicon", "Tagger": "hicra.tagging.tagger"}

if TYPE_CHECKING:
    from hicra import corpus, credit, metrics, stats, verify
    from hicra.lexicon import Lexicon
    from hicra.tagging.tagger import Tagger


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    if name in __all__:
        return importlib.import_module(f"hicra.{name}")
    raise AttributeError(f"module 'hicra' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
