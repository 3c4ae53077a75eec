"""Samples one batch at the fixed policy and splits its advantages: by kind of token, and by method.

Deviations:
SIGNAL-6. Each batch draws its problems anew from all training problems, with a seed of its own. So batches are independent, as
    the estimates need it, and two of them may share a problem.
SIGNAL-7. A token without a character of a word (an end token, white space alone) has none of the task's labels. It is an
    execution token unless it lies in a span, as everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hicra.arrays import Array, Bools, Floats
from hicra.errors import ConfigError, DataError
from hicra.generation.interface import seed_of
from hicra.generation.render import render, rendered_ids
from hicra.generation.sampling import sample
from hicra.signal.gradients import EncodedRollouts, encode, policy_values
from hicra.signal.labels import label_kinds
from hicra.signal.methods import needs_policy, shaped, unshaped
from hicra.signal.products import EXECUTION, PLANNING
from hicra.signal.settings import SignalSettings
from hicra.tagging import Tagger
from hicra.tasks.base import Row, Task


@dataclass(frozen=True)
class SampledBatch:
    """One batch.

    Attributes:
        encoded: its tokens.
        advantages: {name: [B,T]} of every kind (planning, execution, then the task's labels), then of every method.
        kinds: the names of the kinds.
        about: counts: rollouts, scored and right ones, groups, mixed groups, tokens {kind: number}, all tokens.
    """

    encoded: EncodedRollouts
    advantages: dict[str, Array]
    kinds: list[str]
    about: dict[str, Any]


def problems_of(task: Task, tokenizer: Any, settings: SignalSettings, number: int) -> list[Row]:
    """Returns the problems of a batch; a model without a chat template gets prompts as text."""
    rows = task.rows("train", settings.prompts, batch_seed(settings, number))
    if getattr(tokenizer, "chat_template", None):
        return rows
    return [row | {"prompt": render(tokenizer, row["prompt"])[0]} for row in rows]


def batch_seed(settings: SignalSettings, number: int) -> int:
    """Returns the seed of a batch, which depends on the seed of the measurement and the number of the batch alone."""
    return seed_of(settings.seed, "batch", number)


def make_batch(
    model: Any,
    tokenizer: Any,
    task: Task,
    tagger: Tagger,
    settings: SignalSettings,
    baseline: Any,
    methods: Mapping[str, Any],
    number: int,
    say: Callable[[int], None] | None = None,
) -> SampledBatch:
    """Samples, scores and tags a batch, and computes all advantages; `say` is called with the rollouts sampled so far.

    Raises:
        ConfigError: a prompt leaves no room for a response.
        DataError: no rollout can be scored.
    """
    rows = [row for row in problems_of(task, tokenizer, settings, number) for _ in range(settings.group)]
    prompts = [rendered_ids(tokenizer, row["prompt"])[1] for row in rows]
    longest = _most_tokens(model, task, settings)
    _refuse_long(model, prompts, rows, longest)
    samples = sample(
        model, tokenizer, task, rows,
        max_new_tokens=longest, temperature=settings.temperature, seed=batch_seed(settings, number), progress=say,
    )  # fmt: skip
    encoded = encode(prompts, [one.ids for one in samples])
    ids, live = encoded.ids, encoded.live
    planning = tagger.tag(ids, live).mask
    rewards = np.array([np.nan if one.score.reward is None else one.score.reward for one in samples], np.float64)
    if np.isnan(rewards).all():
        raise DataError(
            f"no rollout of batch {number} can be scored", "look at the task's answers: `hicra eval` shows verdicts"
        )
    groups = np.arange(len(rows)) // settings.group + number * settings.prompts
    fields: dict[str, Any] = {
        "response_ids": ids, "response_mask": live, "planning_mask": planning, "group_ids": groups, "rewards": rewards,
        "truncated": np.array([not one.ended for one in samples]),
        "n_tool_calls": np.zeros(len(rows), np.int64), "state_ids": np.where(live, 0, -1),
    }  # fmt: skip
    if needs_policy([baseline, *methods.values()]):
        logprobs, entropies = policy_values(model, encoded, micro=settings.micro, temperature=settings.temperature)
        fields |= {"old_logprobs": logprobs, "entropies": entropies}
    masks: dict[str, Bools] = {PLANNING: planning & live, EXECUTION: live & ~planning}
    masks |= label_kinds(task, rows, tagger.texts(ids, live), [one.ended for one in samples], live)
    base = unshaped(baseline, fields)
    kinds = {name: np.where(mask, base, 0.0) for name, mask in masks.items()}
    correct = [one.score.correct for one in samples if one.score.correct is not None]
    spread = [
        np.ptp(one[~np.isnan(one)]) if (~np.isnan(one)).any() else 0.0 for one in rewards.reshape(-1, settings.group)
    ]
    about = {
        "rollouts": len(rows), "judged": len(correct), "right": sum(correct), "unscorable": int(np.isnan(rewards).sum()),
        "reward": float(np.nanmean(rewards)), "groups": settings.prompts, "mixed_groups": int((np.array(spread) > 0).sum()),
        "tokens": {name: int(mask.sum()) for name, mask in masks.items()}, "all_tokens": int(live.sum()),
    }  # fmt: skip
    return SampledBatch(encoded, kinds | shaped(methods, base, fields), list(kinds), about)


def _most_tokens(model: Any, task: Task, settings: SignalSettings) -> int:
    return min(settings.max_new_tokens, getattr(task, "max_new_tokens", None) or settings.max_new_tokens)


def _refuse_long(model: Any, prompts: list[list[int]], rows: list[Row], longest: int) -> None:
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    widest: Floats = np.array([len(one) for one in prompts])
    at = int(widest.argmax())
    if context and widest[at] + longest > context:
        room = context - int(widest[at])
        raise ConfigError(
            f"the prompt of problem {rows[at].get('id')!r} has {int(widest[at])} tokens, and with {longest} more it would not "
            f"fit into the model's context of {context}",
            f"give --max-new-tokens {room}, or leave out that problem"
            if room > 0
            else "leave out that problem, or take a model with a longer context: no response fits behind it",
        )
