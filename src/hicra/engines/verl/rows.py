"""A batch of verl as numpy arrays, shaped and counted. The trainer modes and the legacy function both end here.

Deviations (the paper trains with a fork of verl and prints no code of it):
VERL-1. Shaping follows verl's own estimator, or the baseline that the section `hicra` names in its place. verl's `returns`, which
    critics learn from, stay as verl has computed them.
VERL-2. A token that rejection sampling takes out of the loss is still text: spans are found in what the policy wrote, and only
    tokens that are trained on are shaped and counted.
VERL-3. A response is right if its reward function says so under `acc`; where it does not, if its score is at least 0.5.
VERL-4. Where one rollout has several trajectories, rewards count once, with the last of them, as in verl's `grpo`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hicra.arrays import Array, Bools, Floats, Ints
from hicra.correctness import CORRECT_AT
from hicra.engines.shaping import GIVEN, OF_THE_METER, Shaping
from hicra.engines.turns import calls, truncated
from hicra.engines.verl.section import Section
from hicra.errors import EngineError, HicraError
from hicra.lexicon import Lexicon
from hicra.metrics import RolloutStats, correct_from_reward, kind_sums, kind_values
from hicra.workers.threads import in_threads

PLACES = 2**18  # of a batch that are shaped and counted together, so that what is made on the way is small
GIVEN_BY_VERL = tuple(field for field in GIVEN if field != OF_THE_METER)  # its gradients are in other processes


@dataclass(frozen=True)
class VerlRows:
    """The rollouts of a batch, padding rows left out.

    Attributes:
        ids: [B,T] token ids.
        inside: [B,T] bool, the places of the response; padding stands outside.
        written: [B,T] bool, what the policy wrote; tool output is not.
        live: [B,T] bool, what of it is trained on.
        advantages: [B,T] of verl's estimator.
        scores: [B] what the reward function gave, summed over tokens.
        verdicts: [B] 1 or 0, what the reward function gave as `acc`; NaN where it gave none.
        uids: [B] the ids of the prompts.
        last: [B] bool, the last trajectory of its rollout; the only one in most runs.
        entropies, logprobs: [B,T] nats, of the policy before the update; None where verl has not computed them.
    """

    ids: Array
    inside: Bools
    written: Bools
    live: Bools
    advantages: Array
    scores: Floats
    verdicts: Floats
    uids: Sequence[Any]
    last: Bools
    entropies: Array | None = None
    logprobs: Array | None = None

    def part(self, at: slice) -> VerlRows:
        """Returns some of the rows, as views."""
        fields: dict[str, Any] = {name: None if value is None else value[at] for name, value in vars(self).items()}
        return VerlRows(**fields)


class Credit:
    """Shapes batch after batch, and pools what it counts until that is logged.

    A method that looks at one row is given blocks of rows, several at once in threads of their own; the result depends on neither
    their number nor their order. One that looks at other rows is given the whole batch, and only tagging uses threads then.

    Args:
        chosen: the section `hicra`.
        tokenizer: the tokenizer of the policy.

    Raises:
        ConfigError: a name or a setting is refused, or a method needs what verl does not have.
    """

    def __init__(self, chosen: Section, tokenizer: Any) -> None:
        self.shaping = Shaping(
            chosen.assignment(),
            Lexicon.load(chosen.lexicon),
            tokenizer,
            chosen.unit,
            given=GIVEN_BY_VERL,
            engine="verl",
            in_parts=True,
        )
        self.threads = chosen.thread_count()
        self.shaping.tagger.threads = self.threads if self.shaping.credit.wide else 1  # else a block has one thread
        self._end = tokenizer.eos_token_id
        self._groups = 0  # so far, so that group ids stay distinct over batches
        self._stats: list[RolloutStats] = []
        self._sums: list[Floats] = []
        self._entropies = True

    def __call__(self, rows: VerlRows) -> tuple[Array, Bools]:
        """Returns the shaped advantages [B,T], of the dtype of verl's, and the planning mask [B,T].

        Outside of `live` the advantages are verl's own, or 0 where a baseline is named.

        Raises:
            EngineError: a method needs what this batch lacks.
        """
        credit = self.shaping.credit
        if credit.wide and not rows.last.all():
            raise EngineError(
                f"{credit.name} looks at other rows of the batch, and here a rollout has several trajectories",
                "name a method that looks at one row, or leave out hicra.baseline: verl's grpo counts each rollout once",
            )
        for field, values, key in (
            ("entropies", rows.entropies, "entropy"),
            ("old_logprobs", rows.logprobs, "old_log_probs"),
        ):
            if field in credit.needs and values is None:
                raise EngineError(
                    f"{credit.name} needs {field}, and verl has computed no {key} for this batch",
                    "set algorithm.rollout_correction.bypass_mode=False, which lets verl compute both",
                )
        groups = numbered(rows.uids)
        shaped, mask = np.empty(rows.ids.shape, rows.advantages.dtype), np.empty(rows.ids.shape, np.bool_)

        def work(at: slice) -> tuple[RolloutStats, Floats | None]:
            part = rows.part(at)
            try:
                shaped[at], mask[at], stats = self._shaped(part, groups[at])
            except HicraError as error:
                if not at.start:
                    raise
                raise type(error)(f"{error.message} (row 0 is here row {at.start} of the batch)", error.fix) from error
            return stats, None if part.logprobs is None else _sums(part, mask[at])

        blocks = [slice(0, len(rows.ids))] if credit.wide else _blocks(*rows.ids.shape)
        parts, sums = zip(*in_threads(work, blocks, self.threads), strict=True)
        stats = RolloutStats.merge(list(parts))
        self.shaping.warn(stats, rows.ids, rows.live)
        self._stats.append(stats)
        if rows.logprobs is not None:
            self._entropies = rows.entropies is not None
            self._sums += sums
        self._groups += len(rows.ids)
        return shaped, mask

    def _shaped(self, rows: VerlRows, groups: Ints) -> tuple[Array, Bools, RolloutStats]:
        """Returns advantages and planning mask [B,T] of some rows, and what was counted of them; `groups` [B] numbers from 0."""
        more: dict[str, Any] = {
            "truncated": truncated(rows.ids, rows.live, self._end),
            "n_tool_calls": calls(rows.inside & ~rows.written),
        }
        given = {"entropies": rows.entropies, "old_logprobs": rows.logprobs}
        more |= {field: values for field, values in given.items() if values is not None}
        correct = np.where(np.isnan(rows.verdicts), correct_from_reward(rows.scores), rows.verdicts)
        made = self.shaping.generation(
            [], ids=rows.ids, live=rows.live, written=rows.written, base=rows.advantages, rewards=rows.scores,
            correct=correct, group_ids=groups, first_group=self._groups, **more,
        )  # fmt: skip
        arrays, last = made.arrays, rows.last
        outside = 0 if self.shaping.credit.baseline else rows.advantages
        shaped = np.where(rows.live, arrays["advantages"], outside)
        self.shaping.check(shaped, arrays["base"], arrays["planning_mask"], rows.live)
        stats = replace(made.stats, reward=rows.scores[last], correct=correct[last], group=arrays["group_ids"][last])
        return shaped, arrays["planning_mask"], stats

    def logged(self) -> dict[str, float]:
        """Returns the metrics by name since this was last called; a metric without a value is left out."""
        stats, sums = self._stats, self._sums
        self._stats, self._sums = [], []
        values = RolloutStats.merge(stats).values() if stats else {}
        if sums:
            kinds = kind_values(np.sum(sums, axis=0).tolist())
            values |= {name: value for name, value in kinds.items() if self._entropies or "entropy" not in name}
        return {name: value for name, value in values.items() if value is not None}


def _blocks(rows: int, width: int) -> list[slice]:
    """Cuts a batch into blocks of whole rows, each of about `PLACES` tokens and at least one row; at least one block."""
    size = max(1, PLACES // max(width, 1))
    return [slice(low, low + size) for low in range(0, max(rows, 1), size)]


def _sums(rows: VerlRows, mask: Bools) -> Floats:
    """Returns `kind_sums` of some rows; where there are no entropies, those of the log-probabilities are never shown."""
    assert rows.logprobs is not None
    entropies = rows.logprobs if rows.entropies is None else rows.entropies
    return np.array(kind_sums(mask, rows.live, entropies, rows.logprobs), np.float64)


def numbered(uids: Sequence[Any]) -> Ints:
    """Numbers ids from 0 in their sorted order, equal ones alike."""
    return np.asarray(np.unique(np.asarray(uids, dtype=str), return_inverse=True)[1], np.int64)


def verdicts(given: Sequence[Any]) -> Floats:
    """Returns [B] what a reward function gave as `acc`: 1 where it is true or at least 0.5, NaN where it gave none."""
    return np.array([np.nan if one is None or one != one else float(float(one) >= CORRECT_AT) for one in given])
