"""Claim: extending token computation takes at most twice the CPU seconds of the eager attention that it patches.

    python benchmarks/bench_attention_patch.py -o benchmarks/baselines/bench_attention_patch.json        a CPU-minute

A random Llama of 8 layers with 8 heads, two of which share keys and values, on one thread: a forward pass over 512 tokens, and 64
tokens that are decoded one by one with a cache after 128. Ratios to eager and to sdpa are of medians of the same run, whose
rounds go through all arms in turns. `shown` is the hook alone, with a function that looks and changes nothing.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from hicra.generation.attention import attention_weights
from hicra.related.attention.extended import extended_attention
from machine import finish, machine

LENGTH, PROMPT, NEW, ROUNDS, MOST = 512, 128, 64, 3, 2.0
ARMS = ("sdpa", "eager", "shown", "extended", "everywhere")


def network() -> Any:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=2000, hidden_size=384, intermediate_size=1024, num_hidden_layers=8, num_attention_heads=8,
        num_key_value_heads=4, max_position_embeddings=1024, initializer_range=0.05,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval()


def block(model: Any, arm: str) -> AbstractContextManager[None]:
    """Puts the model into an arm until the block is left."""
    model.set_attn_implementation("sdpa" if arm == "sdpa" else "eager")
    if arm == "shown":
        return attention_weights(model, lambda layer: None)
    if arm in ("extended", "everywhere"):
        return extended_attention(model, everywhere=arm == "everywhere")
    return nullcontext()


def forward(model: Any, ids: Any) -> None:
    model(ids, use_cache=False)


def decode(model: Any, ids: Any) -> None:
    cache = model(ids[:, :PROMPT], use_cache=True).past_key_values
    for at in range(PROMPT, PROMPT + NEW):
        cache = model(ids[:, at : at + 1], past_key_values=cache, use_cache=True).past_key_values


def measured(work: Callable[[Any, Any], None], model: Any, ids: Any, rounds: int) -> dict[str, float]:
    """Median CPU seconds of each arm; the first round does not count."""
    taken: dict[str, list[float]] = {arm: [] for arm in ARMS}
    with torch.no_grad():
        for number in range(rounds + 1):
            for arm, seconds in taken.items():
                with block(model, arm):
                    began = time.process_time()
                    work(model, ids)
                if number:
                    seconds.append(time.process_time() - began)
    return {arm: round(statistics.median(seconds), 4) for arm, seconds in taken.items()}


def ratios(seconds: dict[str, float]) -> Iterator[tuple[str, float]]:
    for arm in ARMS[2:]:
        for base in ("eager", "sdpa"):
            yield f"{arm} to {base}", round(seconds[arm] / seconds[base], 2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    model = network()
    ids = torch.randint(0, 2000, (1, LENGTH), generator=torch.Generator().manual_seed(1))
    parts: dict[str, Any] = {}
    for work in (forward, decode):
        seconds = measured(work, model, ids, asked.rounds)
        parts[work.__name__] = {"cpu_seconds": seconds, "ratios": dict(ratios(seconds))}
    worst = max(part["ratios"]["extended to eager"] for part in parts.values())
    report = {
        "claim": f"the patch takes at most {MOST} times the CPU seconds of eager attention",
        "holds": worst <= MOST, **machine("torch", "transformers"),
        "parameters": sum(one.numel() for one in model.parameters()), "tokens": {"forward": LENGTH, "decode": NEW},
        "rounds": asked.rounds, **parts,
    }  # fmt: skip
    return finish(report, asked.output)


if __name__ == "__main__":
    sys.exit(main())
