"""Claim: at equal generated actions CARL's gradient is nearer to the exact one than GRPO's, if criticality is true entropy.

    python benchmarks/bench_carl_cosine.py -o benchmarks/baselines/bench_carl_cosine.json        ten CPU-minutes

The chain of 20 steps with 3 actions pays only if the steps 4, 10 and 15 are chosen right; a table of logits is fairly sure of the
others (0.86) and chooses right at each critical step with one chance, so that an episode succeeds with 0.04, 0.19 or 0.49. The
exact gradient has a closed form. Each method makes one gradient of about 320 generated actions many times: GRPO of 16 rollouts
(rewards less their mean) and CARL of 8 rollouts and 16 forks by entropy 2,000 times; CARL by one-sample surprisal, at random, by
entropy with every sample in a state of its own (`join: false`), and CARL lite of 1 rollout and 16 forks, 300 times. Of each draw
the cosine with the exact gradient counts, 0 where the gradient is 0, and the share of its squared length on the 17 steps that do
not matter.
`holds` says that at every success rate the interval of the difference in the mean cosine, CARL by entropy less GRPO, lies
above 0.

It also times the growing of trees without the sampling, in microseconds an action, and counts what a state holds in memory.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from hicra import credit
from hicra.related.environments.chain import Chain
from hicra.related.rollouts import Action, Asked, batch_of, drive
from hicra.related.system import Arena, Generated
from hicra.related.trees.carl import CARL
from hicra.related.trees.table import TablePolicy, sure_but_critical
from hicra.related.trees.tree import Tree, made
from hicra.related.trees.walk import begin, walk
from machine import finish, machine

CRITICAL, SURE, SUCCESS = (4, 10, 15), 0.86, (0.04, 0.19, 0.49)
COMPARED, BESIDE = ("grpo", "carl"), ("carl_surprisal", "carl_random", "carl_apart", "carl_lite")
METHODS = (*COMPARED, *BESIDE)
DRAWS, DRAWS_BESIDE = 2000, 300


def chain() -> Chain:
    """The chain that is played."""
    return Chain(20, 3, CRITICAL)


def flat(place: Arena, draws: int, size: int) -> Generated:
    """GRPO's rollouts: trees that fork at the root alone, all of whose actions are trained on."""

    def grown() -> Any:
        world = place.environment()
        root = begin(world, place.codec, 0)
        tree = Tree(root, join=False)
        for path in (yield from walk(world, place.codec, [root] * size, place.most)):
            tree.add(0, [[move] for move in path])
        return tree

    return made(drive([grown() for _ in range(draws)], place.policy), place.codec, "all")


def sampled(method: str, place: Arena, draws: int) -> tuple[Generated, str]:
    """Returns the rows of all draws, one group a draw, and the baseline that credits them."""
    if method == "grpo":
        return flat(place, draws, 16), "dr_grpo"
    criticality = {"carl_surprisal": "surprisal", "carl_random": "random"}.get(method, "entropy")
    n0 = 1 if method == "carl_lite" else 8
    system = CARL(n0=n0, n=16, criticality=criticality, join=method != "carl_apart")
    (rows,) = system.generations(place, range(draws), step=1)
    return rows, "carl"


def interval(values: np.ndarray) -> list[float]:
    """95 % interval of a mean over independent draws, by its standard error."""
    half = 1.96 * values.std(ddof=1) / math.sqrt(len(values))
    return [round(float(values.mean() - half), 4), round(float(values.mean() + half), 4)]


def measured(method: str, table: TablePolicy, draws: int) -> tuple[dict[str, Any], np.ndarray]:
    """Returns the figures of one method, and the cosine of each draw, [draws]."""
    exact = table.exact_gradient()
    rows, baseline = sampled(method, place_of(table), draws)
    batch = batch_of(rows.rows, rows.rewards, rows.group_ids, table.codec.pad)
    advantages = credit.BASELINES[baseline](rows.rewards, rows.group_ids, batch)
    wide = np.broadcast_to(advantages[:, None] if advantages.ndim == 1 else advantages, batch["response_mask"].shape)
    gradients = np.zeros((draws, *exact.shape))
    group = np.array(rows.group_ids)
    for draw in range(draws):
        own = group == draw
        part = {name: batch[name][own] for name in ("response_mask", "turn_ids", "response_ids")}
        gradients[draw] = table.gradient(part, wide[own])
    lengths = np.sqrt((gradients**2).sum(axis=(1, 2)))
    cosines = (gradients * exact).sum(axis=(1, 2)) / np.maximum(lengths, 1e-12) / np.linalg.norm(exact)
    energy = (gradients**2).sum(axis=2)
    beside = np.delete(energy, CRITICAL, axis=1).sum(axis=1)[lengths > 0] / energy.sum(axis=1)[lengths > 0]
    mean = gradients.mean(axis=0)
    return {
        "cosine": round(float(cosines.mean()), 4), "cosine_ci": interval(cosines),
        "cosine_of_the_mean_gradient": round(float((mean * exact).sum() / np.linalg.norm(mean) / np.linalg.norm(exact)), 4),
        "draws_without_gradient": int((lengths == 0).sum()),
        "energy_on_steps_that_do_not_matter": round(float(beside.mean()), 4), "energy_ci": interval(beside),
        "generated_actions": round(rows.generated / draws, 1),
        "updated_actions": round(int(batch["response_mask"].sum()) / draws, 1),
    }, cosines  # fmt: skip


def place_of(table: TablePolicy) -> Arena:
    """Where a table plays the chain."""
    return Arena(chain, table.codec, table)


class Ready:
    """Writes actions that were drawn before: what is timed is everything but sampling."""

    def __init__(self, table: TablePolicy) -> None:
        drawn = table([Asked((step,), most=1) for step in range(20) for _ in range(50)])
        self.actions = [drawn[50 * step : 50 * step + 50] for step in range(20)]
        self.count = 0

    def __call__(self, asked: Sequence[Asked]) -> list[Action]:
        self.count += 7
        return [self.actions[one.context[-1]][(self.count + number) % 50] for number, one in enumerate(asked)]


def costs(trees: int = 200) -> dict[str, Any]:
    """Microseconds of a CPU an action for growing, and for rows and advantages; bytes that a saved place of a tree holds."""
    table = TablePolicy(chain(), sure_but_critical(chain(), SURE, 0.5))
    place, system = Arena(chain, table.codec, Ready(table)), CARL()
    start = time.process_time()
    grown = drive([system.grown(place, seed) for seed in range(trees)], place.policy)
    middle = time.process_time()
    rows = made(grown, table.codec, "selected")
    batch = batch_of(rows.rows, rows.rewards, rows.group_ids, table.codec.pad)
    credit.BASELINES["carl"](rows.rewards, rows.group_ids, batch)
    end = time.process_time()
    one = time.process_time()
    flat(place, trees, 16)
    plain = time.process_time() - one
    tracemalloc.start()
    kept = drive([system.grown(place, seed) for seed in range(10)], place.policy)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    nodes = sum(len(tree.nodes) for tree in kept)
    return {
        "actions": rows.generated, "growing_us": round(1e6 * (middle - start) / rows.generated, 2),
        "rows_and_advantages_us": round(1e6 * (end - middle) / rows.generated, 2),
        "growing_flat_rollouts_us": round(1e6 * plain / (trees * 320), 2),
        "bytes_a_state": round(held / nodes), "states_a_tree": round(nodes / 10, 1), "longest_context_tokens": 40,
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--draws", type=int, default=DRAWS, help="of the two that are compared")
    parser.add_argument("--draws-beside", type=int, default=DRAWS_BESIDE, help="of the others")
    parser.add_argument(
        "--sure", type=float, default=SURE, help="chance of the right action at steps that do not matter"
    )
    given = parser.parse_args()
    rates, held = {}, []
    for rate in SUCCESS:
        found, cosines = {}, {}
        for number, method in enumerate(METHODS):
            table = TablePolicy(
                chain(), sure_but_critical(chain(), given.sure, rate ** (1 / len(CRITICAL))), seed=number
            )
            draws = given.draws if method in COMPARED else given.draws_beside
            found[method], cosines[method] = measured(method, table, draws)
            print(f"{rate:5} {method:15} {found[method]}", file=sys.stderr)
        for method in METHODS[1:]:
            here, flat_ones = cosines[method], cosines["grpo"]
            half = 1.96 * math.sqrt(here.var(ddof=1) / len(here) + flat_ones.var(ddof=1) / len(flat_ones))
            mean = float(here.mean() - flat_ones.mean())
            found[method]["cosine_less_grpo"] = round(mean, 4)
            found[method]["cosine_less_grpo_ci"] = [round(mean - half, 4), round(mean + half, 4)]
        rates[str(rate)] = found
        held.append(found["carl"]["cosine_less_grpo_ci"][0] > 0)
    report = {
        "claim": __doc__.splitlines()[0], **machine(), "draws": given.draws, "draws_beside": given.draws_beside, "steps": 20,
        "critical": CRITICAL, "sure": given.sure,
        "success": rates, "bookkeeping": costs(), "holds": all(held),
    }  # fmt: skip
    return finish(report, given.output)


if __name__ == "__main__":
    sys.exit(main())
