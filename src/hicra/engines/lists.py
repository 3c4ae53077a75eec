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

from hicra.arrays import Array, Bools, as_numpy
from hicra.credit import Assignment
from hicra.credit.border import exact_ids, scored
from hicra.engines.chosen import Choice, default, shaping_of
from hicra.errors import ConfigError, DataError, HicraError, MissingField
from hicra.lexicon import Lexicon

METHOD: str = default("method.name")
BASELINE: str = default("baseline.name")
Settings = Mapping[str, Any]
Rows = Sequence[Any]  # one entry for each rollout
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
        token_ids: the sampled token ids of each rollout, prompts left out.
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
        DataError: lists differ in length, or hold what they cannot hold; the message names argument and rollout.
    """
    if baseline is not None and advantages is not None:
        raise ConfigError(
            "both a baseline and advantages are given, and each of them says what is shaped", "leave one of them out"
        )
    if baseline is None and advantages is None:
        baseline = BASELINE
    chosen = Choice.read({
        "unit": unit, "method": method, "method_settings": dict(method_settings or {}),
        "method_then": [dict(one) for one in method_then], "baseline": baseline,
        "baseline_settings": dict(baseline_settings or {}),
    })  # fmt: skip
    credit = chosen.assignment()
    shaping = shaping_of(credit, lexicon, tokenizer, unit)
    rows = _rows(token_ids, "token_ids")
    for name, given in (("masks", masks), ("rewards", rewards), ("groups", groups)):
        _same_length(given, len(rows), name)
    if not rows:
        return ([], []) if planning else []
    lengths = [len(one) for one in rows]
    values = _of_argument("rewards", lambda: scored(_plain(rewards)))
    live = _flags(masks, lengths)
    more: dict[str, Any] = _policy(credit, lengths, entropies, logprobs)
    made = shaping.generation(
        [],
        ids=_stacked(rows, lengths, np.int64),
        live=live,
        base=np.zeros(len(rows)) if advantages is None else _own(advantages, lengths, live, values),
        rewards=values,
        group_size=1,
        group_ids=_of_argument("groups", lambda: exact_ids(_plain(groups))),
        **more,
    )
    shaped, tagged = made.arrays["advantages"], made.arrays["planning_mask"]
    out = _lists(shaped, live & ~np.isnan(values)[:, None], lengths)
    if not planning:
        return out
    return out, [tagged[row, :length].tolist() for row, length in enumerate(lengths)]


def _policy(credit: Assignment, lengths: list[int], entropies: Any, logprobs: Any) -> dict[str, Array]:
    """Returns the fields of the policy [B,T] that are given; raises MissingField where one is needed and not given."""
    found = {}
    for field, name, given in (("entropies", "entropies", entropies), ("old_logprobs", "logprobs", logprobs)):
        if given is not None:
            _same_length(given, len(lengths), name)
            found[field] = _padded(given, lengths, name)
        elif field in credit.needs:
            raise MissingField(
                f"{credit.name} needs {name}, which is not given", f"give {name}, one number in nats for each token"
            )
    if "kind_weights" in credit.needs:
        raise MissingField(
            f"{credit.name} follows the signal that `hicra train` measures, and here nothing is measured",
            "choose another method (`hicra methods`)",
        )
    return found


def _own(advantages: Rows, lengths: list[int], live: Bools, rewards: Array) -> Array:
    """Returns the caller's advantages, [B] or [B,T]; raises DataError where a scored rollout has one that is not finite."""
    _same_length(advantages, len(lengths), "advantages")
    plain = _plain(advantages)
    one_each = all(np.ndim(one) == 0 for one in plain)
    found = (
        _of_argument("advantages", lambda: np.asarray(plain, np.float64))
        if one_each
        else _padded(advantages, lengths, "advantages")
    )
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


# ---- lists to arrays
def _plain(values: Any) -> Any:
    """Returns a list of what an array, a tensor or any other sequence holds."""
    return values.tolist() if hasattr(values, "tolist") else list(values)


def _same_length(values: Any, count: int, name: str) -> None:
    if isinstance(values, str) or not hasattr(values, "__len__"):
        raise DataError(f"{name} is of type {type(values).__name__}", "give a list with an entry for each rollout")
    if len(values) != count:
        raise DataError(
            f"{name} has {len(values)} entries and token_ids {count}", f"give one entry of {name} for each rollout"
        )


def _rows(values: Rows, name: str) -> list[Array]:
    """Returns each rollout's list as an array of one dimension.

    Raises:
        DataError: there is no list of lists; token ids that are no whole numbers are refused by the tagger.
    """
    if isinstance(values, str) or not hasattr(values, "__len__"):
        raise DataError(f"{name} is of type {type(values).__name__}", "give a list with a list for each rollout")
    out = []
    for number, one in enumerate(values):
        row = as_numpy(one)
        if row.ndim != 1:
            raise DataError(f"{name}: that of rollout {number} has shape {row.shape}", "give a flat list of numbers")
        if row.size and row.dtype.kind not in "iu":
            raise DataError(f"{name}: rollout {number} holds {row.dtype}, no integers", "give the sampled token ids")
        if row.size and row.min() < 0:
            raise DataError(f"{name}: rollout {number} holds the negative id {row.min()}", "give the sampled token ids")
        out.append(row)
    return out


def _flags(masks: Rows, lengths: list[int]) -> Bools:
    """Returns masks as [B,T] bool; raises DataError where one is not as long as its rollout, or holds neither 0 nor 1."""
    rows = _numbers(masks, lengths, "masks")
    for number, row in enumerate(rows):
        if len(wrong := np.flatnonzero((row != 0) & (row != 1))):
            raise DataError(
                f"masks: rollout {number} has {row[wrong[0]]:g} at token {wrong[0]}",
                "give 1 where the policy produced the token, else 0",
            )
    return np.asarray(_stacked([row == 1 for row in rows], lengths, np.bool_))


def _padded(values: Rows, lengths: list[int], name: str) -> Array:
    """Returns lists of numbers as [B,T] float64, padded with 0; None becomes NaN. Raises as `_numbers`."""
    return _stacked(_numbers(values, lengths, name), lengths, np.float64)


def _numbers(values: Rows, lengths: list[int], name: str) -> list[Array]:
    """Returns each rollout's numbers as float64, NaN for None.

    Raises:
        DataError: one has another length than the rollout's token ids, or holds what is no number.
    """
    rows = []
    for number, (one, length) in enumerate(zip(values, lengths, strict=True)):
        try:
            row = np.asarray(as_numpy(one) if hasattr(one, "detach") else one, np.float64)
        except (TypeError, ValueError):
            raise DataError(
                f"{name}: that of rollout {number} is no list of numbers", "give one number for each token"
            ) from None
        if row.shape != (length,):
            raise DataError(
                f"{name}: that of rollout {number} has shape {row.shape}, and the rollout has {length} token ids",
                f"give one entry of {name} for each token id, of the same response and in the same order",
            )
        rows.append(row)
    return rows


def _stacked(rows: list[Array], lengths: list[int], dtype: type) -> Array:
    """Returns rows as [B,T], padded with 0."""
    out: Array = np.zeros((len(rows), max(1, *lengths)), dtype)
    for number, row in enumerate(rows):
        out[number, : lengths[number]] = row
    return out


def _of_argument(name: str, read: Any) -> Array:
    """Calls a function that reads an argument, so that its error names that argument."""
    try:
        found: Array = read()
    except HicraError as error:
        raise DataError(f"{name}: {error.message.removeprefix('group_ids: ')}", error.fix) from None
    except (TypeError, ValueError) as error:
        raise DataError(f"{name}: {error}", "give one number for each rollout") from None
    return found
