"""The border of credit: what comes in is brought to one form and checked once, so that the formulas need not.

Baselines and shapers compute in numpy, and losses in whatever came in, since a gradient flows through them. Outside, all take
numpy or torch and give the same kind, dtype (bfloat16 too) and device.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from hicra.arrays import Array, Bools, Floats, as_flags, as_numpy, as_token_ids, namespace_of
from hicra.errors import DataError

PER_TOKEN = (
    "response_ids", "response_mask", "planning_mask", "entropies", "old_logprobs", "turn_ids", "action_ids", "level_ids",
    "state_ids", "episode_ids", "subgoal_mask", "switch_mask", "critical_mask", "node_id", "parent_id", "n_children",
    "leaf_reward", "values", "waad", "fai",
)  # fields of a batch, [B,T]  # fmt: skip
PER_ROLLOUT = ("group_ids", "rewards", "truncated", "n_tool_calls")  # [B]
PER_KIND = ("kind_weights",)  # [2], planning and execution, one pair for the whole batch
FIELDS = (*PER_TOKEN, *PER_ROLLOUT, *PER_KIND)
ROUNDING = (
    0.25  # nats: bfloat16 has steps of 0.5 between 64 and 128, so a difference of two such logits is off by as much
)
LOOK_AT_BATCH = ", or look at the batch it was given"


def fields(batch: Mapping[str, Any], needs: Sequence[str]) -> dict[str, Array]:
    """Returns the needed fields of a batch as checked numpy arrays.

    Masks come as bool, rewards as float64 with NaN where unscorable, group ids as `exact_ids` gives them, token ids as integers.

    Raises:
        DataError: a field has another shape than the others, or holds what it cannot hold; the message names it.
    """
    arrays: dict[str, Array] = {}
    for field in needs:
        read = exact_ids if field == "group_ids" else scored if field == "rewards" else as_numpy
        arrays[field] = read(batch[field])
    for field in PER_KIND:
        if field in arrays:
            arrays[field] = _per_kind(arrays[field], field)
    if "response_mask" not in arrays:
        return arrays
    live = arrays["response_mask"] = as_flags(arrays["response_mask"], "response_mask")
    check_shapes(arrays, live.shape)
    for field in ("planning_mask", "subgoal_mask", "switch_mask", "critical_mask"):
        if field in arrays:
            arrays[field] = as_flags(arrays[field], field, live)
    if "truncated" in arrays:
        arrays["truncated"] = as_flags(arrays["truncated"], "truncated")
    for field, what in (("entropies", "entropy"), ("old_logprobs", "log-probability")):
        if field in arrays:
            check_finite(arrays[field], live, field, what)
            check_sign(arrays[field], live, field)
    for field, what in (("waad", "attention distance"), ("fai", "attention influence")):
        if field in arrays:
            check_finite(arrays[field], live, field, what, unit="")
    if "response_ids" in arrays:
        arrays["response_ids"] = as_token_ids(arrays["response_ids"], live, "response_ids")
    return arrays


def widened(advantages: Any, shape: Sequence[int], of: str) -> Any:
    """Returns advantages [B] or [B,T] as [B,T], numpy or torch as they are.

    Raises:
        DataError: they do not fit `shape`, which must be the [B,T] of the field `of`.
    """
    if len(shape) != 2:
        raise DataError(f"{of} has shape {tuple(shape)}, it must be [B,T]", "give one row for each rollout")
    given = tuple(advantages.shape)
    if given not in ((shape[0],), tuple(shape)):
        raise DataError(
            f"advantages {given} and {of} {tuple(shape)} differ in shape", "give both as [B,T], or advantages as [B]"
        )
    wide = advantages[:, None] if len(given) == 1 else advantages
    return namespace_of(advantages).broadcast_to(wide, tuple(shape))


def scored(rewards: Any) -> Floats:
    """Returns rewards as float64, NaN where a rollout is unscorable (None or NaN).

    Raises:
        DataError: a reward is infinite, or no number.
    """
    plain = isinstance(rewards, Sequence)
    try:
        found = as_numpy([np.nan if one is None else one for one in rewards] if plain else rewards)
        if found.dtype.kind not in "fiubO":
            raise TypeError(f"they are of type {found.dtype}")
        if text := [one for one in found.flat if isinstance(one, str | bytes)]:
            raise TypeError(f"one is {text[0]!r}")
        values = found.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        said = error.message if isinstance(error, DataError) else error
        raise DataError(f"rewards are no numbers: {said}", "give one number for each rollout, or None") from None
    bad = np.flatnonzero(np.isinf(values))
    if bad.size:
        raise DataError(
            f"reward of row {bad[0]} is {values.flat[bad[0]]} ({bad.size} of {values.size} are infinite)",
            "give a finite number, or None (NaN) where a rollout cannot be scored; never score it 0",
        )
    return values


def exact_ids(group_ids: Any) -> Array:
    """Returns group ids [B] as an array in which exactly those are equal that were equal by type and value.

    An array or a tensor holds its ids exactly and stays as it is. A list may mix types and hold integers of any size, which numpy
    would turn to text or round (1, 1.0 and "1" are three ids), so each of its ids becomes a number.

    Raises:
        DataError: an id is missing (None or NaN), or an entry is a list or anything else that is no id.
    """
    if isinstance(group_ids, Sequence) and not isinstance(group_ids, str | bytes):
        return _numbered(group_ids)
    array = as_numpy(group_ids)
    if array.dtype.kind == "O" and array.ndim == 1:
        return _numbered(array)
    if array.dtype.kind in "fcmM":
        blank = array != array
        if blank.any():
            raise _no_id(int(np.argwhere(blank)[0][0]), array[blank][0])
    return array


def _numbered(group_ids: Any) -> Array:
    numbers: dict[tuple[type, Any], int] = {}
    out = np.empty(len(group_ids), np.int64)
    for row, given in enumerate(group_ids):
        one = given.item() if getattr(given, "ndim", None) == 0 else given  # a scalar of numpy or torch
        if hasattr(one, "ndim") or isinstance(one, tuple) or not isinstance(one, Hashable):
            raise DataError(
                f"group_ids must have shape [B], but row {row} holds a {type(one).__name__}",
                "give one id for each rollout",
            )
        if one is None or (one != one) is not False:  # NaN, and what pandas writes for a missing value
            raise _no_id(row, one)
        out[row] = numbers.setdefault((type(one), one), len(numbers))
    return out


def _no_id(row: int, value: Any) -> DataError:
    return DataError(f"group_ids: the id of row {row} is missing ({value})", "give every rollout the id of its prompt")


def check_finite(values: Array, live: Bools, field: str, what: str, unit: str = " in nats") -> None:
    """Raises DataError, with row and token, where a value of a policy token is no finite number; both are [B,T]."""
    if values.dtype.kind not in "biuf":
        raise DataError(f"{field} are of type {values.dtype}", f"give numbers{unit}")
    bad = live & ~np.isfinite(values)
    if bad.any():
        row, token = np.argwhere(bad)[0]
        raise DataError(
            f"the {what} of row {row}, token {token} is {values[row, token]} "
            f"({np.count_nonzero(bad)} of {np.count_nonzero(live)} policy tokens have none that is finite)",
            f"give finite {field}{unit}, or set response_mask to 0 where there is none",
        )


def check_sign(values: Array, live: Bools, field: str) -> None:
    """Raises DataError, with row and token, where a policy token has a negative entropy, or a log-probability above 0.

    What rounding may do (up to `ROUNDING`) passes, and so does NaN, which `check_finite` looks for.

    Args:
        values: [B,T], nats.
        live: [B,T] bool, the policy tokens.
        field: "entropies" or "old_logprobs".
    """
    entropies = field == "entropies"
    bad = (values < -ROUNDING if entropies else values > ROUNDING) & live
    if bad.any():
        row, token = np.argwhere(bad)[0]
        raise DataError(
            f"the {'entropy' if entropies else 'log-probability'} of row {row}, token {token} is {values[row, token]:g}, "
            f"{'below' if entropies else 'above'} 0 ({np.count_nonzero(bad)} of {np.count_nonzero(live)} policy tokens have such "
            f"a one)",
            "give entropies in nats as they are, 0 or more, with no sign turned" if entropies
            else "give the logarithms of probabilities, 0 or less, and not the losses, which are their negatives",
        )  # fmt: skip


def _per_kind(values: Array, field: str) -> Floats:
    """Returns one number for planning and one for execution, [2], as float64; raises DataError unless they lie in [0, 1]."""
    if values.shape != (2,) or values.dtype.kind not in "biuf":
        raise DataError(
            f"{field} has shape {values.shape} and type {values.dtype}, it must be two numbers",
            "give that of planning, then that of execution",
        )
    numbers = values.astype(np.float64)
    if not ((numbers >= 0) & (numbers <= 1)).all():
        raise DataError(f"{field} is {numbers.tolist()}", "give two numbers in [0, 1], for planning and for execution")
    return numbers


def check_rows(live: Bools, rows: int) -> None:
    """Raises DataError if response_mask [B,T] has another number of rows than the rewards [B]."""
    if len(live) != rows:
        raise DataError(
            f"rewards are of {rows} rollouts and response_mask of {len(live)}", "give one row for each reward"
        )


def check_result(made: Any, shape: tuple[int, ...], live: Bools | None, of: str) -> None:
    """Raises DataError if what a formula gave has another shape, or a policy token that is not finite.

    Args:
        made: what it gave.
        shape: [B,T] or [B], what it must have.
        live: [B,T] bool where only policy tokens count; None counts all.
        of: what the message calls the formula.
    """
    found = getattr(made, "shape", None)
    if found != shape:
        raise DataError(f"{of} gave {type(made).__name__} of shape {found} and must give {shape}", "mend that function")
    bad = ~np.isfinite(made) if live is None else live & ~np.isfinite(made)
    if count := int(np.count_nonzero(bad)):
        place = np.argwhere(bad)[0].tolist()
        where = f"row {place[0]}" + (f", token {place[1]}" if len(place) > 1 else "")
        raise DataError(
            f"{of} gave {made[tuple(place)]} at {where} ({'1 value is' if count == 1 else f'{count} values are'} not finite)",
            f"mend that function{LOOK_AT_BATCH}",
        )


def check_shapes(arrays: Mapping[str, Array], shape: tuple[int, ...]) -> None:
    """Raises DataError, with the field's name, where a field does not fit the [B,T] of response_mask."""
    if len(shape) != 2:
        raise DataError(f"response_mask has shape {shape}, it must be [B,T]", "give one row for each rollout")
    for field, array in arrays.items():
        wanted = shape if field in PER_TOKEN else shape[:1]
        if field in (*PER_TOKEN, *PER_ROLLOUT) and array.shape != wanted:
            letters = "[B,T]" if field in PER_TOKEN else "[B]"
            raise DataError(
                f"{field} has shape {array.shape}, beside response_mask {shape} it must be {wanted}, {letters}",
                "give one value for each token" if field in PER_TOKEN else "give one value for each rollout",
            )


def floats(array: Any) -> Any:
    """Returns an array, numpy or torch, to compute with: half precision becomes float32, so that only the result is rounded."""
    if hasattr(array, "detach"):
        return array if array.is_floating_point() and array.element_size() >= 4 else array.float()
    if array.dtype.kind != "f":
        return array.astype(np.float64)
    return array.astype(np.float32) if array.dtype.itemsize < 4 else array


def cast(result: Any, given: Any) -> Any:
    """Returns a result with the dtype of the array that was given, numpy or torch; integers cannot hold it, and it stays."""
    if hasattr(given, "detach"):
        return result.to(given.dtype) if given.is_floating_point() else result
    return result.astype(given.dtype, copy=False) if given.dtype.kind == "f" else result


def array_of(value: Any) -> Any:
    """Returns a tensor as it is, with its gradient, and anything else as a numpy array."""
    return value if hasattr(value, "detach") else as_numpy(value)


def like(value: Any, other: Any) -> Any:
    """Returns a value as numpy or torch, and on the device, as an array is."""
    if not hasattr(other, "detach"):
        return as_numpy(value)
    return namespace_of(other).as_tensor(value, device=other.device)


def returned_as(result: Array, given: Any) -> Any:
    """Returns a numpy result as what was given: numpy or torch, on its device, with its dtype."""
    if not hasattr(given, "detach"):
        return cast(result, np.asarray(given)) if hasattr(given, "dtype") else result
    return cast(namespace_of(given).from_numpy(np.ascontiguousarray(result)).to(given.device), given)
