"""Trains a warm start on demonstrations: what reinforcement learning starts from must reach its goal now and then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from random import Random
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from hicra.errors import DataError
from hicra.related.rollouts import Row

WARM_UP, CONSTANT_UNTIL, FLOOR = 50, 0.6, 0.05
LIKE = 0.75  # of the longest example of a part, the length that the others have at least


@dataclass(frozen=True)
class Example:
    """One demonstration.

    Attributes:
        context: ids that are read first.
        ids: ids that follow: those of the demonstrator, and what was read between them.
        wanted: for each of `ids`, whether the model learns to write it.
    """

    context: tuple[int, ...]
    ids: tuple[int, ...]
    wanted: tuple[bool, ...]


def example_of(row: Row) -> Example:
    """Returns a row that a demonstrator has written as an example: its live tokens are learnt."""
    return Example(row.context, tuple(row.ids), tuple(row.live))


def imitate(
    model: Any,
    examples: Sequence[Example],
    *,
    updates: int,
    pad: int,
    batch: int = 48,
    learning_rate: float = 2e-3,
    seed: int = 0,
    after: Callable[[int, float], None] = lambda update, loss: None,
) -> None:
    """Trains a model in place on the mean cross-entropy (nats) of the wanted tokens of a batch, with AdamW.

    The learning rate rises over 50 updates, is constant to 60 % of them, and falls on a line to 5 %. Batches are drawn from all
    examples in an order that the seed decides, each example once before any comes again.

    Args:
        model: a causal LM of transformers.
        examples: the demonstrations.
        updates: number of updates.
        pad: id of padding, which stands on the right, where no token sees it.
        batch: examples of an update.
        learning_rate: the highest one.
        seed: of the order.
        after: is called after every update with (updates made, loss).

    Raises:
        DataError: there is no example, an example has no context, no wanted token or lists of unequal length, or the loss is not
            finite.
    """
    _check(examples)
    random, order = Random(seed), list[int]()
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    model.train()
    for update in range(updates):
        while len(order) < batch:
            order += random.sample(range(len(examples)), len(examples))
        mine, order = [examples[place] for place in order[:batch]], order[batch:]
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * schedule(update, updates)
        optimizer.zero_grad(set_to_none=True)
        loss, wanted = 0.0, sum(sum(one.wanted) for one in mine)
        for part in of_like_length(mine):
            share = loss_of(model, part, pad) * (sum(sum(one.wanted) for one in part) / wanted)
            share.backward()
            loss += share.item()
        if not isfinite(loss):
            raise DataError(f"the loss of update {update + 1} is not finite", "lower the learning rate")
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        after(update + 1, loss)
    model.eval()


def of_like_length(examples: Sequence[Example]) -> list[list[Example]]:
    """Returns the examples in parts that are run one after another, since padding to the longest of all would cost more.

    The examples of a part are at least LIKE times as long as its longest one. Where all are alike they keep their order.
    """
    parts: list[list[Example]] = []
    longest = 0
    for one in sorted(examples, key=_length, reverse=True):
        if not parts or _length(one) < LIKE * longest:
            parts.append([])
            longest = _length(one)
        parts[-1].append(one)
    return parts


def schedule(update: int, updates: int) -> float:
    """Returns what the highest learning rate is multiplied by at an update, counted from 0.

    >>> schedule(0, 1000), schedule(49, 1000), schedule(600, 1000)
    (0.02, 1.0, 1.0)
    """
    flat = CONSTANT_UNTIL * updates
    decay = 1.0 if update < flat else 1 - (1 - FLOOR) * (update - flat) / (updates - flat)
    return min(1.0, (update + 1) / WARM_UP) * decay


def loss_of(model: Any, examples: Sequence[Example], pad: int) -> Any:
    """Computes the mean cross-entropy of the wanted tokens of some examples, in nats."""
    whole = [(*one.context, *one.ids) for one in examples]
    longest = max(map(len, whole))
    ids = torch.tensor([[*one, *[pad] * (longest - len(one))] for one in whole])
    wanted = torch.zeros(ids.shape, dtype=torch.bool)
    for row, one in enumerate(examples):
        wanted[row, len(one.context) : len(one.context) + len(one.ids)] = torch.tensor(one.wanted)
    device = next(model.parameters()).device
    ids, wanted = ids.to(device), wanted[:, 1:].to(device)
    logits = model(input_ids=ids[:, :-1], use_cache=False).logits
    return cross_entropy(logits[wanted].float(), ids[:, 1:][wanted])


def _length(example: Example) -> int:
    return len(example.context) + len(example.ids)


def _check(examples: Sequence[Example]) -> None:
    if not examples:
        raise DataError("there is no demonstration to learn from", "give at least one")
    for number, one in enumerate(examples):
        if not one.context or not any(one.wanted) or len(one.wanted) != len(one.ids):
            raise DataError(
                f"demonstration {number} has {len(one.context)} tokens of context, {len(one.ids)} that follow and "
                f"{len(one.wanted)} flags, of which {sum(one.wanted)} are set",
                "give a context, and one flag for each token that follows, at least one of them set",
            )
