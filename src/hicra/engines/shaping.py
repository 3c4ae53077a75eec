"""Credit inside a training engine: the part that every engine shares, with numpy arrays in and out and no engine imported.

An engine hands over the sampled ids, its own advantages and the rewards of a generation, and one function that gathers a value
of every rank. This module tags, shapes, checks and counts them. It knows of the credit method only what its entry in the table
says: the fields that it needs, whether it looks beyond a row, which tokens it changes, and which setting is its strength.

Some of these functions gather, so each rank must call the same functions in the same order, whatever its own rows hold.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hicra.arrays import Array, Ints
from hicra.credit import Method
from hicra.drawing.readable import counted
from hicra.errors import EngineError
from hicra.lexicon import Lexicon
from hicra.lexicon.check import uncovered_script
from hicra.metrics import RolloutStats, correct_from_reward
from hicra.tagging import Tagged, Tagger
from hicra.text.scripts import letters_by_script

Gather = Callable[[Any], list[Any]]  # a value of this rank -> the values of all ranks, in their order
LEAST_STRENGTH = 1e-6  # below this, float32 may round the change away


@dataclass
class Generation:
    """One generation of this rank.

    Attributes:
        inputs: the dataset rows, one per rollout.
        arrays: response_ids, response_mask, planning_mask, advantages (shaped), entropies and logprobs [B,T] (nats, NaN until
            the loss has seen the row), base (advantages before shaping), rewards, correct (1 or 0, NaN where unknown),
            group_ids [B].
        tagged: the spans as token ranges.
        stats: counts over all ranks.
    """

    inputs: list[dict[str, Any]]
    arrays: dict[str, Any]
    tagged: Tagged
    stats: RolloutStats


class Shaping:
    """Tags, shapes, checks and counts the generations of one run.

    Args:
        method: the credit method.
        settings: its settings; absent ones take their defaults.
        lexicon, tokenizer, unit: what marks the planning tokens, see `Tagger` (`unit` is the span type).
        gather: gathers a value over all ranks; the default is for a run of one process.
        rank, ranks: rank of this process, and number of ranks.
    """

    def __init__(
        self,
        method: Method,
        settings: Mapping[str, Any],
        lexicon: Lexicon,
        tokenizer: Any,
        unit: str | None = None,
        *,
        gather: Gather = lambda value: [value],
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        self.method, self.settings = method, method.checked(settings)
        self.lexicon, self.tagger = lexicon, Tagger(lexicon, tokenizer, unit)
        self.gather, self.rank, self.ranks = gather, rank, ranks
        self._seen = 0  # rollouts so far, so that group ids stay distinct over generations
        self._warned: set[str] = set()

    @property
    def needs_entropies(self) -> bool:
        """Whether the method asks for the entropies of the sampling policy."""
        return "entropies" in self.method.needs

    def generation(
        self,
        inputs: list[dict[str, Any]],
        *,
        ids: Array,
        live: Array,
        base: Array,
        rewards: Array,
        group_size: int,
        correct: Array | None = None,
        entropies: Array | None = None,
        first_group: int | None = None,
    ) -> Generation:
        """Tags the rollouts of this rank and shapes their advantages.

        Args:
            inputs: the dataset rows, one per rollout.
            ids: [B,T] the sampled token ids.
            live: [B,T] bool, the policy tokens.
            base: [B] the engine's own advantages.
            rewards: [B], NaN where a rollout could not be scored.
            group_size: number of rollouts of a prompt; over all ranks, they stand next to each other.
            correct: [B], 1 or 0, NaN where unknown; None takes it from the rewards.
            entropies: [B,T] in nats, of the sampling policy; for methods that need them.
            first_group: group id of the first rollout of all ranks; None goes on after the rollouts seen so far.
        """
        tagged = self.tagger.tag(ids, live)
        batch: dict[str, Any] = {
            "response_ids": ids, "response_mask": live, "planning_mask": tagged.mask,
            "group_ids": self._group_ids(len(ids), group_size, first_group),
        }  # fmt: skip
        if entropies is not None:
            batch["entropies"] = entropies
        shaped = self._shaped(base, batch)
        correct = correct_from_reward(rewards) if correct is None else correct
        arrays = batch | {"base": base, "advantages": shaped, "rewards": rewards, "correct": correct}
        stats = self._stats(arrays, tagged)
        if stats.tokens and self.rank == 0:
            self._warn(stats, ids, live)
        unseen = np.full(live.shape, np.nan, np.float32)
        return Generation(inputs, arrays | {"entropies": unseen, "logprobs": unseen.copy()}, tagged, stats)

    def check(self, shaped: Any, base: Any, planning: Any, live: Any) -> None:
        """Stops the run if the tokens whose advantage changed are not those that the method changes.

        Args:
            shaped: [B,T] the advantages that the loss gets, numpy or torch, as are the others.
            base: [B] advantages before shaping.
            planning: [B,T] bool, the planning mask.
            live: [B,T] bool, the policy tokens.

        Raises:
            EngineError: they differ.
        """
        strength = self.settings[self.method.strength] if self.method.strength else 1.0
        if self.method.changes == "any" or 0 < strength < LEAST_STRENGTH:
            return
        changed = (shaped != base[:, None]) & live
        expected = planning & live & (base != 0)[:, None] & (self.method.changes == "planning" and strength > 0)
        if (changed != expected).any():
            raise EngineError(
                f"self-check of method {self.method.name!r}: {int(changed.sum())} of {int(live.sum())} policy tokens have a "
                f"changed advantage, but the method changes {int(expected.sum())} of them",
                "something between generation and loss rewrote advantages or rows; run `hicra doctor`",
            )

    def _group_ids(self, rows: int, size: int, first: int | None) -> Ints:
        first = self._seen if first is None else first
        self._seen = first + rows * self.ranks
        return (np.arange(rows) + self.rank * rows) // size + first

    def _shaped(self, base: Array, batch: dict[str, Any]) -> Array:
        """Returns the shaped advantages [B,T]; a method that looks beyond a row gets the batch of all ranks."""
        if self.method.scope == "row" or self.ranks == 1:
            own: Array = self.method(base, batch, **self.settings)
            return own
        rows, width = batch["response_mask"].shape
        parts = self.gather({"base": base} | {field: batch[field] for field in self.method.needs})
        widest = max(part["response_mask"].shape[1] for part in parts)
        whole = {field: np.concatenate([_padded(part[field], widest) for part in parts]) for field in parts[0]}
        first = sum(len(part["base"]) for part in parts[: self.rank])
        shaped: Array = self.method(whole.pop("base"), whole, **self.settings)
        return shaped[first : first + rows, :width]

    def _stats(self, arrays: Mapping[str, Any], tagged: Tagged) -> RolloutStats:
        own = RolloutStats.of(
            arrays["response_ids"], arrays["response_mask"], planning=tagged.mask, row=tagged.row,
            start=tagged.hits.start, stop=tagged.hits.stop, gram=tagged.hits.gram, reward=arrays["rewards"],
            correct=arrays["correct"], group=arrays["group_ids"], before=arrays["base"],
            after=arrays["advantages"],
        )  # fmt: skip
        return RolloutStats.merge(self.gather(own))

    def _warn(self, stats: RolloutStats, ids: Array, live: Array) -> None:
        """Warns once of an empty mask and once of a wide one, and says how many tokens that rests on."""
        share = (stats.planning or 0) / stats.tokens
        key = "empty" if share == 0 else "wide" if share > 0.5 else None
        if key is None or key in self._warned:
            return
        self._warned.add(key)
        seen = f"({counted(stats.tokens, 'token')} in {counted(stats.rows, 'rollout')} so far)"
        text = f"{share:.0%} of tokens are planning tokens {seen}, which is more than half: check the lexicon"
        if key == "empty":
            text = f"no token is a planning token {seen}, so the method changes nothing here"
            letters = letters_by_script(text for text, _ in self.tagger.texts(ids, live))
            if why := uncovered_script(self.lexicon, letters):
                text += f". {why}"
        warnings.warn(f"lexicon {self.lexicon.name!r}: {text}", stacklevel=2)


def _padded(value: Array, width: int) -> Array:
    """Pads [B,T] to [B,width] with zeros at the end; an array [B] stays as it is."""
    return value if value.ndim == 1 else np.pad(value, ((0, 0), (0, width - value.shape[1])))
