"""Tries an entry of one's own on a small batch, so that what it does wrong is said before a model has loaded."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hicra.arrays import Array, as_numpy
from hicra.credit.baseline import Baseline
from hicra.credit.border import FIELDS, LOOK_AT_BATCH, PER_TOKEN
from hicra.credit.entry import Entry
from hicra.credit.loss import Loss
from hicra.credit.method import Method
from hicra.errors import ConfigError, HicraError, did_you_mean

LIVE = np.array(
    [[1, 1, 1, 1, 0], [1, 1, 1, 0, 0], [1, 0, 1, 1, 1], [1, 1, 0, 0, 0]], np.bool_
)  # the third has a tool's output
BASE = np.array([0.75, -0.25, -0.25, -0.25])
TRIED = "(tried on 4 made-up rollouts of up to 5 tokens)"


def batch_of(needs: tuple[str, ...]) -> dict[str, Array]:
    """Returns a batch of four rollouts of one group, 0/1 rewards, with these fields."""
    rng = np.random.default_rng(0)
    made: dict[str, Array] = {
        "response_mask": LIVE, "response_ids": rng.integers(0, 9, LIVE.shape), "rewards": np.array([1.0, 0.0, 0.0, 0.0]),
        "group_ids": np.zeros(4, np.int64), "planning_mask": (rng.random(LIVE.shape) < 0.5) & LIVE,
        "entropies": rng.exponential(0.5, LIVE.shape), "old_logprobs": -rng.exponential(0.5, LIVE.shape),
        "truncated": np.array([False, False, True, False]), "n_tool_calls": np.array([0, 0, 1, 0]),
        "kind_weights": np.array([0.75, 0.25]), "episode_ids": np.broadcast_to(np.arange(4)[:, None], LIVE.shape).copy(),
    }  # fmt: skip
    for field in PER_TOKEN:
        made.setdefault(field, np.zeros(LIVE.shape, np.int64))
    return {field: made[field] for field in needs if field in FIELDS}


def try_out(entry: Entry, settings: Mapping[str, Any]) -> None:
    """Runs an entry once on a small batch; with torch at hand, a loss gets tensors, and its gradient is looked at too.

    Raises:
        ConfigError: it raises, gives another shape or a value that is not finite, or writes into the batch; a shaper gives no
            floats, or changes tokens that the policy did not produce; no gradient of a loss reaches logps, or one that is not
            finite.
    """
    if {*entry.needs} - {*FIELDS}:
        return  # a field that only its user's engine knows
    try:
        _tried(entry, dict(settings))
    except HicraError as error:
        said = error.message if entry.name in error.message else f"{entry.name}: {error.message}"
        raise ConfigError(f"{said} {TRIED}", error.fix.replace(LOOK_AT_BATCH, "")) from error
    except Exception as error:
        said, fix = _explained(entry, error)
        raise ConfigError(f"{entry.name} {said} {TRIED}", fix) from error


def _explained(entry: Entry, error: Exception) -> tuple[str, str]:
    """Says what an error of the function comes from, and what to do about it."""
    said = f"fails: {type(error).__name__}: {error}"
    field = error.args[0] if isinstance(error, KeyError) and error.args else None
    if isinstance(entry, Loss):
        if field is not None:
            return said, (
                "its batch holds the fields of its entry's `needs` alone, which in training can be entropies; let a shaper put "
                "what other fields say into the advantages"
            )
        numpy = "numpy()" in str(error)  # torch's own advice is detach(), which would train nothing
        if numpy or isinstance(error, TypeError):
            return "calls a function of numpy on a tensor with a gradient" if numpy else said, (
                "a loss gets torch tensors in training: write it with torch, or for both with xp = "
                "hicra.arrays.namespace_of(logps), as in xp.exp(logps)"
            )
    elif field in {*FIELDS} - {*entry.needs}:
        fields = ", ".join(repr(one) for one in (*entry.needs, field))
        return f"reads {field}, which is not among the fields that it gets", (
            f"name an entry: MINE = credit.{type(entry).__name__}('mine', the_function, 'its source', needs=({fields}))"
        )
    elif isinstance(field, str):
        return (
            said,
            f"its batch holds {', '.join(entry.needs) or 'nothing'}; {did_you_mean(field, FIELDS)}",
        )
    return said, "mend that function"


def _tried(entry: Entry, settings: dict[str, Any]) -> None:
    batch = batch_of(entry.needs)
    before = copy.deepcopy(batch)
    if isinstance(entry, Method):
        entry(BASE, batch, **settings)
        _check_shaped(np.asarray(entry.function(np.where(LIVE, BASE[:, None], 0.0), batch, **settings)))
    elif isinstance(entry, Baseline):
        groups = np.zeros(4, np.int64)
        entry(np.array([1.0, 0.0, 0.0, 0.0]), groups, batch, **settings)
        batch, before = batch | {"group_ids": groups}, before | {"group_ids": np.zeros(4, np.int64)}
    elif isinstance(entry, Loss):
        _try_loss(entry, batch, settings)
    if changed := [field for field in batch if not np.array_equal(batch[field], before[field])]:
        raise ConfigError(f"it writes into {changed[0]}", "work on a copy")


def _check_shaped(made: Array) -> None:
    if made.dtype.kind != "f":
        raise ConfigError(
            f"it gives numbers of type {made.dtype}, and advantages are floats",
            "give floats, for example by .astype(advantages.dtype); to integers, advantages would be cut",
        )
    if made[~LIVE].any():
        row, token = np.argwhere((made != 0) & ~LIVE)[0]
        raise ConfigError(
            f"it changes row {row}, token {token}, which the policy did not produce",
            "change an advantage only where batch['response_mask'] is true",
        )


def _try_loss(entry: Loss, batch: Mapping[str, Array], settings: dict[str, Any]) -> None:
    kind, has_gradient = _tensors()  # what trains has tensors, so a loss may be written for them alone
    logps, advantages = kind(np.where(LIVE, -0.5, 0.0)), kind(np.where(LIVE, BASE[:, None], 0.0))
    old_logps = kind(np.where(LIVE, [-0.4, -0.6, -0.4, -0.6, -0.4], 0.0))  # ratios on both sides of 1
    given = {field: kind(value) for field, value in batch.items()}
    if has_gradient:
        for one in (logps, *(given[field] for field in ("entropies",) if field in given)):
            one.requires_grad_()  # as in training, where both come from one forward pass
    losses = entry.tokens(logps, old_logps, advantages, kind(LIVE), given, **settings)
    if not np.isfinite(as_numpy(losses)[LIVE]).all():
        raise ConfigError("it gives a loss that is not finite", "look at what it divides by or takes the logarithm of")
    if not has_gradient:
        return
    if getattr(losses, "requires_grad", False):
        losses[kind(LIVE)].sum().backward()
    slope = np.zeros(LIVE.shape) if logps.grad is None else as_numpy(logps.grad)
    if not np.isfinite(slope).all():
        row, token = np.argwhere(~np.isfinite(slope))[0]
        raise ConfigError(
            f"its gradient is {slope[row, token]} at row {row}, token {token}",
            "look at roots, logarithms and quotients: a gradient is taken of both branches of a `where`",
        )
    if not slope[LIVE].any():
        raise ConfigError(
            "no gradient of its loss reaches logps, so it would train nothing",
            "compute it from logps and the advantages with torch, without detach(), numpy or a product with 0",
        )


def _tensors() -> tuple[Callable[[Array], Any], bool]:
    """Returns what makes a torch tensor of an array, and True, where torch is installed; else what returns the array."""
    try:
        return importlib.import_module("torch").from_numpy, True
    except ImportError:
        return lambda array: array, False
