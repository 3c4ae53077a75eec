"""How much later tokens attend to planning tokens, compared with execution tokens that as many later tokens can see.

Deviations (this project's; the paper measures no attention):
ATTENTION-1. What a token receives is the mean over the later tokens of its response of their attention to it, in multiples of
    even attention, over all heads of all layers (`metrics.attention.attention_received`). The last token of a response receives
    none.
ATTENTION-2. Models look at near tokens more, so a token near the end of its response receives more than one in the middle. Tokens
    are therefore compared within bins by the number of later tokens: 1, 2 to 3, 4 to 7, and so on. The value of execution tokens
    is the mean of their means of each bin, weighted by the planning tokens of the bin. A bin in which a kind has no token is left
    out.
ATTENTION-3. The interval of the ratio is a bootstrap over prompts as in TOKENS-3. Bins do not take out what a token is: if
    planning tokens are rarer words, or begin sentences, and such tokens receive more, so do planning tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hicra.arrays import Bools, Floats
from hicra.diagnose.by_prompt import CONFIDENCE, DRAWN, LEAST_PROMPTS, RESAMPLES, SEED
from hicra.drawing.readable import counted, printable
from hicra.metrics.kinds import KINDS
from hicra.stats import cluster_bootstrap
from hicra.tagging import Tagger

BINS = 24  # up to 2^24 later tokens
METRICS = tuple(f"hicra/attention_received_{kind}" for kind in KINDS)


class ReceivedSums:
    """Adds up, by bin and kind of token, how many tokens there are and what they receive; apart for each bundle of prompts."""

    def __init__(self) -> None:
        self.sums = np.zeros((DRAWN, BINS, len(KINDS), 2))
        self.prompts: dict[Any, int] = {}
        self.rows = 0

    def add(self, prompt: Any, received: Floats, planning: Bools) -> None:
        """Adds a response.

        Args:
            prompt: what is equal for the responses to one prompt.
            received: [T], as `generation.attention_reading.attention_of_tokens` gives it.
            planning: [T], its planning tokens.
        """
        into = self.sums[self.prompts.setdefault(prompt, len(self.prompts)) % DRAWN]
        later = np.arange(len(received) - 1, 0, -1)
        number = np.log2(later).astype(np.int64)
        for at, chosen in enumerate((planning[:-1], ~planning[:-1])):
            into[:, at, 0] += np.bincount(number[chosen], minlength=BINS)
            into[:, at, 1] += np.bincount(number[chosen], received[:-1][chosen], BINS)
        self.rows += 1

    def figures(self) -> dict[str, Any]:
        """Returns rows, prompts, tokens of each kind, received by planning and by execution tokens, their ratio and its `ci`.

        Values are null where no bin has tokens of both kinds; `ci` is, too, with fewer than 5 prompts.
        """
        used = self.sums[: min(DRAWN, len(self.prompts))]
        planning, execution = compared(used.sum(axis=0)[None])
        whole = np.isfinite(planning[0])
        ends = None
        if whole and len(used) >= LEAST_PROMPTS:
            flat = used.reshape(len(used), -1)

            def ratio(drawn: Floats) -> dict[str, Floats]:
                above, below = compared(drawn.reshape(-1, BINS, len(KINDS), 2))
                found = above / below
                return {"ratio": found[np.isfinite(found)]}

            ends = list(cluster_bootstrap(flat, ratio, RESAMPLES, SEED, CONFIDENCE)["ratio"])
        values = [float(one[0]) if whole else None for one in (planning, execution)]
        tokens = used.sum(axis=(0, 1))[:, 0]
        return {
            "rows": self.rows, "prompts": len(self.prompts),
            "tokens": {kind: int(tokens[at]) for at, kind in enumerate(KINDS)},
            "received": dict(zip(KINDS, values, strict=True)),
            "ratio": values[0] / values[1] if values[0] is not None and values[1] else None, "ci": ends,
        }  # fmt: skip


def compared(sums: Floats) -> tuple[Floats, Floats]:
    """Returns what planning tokens receive, and execution tokens weighted as planning tokens are, [R] each; NaN without any.

    Args:
        sums: [R,K,2,2] for K bins: the number of planning tokens and the sum of what they receive, then the same of execution
            tokens.
    """
    counts, totals = sums[..., 0], sums[..., 1]
    both = (counts > 0).all(axis=2)
    weights = np.where(both, counts[..., 0], 0.0)
    number = weights.sum(axis=1)
    means = totals / np.maximum(counts, 1)
    with np.errstate(invalid="ignore"):
        planning, execution = ((weights * means[..., at]).sum(axis=1) / number for at in range(len(KINDS)))
    return planning, execution


class AttentionReader:
    """Reads the attention of rows, step by step.

    Args:
        model: a transformers causal LM in evaluation mode.
        tagger: marks planning tokens in token ids.
        arms: whose rows there are.

    Raises:
        ConfigError: the attention of the model cannot be read.
    """

    def __init__(self, model: Any, tagger: Tagger, arms: Sequence[str]) -> None:
        from hicra.generation.attention import check_model

        check_model(model)
        self.model, self.tagger = model, tagger
        self._arms = {arm: ReceivedSums() for arm in arms}
        self._steps: dict[tuple[str, int], ReceivedSums] = {}

    def add(
        self,
        arm: str,
        step: int,
        questions: Sequence[Any],
        prompts: Sequence[Sequence[int]],
        ids: Sequence[Sequence[int]],
    ) -> None:
        """Reads a step.

        Args:
            arm, step: whose rows they are.
            questions: what is equal for the rows of one prompt, None where it is not known.
            prompts, ids: the token ids of each one's prompt and response, at least one each.
        """
        from hicra.generation.attention_reading import attention_of_tokens
        from hicra.signal.gradients import encode

        own = self._steps[arm, step] = ReceivedSums()
        encoded = encode(prompts, ids)
        planning = self.tagger.tag(encoded.ids, encoded.live).mask
        for at, received in enumerate(attention_of_tokens(self.model, prompts, ids)):
            for into in (own, self._arms[arm]):
                prompt = questions[at] if questions[at] is not None else ("row", into.rows)
                into.add(prompt, received, planning[at, : len(received)])

    def values(self, arm: str, step: int) -> tuple[dict[str, float | None], int]:
        """Returns the metrics of a step by their names, and the number of rows that they count."""
        own = self._steps.pop((arm, step)).figures()
        return {name: own["received"][kind] for name, kind in zip(METRICS, KINDS, strict=True)}, own["rows"]

    def result(self) -> dict[str, dict[str, Any]]:
        """Returns arm -> `ReceivedSums.figures`."""
        return {arm: sums.figures() for arm, sums in self._arms.items()}


def attention_lines(measured: Sequence[Mapping[str, Any]]) -> list[str]:
    """Says in a line for each arm what planning tokens receive, beside execution tokens.

    Args:
        measured: the values of `AttentionReader.result`, each with its `arm` where there are several.
    """
    told = []
    for one in measured:
        of = f" of {printable(one['arm'])}" if "arm" in one else ""
        if one["ratio"] is None:
            told.append(
                f"Attention received{of}: no planning tokens beside execution tokens that as many later tokens can see."
            )
            continue
        ends = f" (95 % {one['ci'][0]:.2f} to {one['ci'][1]:.2f})" if one["ci"] else ""
        told.append(
            f"Attention received{of}, where even attention is 1: {one['received']['planning']:.3f} by planning tokens, "
            f"{one['received']['execution']:.3f} by execution tokens with as many tokens behind them, ratio "
            f"{one['ratio']:.2f}{ends}, over {counted(one['prompts'], 'prompt')}."
        )
    return told
