"""Credit inside a training engine: the part that every engine shares, with numpy arrays in and out and no engine imported.

An engine hands over the sampled ids, its own advantages and the rewards of a generation, and one function that gathers a value
of every rank. This module tags, computes the advantages, shapes, checks and counts them. It knows of the credit methods only what
their assignment says: the fields that they need, whether they look beyond a row, which tokens they change, and how strongly.

Some of these functions gather, so each rank must call the same functions in the same order, whatever its own rows hold.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hicra.arrays import Array, Ints
from hicra.credit import Assignment
from hicra.credit.border import PER_KIND, check_sign
from hicra.drawing.readable import counted
from hicra.engines.states import state_ids
from hicra.errors import ConfigError, EngineError
from hicra.lexicon import Lexicon
from hicra.lexicon.check import uncovered_script
from hicra.metrics import RolloutStats, correct_from_reward
from hicra.signal.methods import FIELDS, OF_THE_POLICY
from hicra.tagging import Tagged, Tagger
from hicra.text.scripts import letters_by_script

Gather = Callable[[Any], list[Any]]  # a value of this rank -> the values of all ranks, in their order
Planning = Callable[[Mapping[str, Any], Array], Array]
LEAST_STRENGTH = 1e-6  # below this, float32 may round the change away
OF_THE_METER = "kind_weights"
GIVEN = (*FIELDS, OF_THE_METER)  # the fields of a batch that an engine has; the last one costs backward passes too
GIVEN_TO_A_LOSS = ("entropies",)  # besides log-probabilities, advantages and mask


def refuse_missing(credit: Assignment, given: Sequence[str] = GIVEN, engine: str = "") -> None:
    """Raises ConfigError if a part needs a field that an engine does not have, or not for it; so before anything is trained.

    Args:
        credit: the parts.
        given: the fields that the engine has.
        engine: its name, where it has fewer fields than others.
    """
    missing = [field for field in credit.needs if field not in given]
    if missing:
        users = [one.entry for one in (credit.baseline, *credit.shapers) if one and missing[0] in one.entry.needs]
        who = f"{engine} does not have" if engine else "no engine has"
        raise ConfigError(
            f"{users[0].kind} {users[0].name!r} needs the batch field {missing[0]!r}, which {who} here",
            f"{engine or 'an engine'} has {', '.join(given)}; call it from Python with a batch that holds {missing[0]}",
        )
    loss = credit.loss.entry if credit.loss else None
    if loss and (missing := [field for field in loss.needs if field not in GIVEN_TO_A_LOSS]):
        raise ConfigError(
            f"loss {loss.name!r} needs the batch field {missing[0]!r}, which no engine gives a loss here",
            f"besides log-probabilities, advantages and mask, a loss gets {', '.join(GIVEN_TO_A_LOSS)}; let a shaper put what "
            f"{missing[0]} says into the advantages",
        )


@dataclass
class Generation:
    """One generation of this rank.

    Attributes:
        inputs: the dataset rows, one per rollout; empty where the engine does not hand them on.
        arrays: response_ids, response_mask, planning_mask, advantages (shaped), entropies and logprobs [B,T] (nats, NaN until
            the loss has seen the row), base (advantages before shaping, [B] or [B,T]), rewards, correct (1 or 0, NaN where
            unknown), group_ids, rollout (its number in the generation, over all ranks) [B].
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
        credit: the baseline, shapers and loss.
        lexicon, tokenizer, unit: what marks the planning tokens, see `Tagger` (`unit` is the span type).
        gather: gathers a value over all ranks; the default is for a run of one process.
        rank, ranks: rank of this process, and number of ranks.
        given, engine: the fields that the engine has, and its name where it has fewer than others.
        planning: makes the planning mask [B,T] of a batch and of the tokens that the lexicon marks [B,T]; None takes the latter.
        in_parts: whether `warn` is left to the caller, such as one who hands over a batch in several parts.

    Raises:
        ConfigError: a baseline or shaper needs a field that the engine does not have.
    """

    def __init__(
        self,
        credit: Assignment,
        lexicon: Lexicon,
        tokenizer: Any,
        unit: str | None = None,
        *,
        gather: Gather = lambda value: [value],
        rank: int = 0,
        ranks: int = 1,
        given: Sequence[str] = GIVEN,
        engine: str = "",
        planning: Planning | None = None,
        in_parts: bool = False,
    ) -> None:
        self.credit, self.planning, self.in_parts = credit, planning, in_parts
        refuse_missing(credit, given, engine)
        self.lexicon, self.tagger = lexicon, Tagger(lexicon, tokenizer, unit)
        self.gather, self.rank, self.ranks = gather, rank, ranks
        if rank == 0:
            for remark in credit.remarks:
                warnings.warn(remark, stacklevel=2)
        self._seen = 0  # rollouts so far, so that group ids stay distinct over generations
        self._warned: set[str] = set()

    @property
    def needs_policy(self) -> bool:
        """Whether entropies or log-probabilities of the sampling policy are asked for."""
        return any(field in self.credit.needs for field in OF_THE_POLICY)

    @property
    def needs_signal(self) -> bool:
        """Whether weights by measured signal are asked for, so that an engine measures it while it trains."""
        return OF_THE_METER in self.credit.needs

    def generation(
        self,
        inputs: list[dict[str, Any]],
        *,
        ids: Array,
        live: Array,
        base: Array,
        rewards: Array,
        group_size: int = 1,
        group_ids: Ints | None = None,
        correct: Array | None = None,
        first_group: int | None = None,
        written: Array | None = None,
        **more: Array,
    ) -> Generation:
        """Tags the rollouts of this rank, computes their advantages and shapes them.

        Args:
            inputs: the dataset rows, one per rollout.
            ids: [B,T] the sampled token ids.
            live: [B,T] bool, the policy tokens.
            base: [B] or [B,T] the engine's own advantages; they count where no baseline is named, and say the dtype.
            rewards: [B], NaN where a rollout could not be scored.
            group_size: number of rollouts of a prompt; over all ranks, they stand next to each other.
            group_ids: [B] numbers from 0 below B, equal for the rollouts of a prompt, where these do not stand next to each
                other; for a run of one process.
            correct: [B], 1 or 0, NaN where unknown; None takes it from the rewards.
            first_group: group id of the first rollout of all ranks; None goes on after the rollouts seen so far.
            written: [B,T] bool, all tokens that the policy wrote, where the engine has taken some of them out of `live`; they
                are read as text, and never trained on.
            **more: further fields: truncated and n_tool_calls [B]; entropies and old_logprobs [B,T] (nats, of the sampling
                policy) and kind_weights [2] (equal on all ranks) where they are needed; and what rows of trees and agents hold.

        Raises:
            DataError: a policy token has a negative entropy or a log-probability above 0, by more than rounding does.
            EngineError: ranks hold unequal numbers of rollouts, and the method or the baseline looks at groups.
        """
        for field in OF_THE_POLICY:
            if field in more:
                check_sign(more[field], live, field)
        text = live if written is None else written
        tagged = self.tagger.tag(ids, text)
        first = self._first_group(len(ids), first_group)
        groups = self._group_ids(len(ids), group_size) if group_ids is None else group_ids
        batch: dict[str, Any] = {
            "response_ids": ids, "response_mask": live, "planning_mask": tagged.mask & live,
            "group_ids": groups + first, "rewards": rewards, **more,
        }  # fmt: skip
        if self.planning is not None:
            batch["planning_mask"] = self.planning(batch, tagged.mask) & live
        if "state_ids" in self.credit.needs and "state_ids" not in more:
            batch["state_ids"] = np.where(live, state_ids(ids, text), -1)
        base, shaped = self._credited(base, batch)
        correct = correct_from_reward(rewards) if correct is None else correct
        arrays = batch | {"base": base, "advantages": shaped, "correct": correct}
        arrays["rollout"] = np.arange(len(ids)) + self.rank * len(ids)
        stats = self._stats(arrays, tagged)
        if not self.in_parts:
            self.warn(stats, ids, live)
        unseen = np.full(live.shape, np.nan, np.float32)
        return Generation(inputs, arrays | {"entropies": unseen, "logprobs": unseen.copy()}, tagged, stats)

    def check(self, shaped: Any, base: Any, planning: Any, live: Any) -> None:
        """Stops the run if the tokens whose advantage changed are not those that the method changes.

        Args:
            shaped: [B,T] the advantages that the loss gets, numpy or torch, as are the others.
            base: [B] or [B,T] advantages before shaping.
            planning: [B,T] bool, the planning mask.
            live: [B,T] bool, the policy tokens.

        Raises:
            EngineError: they differ.
        """
        strength, changes = self.credit.strength, self.credit.changes
        if changes == "any" or 0 < strength < LEAST_STRENGTH:
            return
        before = base[:, None] if base.ndim == 1 else base
        changed = (shaped != before) & live
        expected = planning & live & (before != 0) & (changes == "planning" and strength > 0)
        if (changed != expected).any():
            raise EngineError(
                f"self-check of method {self.credit.name!r}: {int(changed.sum())} of {int(live.sum())} policy tokens have a "
                f"changed advantage, but the method changes {int(expected.sum())} of them",
                "something between generation and loss rewrote advantages or rows; run `hicra doctor`",
            )

    def _first_group(self, rows: int, first: int | None) -> int:
        first = self._seen if first is None else first
        self._seen = first + rows * self.ranks
        return first

    def _group_ids(self, rows: int, size: int) -> Ints:
        return (np.arange(rows) + self.rank * rows) // size

    def _credited(self, base: Array, batch: dict[str, Any]) -> tuple[Array, Array]:
        """Returns the advantages before, [B] or [B,T], and after shaping, [B,T]; who looks beyond a row sees all ranks."""
        if not self.credit.wide or self.ranks == 1:
            return self._both(base, batch)
        rows, width = batch["response_mask"].shape
        asked = {*self.credit.needs, *(("rewards",) if self.credit.baseline else ())} - {*PER_KIND}
        parts = self.gather({"base": base} | {field: batch[field] for field in asked if field in batch})
        if len(held := {len(part["base"]) for part in parts}) > 1:
            counts = " and ".join(map(str, sorted(held)))
            raise EngineError(
                f"the ranks hold {counts} rollouts, so the groups of {self.credit.name!r} cannot be told",
                "give each process the same number of rollouts",
            )
        widest = max(part["response_mask"].shape[1] for part in parts)
        whole = {field: np.concatenate([_padded(part[field], widest) for part in parts]) for field in parts[0]}
        first = sum(len(part["base"]) for part in parts[: self.rank])
        before, shaped = self._both(
            whole.pop("base"), whole | {name: batch[name] for name in PER_KIND if name in batch}
        )
        own = before[first : first + rows]
        return own if own.ndim == 1 else own[:, :width], shaped[first : first + rows, :width]

    def _both(self, base: Array, batch: dict[str, Any]) -> tuple[Array, Array]:
        if (chosen := self.credit.baseline) is not None:
            made: Array = chosen.entry(batch["rewards"], batch["group_ids"], batch, **chosen.settings)
            base = made.astype(base.dtype)
        shaped: Array = self.credit.shaped(base, batch)
        return base, shaped

    def _stats(self, arrays: Mapping[str, Any], tagged: Tagged) -> RolloutStats:
        own = RolloutStats.of(
            arrays["response_ids"], arrays["response_mask"], planning=arrays["planning_mask"], row=tagged.row,
            start=tagged.hits.start, stop=tagged.hits.stop, gram=tagged.hits.gram, reward=arrays["rewards"],
            correct=arrays["correct"], group=arrays["group_ids"], before=arrays["base"],
            after=arrays["advantages"],
        )  # fmt: skip
        return RolloutStats.merge(self.gather(own))

    def warn(self, stats: RolloutStats, ids: Array, live: Array) -> None:
        """Warns once of an empty mask and once of a wide one, and says how many tokens that rests on; on rank 0 alone.

        Args:
            stats: counts over all ranks.
            ids: [B,T] token ids of this rank.
            live: [B,T] bool, the policy tokens.
        """
        if not stats.tokens or self.rank:
            return
        share = (stats.planning or 0) / stats.tokens
        key = "empty" if share == 0 else "wide" if share > 0.5 else None
        if key is None or key in self._warned:
            return
        self._warned.add(key)
        seen = f"({counted(stats.tokens, 'token')} in {counted(stats.rows, 'rollout')} so far)"
        marks = "lexicon" if self.planning is None else "lexicon, and what else marks them"
        text = f"{share:.0%} of tokens are planning tokens {seen}, which is more than half: check the {marks}"
        if key == "empty":
            text = f"no token is a planning token {seen}"
            if self.credit.changes == "planning":
                text += ", so the method changes nothing here"
            letters = letters_by_script(text for text, _ in self.tagger.texts(ids, live))
            if why := uncovered_script(self.lexicon, letters):
                text += f". {why}"
        warnings.warn(f"lexicon {self.lexicon.name!r}: {text}", stacklevel=2)


def _padded(value: Array, width: int) -> Array:
    """Pads [B,T] to [B,width] with zeros at the end; an array [B] stays as it is."""
    return value if value.ndim == 1 else np.pad(value, ((0, 0), (0, width - value.shape[1])))
