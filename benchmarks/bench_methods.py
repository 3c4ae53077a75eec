"""Claim: no baseline, shaper or loss takes more than 10 times the CPU seconds of `hicra` on 256 rollouts of 4,096 tokens.

    python benchmarks/bench_methods.py -o benchmarks/baselines/bench_methods.json        two minutes

Every entry of the three tables with its default settings, in one process of one thread; float32, ragged rows with a tool's output
inside, 32 groups of 8, 10 % planning tokens. Each is called as an engine calls it, with all its checks: a baseline and a shaper
in numpy, a loss in torch. Medians of 7; `ratio` is over `hicra` in the same run, and `growth` the factor from 4,096 to 8,192
tokens: about 2 is linear in B T, and more where the system hands out memory for large arrays anew. `with_gradient_ms` is the loss
and its gradient. Smaller sizes (`--rows 8 --width 64`) only say whether everything runs.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from hicra import credit
from hicra.errors import MissingField
from machine import finish, machine

ROWS, GROUP, WIDTH, ACTION, REPEATS, MOST = 256, 8, 4096, 64, 7, 10.0  # ACTION: tokens of an action
OF_LOSSES = ("entropies",)  # the fields that a loss is given


def batch_of(rows: int, width: int) -> dict[str, Any]:
    """Every field that a baseline or shaper may need; rollouts of a group share a prefix of up to an eighth.

    A row is an episode, whose actions have ACTION tokens. Each action begins with a token that keeps or changes the subgoal, and
    every fourth one goes on with a subgoal of seven tokens.
    """
    rng = np.random.default_rng(7)
    shape = (rows, width)
    live = np.arange(width) < rng.integers(width // 2, width + 1, rows)[:, None]
    live[:, width // 8 : width // 8 + 16] = False
    ids = rng.integers(0, 50_000, shape)
    group = np.repeat(np.arange(rows // GROUP), GROUP)
    for row in range(rows):
        shared = rng.integers(0, width // 8)
        ids[row, :shared] = ids[row - row % GROUP, :shared]
    number = np.arange(width)
    actions = np.tile(number // ACTION, (rows, 1))
    inside, begins = number % ACTION, number // ACTION % 4 == 0
    states = np.repeat(rng.integers(0, 20, (rows, width // ACTION)), ACTION, axis=1)
    rewards = rng.integers(0, 2, rows).astype(float)
    ends = (width - 1 - live[:, ::-1].argmax(axis=1)) // ACTION  # the last action of each row
    own = np.arange(rows)[:, None]
    path = own * width + actions + 1  # every row goes from the root of its group to an end of its own
    planning = np.repeat(rng.random((rows, width // 4)) < 0.1, 4, axis=1) & live
    return {
        "response_ids": ids, "response_mask": live, "group_ids": group, "planning_mask": planning,
        "rewards": rewards, "entropies": rng.exponential(0.5, shape).astype(np.float32),
        "old_logprobs": -rng.exponential(0.5, shape).astype(np.float32), "truncated": rng.random(rows) < 0.1,
        "n_tool_calls": rng.integers(0, 3, rows), "state_ids": states, "turn_ids": actions, "action_ids": actions,
        "episode_ids": np.broadcast_to(own, shape), "level_ids": states % 2, "kind_weights": np.array([0.5, 0.5]),
        "switch_mask": np.broadcast_to(inside == 0, shape),
        "subgoal_mask": np.broadcast_to(begins & (inside > 0) & (inside < 8), shape),
        "values": rng.random((rows, width // ACTION))[:, actions[0]], "node_id": path,
        "parent_id": np.where(actions, path - 1, 0),
        "leaf_reward": np.where(actions == ends[:, None], rewards[:, None], np.nan),
        "waad": rng.exponential(3.0, shape).astype(np.float32), "fai": rng.exponential(0.02, shape).astype(np.float32),
    }  # fmt: skip


def check_fields(given: Collection[str]) -> None:
    """Refuses an entry that needs a field which is not made here: it would be left out of what the claim is about.

    Raises:
        MissingField: there is such an entry.
    """
    for table, made in ((credit.BASELINES, given), (credit.METHODS, given), (credit.LOSSES, OF_LOSSES)):
        for entry in table.values():
            if lacking := [field for field in entry.needs if field not in made]:
                raise MissingField(
                    f"{entry.kind} {entry.name!r} needs {', '.join(lacking)}, which benchmarks/bench_methods.py does not make",
                    "make it in batch_of, or for a loss in OF_LOSSES and works",
                )


def works(rows: int, width: int) -> dict[tuple[str, str], Callable[[], Any]]:
    """What is timed, by kind and name."""
    batch = batch_of(rows, width)
    check_fields(batch)
    base = credit.group_advantages(batch["rewards"], batch["group_ids"]).astype(np.float32)
    wide = torch.from_numpy(np.broadcast_to(base[:, None], (rows, width)).copy())
    old, live = torch.from_numpy(batch["old_logprobs"]), torch.from_numpy(batch["response_mask"])
    noise = torch.from_numpy(np.random.default_rng(8).normal(0, 0.1, (rows, width)).astype(np.float32))
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
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--width", type=int, default=WIDTH, help="tokens of a row, of which some are padding")
    options = parser.parse_args()
    for name, value, part in (("--rows", options.rows, GROUP), ("--width", options.width, ACTION)):
        if value < part or value % part:
            parser.error(f"{name} is {value}: give a multiple of {part}")
    torch.set_num_threads(1)
    whole, double = works(options.rows, options.width), works(options.rows, 2 * options.width)
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
        "claim": __doc__.splitlines()[0], **machine("torch"), "rows": options.rows, "tokens": options.width,
        "hicra_ms": round(1000 * unit, 2), "most_ratio": MOST, "slower": slow,
        "methods": rows, "holds": not slow,
    }  # fmt: skip
    return finish(report, options.output)


if __name__ == "__main__":
    sys.exit(main())
