"""From what a system made to advantages: rows become a batch, and baseline and shapers are those that the config names."""

from __future__ import annotations

from typing import Any

import numpy as np

from hicra.engines.open import entry_of
from hicra.engines.shaping import Generation, Shaping
from hicra.lexicon import Lexicon
from hicra.related.policy.words import TokenizerCodec
from hicra.related.rollouts import batch_of
from hicra.related.system import Generated, System
from hicra.runs.sections import RunConfig


class RowShaping:
    """Shapes the generations of one run.

    Args:
        config: of the run.
        lexicon: marks the planning tokens, unless the system has a mask of its own.
        codec: of the policy.
        system: makes the rows.

    Attributes:
        rollouts: number of rows so far, so that group ids stay distinct over generations.
    """

    def __init__(self, config: RunConfig, lexicon: Lexicon, codec: TokenizerCodec, system: System) -> None:
        self.codec, self.rollouts = codec, 0
        credit = config.assignment()
        unread = "planning_mask" not in credit.needs  # then an empty or a wide mask is nothing to warn of
        self.shaping = Shaping(
            credit, lexicon, codec.tokenizer, config.unit, given=entry_of(config.engine).fields,
            engine=config.engine, planning=getattr(system, "planning_mask", None), in_parts=unread,
        )  # fmt: skip
        self.tagger = self.shaping.tagger

    def __call__(self, made: Generated) -> Generation:
        """Returns the rows with their advantages before (`base`) and after shaping."""
        batch: dict[str, Any] = batch_of(made.rows, made.rewards, made.group_ids, self.codec.pad)
        ids, live = batch.pop("response_ids"), batch.pop("response_mask")
        rewards, groups = batch.pop("rewards"), np.unique(batch.pop("group_ids"), return_inverse=True)[1]
        unknown = np.full(len(made.rows), np.nan)
        correct = unknown if made.correct is None else np.array(made.correct, np.float64)
        inputs = [
            {"id": str(group), "prompt": self.codec.decode(row.context)}
            for group, row in zip(groups.tolist(), made.rows, strict=True)
        ]
        ended = np.array([row.inside or row.ids[-1:] == [self.codec.end] for row in made.rows], np.bool_)
        shaped = self.shaping.generation(
            inputs, ids=ids, live=live, base=np.zeros(len(ids), np.float32), rewards=rewards, group_ids=groups,
            correct=correct, first_group=self.rollouts, truncated=~ended, **batch,
        )  # fmt: skip
        arrays = shaped.arrays
        self.shaping.check(arrays["advantages"], arrays["base"], arrays["planning_mask"], live)
        arrays |= {"entropies": batch["entropies"], "logprobs": batch["old_logprobs"]}
        self.rollouts += len(made.rows)
        return shaped
