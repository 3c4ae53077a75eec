"""Keys and values of what a network has read, so that the next turn of an episode reads only what is new in it.

An agent's context at one turn is that of the turn before with a few more tokens. What the attention needs of the old part, keys
and values by layer, is kept from one call of the policy to the next, by the tokens that it is of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

Ids = tuple[int, ...]
MOST = 2**26  # numbers that are kept from one call to the next: 256 MB in float32


@dataclass(frozen=True)
class Block:
    """Keys and values of some rows; a column that is not of a row's text is masked.

    Attributes:
        layers: keys and values of each layer, [n, heads, L, size] each.
        mask: [n,L] 1 or 0.
    """

    layers: list[tuple[Tensor, Tensor]]
    mask: Tensor

    @classmethod
    def of(cls, cache: Any, mask: Tensor, rows: Tensor | None = None) -> Block:
        """Returns what a cache of transformers holds, of all rows or of some by their numbers; the mask is of all."""
        layers = [(layer.keys, layer.values) for layer in cache.layers]
        if rows is None:
            return cls(layers, mask)
        return cls([(keys[rows], values[rows]) for keys, values in layers], mask[rows])

    def cache(self) -> Any:
        """Returns the cache of transformers that holds this."""
        from transformers import DynamicCache

        return DynamicCache(ddp_cache_data=self.layers)

    @property
    def numbers(self) -> int:
        return sum(keys.numel() + values.numel() for keys, values in self.layers)


class Remembered(NamedTuple):
    """A known beginning of a context: the row of a block that holds it, and the number of its tokens."""

    block: Block
    row: int
    length: int


def gathered(picks: Sequence[tuple[Block, int]]) -> Block:
    """Returns rows of blocks as one block, in order, with no masked column but on the left.

    Args:
        picks: at least one block with the number of a row in it; a row may be picked many times.
    """
    blocks: list[Block] = []
    for block, _ in picks:
        if not any(block is one for one in blocks):
            blocks.append(block)
    width = max(int(block.mask.sum(1).max()) for block in blocks)
    first = blocks[0].layers
    mask = blocks[0].mask.new_zeros(len(picks), width)
    layers = [tuple(one.new_zeros(len(picks), one.shape[1], width, one.shape[3]) for one in layer) for layer in first]
    for block in blocks:
        places = [place for place, (of, _) in enumerate(picks) if of is block]
        at, rows = (torch.tensor(some, device=mask.device) for some in (places, [picks[place][1] for place in places]))
        here = block.mask[rows]
        columns = here.argsort(dim=1, stable=True)[:, -width:]  # masked ones first, the others as they stood
        kept = slice(width - columns.shape[1], None)
        mask[at, kept] = here.gather(1, columns)
        for layer, own in zip(layers, block.layers, strict=True):
            for whole, values in zip(layer, own, strict=True):
                _, heads, length, size = values.shape
                of_row = rows[:, None, None] * heads + torch.arange(heads, device=mask.device)[:, None]
                flat = (of_row * length + columns[:, None]).flatten()
                taken = values.reshape(-1, size).index_select(0, flat)
                whole[at, :, kept] = taken.view(len(rows), heads, -1, size)
    return Block(layers, mask)


class Memory:
    """What was read in the latest call, for the next one.

    Args:
        most: numbers that are kept at most; a call that has more is kept in part.
    """

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._known: dict[Ids, tuple[Block, int]] = {}
        self._new: dict[Ids, tuple[Block, int]] = {}
        self._lengths: list[int] = []
        self._room = most

    def find(self, context: Ids) -> Remembered | None:
        """Returns the longest known beginning of a context, or None.

        The whole context is no beginning, since at least one token must be read to go on.
        """
        for length in self._lengths:
            if length < len(context) and (found := self._known.get(context[:length])):
                return Remembered(*found, length)
        return None

    def keep(self, texts: Sequence[Ids], block: Block) -> None:
        """Keeps the rows of a block, each with the tokens that it is of, for after `turn`."""
        if block.numbers <= self._room:
            self._room -= block.numbers
            self._new |= {ids: (block, row) for row, ids in enumerate(texts)}

    def turn(self) -> None:
        """Makes what was kept since the last turn known, and forgets what was known."""
        self._known, self._new, self._room = self._new, {}, self.most
        self._lengths = sorted({len(ids) for ids in self._known}, reverse=True)

    def forget(self) -> None:
        """Forgets everything, as must be where the weights have changed."""
        self.turn()
        self.turn()
