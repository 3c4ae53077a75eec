"""Credit for any trainer that keeps rollouts as lists: token ids, masks and rewards in, one advantage for each token out.

    from hicra.engines import shape_rollouts
    advantages = shape_rollouts(token_ids, masks, rewards, groups, tokenizer, "paper")

Padding is done in here, and neither it nor the order of the rollouts matters. Nothing but numpy is imported.

Deviations:
ENGINE-1. A token without an advantage is None and not 0: one that the policy did not produce, and each token of a rollout that
    could not be scored. A 0 says that the token was judged and is worth nothing; a trainer that cannot tell the two apart turns
    None into 0 itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np

from hicra.arrays import Array, Bools
from hicra.credit import Assignment
from hicra.credit.border import exact_ids, scored
from hicra.engines.chosen import Choice, default, shaping_of
from hicra.engines.listed import (
    Rows,
    id_rows,
    numbers_of,
    of_argument,
    one_each_of,
    padded_flags,
    padded_ids,
    padded_numbers,
    same_length,
)
from hicra.errors import ConfigError, DataError, MissingField
from hicra.lexicon import Lexicon

METHOD: str = default("method.name")
BASELINE: str = default("baseline.name")
Settings = Mapping[str, Any]
Advantages = list[list[float | None]]
Masks = list[list[bool]]


@overload
def shape_rollouts(
    token_ids: Rows, masks: Rows, rewards: Rows, groups: Rows, tokenizer: Any, lexicon: Lexicon | str | Path,
    method: str = ..., *, method_settings: Settings | None = ..., method_then: Sequence[Settings] = ...,
    baseline: str | None = ..., baseline_settings: Settings | None = ..., unit: str | None = ..., advantages: Rows | None = ...,
    entropies: Rows | None = ..., logprobs: Rows | None = ..., planning: Literal[False] = ...,
) -> Advantages: ...  # fmt: skip
@overload
def shape_rollouts(
    token_ids: Rows, masks: Rows, rewards: Rows, groups: Rows, tokenizer: Any, lexicon: Lexicon | str | Path,
    method: str = ..., *, method_settings: Settings | None = ..., method_then: Sequence[Settings] = ...,
    baseline: str | None = ..., baseline_settings: Settings | None = ..., unit: str | None = ..., advantages: Rows | None = ...,
    entropies: Rows | None = ..., logprobs: Rows | None = ..., planning: Literal[True],
) -> tuple[Advantages, Masks]: ...  # fmt: skip
def shape_rollouts(
    token_ids: Rows,
    masks: Rows,
    rewards: Rows,
    groups: Rows,
    tokenizer: Any,
    lexicon: Lexicon | str | Path,
    method: str = METHOD,
    *,
    method_settings: Settings | None = None,
    method_then: Sequence[Settings] = (),
    baseline: str | None = None,
    baseline_settings: Settings | None = None,
    unit: str | None = None,
    advantages: Rows | None = None,
    entropies: Rows | None = None,
    logprobs: Rows | None = None,
    planning: bool = False,
) -> Advantages | tuple[Advantages, Masks]:
    """Tags rollouts, computes their advantages and shapes them.

    A rollout's lists are lists of numbers, or arrays or tensors of one dimension. All of a batch belongs into one call: a
    baseline compares the rollouts of a group. What a tokenizer needs is made in the first call and kept for the next.

    Args:
        token_ids: the sampled token ids of each rollout, prompts left out. What stands where the mask is 0 may be any integer.
        masks: for each of these ids 1 (or true) where the policy produced it, 0 where a tool or the environment did.
        rewards: one number for each rollout; None or NaN where it could not be scored.
        groups: one id for each rollout, equal where rollouts answer the same prompt: integers or text.
        tokenizer: what `Tagger` takes: a folder, a transformers tokenizer, a tokenizers.Tokenizer, a table `{id: bytes}`.
        lexicon: what marks the planning tokens: a `Lexicon`, a built-in name, a lexicon folder or a text file.
        method, method_settings: a shaper of `hicra methods`, or `module:function`, and its settings.
        method_then: further shapers, a list of {"name": ..., "settings": {...}}, applied after it in this order.
        baseline, baseline_settings: a baseline of `hicra methods`, or `module:function`, and its settings; None takes
            `advantages`, and where there are none the default of `hicra train`.
        unit: the span type, "gram" or "sentence"; None takes what the lexicon is made for.
        advantages: your own advantages before shaping, one number for each rollout, or one for each token.
        entropies, logprobs: for each token, in nats, of the policy that sampled; for methods that need them.
        planning: whether the planning masks are given as well.

    Returns:
        One list for each rollout, with one entry for each of its tokens: the advantage (float64), or None where it has none
        (ENGINE-1). With `planning=True` a pair of these and the planning masks, true or false.

    Raises:
        ConfigError: a name, a setting, the lexicon or the tokenizer is refused, or baseline and advantages are both given.
        MissingField: the method needs entropies or logprobs, and they are not given.
        DataError: lists differ in length, or hold what they cannot hold, such as a negative entropy; the message names argument
            and rollout.
    """
    if baseline is not None and advantages is not None:
        raise ConfigError(
            "both a baseline and advantages are given, and each of them says what is shaped", "leave one of them out"
        )
    if baseline is None and advantages is None:
        baseline = BASELINE
    chosen = Choice.read({
        "unit": unit, "method": method, "method_settings": {} if method_settings is None else method_settings,
        "method_then": method_then, "baseline": baseline,
        "baseline_settings": {} if baseline_settings is None else baseline_settings,
    })  # fmt: skip
    credit = chosen.assignment()
    policy = _policy(credit, entropies, logprobs)
    shaping = shaping_of(credit, lexicon, tokenizer, unit)
    rows = id_rows(token_ids, "token_ids")
    for name, given in (("masks", masks), ("rewards", rewards), ("groups", groups)):
        same_length(given, len(rows), name)
    if not rows:
        return ([], []) if planning else []
    lengths = [len(one) for one in rows]
    values = of_argument("rewards", lambda: scored(one_each_of(rewards, "rewards")))
    live = padded_flags(masks, lengths)
    more: dict[str, Any] = {field: padded_numbers(given, lengths, name) for field, (name, given) in policy.items()}
    made = shaping.generation(
        [],
        ids=padded_ids(rows, lengths, live),
        live=live,
        base=np.zeros(len(rows)) if advantages is None else _own(advantages, lengths, live, values),
        rewards=values,
        group_size=1,
        group_ids=of_argument("groups", lambda: exact_ids(one_each_of(groups, "groups"))),
        **more,
    )
    shaped, tagged = made.arrays["advantages"], made.arrays["planning_mask"]
    out = _lists(shaped, live & ~np.isnan(values)[:, None], lengths)
    if not planning:
        return out
    return out, [tagged[row, :length].tolist() for row, length in enumerate(lengths)]


def _policy(credit: Assignment, entropies: Any, logprobs: Any) -> dict[str, tuple[str, Any]]:
    """Returns the fields of the policy that are given, each with the name of its argument.

    Raises:
        MissingField: one is needed and not given, or what is needed can be given by nobody here.
    """
    if "kind_weights" in credit.needs:
        raise MissingField(
            f"{credit.name} follows the signal that `hicra train` measures, and here nothing is measured",
            "choose another method (`hicra methods`)",
        )
    found = {}
    for field, name, given in (("entropies", "entropies", entropies), ("old_logprobs", "logprobs", logprobs)):
        if given is not None:
            found[field] = name, given
        elif field in credit.needs:
            raise MissingField(
                f"{credit.name} needs {name}, which is not given", f"give {name}, one number in nats for each token"
            )
    return found


def _own(advantages: Rows, lengths: list[int], live: Bools, rewards: Array) -> Array:
    """Returns the caller's advantages, [B] or [B,T]; raises DataError where a scored rollout has one that is not finite."""
    same_length(advantages, len(lengths), "advantages")
    one_each = all(np.ndim(one) == 0 for one in advantages)
    if one_each:
        found: Array = of_argument("advantages", lambda: numbers_of(one_each_of(advantages, "advantages")))
    else:
        found = padded_numbers(advantages, lengths, "advantages")
    counted = ~np.isnan(rewards)
    counted = counted if one_each else live & counted[:, None]
    if len(bad := np.argwhere(counted & ~np.isfinite(found))):
        where = f"rollout {bad[0][0]}" + ("" if one_each else f", token {bad[0][1]}")
        raise DataError(
            f"advantages: that of {where} is no finite number",
            "give a number, or None as the reward of a rollout that cannot be scored",
        )
    return np.where(np.isfinite(found), found, 0.0)


def _lists(shaped: Array, assigned: Bools, lengths: list[int]) -> Advantages:
    """Cuts [B,T] into a list for each rollout, None where no advantage is assigned."""
    out: Advantages = []
    for row, length in enumerate(lengths):
        values: list[float | None] = shaped[row, :length].tolist()
        for token in np.flatnonzero(~assigned[row, :length]).tolist():
            values[token] = None
        out.append(values)
    return out
