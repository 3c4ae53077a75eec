"""Reads from a model how its tokens attend to each other, one layer at a time; needs torch.

    attention_of_tokens   how much later tokens attend to each token of a response
    head_distances        how far back each head looks
    rhythm_heads          which heads look near and which far
    attention_rhythm      WAAD and FAI of each token, the batch fields of the shaper `preplan_anchor`

Memory is that of the attention of one layer of one micro-batch, of one rollout at least: H N^2 numbers for N tokens. No layer's
weights are kept.

Deviations (of arXiv:2510.13554):
RHYTHM-3. Heads are ranked over all layers together, by their mean distance on the responses that are read; the nearest and the
    farthest share of them are the local and the global heads. Their values are averaged, which equals those of their mean map.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from hicra.arrays import Floats, Ints
from hicra.errors import ConfigError, DataError
from hicra.generation.attention import Layer, attention_weights
from hicra.metrics.attention import attention_distance, attention_received, future_influence, windowed_distance

AT_ONCE = 2**25  # numbers in the weights of one layer, at most: 128 MB in float32
HEADS, WINDOW, NEAREST, FARTHEST = 0.3, 10, 10, 50

Take = Callable[[int, int, int, Any], None]  # (rollout, layer, tokens of the prompt, weights [H,N,N])


def attention_of_tokens(
    model: Any, prompts: Sequence[Sequence[int]], responses: Sequence[Sequence[int]]
) -> list[Floats]:
    """Returns for each response the attention that its tokens receive, [T] each: `metrics.attention.attention_received`.

    It is the mean over all heads of all layers. Queries are the later tokens of the response; the last token has none: NaN.

    Args:
        model: a causal LM of transformers, in evaluation mode.
        prompts, responses: token ids; each response has at least one.

    Raises:
        ConfigError: the model's attention cannot be read (`generation.attention`).
        DataError: prompt and response are longer than the model.
    """
    found = [np.zeros(len(one)) for one in responses]
    layers = 0

    def take(row: int, layer: int, begin: int, weights: Any) -> None:
        nonlocal layers
        layers = max(layers, layer + 1)
        found[row] += attention_received(weights).mean(dim=0)[begin:].double().cpu().numpy()

    _read(model, prompts, responses, take)
    return [one / max(layers, 1) for one in found]


def head_distances(model: Any, prompts: Sequence[Sequence[int]], responses: Sequence[Sequence[int]]) -> Floats:
    """Returns how far back each head looks, in tokens, [L,H]: the mean over all tokens of the responses.

    Args and errors are as for `attention_of_tokens`.
    """
    sums: dict[int, Any] = {}

    def take(row: int, layer: int, begin: int, weights: Any) -> None:
        new = attention_distance(weights, begin).double().cpu().numpy() * len(responses[row])
        sums[layer] = sums.get(layer, 0.0) + new

    _read(model, prompts, responses, take)
    found: Floats = np.stack([sums[layer] for layer in sorted(sums)]) / sum(map(len, responses))
    return found


def rhythm_heads(distances: Floats, share: float = HEADS) -> tuple[Ints, Ints]:
    """Returns the numbers (layer times H, plus head) of the heads that look nearest and of those that look farthest.

    Args:
        distances: [L,H].
        share: of all heads that is in each; in (0, 0.5].

    Raises:
        ConfigError: the share is out of its range.
    """
    if not 0 < share <= 0.5:
        raise ConfigError(f"share is {share}, it must lie in (0, 0.5]", f"the default is {HEADS}")
    order = np.argsort(distances.ravel(), kind="stable")
    count = max(1, int(share * order.size))
    return np.sort(order[:count]), np.sort(order[-count:])


def attention_rhythm(
    model: Any,
    prompts: Sequence[Sequence[int]],
    responses: Sequence[Sequence[int]],
    heads: tuple[Ints, Ints],
    *,
    window: int = WINDOW,
    nearest: int = NEAREST,
    farthest: int = FARTHEST,
) -> dict[str, Floats]:
    """Returns the batch fields `waad` and `fai`, [B,T] each, 0 behind the end of a response.

    Args:
        model, prompts, responses: as for `attention_of_tokens`.
        heads: the near and the far heads, as `rhythm_heads` gives them.
        window: the longest distance that counts, in tokens.
        nearest, farthest: of the later queries whose attention counts, in tokens.
    """
    width = max(map(len, responses), default=0)
    found = {name: np.zeros((len(responses), width)) for name in ("waad", "fai")}
    near, far = heads

    def take(row: int, layer: int, begin: int, weights: Any) -> None:
        size, count = weights.shape[0], len(responses[row])
        for name, chosen in (("waad", near), ("fai", far)):
            own = chosen[(chosen >= layer * size) & (chosen < (layer + 1) * size)] - layer * size
            if own.size:
                part = weights[torch.from_numpy(own).to(weights.device)]
                made = windowed_distance(part, window) if name == "waad" else future_influence(part, nearest, farthest)
                found[name][row, :count] += made.sum(dim=0)[begin:].double().cpu().numpy() / chosen.size

    _read(model, prompts, responses, take)
    return found


def _read(model: Any, prompts: Sequence[Sequence[int]], responses: Sequence[Sequence[int]], take: Take) -> None:
    """Calls a function with the weights of every layer of every rollout, without padding."""
    longest = getattr(model.config, "max_position_embeddings", None)
    lengths = [len(prompt) + len(response) for prompt, response in zip(prompts, responses, strict=True)]
    if longest is not None and lengths and max(lengths) > longest:
        raise DataError(
            f"rollout {int(np.argmax(lengths))} has {max(lengths)} tokens with its prompt, and the model has {longest} positions",
            "leave longer rollouts out",
        )
    device = next(model.parameters()).device
    with torch.no_grad():
        for rows in _micro_batches(lengths, int(model.config.num_attention_heads)):

            def look(layer: Layer, rows: Sequence[int] = rows) -> None:
                for at, row in enumerate(rows):
                    size = lengths[row]
                    take(row, layer.number, len(prompts[row]), layer.weights[at, :, :size, :size].float())

            ids, mask = np.zeros((2, len(rows), max(lengths[row] for row in rows)), np.int64)
            for at, row in enumerate(rows):  # padding stands behind all tokens, so that none of them sees it
                ids[at, : lengths[row]], mask[at, : lengths[row]] = [*prompts[row], *responses[row]], 1
            with attention_weights(model, look):
                # the decoder alone: its output matrix would make logits that nobody reads
                model.base_model(
                    input_ids=torch.from_numpy(ids).to(device),
                    attention_mask=torch.from_numpy(mask).to(device),
                    use_cache=False,
                )


def _micro_batches(lengths: Sequence[int], heads: int) -> Iterator[list[int]]:
    """Yields rows of like length together, the shortest first, whose weights of one layer stay within `AT_ONCE` numbers."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * heads * lengths[row] ** 2 > AT_ONCE:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
