"""Claim: no baseline, shaper or loss takes more than 10 times the CPU seconds of `hicra` on 256 rollouts of 4,096 tokens.

    python benchmarks/bench_methods.py -o benchmarks/baselines/bench_methods.json        two minutes

Every entry of the three tables with its default settings, in one process of one thread; float32, ragged rows with a tool's output
inside, 32 groups of 8, 10 % planning tokens. Each is called as an engine calls it, with all its checks: a baseline and a shaper
in numpy, a loss in torch. Medians of 7; `ratio` is over `hicra` in the same run, and `growth` the factor from 4,096 to 8,192
tokens: about 2 is linear in B T, and more where the system hands out memory for large arrays anew. `with_gradient_ms` is the loss
and its gradient.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from hicra import credit
from machine import finish, machine

ROWS, GROUP, WIDTH, REPEATS, MOST = 256, 8, 4096, 7, 10.0


def batch_of(width: int) -> dict[str, Any]:
    """Every field that a baseline, shaper or loss may need; rollouts of a group share a prefix of up to an eighth."""
    rng = np.random.default_rng(7)
    shape = (ROWS, width)
    live = np.arange(width) < rng.integers(width // 2, width + 1, ROWS)[:, None]
    live[:, width // 8 : width // 8 + 16] = False
    ids = rng.integers(0, 50_000, shape)
    group = np.repeat(np.arange(ROWS // GROUP), GROUP)
    for row in range(ROWS):
        shared = rng.integers(0, width // 8)
        ids[row, :shared] = ids[row - row % GROUP, :shared]
    steps = np.repeat(rng.integers(0, 20, (ROWS, width // 64)), 64, axis=1)
    actions = np.repeat(np.arange(width // 64)[None], 64, axis=1) + np.zeros((ROWS, 1), int)  # 64 tokens each
    rewards = rng.integers(0, 2, ROWS).astype(float)
    ends = (width - 1 - live[:, ::-1].argmax(axis=1)) // 64  # the last action of each row
    path = (
        np.arange(ROWS)[:, None] * 1000 + actions + 1
    )  # every row goes from the root of its group to an end of its own
    planning = np.repeat(rng.random((ROWS, width // 4)) < 0.1, 4, axis=1) & live
    return {
        "response_ids": ids, "response_mask": live, "group_ids": group, "planning_mask": planning,
        "rewards": rewards, "entropies": rng.exponential(0.5, shape).astype(np.float32),
        "old_logprobs": -rng.exponential(0.5, shape).astype(np.float32), "truncated": rng.random(ROWS) < 0.1,
        "n_tool_calls": rng.integers(0, 3, ROWS), "state_ids": steps, "turn_ids": steps, "action_ids": actions,
        "level_ids": steps % 2, "kind_weights": np.array([0.5, 0.5]), "node_id": path,
        "parent_id": np.where(actions, path - 1, 0), "values": rng.random((ROWS, width // 64))[:, actions[0]],
        "leaf_reward": np.where(actions == ends[:, None], rewards[:, None], np.nan),
    }  # fmt: skip


def works(width: int) -> dict[tuple[str, str], Callable[[], Any]]:
    """What is timed, by kind and name."""
    batch = batch_of(width)
    base = credit.group_advantages(batch["rewards"], batch["group_ids"]).astype(np.float32)
    wide = torch.from_numpy(np.broadcast_to(base[:, None], (ROWS, width)).copy())
    old, live = torch.from_numpy(batch["old_logprobs"]), torch.from_numpy(batch["response_mask"])
    noise = torch.from_numpy(np.random.default_rng(8).normal(0, 0.1, (ROWS, width)).astype(np.float32))
    entropies = torch.from_numpy(batch["entropies"])

    new, moving = old + noise, entropies.clone().requires_grad_()

    def trained(loss: Any) -> None:
        logps = (old + noise).requires_grad_()
        loss(logps, old, wide, live, {"entropies": entropies.clone().requires_grad_()}).backward()

    found: dict[tuple[str, str], Callable[[], Any]] = {}
    for name, entry in credit.BASELINES.items():
        found["baseline", name] = lambda entry=entry: entry(batch["rewards"], batch["group_ids"], batch)
    for name, entry in credit.METHODS.items():
        found["shaper", name] = lambda entry=entry: entry(base, batch)
    for name, entry in credit.LOSSES.items():
        found["loss", name] = lambda entry=entry: entry(new, old, wide, live, {"entropies": moving})
        found["gradient", name] = lambda entry=entry: trained(entry)
    return found


def seconds(work: Callable[[], Any], repeats: int = REPEATS) -> float:
    """Median CPU seconds of a call, after one that does not count."""
    work()
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path)
    output = parser.parse_args().output
    torch.set_num_threads(1)
    whole, double = works(WIDTH), works(2 * WIDTH)
    unit = seconds(whole["shaper", "hicra"], 3 * REPEATS)
    rows = []
    for (kind, name), work in whole.items():
        if kind == "gradient":
            continue
        taken, more = seconds(work), seconds(double[kind, name])
        growth = more / max(taken, 1e-6)
        rows.append({
            "kind": kind, "name": name, "ms": round(1000 * taken, 2), "ratio": round(taken / unit, 2), "growth": round(growth, 2),
            **({"with_gradient_ms": round(1000 * seconds(whole["gradient", name]), 2)} if kind == "loss" else {}),
        })  # fmt: skip
        print(
            f"{kind:9}{name:24}{1000 * taken:9.1f} ms {taken / unit:7.2f} x hicra, growth {growth:.2f}", file=sys.stderr
        )
    slow = [row["name"] for row in rows if row["ratio"] > MOST]
    report = {
        "claim": __doc__.splitlines()[0], **machine("torch"), "rows": ROWS, "tokens": WIDTH, "hicra_ms": round(1000 * unit, 2),
        "most_ratio": MOST, "slower": slow,
        "methods": rows, "holds": not slow,
    }  # fmt: skip
    return finish(report, output)


if __name__ == "__main__":
    sys.exit(main())
