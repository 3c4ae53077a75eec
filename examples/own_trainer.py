"""A trainer of one's own, without a library for reinforcement learning: sample, score, shape, one step; hicra is one call.

    python examples/own_trainer.py [METHOD]      # METHOD: a shaper of `hicra methods`, by default hicra; none is plain GRPO

Runs offline on a CPU in under a minute: the task and its small model ship inside the package. What is marked with a number is all
that concerns hicra.
"""

from __future__ import annotations

import sys
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from hicra.engines import shape_rollouts  # 1
from hicra.tasks.plan_execute import PlanExecute

STEPS, PROMPTS, GROUP = 5, 4, 8


def sample(model: Any, tokenizer: Any, prompts: list[str], longest: int) -> list[tuple[list[int], list[int]]]:
    """The token ids of each prompt and of a response to it, which ends with its end token where it has one."""
    asked = tokenizer(prompts, padding=True, padding_side="left", return_tensors="pt", return_token_type_ids=False)
    with torch.no_grad():
        made = model.generate(**asked, do_sample=True, max_new_tokens=longest, pad_token_id=tokenizer.pad_token_id)
    found = []
    for ids, mask, row in zip(asked["input_ids"], asked["attention_mask"], made, strict=True):
        response = row[len(ids) :].tolist()
        end = tokenizer.eos_token_id
        found.append((ids[mask == 1].tolist(), response[: response.index(end) + 1] if end in response else response))
    return found


def padded(rows: list[list[Any]], dtype: torch.dtype) -> torch.Tensor:
    """Lists as [B,T], padded with 0 at the end."""
    return torch.nn.utils.rnn.pad_sequence([torch.tensor(row, dtype=dtype) for row in rows], batch_first=True)


def loss_of(model: Any, rollouts: list[tuple[list[int], list[int]]], advantages: list[list[float]]) -> torch.Tensor:
    """-A log p, mean over the response tokens: with one update a batch the probability ratio is 1, and nothing is clipped."""
    ids = padded([prompt + response for prompt, response in rollouts], torch.long)
    whole = padded([[1] * (len(prompt) + len(response)) for prompt, response in rollouts], torch.long)
    ours = padded([[0] * len(prompt) + [1] * len(response) for prompt, response in rollouts], torch.float)
    weight = padded([[0.0] * len(p) + row for (p, _), row in zip(rollouts, advantages, strict=True)], torch.float)
    logps = model(input_ids=ids, attention_mask=whole).logits[:, :-1].log_softmax(-1)
    chosen = logps.gather(-1, ids[:, 1:, None])[..., 0]
    return -(weight[:, 1:] * chosen).sum() / ours[:, 1:].sum()


def main(method: str = "hicra", steps: int = STEPS) -> list[dict[str, float]]:
    torch.manual_seed(0)
    torch.set_num_threads(1)  # a model of 0.3M parameters is fastest on one
    task = PlanExecute()
    folder = task.warm_start("strong")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-4)
    rows = task.rows("train", steps * PROMPTS)
    history = []
    for step in range(1, steps + 1):
        asked = [row for row in rows[(step - 1) * PROMPTS : step * PROMPTS] for _ in range(GROUP)]
        rollouts = sample(model, tokenizer, [row["prompt"] for row in asked], task.max_new_tokens)
        responses = [response for _, response in rollouts]
        texts = tokenizer.batch_decode(responses, skip_special_tokens=True)
        rewards = [
            task.score(text, row, ended=tokenizer.eos_token_id in response).reward
            for text, row, response in zip(texts, asked, responses, strict=True)
        ]
        shaped, planning = shape_rollouts(  # 2: was the reward less the mean of its group
            responses,
            [[1] * len(response) for response in responses],  # all of it is the policy's: no tool wrote in it
            rewards,
            [row["id"] for row in asked],
            tokenizer,
            "paper",
            method,
            planning=True,
        )
        advantages = [[value or 0.0 for value in row] for row in shaped]  # 3: None (nothing assigned) is 0 here
        optimizer.zero_grad()
        loss_of(model, rollouts, advantages).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        tokens = sum(map(len, responses))
        history.append({"reward": sum(rewards) / len(rewards), "planning_share": sum(map(sum, planning)) / tokens})
    return history


if __name__ == "__main__":
    print("step  reward  planning share")
    for number, entry in enumerate(main(*sys.argv[1:2]), start=1):
        print(f"{number:4d}  {entry['reward']:6.3f}  {entry['planning_share']:14.3f}")
