"""Makes the warm starts of the study: a small network that has imitated a careless expert, in the prompts of every arm.

One warm start serves all arms of a pair: it has seen flat episodes and episodes with two levels, equally many of each.
"""

from __future__ import annotations

import fcntl
from pathlib import Path

from design import CONTEXT, ENVIRONMENTS

from hicra.related.agents.demonstrate import demonstrations
from hicra.related.environments.open import open_environment
from hicra.related.policy.imitate import Example, imitate
from hicra.related.policy.network import new_network, save_network
from hicra.related.policy.words import TokenizerCodec, make_tokenizer

FOLDER = Path(__file__).resolve().parent / "work" / "warmstarts"
EPISODES, UPDATES = 400, 300  # of each of both kinds; of the network
CARELESS = {"minigrid": 0.5, "hcraft": 0.4}  # chance that an action of the expert is any one; see PREREGISTRATION.md
CARELESS_PLAN = 0.5  # chance that a blueprint is out of order
FIRST_EPISODE = 2**31  # runs draw even seeds below, and are evaluated on small odd ones


def folder(environment: str, pair: int) -> Path:
    """Returns where a warm start lies."""
    return FOLDER / f"{environment}-{pair}"


def make(environment: str, pair: int) -> Path:
    """Trains a warm start where it is not there yet, one process at a time; returns its folder."""
    made = folder(environment, pair)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / f"{made.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            train(environment, pair, made)
    return made


def train(environment: str, pair: int, made: Path) -> None:
    """Trains a warm start whose seed is the number of the pair, and writes it."""
    opened, _ = open_environment(environment, ENVIRONMENTS[environment])
    world = opened()
    tokenizer = make_tokenizer(world.words, CONTEXT)
    codec = TokenizerCodec(tokenizer)
    seeds = range(FIRST_EPISODE + EPISODES * pair, FIRST_EPISODE + EPISODES * (pair + 1))
    rows = [
        row
        for kind in ("flat", "two_levels")
        for row in demonstrations(
            world, seeds, codec, kind, careless=CARELESS[environment], careless_plan=CARELESS_PLAN, seed=pair
        )
    ]
    examples = [Example(row.context, tuple(row.ids), tuple(row.live)) for row in rows]
    model = new_network(tokenizer, seed=pair)
    imitate(model, examples, updates=UPDATES, pad=codec.pad, seed=pair)
    save_network(model, tokenizer, made)


if __name__ == "__main__":
    import sys

    print(make(sys.argv[1], int(sys.argv[2])))
