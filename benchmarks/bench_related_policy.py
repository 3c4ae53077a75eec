"""Claim: a policy that remembers what it has read writes at least twice as many actions a CPU-second in episodes of 20 turns.

    python benchmarks/bench_related_policy.py -o benchmarks/baselines/bench_related_policy.json        a CPU-minute

A Llama of 0.33 M parameters on one thread. First 64 rows of 20 turns, each turn with up to 25 new tokens that are read and up
to 4 that are written: with the memory of the policy and without, whose log-probabilities must agree. Then whole training steps
of CARL and of flat GRPO on the chain of 20 choices, split into play (policy, environment, rows) and update (advantages, loss,
optimizer), with the actions that each wrote and trained on; every token that enters the loss has the advantage 1.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import numpy as np
import torch

from hicra.engines.open import begin
from hicra.lexicon import Lexicon
from hicra.related.environments.chain import Chain
from hicra.related.policy.network import new_network
from hicra.related.policy.sample import NetworkPolicy
from hicra.related.policy.words import TokenizerCodec, make_tokenizer
from hicra.related.rollouts import Asked
from hicra.related.shape import RowShaping
from hicra.related.system import Arena
from hicra.related.systems import open_system
from hicra.related.update import Updater
from hicra.runs.config import load_config
from machine import finish, machine

ROWS, TURNS, READ, WRITTEN, LEAST_RATIO, MOST_APART = 64, 20, 25, 4, 2.0, 1e-3
STEPS = {"carl": "{n0: 8, n: 16}", "grpo": "{group_size: 16}"}


def turns(remember: bool) -> tuple[dict[str, float], list[float]]:
    """Plays made-up episodes; returns what they cost, and the log-probabilities of all tokens."""
    codec = TokenizerCodec(make_tokenizer([f"w{number}" for number in range(90)], context=1024))
    draw, logps = random.Random(0), list[float]()
    policy = NetworkPolicy(new_network(codec.tokenizer).eval(), codec, seed=1)
    words = codec.encode(" ".join(f"w{number}" for number in range(90)))
    contexts = [tuple(draw.choices(words, k=30)) for _ in range(ROWS)]
    began = time.process_time()
    for _ in range(TURNS):
        if not remember:
            policy.forget()
        actions = policy([Asked(context, WRITTEN, greedy=True) for context in contexts])
        logps += [logp for action in actions for logp in action.logps]
        contexts = [
            (*context, *action.ids, *draw.choices(words, k=draw.randint(READ // 2, READ)))
            for context, action in zip(contexts, actions, strict=True)
        ]
    seconds = time.process_time() - began
    return {
        "actions_a_cpu_second": round(ROWS * TURNS / seconds), "tokens_a_cpu_second": round(policy.written / seconds),
        "cpu_seconds": round(seconds, 2), "longest_context": max(map(len, contexts)),
    }, logps  # fmt: skip


def step_of(name: str, settings: str) -> dict[str, float]:
    """Takes a training step of a system on the chain, the second one of two, since the first warms up."""
    sets = [
        "engine=related",
        "task.name=chain",
        f"system.name={name}",
        f"system.settings={settings}",
        "method.name=none",
    ]
    config, _ = begin(
        load_config(None, [*sets, "train.max_new_tokens=2", "train.warmup_steps=0", "train.learning_rate=1e-4"])[0]
    )
    codec = TokenizerCodec(make_tokenizer(Chain().words, context=128))
    network = new_network(codec.tokenizer).eval()
    system, _ = open_system(name, config.system.settings, config.train.group_size)
    place = Arena(Chain, codec, NetworkPolicy(network, codec, seed=0), config.train.max_new_tokens)
    shape = RowShaping(config, Lexicon.load("paper"), codec, system)
    loss = config.assignment().loss
    assert loss is not None
    updater = Updater(network, loss, config.train)
    found: dict[str, float] = {}
    for step in (1, 2):
        began = time.process_time()
        (made,) = system.generations(place, [2, 4, 6, 8], step)
        played = time.process_time()
        arrays = shape(made).arrays
        arrays["advantages"] = np.where(
            arrays["response_mask"], 1.0, 0.0
        )  # a new network earns nothing, and nothing would move
        updater.updates(made.rows, arrays, step)
        done = time.process_time()
        actions = np.where(arrays["response_mask"], arrays["action_ids"], -1)
        updated = sum(len(np.unique(row[row >= 0])) for row in actions)
        found = {
            "generated": made.generated, "updated": updated, "play_cpu_s": round(played - began, 2),
            "update_cpu_s": round(done - played, 2), "generated_a_cpu_second": round(made.generated / (done - began)),
            "updated_a_cpu_second": round(updated / (done - began)),
        }  # fmt: skip
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    turns(True)  # warms up
    kept, one = turns(True)
    fresh, other = turns(False)
    ratio = fresh["cpu_seconds"] / kept["cpu_seconds"]
    apart = max(abs(a - b) for a, b in zip(one, other, strict=True)) if len(one) == len(other) else float("inf")
    report: dict[str, Any] = {
        "claim": __doc__.splitlines()[0], **machine("torch", "transformers"), "rows": ROWS, "turns": TURNS,
        "with_memory": kept, "without": fresh, "ratio": round(ratio, 2), "logps_apart_at_most": apart,
        "steps": {name: step_of(name, settings) for name, settings in STEPS.items()},
        "holds": ratio >= LEAST_RATIO and apart <= MOST_APART,
    }  # fmt: skip
    return finish(report, given.output)


if __name__ == "__main__":
    sys.exit(main())
