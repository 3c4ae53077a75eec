"""Claim: what agents keep account of costs at most 0.1 ms of CPU an action, so that hierarchy is paid for in actions alone.

    python benchmarks/bench_agents.py -o benchmarks/baselines/bench_agents.json        half a CPU-minute

Each agent plays 16 episodes of each of 8 seeds a step on a chain of 20 choices, 10 steps, with a policy that says the first
thing that it may: GRPO and GiGPO in groups of 16, HiMAC with 8 blueprints and 8 executions, HiPER in groups of 16. CPU time is
split into the policy, which is left out, the agents' own (generators, rows, the environment), and batch and baseline. Counted
are actions that the policy wrote, actions that enter the loss, and actions that the environment took. `holds` says that the
agents' own time, batch and baseline together are at most 0.1 ms for each action that was written.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from hicra import credit
from hicra.related.agents import MARKERS
from hicra.related.environments.chain import Chain
from hicra.related.rollouts import Action, Asked, batch_of
from hicra.related.system import Arena
from hicra.related.systems import open_system
from machine import finish, machine

MOST_MS, STEPS, SEEDS, EPISODES = 0.1, 10, 8, 16
AGENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "grpo": ("grpo", {"group_size": EPISODES}),
    "gigpo": ("gigpo", {"group_size": EPISODES}),
    "himac": ("himac", {"blueprints": EPISODES // 2, "group_size": EPISODES // 2, "budget": 7}),
    "hiper": ("hiper", {"group_size": EPISODES}),
}
SAYS = {"plan:": ("a0 ; a1 ; a2", "a1 ; a0", "a2"), "switch:": ("keep", "keep", "change"), "subgoal:": ("a0", "a1")}
ACTIONS = ("a0", "a1", "a2", "a0 <sub_done>")


class Words:
    """One id a word; 0 ends an action and is padding."""

    end = pad = 0

    def __init__(self) -> None:
        self.known = ["<end>", *Chain().words, *MARKERS]
        self.ids = {word: number for number, word in enumerate(self.known)}

    def encode(self, text: str) -> list[int]:
        return [self.ids[word] for word in text.split()]

    def decode(self, ids: Sequence[int]) -> str:
        return " ".join(self.known[one] for one in ids if one)


class Chatter:
    """Says at random what may be said after a cue; `seconds` is its own CPU time."""

    def __init__(self, codec: Words) -> None:
        self.codec, self.draw, self.seconds = codec, random.Random(0), 0.0

    def __call__(self, asked: Sequence[Asked]) -> list[Action]:
        began = time.process_time()
        made = []
        for one in asked:
            choices = SAYS.get(self.codec.known[one.context[-1]], ACTIONS)
            text = choices[0] if one.greedy else self.draw.choice(choices)
            ids = (*self.codec.encode(text), self.codec.end)
            made.append(Action(ids, text, True, (-1.0,) * len(ids), (1.0,) * len(ids)))
        self.seconds += time.process_time() - began
        return made


def measured(name: str, settings: dict[str, Any]) -> dict[str, float]:
    """Plays an agent and says what its actions cost."""
    system, _ = open_system(name, settings, EPISODES)
    codec = Words()
    policy = Chatter(codec)
    place = Arena(Chain, codec, policy, most=4)
    generated = updated = interactions = 0
    of_batch, began = 0.0, time.process_time()
    baseline, of_baseline = system.baseline
    for step in range(STEPS):
        for made in system.generations(place, range(SEEDS), step):
            here = time.process_time()
            batch = batch_of(made.rows, made.rewards, made.group_ids, codec.pad)
            credit.BASELINES[baseline](batch["rewards"], batch["group_ids"], batch, **of_baseline)
            of_batch += time.process_time() - here
            generated += made.generated
            interactions += made.interactions
            updated += sum(row.actions for row in made.rows)
    own = time.process_time() - began - of_batch - policy.seconds
    return {
        "generated": generated, "updated": updated, "interactions": interactions,
        "own_us_an_action": round(1e6 * own / generated, 1), "batch_and_baseline_us_an_action": round(1e6 * of_batch /
    generated, 1), }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    agents = {}
    for name, (system, settings) in AGENTS.items():
        agents[name] = measured(system, settings)
        print(f"{name:8} {agents[name]}", file=sys.stderr)
    most = max(one["own_us_an_action"] + one["batch_and_baseline_us_an_action"] for one in agents.values())
    report = {
        "claim": __doc__.splitlines()[0], **machine(), "steps": STEPS, "seeds": SEEDS, "episodes_of_a_seed": EPISODES,
        "agents": agents, "most_us": round(most, 1), "holds": most <= 1000 * MOST_MS,
    }  # fmt: skip
    return finish(report, given.output)


if __name__ == "__main__":
    sys.exit(main())
