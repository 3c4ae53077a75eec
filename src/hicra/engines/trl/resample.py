"""DAPO's dynamic sampling on TRL: groups whose rewards are all equal are replaced by groups of other prompts, before the loss.

A group without spread has advantages of 0 and gives no gradient. After a generation, as many further prompts are sampled as there
are such groups; each new group with spread takes the place of one of them; and so on, until none is left or `most_rounds` further
generations were made. What is left then stays as it is.

Deviations (from DAPO, Yu et al. 2025, arXiv:2503.14476):
DAPO-2. DAPO samples whole batches in the order of its data until enough groups have spread, and drops the surplus. Here only as
    many prompts are sampled again as are missing, drawn from all training prompts but those of the step. The draw depends on
    the seed, the step and the round alone, so that a resumed run makes the same ones.
DAPO-3. Metrics of rewards (`hicra/accuracy`, `hicra/reward`, `hicra/pass_at_K`, `hicra/mixed_groups`, and TRL's own) are those of
    the first generation of a step: what was sampled until it had spread says nothing about the policy. Lengths, planning
    shares and entropies are those of the rollouts that are trained on.
DAPO-4. DAPO looks at how many answers are right; here it is the reward with all its parts, since it decides about the advantages.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from hicra.arrays import Array, Bools, Ints
from hicra.errors import ConfigError, EngineError

FROM_THE_LEFT = ("prompt_ids", "prompt_mask")
BY_TOKEN = (
    "completion_ids", "completion_mask", "tool_mask", "old_per_token_logps", "ref_per_token_logps", "sampling_per_token_logps",
    "importance_sampling_ratio",
)  # fmt: skip
KNOWN = {*FROM_THE_LEFT, *BY_TOKEN, "advantages", "num_items_in_batch"}


@dataclass(frozen=True)
class Sampled:
    """One generation of one process.

    Attributes:
        inputs: the dataset rows, one per rollout.
        out: TRL's batch.
        rewards, correct: [B], NaN where unscorable or unknown.
    """

    inputs: list[dict[str, Any]]
    out: dict[str, Any]
    rewards: Array
    correct: Array


class Resampler:
    """Replaces the groups of a generation that give no gradient.

    Args:
        trainer: the trainer with HicraMixin.
        most_rounds: most further generations of a step, at least 1.

    Raises:
        ConfigError: several processes, data without a length, or advantages that a whole batch decides about.
    """

    def __init__(self, trainer: Any, most_rounds: int) -> None:
        self.trainer, self.most_rounds = trainer, most_rounds
        self._rounds: list[int] = []
        self._replaced: list[float] = []
        if trainer.accelerator.num_processes > 1:
            raise ConfigError(
                "train.dynamic_sampling works in one process, and there are "
                f"{trainer.accelerator.num_processes}: each would need another number of generations",
                "set train.dynamic_sampling to 0",
            )
        if not hasattr(trainer.train_dataset, "__len__"):
            raise ConfigError("train.dynamic_sampling needs training data with a length", "give a datasets.Dataset")
        by_batch = trainer.multi_objective_aggregation != "sum_then_normalize" or trainer.scale_rewards == "batch"
        if by_batch and trainer.hicra_shaping.credit.baseline is None:
            raise ConfigError(
                "train.dynamic_sampling puts groups of several generations together, and TRL's advantages are scaled by one "
                "whole generation",
                "name a baseline, or set scale_rewards to 'group' or 'none'",
            )

    def __call__(self, first: Sampled, sample: Callable[[list[dict[str, Any]]], Sampled]) -> Sampled:
        """Returns the generation to train on; all its groups have spread, where the rounds sufficed.

        Args:
            first: the first generation of the step.
            sample: samples rollouts for dataset rows, of which each stands there once for every rollout of its group.
        """
        size = self.trainer.num_generations
        flat = np.flatnonzero(without_spread(first.rewards, size))
        batch, wanted, rounds = first, len(flat), 1
        taken = {repr(row["prompt"]) for row in first.inputs}
        kept = self._metrics_now() if wanted else None
        while len(flat) and rounds <= self.most_rounds:
            rows = self._drawn(len(flat), rounds, taken)
            if not rows:
                break
            more = sample([dict(row) for row in rows for _ in range(size)])
            rounds += 1
            good = np.flatnonzero(~without_spread(more.rewards, size))
            batch = merged(
                batch, more, _rows(flat[: len(good)], size), _rows(good, size), self.trainer._tokenizer.pad_token_id
            )
            flat = flat[len(good) :]
        if kept is not None:
            self._put_back(kept)
        self._rounds.append(rounds)
        self._replaced.append((wanted - len(flat)) * size / len(first.rewards))
        return batch

    def logged(self) -> dict[str, float]:
        """Returns the metrics of the generations since this was last called, by the names of the metrics table."""
        if not self._rounds:
            return {}
        found = {
            "hicra/sampling_rounds": float(np.mean(self._rounds)),
            "hicra/groups_replaced": float(np.mean(self._replaced)),
        }
        self._rounds, self._replaced = [], []
        return found

    def _drawn(self, count: int, round_: int, taken: set[str]) -> list[dict[str, Any]]:
        """Draws rows of the training data whose prompts are not in `taken`, and adds them there; fewer where it has no more."""
        trainer, data = self.trainer, self.trainer.train_dataset
        generation = trainer.hicra_generation_number()
        seed = trainer.args.seed if trainer.args.data_seed is None else trainer.args.data_seed
        rows: list[dict[str, Any]] = []
        for index in np.random.default_rng([seed, generation, round_]).permutation(len(data)):
            if len(rows) == count:
                break
            row = data[int(index)]
            if repr(row["prompt"]) not in taken:
                taken.add(repr(row["prompt"]))
                rows.append(row)
        return rows

    def _metrics_now(self) -> tuple[dict[str, list[Any]], Any]:
        values = {name: list(values) for name, values in self.trainer._metrics["train"].items()}
        return values, copy.deepcopy(self.trainer._logs)

    def _put_back(self, kept: tuple[dict[str, list[Any]], Any]) -> None:
        """Makes TRL's metrics those of the first generation again; the tokens that were seen stay counted."""
        values, self.trainer._logs = kept
        seen = self.trainer._metrics["train"].get("num_tokens")
        self.trainer._metrics["train"].clear()
        self.trainer._metrics["train"].update(values | ({"num_tokens": seen} if seen else {}))


def without_spread(rewards: Array, size: int) -> Bools:
    """Says which groups [B/size] of rewards [B] (NaN where unscorable) have fewer than two different ones.

    >>> without_spread(np.array([1, 0, 1, 1, np.nan, 1, np.nan, np.nan]), 2).tolist()
    [False, True, True, True]
    """
    groups = rewards.reshape(-1, size)
    low = np.where(np.isnan(groups), np.inf, groups).min(axis=1)
    high = np.where(np.isnan(groups), -np.inf, groups).max(axis=1)
    flat: Bools = ~(low < high)
    return flat


def merged(batch: Sampled, more: Sampled, into: Ints, source: Ints, pad: int) -> Sampled:
    """Puts rows of one generation in the place of rows of another.

    Args:
        batch, more: the generations.
        into, source: [R] row numbers: row source[i] of `more` takes the place of row into[i] of `batch`.
        pad: the id of the pad token.

    Raises:
        EngineError: the batches hold other fields than text has.
    """
    if batch.out.keys() != more.out.keys() or not batch.out.keys() <= KNOWN:
        odd = sorted((batch.out.keys() ^ more.out.keys()) or (batch.out.keys() - KNOWN))
        raise EngineError(
            f"dynamic sampling cannot put two generations together that hold {', '.join(odd)}",
            "set train.dynamic_sampling to 0; it works on text",
        )
    if not len(into):
        return batch
    out = {}
    for key, value in batch.out.items():
        if not value.ndim:
            continue
        fill = pad if key.endswith("_ids") else 1 if key == "tool_mask" else 0
        width = max(value.shape[-1], more.out[key].shape[-1])
        one, two = (_widened(each, width, fill, key in FROM_THE_LEFT) for each in (value, more.out[key]))
        out[key] = one.clone()
        out[key][into] = two[source]
    live = out["completion_mask"] * out["tool_mask"] if "tool_mask" in out else out["completion_mask"]
    out["num_items_in_batch"] = live.sum().to(batch.out["num_items_in_batch"].dtype)
    inputs, rewards, correct = list(batch.inputs), batch.rewards.copy(), batch.correct.copy()
    for row, of in zip(into, source, strict=True):
        inputs[row] = more.inputs[of]
    rewards[into], correct[into] = more.rewards[source], more.correct[source]
    return Sampled(inputs, out, rewards, correct)


def _widened(value: Any, width: int, fill: int, left: bool) -> Any:
    """Pads [B,T] to [B,width]; [B] stays as it is."""
    if value.ndim == 1:
        return value
    missing = width - value.shape[1]
    return torch.nn.functional.pad(value, (missing, 0) if left else (0, missing), value=fill)


def _rows(groups: Ints, size: int) -> Ints:
    """Returns the row numbers of groups of that size."""
    found: Ints = (groups[:, None] * size + np.arange(size)).ravel()
    return found
