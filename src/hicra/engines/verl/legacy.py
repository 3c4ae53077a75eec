"""The legacy trainer of verl, which research forks of verl 0.3 to 0.8 carry: one call after `compute_advantage(data, ...)`.

    from hicra.engines.verl import shape
    batch = compute_advantage(batch, ...)                                          # as it stands in the fork's fit()
    batch = shape(batch, self.tokenizer, lexicon="paper", method="hicra", metrics=metrics)

A fork may have changed its data class, so nothing of verl is imported: `data` is anything with `.batch`, a mapping of tensors,
and `.non_tensor_batch`, a mapping of arrays.
"""

from __future__ import annotations

import functools
import json
from collections.abc import MutableMapping
from typing import Any

import numpy as np

from hicra.arrays import Array, Bools, as_numpy
from hicra.engines.verl.rows import Credit, VerlRows, verdicts
from hicra.engines.verl.section import Section
from hicra.errors import ConfigError, EngineError

SCORES = ("token_level_scores", "rm_scores", "token_level_rewards")  # the last one may hold a KL penalty
ENTROPIES = ("entropys", "entropy")
MASKS = (
    "response_mask",
    "loss_mask",
    "info_mask",
)  # forks of Search-R1 make loss_mask from info_mask after the advantages
CALL = "call hicra.engines.verl.shape after compute_advantage(data, ...), with the data that it returns"


def shape(data: Any, tokenizer: Any, *, metrics: MutableMapping[str, Any] | None = None, **chosen: Any) -> Any:
    """Shapes the advantages of a batch: `advantages` is replaced, and `planning_mask` [B,T] is added.

    Args:
        data: has `.batch` and `.non_tensor_batch`. The first holds `responses` and `advantages` [B,T], the scores
            (`token_level_scores`, [B,T]) and the policy tokens as `response_mask` [B,T], or in the last T columns of `loss_mask`
            or `info_mask`; where it holds several of them, a token of the policy is in each, and where none, in
            `attention_mask`. Where the trainer keeps them, it holds `old_log_probs` and `entropys` [B,T] (nats). The second
            holds `uid` [B], and `acc` [B] where the reward function gives it.
        tokenizer: the tokenizer of the policy.
        metrics: gets the metrics of the batch by name.
        **chosen: lexicon, unit, method, method_settings, method_then, baseline, baseline_settings, threads, as in
            `hicra.engines.verl.section.Section`.

    Returns:
        The same `data`.

    Raises:
        ConfigError: a name or a setting is refused.
        EngineError: a field is missing or of another shape, or this batch is shaped already.
    """
    section = Section.read(chosen)
    if section.loss is not None:
        raise ConfigError(
            f"loss is {section.loss!r}, and this call changes advantages alone",
            "leave it out; the loss is the trainer's, verl's actor_rollout_ref.actor.policy_loss.loss_mode",
        )
    credit = _credit(tokenizer, json.dumps(section.model_dump(), sort_keys=True))
    shaped, mask = credit(_rows(data))
    before = data.batch["advantages"]
    data.batch["advantages"], data.batch["planning_mask"] = _like(shaped, before), _like(mask, before)
    values = credit.logged()
    if metrics is not None:
        metrics.update(values)
    return data


@functools.lru_cache(maxsize=4)
def _credit(tokenizer: Any, chosen: str) -> Credit:
    """Reads the tokenizer's vocabulary once a run, and not once a step."""
    return Credit(Section(**json.loads(chosen)), tokenizer)


def _rows(data: Any) -> VerlRows:
    held = {name: data.batch[name] for name in data.batch.keys()}  # noqa: SIM118  (a TensorDict yields its rows)
    others = data.non_tensor_batch
    if "planning_mask" in held:
        raise EngineError("this batch is shaped already: it holds a planning_mask", "call shape once a step")
    for name, where in (("responses", held), ("advantages", held), ("uid", others)):
        if name not in where:
            raise EngineError(f"the data of the trainer holds no {name!r}, but {', '.join(sorted(where))}", CALL)
    scores = next((held[name] for name in SCORES if name in held), None)
    if scores is None:
        raise EngineError(f"the data of the trainer holds none of {', '.join(SCORES)}", CALL)
    ids = as_numpy(held["responses"])
    live = _live(held, ids.shape[1])
    for name, value in (("advantages", held["advantages"]), ("the mask of policy tokens", live)):
        if tuple(value.shape) != ids.shape:
            raise EngineError(f"{name} has shape {tuple(value.shape)}, and responses have {ids.shape}", CALL)
    if len(others["uid"]) != len(ids):
        raise EngineError(f"uid has {len(others['uid'])} entries for {len(ids)} rollouts", CALL)
    entropies = next((as_numpy(held[name]) for name in ENTROPIES if name in held), None)
    return VerlRows(
        ids=ids, inside=live | _last(held.get("attention_mask", live), ids.shape[1]), written=live, live=live,
        advantages=as_numpy(held["advantages"]), scores=as_numpy(scores).reshape(len(ids), -1).sum(axis=1, dtype=np.float64),
        verdicts=verdicts(others["acc"] if "acc" in others else [None] * len(ids)), uids=list(others["uid"]),
        last=np.ones(len(ids), np.bool_), entropies=entropies,
        logprobs=as_numpy(held["old_log_probs"]) if "old_log_probs" in held else None,
    )  # fmt: skip


def _live(held: dict[str, Any], width: int) -> Bools:
    """Returns the policy tokens; older forks mark tool output in `loss_mask` or `info_mask` alone, over prompt and response."""
    masks = [held[name] for name in MASKS if name in held]
    if not masks and "attention_mask" not in held:
        raise EngineError(f"the data of the trainer holds none of {', '.join(MASKS)}, attention_mask", CALL)
    live: Bools = np.logical_and.reduce([_last(mask, width) for mask in masks or [held["attention_mask"]]])
    return live


def _last(mask: Any, width: int) -> Bools:
    """Returns the last columns of a mask, which are those of the response."""
    return np.asarray(as_numpy(mask)[:, -width:] != 0)


def _like(values: Array, tensor: Any) -> Any:
    """Returns an array as what `tensor` is: numpy, or torch on its device."""
    if not hasattr(tensor, "detach"):
        return values
    import torch

    return torch.from_numpy(values).to(tensor.device)
