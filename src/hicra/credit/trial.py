"""Tries an entry of one's own on a small batch, so that what it does wrong is said before a model has loaded."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hicra.arrays import Array, as_numpy
from hicra.credit.baseline import Baseline
from hicra.credit.border import PER_ROLLOUT, PER_TOKEN
from hicra.credit.entry import Entry
from hicra.credit.loss import Loss
from hicra.credit.method import Method
from hicra.errors import ConfigError, HicraError

LIVE = np.array(
    [[1, 1, 1, 1, 0], [1, 1, 1, 0, 0], [1, 0, 1, 1, 1], [1, 1, 0, 0, 0]], np.bool_
)  # the third has a tool's output
BASE = np.array([0.75, -0.25, -0.25, -0.25])


def batch_of(needs: tuple[str, ...]) -> dict[str, Array]:
    """Returns a batch of four rollouts of one group, 0/1 rewards, with these fields."""
    rng = np.random.default_rng(0)
    made: dict[str, Array] = {
        "response_mask": LIVE, "response_ids": rng.integers(0, 9, LIVE.shape), "rewards": np.array([1.0, 0.0, 0.0, 0.0]),
        "group_ids": np.zeros(4, np.int64), "planning_mask": (rng.random(LIVE.shape) < 0.5) & LIVE,
        "entropies": rng.exponential(0.5, LIVE.shape), "old_logprobs": -rng.exponential(0.5, LIVE.shape),
        "truncated": np.array([False, False, True, False]), "n_tool_calls": np.array([0, 0, 1, 0]),
    }  # fmt: skip
    for field in PER_TOKEN:
        made.setdefault(field, np.zeros(LIVE.shape, np.int64))
    return {field: made[field] for field in needs if field in {*PER_TOKEN, *PER_ROLLOUT}}


def try_out(entry: Entry, settings: Mapping[str, Any]) -> None:
    """Runs an entry once on a small batch.

    Raises:
        ConfigError: it raises, gives another shape or a value that is not finite, writes into what it is given, or a shaper
            changes tokens that the policy did not produce.
    """
    if {*entry.needs} - {*PER_TOKEN, *PER_ROLLOUT}:
        return  # a field that only its user's engine knows
    try:
        _tried(entry, dict(settings))
    except HicraError as error:
        raise ConfigError(f"{entry.name}: {error.message}", error.fix) from error
    except Exception as error:
        raise ConfigError(
            f"{entry.name} fails on a batch of 4 rollouts x 5 tokens: {type(error).__name__}: {error}",
            "mend that function",
        ) from error


def _tried(entry: Entry, settings: dict[str, Any]) -> None:
    batch = batch_of(entry.needs)
    before = copy.deepcopy(batch)
    if isinstance(entry, Method):
        wide = np.where(LIVE, BASE[:, None], 0.0)
        entry(BASE, batch, **settings)
        made = np.asarray(entry.function(wide.copy(), batch, **settings))
        if made[~LIVE].any():
            row, token = np.argwhere((made != 0) & ~LIVE)[0]
            raise ConfigError(
                f"it changes row {row}, token {token}, which the policy did not produce",
                "change an advantage only where batch['response_mask'] is true",
            )
    elif isinstance(entry, Baseline):
        rewards = np.array([1.0, 0.0, 0.0, 0.0])
        entry(rewards, np.zeros(4, np.int64), batch, **settings)
    elif isinstance(entry, Loss):
        kind = _tensors()  # what trains has tensors, so a loss may be written for them alone
        logps, advantages = kind(np.where(LIVE, -0.5, 0.0)), kind(np.where(LIVE, BASE[:, None], 0.0))
        given = {field: kind(value) for field, value in batch.items()}
        losses = as_numpy(entry.tokens(logps, logps - 0.1, advantages, kind(LIVE), given, **settings))
        if not np.isfinite(losses[LIVE]).all():
            raise ConfigError(
                "it gives a loss that is not finite", "look at what it divides by or takes the logarithm of"
            )
    if changed := [field for field in batch if not np.array_equal(batch[field], before[field])]:
        raise ConfigError(f"it writes into {changed[0]}", "work on a copy")


def _tensors() -> Callable[[Array], Any]:
    """Returns what makes a torch tensor of an array, where torch is installed, else the array."""
    try:
        make: Callable[[Array], Any] = importlib.import_module("torch").from_numpy
    except ImportError:
        return lambda array: array
    return make
