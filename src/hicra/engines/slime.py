"""HICRA in slime, by one flag: `--custom-advantage-function-path hicra.engines.slime.shape`.

slime calls the function with its arguments and the rollouts of one data-parallel rank, on the last pipeline stage, after the KL.
Shaped is what slime would itself put into `advantages` for `--advantage-estimator grpo`. Lexicon and method stand under the key
`hicra` of the YAML file that `--custom-config-path` names, with the keys of `hicra.engines.chosen`:

    hicra:
      lexicon: paper
      method_settings: {alpha: 0.1}

Tokens and loss masks are whole on every rank, log-probabilities are slices under context parallelism. So the mask is found on the
whole response, and then cut by slime's own function. torch is imported when the function is called, and slime only where a rank
holds slices.

Deviations:
ENGINE-2. The advantage before shaping is the reward that slime has already compared within its group (`rewards_normalization`,
    done where all rollouts are at hand). A rank sees its own rollouts alone, so baselines and methods that look beyond a row are
    refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hicra.arrays import Array, Bools, as_flags, as_numpy
from hicra.credit import Assignment
from hicra.engines.chosen import SECTION, Choice, announce, shaping_of
from hicra.engines.listed import id_rows, numbers_of, of_argument, one_each_of
from hicra.errors import ConfigError, DataError, EngineError

OTHERS = (
    "ppo",
    "reinforce_plus_plus",
    "reinforce_plus_plus_baseline",
)  # their advantage is more than a reward compared
READ = ("response_lengths", "tokens", "loss_masks", "rewards", "total_lengths", "kl")  # of rollout_data
OTHER_SLIME = "this version of slime is not the one that hicra was tested with: see docs/engines/slime.md"
HAVE = ("response_ids", "response_mask", "planning_mask", "group_ids", "rewards")


def shape(args: Any, rollout_data: dict[str, Any]) -> None:
    """Sets `advantages` (shaped), `returns` (before shaping) and `planning_mask`: a tensor for each rollout, float32.

    slime logs the mean of each, so `rollout/planning_mask` is the planning share, and `rollout/advantages` beside
    `rollout/returns` shows what shaping adds.

    Args:
        args: slime's arguments; of them `hf_checkpoint`, `advantage_estimator`, `normalize_advantages` and `hicra` are read.
        rollout_data: `tokens` (prompt and response of each rollout), `response_lengths`, `total_lengths`, `loss_masks` (of the
            response), `rewards` and `kl` (of this rank's slice of the response), a list each.

    Raises:
        ConfigError: a key under `hicra` is refused, or an argument of slime does not go with shaping.
        DataError: a list is missing or has another length, a loss mask holds neither 0 nor 1, or a reward is no finite number.
        EngineError: slime has no function that cuts a response, or its slices are not as long as its own KL.
    """
    import torch

    chosen = Choice.read(getattr(args, SECTION, None), SECTION)
    credit = chosen.assignment(HAVE, "slime")
    _refuse(args, credit)
    ids, live, rewards = _arrays(rollout_data)
    shaping = shaping_of(credit, chosen.lexicon, args.hf_checkpoint, chosen.unit)
    announce(credit, shaping.lexicon, "slime")
    made = shaping.generation([], ids=ids, live=live, base=rewards, rewards=rewards.astype(np.float64), group_size=1)
    fields = {
        "advantages": made.arrays["advantages"],
        "returns": np.broadcast_to(rewards[:, None], ids.shape),
        "planning_mask": made.arrays["planning_mask"],
    }
    for name, values in fields.items():
        rows = zip(
            values, rollout_data["total_lengths"], rollout_data["response_lengths"], rollout_data["kl"], strict=True
        )
        rollout_data[name] = [
            _sliced(torch.from_numpy(row[:length].astype(np.float32)), total, length, kl)
            for row, total, length, kl in rows
        ]


def _refuse(args: Any, credit: Assignment) -> None:
    """Raises ConfigError where an argument of slime does not go with shaping."""
    if args.advantage_estimator in OTHERS:
        raise ConfigError(
            f"--advantage-estimator {args.advantage_estimator} computes other advantages than hicra shapes in slime",
            f"choose one that compares the rewards of a group, none of {', '.join(OTHERS)}",
        )
    if getattr(args, "normalize_advantages", False):
        raise ConfigError(
            "--normalize-advantages centres and scales the advantages after shaping, which undoes a part of it",
            "leave it out: slime compares rewards within their group before",
        )
    if credit.wide:
        names = [credit.baseline.entry.name] if credit.baseline else []
        names += [one.entry.name for one in credit.shapers if one.entry.scope == "batch"]
        raise ConfigError(
            f"{names[0]} compares rollouts with each other, and slime gives a data-parallel rank only its own",
            "choose a method that looks at one rollout at a time (`hicra methods NAME` says it; a function of your own needs an "
            "entry, docs/how-to/own-method.md), and no baseline of hicra",
        )


def _arrays(data: Mapping[str, Any]) -> tuple[Array, Bools, Array]:
    """Returns token ids and policy tokens [B,T] of the responses, and the rewards [B] float32, which slime has compared."""
    if absent := [name for name in READ if data.get(name) is None]:
        raise DataError(
            f"rollout_data has no {absent[0]!r}", "call this from slime's compute_advantages_and_returns alone"
        )
    lengths = data["response_lengths"]
    for name in READ:
        if len(data[name]) != len(lengths):
            raise DataError(
                f"rollout_data[{name!r}] has {len(data[name])} entries and response_lengths {len(lengths)}",
                "call this from slime's compute_advantages_and_returns alone",
            )
    ids = np.zeros((len(lengths), max([1, *lengths])), np.int64)
    live = np.zeros(ids.shape, np.bool_)
    rows = zip(id_rows(data["tokens"], "tokens"), data["loss_masks"], lengths, data["total_lengths"], strict=True)
    for row, (tokens, mask, length, total) in enumerate(rows):
        mask = as_flags(as_numpy(mask), f"the loss mask of rollout {row} of this rank")
        if mask.shape != (length,) or len(tokens) != total or total < length:
            raise DataError(
                f"rollout {row} of this rank: {len(tokens)} tokens, a total length of {total}, a response of {length} and a loss "
                f"mask of shape {mask.shape}",
                "check the function of --custom-generate-function-path: a loss mask has one entry for each token of the response",
            )
        ids[row, :length], live[row, :length] = tokens[total - length :], mask
    given = of_argument("rewards", lambda: numbers_of(one_each_of(data["rewards"], "rewards")))
    if len(bad := np.flatnonzero(~(np.abs(given) <= np.finfo(np.float32).max))):
        raise DataError(
            f"the reward of rollout {bad[0]} of this rank is {given[bad[0]]:g}",
            "drop rollouts that cannot be scored (remove_sample) before slime compares rewards within their group",
        )
    return ids, live, given.astype(np.float32)


def _sliced(values: Any, total: int, length: int, kl: Any) -> Any:
    """Returns the part of a response's values [length] that this rank of context parallelism holds, as its KL is."""
    if len(kl) != length:
        try:
            from slime.backends.megatron_utils.cp_utils import slice_log_prob_with_cp
        except ImportError as error:
            raise EngineError(f"slime's function that cuts a response is not found: {error}", OTHER_SLIME) from None
        values = slice_log_prob_with_cp(values, total, length)
    if values.shape != kl.shape:
        raise EngineError(
            f"slime cuts a response of {length} tokens to {len(values)}, and its KL has {len(kl)}",
            OTHER_SLIME,
        )
    return values.to(kl.device)
