"""Groups of responses of a policy of the plan-execute task, and the true advantage of their tokens by fresh continuations.

A batch is 32 problems with 8 responses each, as in training, so that methods that look at a whole batch see one. Where all
responses of a group are right, or all wrong, every method gives nothing; so the first two responses of each *mixed* group are
examined. Batches are drawn until there are enough mixed groups.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from network import END, PADDING, Network

from hicra import credit
from hicra.metrics.true_advantages import TrueAdvantages
from hicra.signal.quality import true_advantages
from hicra.tasks.plan_execute.language import FUNCTION_OF, ID_OF, PLANNING_IDS, PROMPT_TOKENS, VOCABULARY
from hicra.tasks.plan_execute.task import PlanExecute

PROBLEMS, GROUP, EXAMINED, ROWS_AT_ONCE = 32, 8, 2, 2000
CONTINUATION_SEEDS = 100_000  # added to a batch's seed for its continuations
Array = np.ndarray[Any, Any]


@dataclass
class Batch:
    """One generation.

    Attributes:
        rows: [B] the problem of each response.
        prompts, out: [B,8] and [B,57] ids; <pad> after the end token.
        chances, entropies: [B,57] probability of each token, and entropy in nats where it was drawn.
        rewards: [B] 0 or 1.
        examined: the responses whose tokens are judged.
    """

    rows: list[dict[str, Any]]
    prompts: torch.Tensor
    out: torch.Tensor
    chances: Array
    entropies: Array
    rewards: Array

    @property
    def live(self) -> Array:
        return (self.out != PADDING).numpy()

    @property
    def groups(self) -> Array:
        return np.arange(len(self.rows)) // GROUP

    @property
    def mixed(self) -> Array:
        """Which groups have right and wrong responses."""
        right = self.rewards.reshape(-1, GROUP).sum(axis=1)
        return (right > 0) & (right < GROUP)

    @property
    def examined(self) -> Array:
        return (np.flatnonzero(self.mixed)[:, None] * GROUP + np.arange(EXAMINED)).ravel()

    def fields(self, planning: Array) -> dict[str, Any]:
        """What a credit method may ask for in this study."""
        return {
            "response_ids": self.out.numpy(), "response_mask": self.live, "planning_mask": planning & self.live,
            "entropies": self.entropies, "old_logprobs": np.log(self.chances), "rewards": self.rewards,
            "group_ids": self.groups, "truncated": ~(self.out == END).any(1).numpy(),
        }  # fmt: skip

    @property
    def advantages(self) -> Array:
        return np.asarray(credit.group_advantages(self.rewards, self.groups))


class Judge:
    """Scores responses given as ids; the same response to the same problem is scored once."""

    def __init__(self, task: PlanExecute) -> None:
        self.task, self.known = task, {}  # type: ignore[var-annotated]

    def __call__(self, ids: list[int], row: dict[str, Any]) -> float:
        key = (row["id"], *ids)
        if key not in self.known:
            text = " ".join(VOCABULARY[i] for i in ids if i > END)
            self.known[key] = float(self.task.score(text, row, END in ids).reward or 0.0)
        return self.known[key]


def sampled(network: Network, task: PlanExecute, rows: list[dict[str, Any]], seed: int) -> Batch:
    """Samples 8 responses to each of these problems at temperature 1."""
    each = [row for row in rows for _ in range(GROUP)]
    prompts = torch.tensor([[ID_OF[word] for word in row["prompt"].split()] for row in each])
    out = network.go_on(prompts, task.max_new_tokens, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        hidden = network.hidden(torch.cat([prompts, out], 1)[:, :-1])[:, PROMPT_TOKENS - 1 :]
        logps = network.logits(hidden).log_softmax(-1)
    chances = logps.gather(2, out[..., None])[..., 0].exp().clamp(max=1.0)
    entropies = -(logps.exp() * logps).sum(-1)
    judge = Judge(task)
    rewards = [judge(ids, row) for ids, row in zip(out.tolist(), each, strict=True)]
    return Batch(each, prompts, out, chances.double().numpy(), entropies.double().numpy(), np.array(rewards))


def returns_of(network: Network, task: PlanExecute, batch: Batch, seed: int) -> Callable[[Array, int, int], Array]:
    """The function that `true_advantages` asks: rewards of continuations of a batch's responses."""
    chance, judge = torch.Generator().manual_seed(seed), Judge(task)

    def returns(rows: Array, at: int, k: int) -> Array:
        ids = torch.cat([batch.prompts, batch.out], 1)[rows, : PROMPT_TOKENS + at].repeat_interleave(k, 0)
        got = []
        for part in ids.split(ROWS_AT_ONCE):
            more = network.go_on(part, task.max_new_tokens - at, chance)
            got.extend(torch.cat([part[:, PROMPT_TOKENS:], more], 1).tolist())
        owners = np.repeat(rows, k)
        rewards = [judge(one, batch.rows[row]) for one, row in zip(got, owners, strict=True)]
        return np.array(rewards).reshape(len(rows), k)

    return returns


def examine(network: Network, task: PlanExecute, batch: Batch, seed: int, continuations: int) -> TrueAdvantages:
    """The true advantages of the examined responses of a batch."""
    rows = batch.examined
    returns = returns_of(network, task, batch, seed + CONTINUATION_SEEDS)
    return true_advantages(
        batch.chances[rows], batch.live[rows], batch.rewards[rows],
        lambda which, at, k: returns(rows[which], at, k), problems=rows // GROUP, continuations=continuations,
    )  # fmt: skip


def examined(
    network: Network, task: PlanExecute, *, groups: int, continuations: int, seed: int, work: Path,
    say: Callable[[str], None],
) -> tuple[list[Batch], TrueAdvantages]:  # fmt: skip
    """Batches until at least so many mixed groups were examined; what stands in the folder `work` is not done again.

    Batch i is drawn with the seed `seed` + i, its continuations with another; problems are the training problems in the order
    of `seed`.
    """
    work.mkdir(parents=True, exist_ok=True)
    batches: list[Batch] = []
    parts: list[TrueAdvantages] = []
    done = 0
    while done < groups:
        index = len(batches)
        rows = task.rows("train", (index + 1) * PROBLEMS, seed)[index * PROBLEMS :]
        batch = sampled(network, task, rows, seed + index)
        file = work / f"batch-{index:02}-{continuations}.npz"
        if not file.exists():
            found = examine(network, task, batch, seed + index, continuations)
            partial = file.with_suffix(".partial")
            with open(partial, "wb") as stream:
                np.savez_compressed(stream, first=found.first, second=found.second, variance=found.variance)
            os.replace(partial, file)
        with np.load(file) as kept:
            live, problems = batch.live[batch.examined], batch.examined // GROUP + index * PROBLEMS
            parts.append(TrueAdvantages(kept["first"], kept["second"], kept["variance"], live, problems))
        batches.append(batch)
        done += int(batch.mixed.sum())
        say(f"batch {index + 1}: {done} of {groups} mixed groups, accuracy {batch.rewards.mean():.3f}")
    whole = [np.concatenate([getattr(part, name) for part in parts]) for name in ("first", "second", "variance")]
    live, problems = (np.concatenate([getattr(part, name) for part in parts]) for name in ("live", "problems"))
    return batches, TrueAdvantages(*whole, live, problems)


def kinds(batches: list[Batch]) -> dict[str, Array]:
    """The exact kind of each examined token; `planning` is plan and reflection, `execution` the rest."""
    out = np.concatenate([batch.out.numpy()[batch.examined] for batch in batches])
    function = np.array([FUNCTION_OF.get(word, "other") for word in VOCABULARY])[out]
    before = np.concatenate([np.full((len(out), 1), ID_OF["<bos>"]), out[:, :-1]], axis=1)
    planning = np.isin(out, sorted(PLANNING_IDS))
    result = (before == ID_OF["="]) & ~planning
    answer = ((function == "format") | (before == ID_OF["answer"])) & ~planning
    return {
        "planning": planning, "execution": ~planning, "plan": function == "plan", "reflect": function == "reflect",
        "result": result, "end": answer & ~result, "other execution": ~planning & ~result & ~answer,
    }  # fmt: skip
