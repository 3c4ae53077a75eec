"""Opens an embedder by name. The paper uses the sentence_transformers package and does not name the model.

Deviations:
MINE-8. `minilm` is all-MiniLM-L6-v2 (mean pooling, unit length), read from an installed package, never from the network;
    where it is not installed the default is `hashing`, which hashes words and character n-grams without any model.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

from hicra.errors import ConfigError, did_you_mean
from hicra.mining.embedders import static
from hicra.mining.embedders.cache import Cached
from hicra.mining.embedders.hashing import Hashing
from hicra.mining.embedders.interface import Embedder
from hicra.mining.embedders.minilm import MINILM_INSTALL, MINILM_PACKAGE, MiniLM

EMBEDDERS: dict[str, Callable[[], Embedder]] = {
    "hashing": Hashing, "minilm": lambda: Cached(MiniLM()), "wordllama": static.wordllama,
}  # fmt: skip


def default_embedder() -> str:
    """Returns `minilm` where it and what it needs are installed, else `hashing`."""
    needed = (MINILM_PACKAGE, "torch", "transformers")
    return "minilm" if all(importlib.util.find_spec(name) is not None for name in needed) else "hashing"


def fell_back() -> str | None:
    """Says that the default is `hashing`, since `minilm` is not installed; None where it is."""
    if default_embedder() == "minilm":
        return None
    return (
        "embedder hashing stands in for minilm, which is not installed, and its lexicon is another one; "
        f"for minilm: {MINILM_INSTALL}; --embedder hashing chooses it whatever is installed"
    )


def get_embedder(name: str) -> Embedder:
    """Returns an embedder by name; `FILE.parquet` is for vectors of your own, `model2vec:FOLDER` for a static model.

    Raises:
        ConfigError: the name is unknown, or what the embedder needs is not installed.
        DataError: the file of vectors or the model cannot be read.
    """
    if name in EMBEDDERS:
        return EMBEDDERS[name]()
    if name.startswith("model2vec:"):
        return static.model2vec(name.removeprefix("model2vec:"))
    if name.endswith(".parquet"):
        return static.GivenVectors(name)
    raise ConfigError(
        f"no embedder {name!r}", f"{did_you_mean(name, EMBEDDERS)}; or give FILE.parquet, or model2vec:FOLDER"
    )
