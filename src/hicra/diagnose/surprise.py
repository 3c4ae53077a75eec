"""How far responses are from what a model would write itself: their surprise against the model's entropy.

A model that samples at temperature 1 surprises itself, token by token, by its entropy on average: the mean of -log p(token) minus
the entropy is 0 over its own responses, whatever stops them. So a difference off 0 says that the responses were sampled from
another model, or at another temperature.

Deviations (this project's):
TOKENS-3. The interval is a bootstrap over prompts, each response being one where its prompt is not known; more than 1000
    prompts are put together first. The end token is counted only where the dump has recorded it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hicra.arrays import Floats
from hicra.diagnose.by_prompt import CONFIDENCE, DRAWN, LEAST_PROMPTS, RESAMPLES, SEED
from hicra.stats import cluster_bootstrap


class Surprise:
    """Adds up surprise, entropy (nats) and tokens, prompt by prompt."""

    def __init__(self) -> None:
        self._bundles = np.zeros((DRAWN, 3))
        self._prompts: dict[Any, int] = {}

    def add(self, prompt: Any, surprise: float, entropy: float, tokens: int) -> None:
        """Adds a response.

        Args:
            prompt: what is equal for the responses to one prompt.
            surprise, entropy: sums over its tokens of -log p(token), and of the model's entropy.
            tokens: their number.
        """
        number = self._prompts.setdefault(prompt, len(self._prompts))
        self._bundles[number % DRAWN] += (surprise, entropy, tokens)

    def figures(self) -> dict[str, Any]:
        """Returns surprise, entropy and difference (nats a token), and `ci` of the difference; null where nothing was added.

        `ci` is null with fewer than 5 prompts.
        """
        used = self._bundles[: min(DRAWN, len(self._prompts))]
        surprise, entropy, tokens = used.sum(axis=0) if len(used) else np.zeros(3)
        if not tokens:
            return {"surprise": None, "entropy": None, "difference": None, "ci": None}

        def difference(drawn: Floats) -> dict[str, Floats]:
            return {"difference": (drawn[:, 0] - drawn[:, 1]) / np.maximum(drawn[:, 2], 1)}

        ends = None
        if len(used) >= LEAST_PROMPTS:
            ends = list(cluster_bootstrap(used, difference, RESAMPLES, SEED, CONFIDENCE)["difference"])
        mean, own = float(surprise / tokens), float(entropy / tokens)
        return {"surprise": mean, "entropy": own, "difference": mean - own, "ci": ends}
