"""Trains the warm start of the calculator task: `python recipes/grpo-tcr/warmstart.py -o DIR [--seed N] [--updates N]`

It is trained on scripted conversations (`dialogues.py`), one thread, fp32; the loss is on what the policy writes.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor

from dialogues import Dialogue, dialogue
from hicra.artifacts import atomic_dir, check_output, sha256_file
from hicra.errors import HicraError
from hicra.related.policy.network import initialise
from hicra.tasks.calculator.language import BOS, EOS, ID_OF, PAD, VOCABULARY, build_tokenizer
from hicra.tasks.calculator.problems import all_problems
from hicra.tasks.calculator.task import Calculator

CONTEXT = 128
BATCH, LEARNING_RATE, WARM_UP, CONSTANT_UNTIL, FLOOR = 64, 3e-3, 50, 0.6, 0.05
UPDATES = 900


def new_model(seed: int) -> Any:
    """A `LlamaForCausalLM` of 2 layers and 64 dimensions; matrices start at fan_in^-0.5, embeddings (tied) at 0.1."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(VOCABULARY), hidden_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4,
        intermediate_size=128, max_position_embeddings=CONTEXT, rms_norm_eps=1e-6,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, tie_word_embeddings=True, attention_bias=False,
        mlp_bias=False, pad_token_id=ID_OF[PAD], bos_token_id=ID_OF[BOS], eos_token_id=ID_OF[EOS], dtype="float32",
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    initialise(model, seed)
    return model


def learning_rate(update: int, total: int) -> float:
    """Rate of an update (from 0): a warm-up, constant to 60 % of `total`, then a line down to 5 % of the rate."""
    flat = CONSTANT_UNTIL * total
    decay = 1.0 if update < flat else 1 - (1 - FLOOR) * (update - flat) / (total - flat)
    return LEARNING_RATE * min(1.0, (update + 1) / WARM_UP) * decay


def loss_of(model: Any, examples: Sequence[Dialogue]) -> Tensor:
    """Mean cross-entropy (nats) over the tokens in the loss. Padding is on the right, so no token sees it."""
    longest = max(len(example.ids) for example in examples)
    ids = torch.tensor([example.ids + [ID_OF[PAD]] * (longest - len(example.ids)) for example in examples])
    wanted = torch.tensor([example.in_loss + [False] * (longest - len(example.ids)) for example in examples])[:, 1:]
    hidden = model.model(input_ids=ids[:, :-1], use_cache=False).last_hidden_state
    return torch.nn.functional.cross_entropy(model.lm_head(hidden[wanted]), ids[:, 1:][wanted])


def train(seed: int, updates: int) -> Any:
    """Trains one warm start on problems of the training split."""
    torch.set_num_threads(1)
    random, model = Random(seed), new_model(seed)
    problems = [problem for problem in all_problems() if problem.split == "train"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.01)
    for update in range(updates):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(update, updates)
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(model, [dialogue(random, random.choice(problems)) for _ in range(BATCH)])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if (update + 1) % 50 == 0 or update + 1 == updates:
            print(f"update {update + 1}/{updates} loss {loss.item():.3f}", file=sys.stderr)
    return model


def save(model: Any, folder: Path) -> None:
    """Writes what transformers' `from_pretrained` loads: weights, config, tokenizer with its templates."""
    from transformers import GenerationConfig

    model.generation_config = GenerationConfig(
        do_sample=True, temperature=1.0, top_k=0, top_p=1.0, max_new_tokens=Calculator.max_new_tokens,
        pad_token_id=ID_OF[PAD], bos_token_id=ID_OF[BOS], eos_token_id=ID_OF[EOS],
    )  # fmt: skip
    tokenizer = build_tokenizer()
    tokenizer.model_max_length = CONTEXT
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    for file in folder.iterdir():
        file.chmod(0o644)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; exit code 0, or 1 where an input is wrong."""
    parser = argparse.ArgumentParser(prog="warmstart", description="Trains the warm start of the calculator task.")
    parser.add_argument("-o", "--output", type=Path, required=True, help="new folder for the model")
    parser.add_argument("--overwrite", action="store_true", help="replace the folder where it is there")
    parser.add_argument("--seed", type=int, default=0, help="initial values and data (default 0: the shipped one)")
    parser.add_argument("--updates", type=int, default=UPDATES, help=f"updates (default {UPDATES}: the shipped one)")
    options = parser.parse_args(arguments)
    start = time.process_time()
    try:
        check_output(options.output, "the warm start", overwrite=options.overwrite, folder=True)
        model = train(options.seed, options.updates)
        with atomic_dir(options.output, options.overwrite) as folder:
            save(model, folder)
    except HicraError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    digest = sha256_file(options.output / "model.safetensors")
    seconds = time.process_time() - start
    print(f"{options.output}: {seconds:.0f} cpu-s, torch {torch.__version__}, weights {digest}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
