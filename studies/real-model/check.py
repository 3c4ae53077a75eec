"""Checks the gradients of a real model on a tiny batch, and measures what the stages of a batch cost: `python check.py -o FILE`.

Four rollouts of SmolLM2-135M-Instruct. The reference is written anew from nothing but transformers: the chat template tokenised
by the tokenizer itself, prompts padded on the left as in sampling, positions from the mask, cross entropy, one backward pass.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}

import numpy as np
import torch
from measure import GIVEN, MODEL, SETTINGS, TASK

from hicra.generation.folder import model_folder
from hicra.signal.batch import ScoredRollouts, sample_rollouts
from hicra.signal.gradients import batch_gradients, policy_values
from hicra.signal.parameters import chosen_parameters
from hicra.signal.settings import SignalSettings
from hicra.signal.weights import load_model
from hicra.tasks.base import make_task

PROJECT = 4096


def reference(model: Any, tokenizer: Any, rollouts: ScoredRollouts, basis: Any, parameters: Any) -> Any:
    """The gradient of the first basis row, without a line of hicra."""
    prompts = [
        tokenizer.apply_chat_template(row["prompt"], tokenize=True, add_generation_prompt=True, return_dict=True)[
            "input_ids"
        ]
        for row in rollouts.rows
    ]
    widest = max(map(len, prompts))
    longest = max(len(one.ids) for one in rollouts.samples)
    ids = torch.full((len(prompts), widest + longest), tokenizer.pad_token_id)
    mask = torch.zeros_like(ids)
    for row, (prompt, one) in enumerate(zip(prompts, rollouts.samples, strict=True)):
        begin = widest - len(prompt)
        ids[row, begin : widest + len(one.ids)] = torch.tensor([*prompt, *one.ids])
        mask[row, begin : widest + len(one.ids)] = 1
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    logits = model(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False).logits
    loss, count = logits.new_zeros(()), 0
    for row, one in enumerate(rollouts.samples):
        of_response = logits[row, widest - 1 : widest - 1 + len(one.ids)]
        surprise = torch.nn.functional.cross_entropy(of_response, torch.tensor(one.ids), reduction="none")
        loss = loss - (torch.from_numpy(basis[0, row, : len(one.ids)]).float() * surprise).sum()
        count += len(one.ids)
    made = torch.autograd.grad(loss / count, parameters)
    return torch.cat([one.reshape(-1) for one in made]).numpy()


def apart(one: Any, other: Any) -> float:
    """The largest difference, relative to the largest number."""
    return float(np.abs(one - other).max() / np.abs(other).max())


def main() -> int:
    """Checks, measures and writes the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    task = make_task(TASK, **GIVEN)
    settings = SignalSettings(**SETTINGS | {"prompts": 2, "group": 2})
    model, tokenizer = load_model(model_folder(MODEL), settings)
    model.eval()
    cost: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        began = time.process_time()
        made = work()
        cost[name] = time.process_time() - began
        return made

    parameters = chosen_parameters(model, "last:1")
    rollouts = timed("sampling", lambda: sample_rollouts(model, tokenizer, task, settings, 0))
    encoded = rollouts.encoded
    timed("entropies", lambda: policy_values(model, encoded))
    basis = np.random.default_rng(0).normal(size=(2, *encoded.live.shape))

    def gradients(rows: int = 2, **more: Any) -> Any:
        return batch_gradients(model, encoded, basis[:rows], parameters=parameters, **more)

    whole = gradients()
    short = gradients(project=PROJECT)
    norms = np.linalg.norm(whole.astype(np.float64), axis=1)
    inner = float(whole[0].astype(np.float64) @ whole[1])
    found = {
        "rollouts": len(rollouts.rows), "tokens": int(encoded.live.sum()), "numbers": int(whole.shape[1]),
        "ended": sum(one.ended for one in rollouts.samples),
        "end_tokens_among_policy_tokens": int((encoded.ids[encoded.live] == tokenizer.eos_token_id).sum()),
        "against_transformers": apart(whole[0], reference(model, tokenizer, rollouts, basis, parameters)),
        "against_micro_batches_of_one": apart(gradients(micro=1), whole),
        "projection": {
            "k": PROJECT, "error_of_inner_product": abs(float(short[0].astype(np.float64) @ short[1]) - inner) / norms.prod(),
            "standard_error_by_formula": float(np.sqrt((1 + (inner / norms.prod()) ** 2) / PROJECT)),
            "error_of_squared_norm": float(abs((short[0].astype(np.float64) ** 2).sum() / norms[0] ** 2 - 1)),
        },
    }  # fmt: skip
    for name in ("last:1", "last:2"):
        parameters = chosen_parameters(model, name)
        timed(
            f"forward and one gradient, {name}",
            lambda: gradients(rows=1),
        )
        timed(f"forward and two gradients, {name}", gradients)
        timed(f"the same, projected, {name}", lambda: gradients(project=PROJECT))
    text = json.dumps(found | {"cpu_seconds": {name: round(each, 2) for name, each in cost.items()}}, indent=1) + "\n"
    print(text, end="")
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    close = max(found["against_transformers"], found["against_micro_batches_of_one"]) < 1e-4
    return 0 if close and found["ended"] == found["end_tokens_among_policy_tokens"] else 1


if __name__ == "__main__":
    sys.exit(main())
