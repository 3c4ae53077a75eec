"""A bare Llama and a bare GRPO loop for the plan-execute task: one thread, fp32, about twice as fast as an engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import cross_entropy, scaled_dot_product_attention, silu

from hicra.tasks.plan_execute.language import BODIES, EOS, ID_OF, PAD, PROMPT_TOKENS, VOCABULARY
from hicra.tasks.plan_execute.task import PlanExecute

LAYERS, HEADS, WIDTH, EPS, THETA = 3, 4, 96, 1e-6, 10000.0
HEAD = WIDTH // HEADS


class Bare:
    """The warm start's network, weights named as transformers names them."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        self.w = {name: w.detach().clone().requires_grad_() for name, w in weights.items() if name != "lm_head.weight"}
        angles = torch.outer(torch.arange(96.0), THETA ** (-torch.arange(0, HEAD, 2) / HEAD))
        angles = torch.cat([angles, angles], dim=-1)
        self.cos, self.sin = angles.cos(), angles.sin()

    @classmethod
    def load(cls, folder: Path) -> Bare:
        return cls(load_file(folder / "model.safetensors"))

    def parameters(self) -> list[Tensor]:
        return list(self.w.values())

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPS) * self.w[name]

    def _rotate(self, x: Tensor, at: int) -> Tensor:
        span = slice(at, at + x.shape[2])
        half = HEAD // 2
        turned = torch.cat([-x[..., half:], x[..., :half]], dim=-1)
        return x * self.cos[span] + turned * self.sin[span]

    def hidden(self, ids: Tensor, cache: list[tuple[Tensor, Tensor]] | None = None, at: int = 0) -> Tensor:
        """Last hidden states [B, T, WIDTH] of ids [B, T] from position `at` on; `cache` is written in place."""
        w, (batch, length) = self.w, ids.shape
        x = w["model.embed_tokens.weight"][ids]
        for layer in range(LAYERS):
            p = f"model.layers.{layer}."
            y = self._norm(x, p + "input_layernorm.weight")
            q, k, v = (
                (y @ w[f"{p}self_attn.{n}_proj.weight"].T).view(batch, length, HEADS, HEAD).transpose(1, 2)
                for n in "qkv"
            )
            q, k = self._rotate(q, at), self._rotate(k, at)
            if cache is not None:
                cache[layer][0][:, :, at : at + length], cache[layer][1][:, :, at : at + length] = k, v
                k, v = cache[layer][0][:, :, : at + length], cache[layer][1][:, :, : at + length]
            o = scaled_dot_product_attention(q, k, v, is_causal=length > 1)
            x = x + o.transpose(1, 2).reshape(batch, length, WIDTH) @ w[p + "self_attn.o_proj.weight"].T
            y = self._norm(x, p + "post_attention_layernorm.weight")
            y = silu(y @ w[p + "mlp.gate_proj.weight"].T) * (y @ w[p + "mlp.up_proj.weight"].T)
            x = x + y @ w[p + "mlp.down_proj.weight"].T
        return self._norm(x, "model.norm.weight")

    def logits(self, hidden: Tensor) -> Tensor:
        return hidden @ self.w["model.embed_tokens.weight"].T

    @torch.no_grad()
    def sample(self, prompts: Tensor, new: int, chance: torch.Generator, greedy: bool = False) -> Tensor:
        """Responses [B, new] at temperature 1; after <eos> comes <pad>. Finished rows leave the batch."""
        batch = len(prompts)
        out = torch.full((batch, new), ID_OF[PAD])
        alive = torch.arange(batch)
        shape = (batch, HEADS, PROMPT_TOKENS + new, HEAD)
        cache = [(torch.empty(shape), torch.empty(shape)) for _ in range(LAYERS)]
        hidden = self.hidden(prompts, cache)[:, -1]
        for step in range(new):
            logits = self.logits(hidden)
            token = logits.argmax(-1) if greedy else torch.multinomial(logits.softmax(-1), 1, generator=chance)[:, 0]
            out[alive, step] = token
            go = token != ID_OF[EOS]
            if not go.all():
                alive, token = alive[go], token[go]
                cache = [(k[go], v[go]) for k, v in cache]
            if not len(alive) or step + 1 == new:
                break
            hidden = self.hidden(token[:, None], cache, PROMPT_TOKENS + step)[:, -1]
        return out


def texts(out: Tensor) -> tuple[list[str], list[bool]]:
    """Texts without special tokens, and whether each ended with <eos>."""
    found, ended = [], []
    for ids in out.tolist():
        found.append(" ".join(VOCABULARY[i] for i in ids if i > ID_OF[EOS]))
        ended.append(ID_OF[EOS] in ids)
    return found, ended


def encode(rows: Sequence[dict[str, Any]]) -> Tensor:
    return torch.tensor([[ID_OF[word] for word in row["prompt"].split()] for row in rows])


def evaluate(model: Bare, task: PlanExecute, n: int, seed: int = 0, greedy: bool = False) -> dict[str, float]:
    """The task's exact figures on the first n held-out problems, one response each."""
    rows = task.rows("eval", n)
    chance = torch.Generator().manual_seed(10_000 + seed)
    found, ended = texts(model.sample(encode(rows), task.max_new_tokens, chance, greedy))
    figures = task.summary(found, rows, ended)
    figures["length"] = sum(len(t.split()) + e for t, e in zip(found, ended, strict=True)) / n
    return {name: round(value, 4) for name, value in figures.items()}


@dataclass(frozen=True)
class GRPO:
    """Settings of a run, as in the task's specification."""

    steps: int = 100
    lr: float = 2e-4
    prompts: int = 32
    group: int = 8
    warm_up: int = 5
    seed: int = 0
    evaluate_every: int = 50
    n: int = 512


def run(model: Bare, task: PlanExecute, grpo: GRPO, log: Callable[[dict[str, Any]], None]) -> None:
    """GRPO in place: mean-centred advantages, token mean, one on-policy update a batch, no KL, clip 1."""
    chance = torch.Generator().manual_seed(grpo.seed)
    rows = task.rows("train", grpo.steps * grpo.prompts, seed=1000 + grpo.seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=grpo.lr, betas=(0.9, 0.99), weight_decay=0.0)
    start = time.process_time()
    log({"step": 0, "eval": evaluate(model, task, grpo.n)})
    for step in range(1, grpo.steps + 1):
        batch = rows[(step - 1) * grpo.prompts : step * grpo.prompts]
        batch = [row for row in batch for _ in range(grpo.group)]
        prompts = encode(batch)
        out = model.sample(prompts, task.max_new_tokens, chance)
        found, ended = texts(out)
        rewards = torch.tensor([task.score(t, r, e).reward for t, r, e in zip(found, batch, ended, strict=True)])
        groups = rewards.view(-1, grpo.group)
        advantages = (groups - groups.mean(1, keepdim=True)).view(-1)
        keep = advantages != 0  # rows of equal groups have no gradient, but count as tokens
        tokens = int((out != ID_OF[PAD]).sum())
        if keep.any():
            out, prompts, advantages = out[keep], prompts[keep], advantages[keep]
            out = out[:, : int((out != ID_OF[PAD]).sum(1).max())]
            mask = out != ID_OF[PAD]
            hidden = model.hidden(torch.cat([prompts, out], 1)[:, :-1])[:, PROMPT_TOKENS - 1 :]
            nll = cross_entropy(model.logits(hidden[mask]), out[mask], reduction="none")
            loss = (nll * advantages[:, None].expand_as(mask)[mask]).sum() / tokens
            for group in optimizer.param_groups:
                group["lr"] = grpo.lr * min(1.0, step / grpo.warm_up)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        line: dict[str, Any] = {"step": step, "reward": round(float(rewards.mean()), 4)}
        figures = task.summary(found, batch, ended)
        line |= {name: round(figures.get(name, 0.0), 4) for name in ("first_plan_right", "strategy_entropy")}
        line["mixed_groups"] = round(float(keep.view(-1, grpo.group)[:, 0].float().mean()), 4)
        if step % grpo.evaluate_every == 0 or step == grpo.steps:
            line["eval"] = evaluate(model, task, grpo.n)
            line["cpu_s"] = round(time.process_time() - start, 1)
        log(line)


@torch.no_grad()
def plan_table(model: Bare, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """First plans after "let us": marginal shares of the strategies, entropies (nats), and how far the noun moves them.

    `noun_effect` is the standard deviation over nouns of the strategies' log-probabilities, averaged over strategies.
    """
    opener = torch.tensor([[ID_OF["let"], ID_OF["us"]]] * len(rows))
    shares = model.logits(model.hidden(torch.cat([encode(rows), opener], 1))[:, -1]).softmax(-1)
    by_strategy = torch.stack([shares[:, [ID_OF[body.split()[0]] for body in bodies]].sum(1) for bodies in BODIES], 1)
    nouns = sorted({row["noun"] for row in rows})
    index = torch.tensor([nouns.index(row["noun"]) for row in rows])
    means = torch.stack([by_strategy[index == at].mean(0) for at in range(len(nouns))])
    right = by_strategy[torch.arange(len(rows)), torch.tensor([row["strategy"] for row in rows])]
    return {
        "marginal": [round(value, 4) for value in by_strategy.mean(0).tolist()],
        "entropy_marginal": round(_entropy(by_strategy.mean(0)), 4),
        "entropy_given_problem": round(sum(map(_entropy, by_strategy)) / len(rows), 4),
        "noun_effect": round(float(means.log().std(0).mean()), 4),
        "right": round(float(right.mean()), 4),
    }


def _entropy(shares: Tensor) -> float:
    return float(-(shares * shares.clamp_min(1e-12).log()).sum())
