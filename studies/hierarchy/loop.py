"""A training loop without an engine: the updates of `hicra train` on the plan-execute task, at about half the cost.

It draws the same problems and the same responses as the engine does under the same seed (`equal.py` shows it), computes the same
loss, and takes the credit methods from `hicra.credit` by their names.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from network import END, PADDING, Network
from torch import Tensor
from torch.nn.functional import cross_entropy

from hicra import credit
from hicra.metrics import RolloutStats, kind_sums, kind_values
from hicra.tagging import Tagger
from hicra.tasks.plan_execute.failures import KINDS, failure_kind
from hicra.tasks.plan_execute.language import ID_OF, PROMPT_TOKENS, VOCABULARY
from hicra.tasks.plan_execute.task import PlanExecute

PROMPTS, GROUP, WARM_UP, BETAS, LONGEST_NORM = 32, 8, 5, (0.9, 0.99), 1.0
HIGH = 0.3  # share of tokens that count as tokens of high entropy, as in the paper
ONE_ATTEMPT = 33  # a response of at most so many tokens holds one attempt
EVERY, HELD_OUT = 10, 512  # steps between two evaluations, and problems of one
Log = Callable[[dict[str, Any]], None]
LOGGED = ("equations_right", "first_plan_right", "strategy_entropy", "retry_share", "retries_after_failure", "attempts")


@dataclass
class Rollouts:
    """One generation of 32 problems with 8 responses each.

    Attributes:
        rows: the problem of each response.
        prompts: [B, 8] ids.
        out: [B, T] ids, <pad> after the end token.
        entropies, logps: [B, T] of the policy that sampled, in nats, 0 after the end token.
        texts, ended, rewards: of each response.
    """

    rows: list[dict[str, Any]]
    prompts: Tensor
    out: Tensor
    entropies: Tensor
    logps: Tensor
    texts: list[str] = field(default_factory=list)
    ended: list[bool] = field(default_factory=list)
    rewards: np.ndarray = field(default_factory=lambda: np.empty(0))

    @property
    def live(self) -> Tensor:
        return self.out != PADDING


class Now(NamedTuple):
    """What a method that measures may look at: the step, the policy, and what it sampled."""

    step: int
    network: Network
    made: Rollouts


Shape = Callable[[np.ndarray, Mapping[str, Any], Now], np.ndarray]  # advantages [B], batch, now -> [B,T]


def encode(rows: list[dict[str, Any]]) -> Tensor:
    return torch.tensor([[ID_OF[word] for word in row["prompt"].split()] for row in rows])


def sampled(network: Network, task: PlanExecute, rows: list[dict[str, Any]], chance: Any = None) -> Rollouts:
    """Samples one response to each row and scores it."""
    prompts, new = encode(rows), task.max_new_tokens
    seen = torch.zeros(len(rows), new), torch.zeros(len(rows), new)
    made = Rollouts(rows, prompts, network.go_on(prompts, new, chance, seen=seen), *seen)
    for ids in made.out.tolist():
        made.texts.append(" ".join(VOCABULARY[i] for i in ids if i > END))
        made.ended.append(END in ids)
    scores = [task.score(t, r, e).reward for t, r, e in zip(made.texts, rows, made.ended, strict=True)]
    made.rewards = np.array(scores, np.float64)
    return made


def evaluate(network: Network, task: PlanExecute, n: int = HELD_OUT) -> dict[str, float]:
    """The task's exact figures on the first n held-out problems, one response each, drawn from a fixed stream.

    `failed_by_plan`, `failed_by_execution` and so on are shares of all responses.
    """
    chance = torch.Generator().manual_seed(10_000)
    found = sampled(network, task, task.rows("eval", n), chance)
    figures = task.summary(found.texts, found.rows, found.ended)
    wrong = [(t, r) for t, r, reward in zip(found.texts, found.rows, found.rewards, strict=True) if not reward]
    kinds = Counter(failure_kind(text, row, task.settings) for text, row in wrong)
    figures |= {f"failed_{kind}": kinds[kind] / n for kind in KINDS}
    return {name: round(v, 4) for name, v in figures.items()}


def batch_of(made: Rollouts, planning: np.ndarray) -> dict[str, Any]:
    """The fields that a credit method may ask for."""
    return {
        "response_ids": made.out.numpy(), "response_mask": made.live.numpy(), "planning_mask": planning,
        "rewards": made.rewards, "group_ids": np.arange(len(made.rewards)) // GROUP, "entropies": made.entropies.numpy(),
        "old_logprobs": made.logps.numpy(), "truncated": ~np.array(made.ended),
    }  # fmt: skip


def measured(
    made: Rollouts, tagged: Any, batch: dict[str, Any], before: np.ndarray, after: np.ndarray
) -> dict[str, Any]:
    """The metrics of a generation, as every engine logs them."""
    live, hits = batch["response_mask"], tagged.hits
    stats = RolloutStats.of(
        batch["response_ids"], live, planning=tagged.mask, row=tagged.row, start=hits.start, stop=hits.stop, gram=hits.gram,
        reward=made.rewards, correct=made.rewards, group=batch["group_ids"], before=before, after=after,
    )  # fmt: skip
    sums = [
        float(v)
        for v in kind_sums(tagged.mask, live, batch["entropies"].astype(float), batch["old_logprobs"].astype(float))
    ]
    values = stats.values() | kind_values(sums)
    high = batch["entropies"] >= np.quantile(batch["entropies"][live], 1 - HIGH)
    values["high_given_planning"] = float(high[live & tagged.mask].mean()) if (live & tagged.mask).any() else None
    values["planning_given_high"] = float(tagged.mask[live & high].mean())
    return {name.removeprefix("hicra/"): value for name, value in values.items() if value is not None}


def chunks(made: Rollouts, weights: Tensor, every: bool = False) -> list[Tensor]:
    """Rows with a gradient (or every row), the short responses apart from the long ones, so that little padding is computed."""
    rows = torch.arange(len(weights)) if every else torch.nonzero((weights != 0).any(1))[:, 0]
    short = made.live[rows].sum(1) <= ONE_ATTEMPT
    return [part for part in (rows[short], rows[~short]) if len(part)]


def forward(network: Network, made: Rollouts, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Logits [N, V] at the policy tokens of these rows, with gradient, the tokens [N], and where they stand [rows, T]."""
    out = made.out[rows]
    mask = out != PADDING
    width = int(mask.sum(1).max())
    out, mask = out[:, :width], mask[:, :width]
    hidden = network.hidden(torch.cat([made.prompts[rows], out], 1)[:, :-1])[:, PROMPT_TOKENS - 1 :]
    return network.logits(hidden[mask]), out[mask], mask


def update(network: Network, optimizer: Any, made: Rollouts, shaped: Tensor, rate: float, bonus: float = 0.0) -> float:
    """One step of AdamW on the mean over policy tokens of -A log pi - bonus H; returns the gradient's norm before clipping."""
    tokens = int(made.live.sum())
    optimizer.zero_grad(set_to_none=True)
    for rows in chunks(made, shaped, every=bonus > 0):
        logits, ids, mask = forward(network, made, rows)
        loss = (cross_entropy(logits, ids, reduction="none") * shaped[rows][:, : mask.shape[1]][mask]).sum()
        if bonus:
            logps = logits.log_softmax(-1)
            loss = loss + bonus * (logps.exp() * logps).sum()
        (loss / tokens).backward()
    for group in optimizer.param_groups:
        group["lr"] = rate
    for p in network.parameters():
        if p.grad is None:
            p.grad = torch.zeros_like(p)  # a batch without a mixed group still moves by the momentum, as in the engine
    norm = torch.nn.utils.clip_grad_norm_(network.parameters(), LONGEST_NORM)
    optimizer.step()
    return float(norm)


def method(name: str, **settings: Any) -> Shape:
    """A credit method of `hicra.credit` by its name."""
    entry = credit.METHODS[name]
    entry.checked(settings)

    def shape(advantages: np.ndarray, batch: Mapping[str, Any], now: Now) -> np.ndarray:
        return entry(advantages, batch, **settings)

    return shape


def train(
    network: Network, task: PlanExecute, tagger: Tagger, shape: Shape, *, steps: int, rate: float, seed: int, log: Log,
    bonus: float = 0.0, every: int = EVERY, held_out: int = HELD_OUT,
    after_step: Callable[[int, Network], None] = lambda step, network: None,
) -> None:  # fmt: skip
    """Trains in place.

    Args:
        network: the warm start.
        task: what is learnt.
        tagger: says which tokens are planning tokens.
        shape: the credit method.
        steps, rate: number of updates, and learning rate after 5 updates of warm-up.
        seed: fixes problems and responses.
        bonus: weight of the entropy of the policy in the loss.
        log: gets one line a step, with the evaluation where there is one.
        every, held_out: an evaluation on so many problems before the first step and after every so many.
        after_step: is called with the step and the network after each update.
    """
    torch.manual_seed(seed)
    torch.empty((), dtype=torch.int64).random_()  # a data loader of torch draws one number when it starts
    rows = task.rows("train", steps * PROMPTS, seed)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, betas=BETAS, weight_decay=0.0)
    begun = time.process_time()
    log({"step": 0, "eval": evaluate(network, task, held_out)})
    for step in range(1, steps + 1):
        mine = [row for row in rows[(step - 1) * PROMPTS : step * PROMPTS] for _ in range(GROUP)]
        made = sampled(network, task, mine)
        torch.randperm(len(mine))  # the engine shuffles the rows of a generation here
        tagged = tagger.tag(made.out.numpy(), made.live.numpy())
        batch = batch_of(made, tagged.mask)
        before = credit.group_advantages(made.rewards, batch["group_ids"]).astype(np.float32)
        after = shape(before, batch, Now(step, network, made))
        line = {"step": step} | measured(made, tagged, batch, before, after)
        line["norm"] = update(
            network, optimizer, made, torch.from_numpy(after), rate * min(1.0, (step - 1) / WARM_UP), bonus
        )
        figures = task.summary(made.texts, made.rows, made.ended)
        line |= {name: figures[name] for name in LOGGED if name in figures} | getattr(shape, "logged", {})
        if step % every == 0 or step == steps:
            line["eval"] = evaluate(network, task, held_out)
            line["cpu_s"] = round(time.process_time() - begun, 1)
        log({name: float(f"{v:.6g}") if isinstance(v, float) else v for name, v in line.items()})
        after_step(step, network)
