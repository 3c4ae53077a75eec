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

from hicra.arrays import Array
from hicra.errors import ConfigError, DataError
from hicra.generation.interface import seed_of
from hicra.generation.render import render
from hicra.generation.sampling import Sample, sample
from hicra.signal.gradients import EncodedRollouts, encode, policy_values
from hicra.signal.halves import masks_by_kind
from hicra.signal.keys import kind_key, method_key
from hicra.signal.labels import label_kinds
from hicra.signal.methods import needs_policy, shaped, unshaped
from hicra.signal.settings import SignalSettings
from hicra.tagging import Tagger
from hicra.tasks.base import Row, Task

BEGINNING = 16  # characters for each token of the context, of which a long prompt's beginning is looked at first


@dataclass(frozen=True)
class ScoredRollouts:
    """The rollouts of one batch.

    Attributes:
        number: of the batch.
        rows: the problem of each rollout.
        samples: the scored responses, rollout by rollout.
        encoded: their tokens.
    """

    number: int
    rows: list[Row]
    samples: list[Sample]
    encoded: EncodedRollouts


@dataclass(frozen=True)
class SampledBatch:
    """One batch.

    Attributes:
        encoded: its tokens.
        advantages: {key: [B,T]} of every kind (planning, execution, then the task's labels), then of every method (keys.py).
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
    rollouts = sample_rollouts(model, tokenizer, task, settings, number, say)
    return split_rollouts(model, task, tagger, settings, baseline, methods, rollouts)


def sample_rollouts(
    model: Any,
    tokenizer: Any,
    task: Task,
    settings: SignalSettings,
    number: int,
    say: Callable[[int], None] | None = None,
) -> ScoredRollouts:
    """Samples and scores the rollouts of a batch, without any lexicon or method; arguments and errors as for `make_batch`."""
    longest = _most_tokens(model, task, settings)
    problems = problems_of(task, tokenizer, settings, number)
    asked = [_prompt_ids(model, tokenizer, row, longest) for row in problems]
    rows = [row for row in problems for _ in range(settings.group)]
    prompts = [ids for ids in asked for _ in range(settings.group)]
    samples = sample(
        model, tokenizer, task, rows,
        max_new_tokens=longest, temperature=settings.temperature, seed=batch_seed(settings, number), progress=say,
    )  # fmt: skip
    if all(one.score.reward is None for one in samples):
        raise DataError(
            f"no rollout of batch {number} can be scored", "look at the task's answers: `hicra eval` shows verdicts"
        )
    return ScoredRollouts(number, rows, samples, encode(prompts, [one.ids for one in samples]))


def split_rollouts(
    model: Any,
    task: Task,
    tagger: Tagger,
    settings: SignalSettings,
    baseline: Any,
    methods: Mapping[str, Any],
    rollouts: ScoredRollouts,
) -> SampledBatch:
    """Tags rollouts and computes all advantages; another lexicon may split the same rollouts (arguments as for `make_batch`)."""
    rows, samples, encoded = rollouts.rows, rollouts.samples, rollouts.encoded
    ids, live = encoded.ids, encoded.live
    planning = tagger.tag(ids, live).mask
    rewards = np.array([np.nan if one.score.reward is None else one.score.reward for one in samples], np.float64)
    groups = np.arange(len(rows)) // settings.group + rollouts.number * settings.prompts
    fields: dict[str, Any] = {
        "response_ids": ids, "response_mask": live, "planning_mask": planning, "group_ids": groups, "rewards": rewards,
        "truncated": np.array([not one.ended for one in samples]),
        "n_tool_calls": np.zeros(len(rows), np.int64), "state_ids": np.where(live, 0, -1),
    }  # fmt: skip
    if needs_policy([baseline, *methods.values()]):
        logprobs, entropies = policy_values(model, encoded, micro=settings.micro, temperature=settings.temperature)
        fields |= {"old_logprobs": logprobs, "entropies": entropies}
    masks = masks_by_kind(planning, live) | label_kinds(
        task, rows, tagger.texts(ids, live), [one.ended for one in samples], live
    )
    base = unshaped(baseline, fields)
    advantages: dict[str, Array] = {kind_key(name): np.where(mask, base, 0.0) for name, mask in masks.items()}
    advantages |= {method_key(name): one for name, one in shaped(methods, base, fields).items()}
    correct = [one.score.correct for one in samples if one.score.correct is not None]
    spread = [
        np.ptp(one[~np.isnan(one)]) if (~np.isnan(one)).any() else 0.0 for one in rewards.reshape(-1, settings.group)
    ]
    about = {
        "rollouts": len(rows), "judged": len(correct), "right": sum(correct), "unscorable": int(np.isnan(rewards).sum()),
        "reward": float(np.nanmean(rewards)), "groups": settings.prompts, "mixed_groups": int((np.array(spread) > 0).sum()),
        "tokens": {name: int(mask.sum()) for name, mask in masks.items()}, "all_tokens": int(live.sum()),
    }  # fmt: skip
    return SampledBatch(encoded, advantages, list(masks), about)


def _most_tokens(model: Any, task: Task, settings: SignalSettings) -> int:
    return min(settings.max_new_tokens, getattr(task, "max_new_tokens", None) or settings.max_new_tokens)


def _prompt_ids(model: Any, tokenizer: Any, row: Row, longest: int) -> list[int]:
    """Returns the ids of a prompt; raises ConfigError where it leaves no room for a response of `longest` tokens.

    Of a text that is far longer than the context, only a beginning is made tokens: some tokenizers take the square of the time.
    """
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    text, special = render(tokenizer, row["prompt"])
    begin = BEGINNING * (context or 0)
    while context and begin < len(text):
        # the last token of a beginning may differ from that of the whole, so twice the context is waited for
        tokens = len(tokenizer(text[:begin], add_special_tokens=special)["input_ids"])
        if tokens > 2 * context:
            raise _too_long(row, f"more than {tokens}", tokens, longest, context)
        begin *= 4
    ids = list(tokenizer(text, add_special_tokens=special)["input_ids"])
    if context and len(ids) + longest > context:
        raise _too_long(row, str(len(ids)), len(ids), longest, context)
    return ids


def _too_long(row: Row, said: str, tokens: int, longest: int, context: int) -> ConfigError:
    return ConfigError(
        f"the prompt of problem {row.get('id')!r} has {said} tokens, and with {longest} more it would not fit into the model's "
        f"context of {context}",
        f"give --max-new-tokens {context - tokens}, or leave out that problem"
        if tokens < context
        else "leave out that problem (--task-set max_question_chars=N leaves out long questions of a file), or take a model with "
        "a longer context",
    )
