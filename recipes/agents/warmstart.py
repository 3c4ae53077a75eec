"""Trains the start models of agents: `python recipes/agents/warmstart.py hcraft-one|hcraft|minigrid -o DIR [--seed N]`

A careless demonstrator plays. What it writes is imitated for three kinds of agent in equal parts: flat ones, ones that write a
blueprint and execute it, and ones that keep or change a subgoal. So one start model serves all systems, and a comparison of
them starts in one place. Training ends early: the model is to succeed now and then, and to have most of it to learn. One thread,
fp32.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from hicra.artifacts import check_output, sha256_file
from hicra.errors import ConfigError, HicraError, did_you_mean
from hicra.related.agents.demonstrate import demonstrations
from hicra.related.environments import Environment
from hicra.related.environments.open import open_environment
from hicra.related.policy.imitate import Example, example_of, imitate
from hicra.related.policy.network import new_network, save_network
from hicra.related.policy.sample import NetworkPolicy
from hicra.related.policy.words import TokenizerCodec, make_tokenizer
from hicra.related.system import Arena
from hicra.related.systems import open_system

KINDS = ("flat", "two_levels", "keep_or_change")
SYSTEMS = ("grpo", "himac", "hiper")  # one that plays in each of these ways
MOST = 12  # tokens of an action


@dataclass(frozen=True)
class Recipe:
    """One start model.

    Attributes:
        environment: where it plays.
        careless: chance that the demonstrator takes any action that does something.
        settings: of the environment.
        episodes: demonstrated for each kind of agent.
        updates: of training.
        careless_plan: chance that its blueprint is out of order.
        context: the most tokens that the model reads.
    """

    environment: str
    careless: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    episodes: int = 400
    updates: int = 300
    careless_plan: float = 0.5
    context: int = 2048


RECIPES = {
    "hcraft-one": Recipe("hcraft", 0.2, {"things": 1, "longest": 15}, updates=100),
    "hcraft": Recipe("hcraft", 0.2, {"things": 2}),
    "minigrid": Recipe("minigrid", 0.6, {"size": 5, "longest": 20}, updates=150),
}


def examples(make: Callable[[], Environment], recipe: Recipe, codec: TokenizerCodec, seed: int) -> list[Example]:
    """The demonstrations of a recipe; their seeds are even, as those of training are."""
    numbers = [2 * number for number in range(recipe.episodes)]
    careless = {"careless": recipe.careless, "careless_plan": recipe.careless_plan, "seed": seed}
    return [example_of(row) for kind in KINDS for row in demonstrations(make(), numbers, codec, kind, **careless)]


def success(model: Any, make: Callable[[], Environment], codec: TokenizerCodec, episodes: int) -> dict[str, float]:
    """Share of held-out episodes (odd seeds) that each kind of agent wins, sampled at temperature 1."""
    place = Arena(make, codec, NetworkPolicy(model, codec, seed=0), MOST)
    seeds = [2 * number + 1 for number in range(episodes)]
    return {name: sum(open_system(name, {}, 8)[0].play(place, seeds).success) / episodes for name in SYSTEMS}


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; exit code 0, or 1 where an input is wrong."""
    parser = argparse.ArgumentParser(prog="warmstart", description="Trains a start model of agents.")
    parser.add_argument("name", help=", ".join(RECIPES))
    parser.add_argument("-o", "--output", type=Path, required=True, help="new folder for the model")
    parser.add_argument("--overwrite", action="store_true", help="replace the folder where it is there")
    parser.add_argument("--seed", type=int, default=0, help="initial values and demonstrations (default 0)")
    parser.add_argument("--updates", type=int, help="of training, in place of the recipe's")
    parser.add_argument("--episodes", type=int, default=200, help="played at the end to tell the success (default 200)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    began = time.process_time()
    try:
        if options.name not in RECIPES:
            raise ConfigError(f"no start model {options.name!r}", did_you_mean(options.name, RECIPES))
        recipe = RECIPES[options.name]
        check_output(options.output, "the start model", overwrite=options.overwrite, folder=True)
        make, _ = open_environment(recipe.environment, recipe.settings)
        tokenizer = make_tokenizer(make().words, recipe.context)
        codec = TokenizerCodec(tokenizer)
        shown = examples(make, recipe, codec, options.seed)
        longest = max(len(one.context) + len(one.ids) for one in shown)
        print(
            f"{len(shown)} rows of at most {longest} tokens, {time.process_time() - began:.0f} cpu-s", file=sys.stderr
        )
        model = new_network(tokenizer, seed=options.seed)
        updates = recipe.updates if options.updates is None else options.updates

        def progress(update: int, loss: float) -> None:
            if update % 50 == 0:
                spent = time.process_time() - began
                print(f"update {update}/{updates} loss {loss:.3f}, {spent:.0f} cpu-s", file=sys.stderr)

        imitate(model, shown, updates=updates, pad=codec.pad, seed=options.seed, after=progress)
        save_network(model, tokenizer, options.output, options.overwrite)
        won = success(model, make, codec, options.episodes)
    except HicraError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    digest = sha256_file(options.output / "model.safetensors")
    shares = ", ".join(f"{name} {share:.3f}" for name, share in won.items())
    print(f"{options.output}: success {shares}; {time.process_time() - began:.0f} cpu-s, weights {digest}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
