"""Trains a start model that chooses at random: `python recipes/etpo/warmstart.py strings|model_choice -o DIR [--seed N]`

It imitates a demonstrator who draws any of the choices of `model_choice`, or a string of letters of which every one is the
wanted letter a little more often than chance. So it writes whole actions, mostly poor ones, and prefers no place of a string.
This start is also the reference of ETPO's KL term. One thread, fp32.
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

from hicra.artifacts import check_output, sha256_file
from hicra.related.agents.execute import Manner, Numbering, execute
from hicra.related.environments.open import open_environment
from hicra.related.environments.strings import Strings
from hicra.related.policy.imitate import Example, example_of, imitate
from hicra.related.policy.network import new_network, save_network
from hicra.related.policy.words import TokenizerCodec, make_tokenizer
from hicra.related.rollouts import Action
from hicra.related.script import ended, seed

ENVIRONMENTS = ("strings", "model_choice")
SKILL = 0.25  # chance that a letter of a string is the wanted one on purpose, at every place of it
EPISODES, UPDATES, BATCH, CONTEXT = 1500, 300, 32, 160
SIZES = {"width": 48, "layers": 2, "heads": 2}
MOST = 8  # tokens of an action


def play(environment: Any, seed: int, codec: TokenizerCodec, chance: Random) -> Example:
    """Plays one episode in place of a policy, and returns it as an example."""
    episode = execute(environment, seed, codec, Manner(MOST), states=Numbering())
    next(episode)
    try:
        while True:
            text = careless(environment, chance)
            ids = (*codec.encode(text), codec.end)
            episode.send([Action(ids, text, True, (0.0,) * len(ids), (0.0,) * len(ids))])
    except StopIteration as end:
        return example_of(end.value.rows[0])


def careless(environment: Any, chance: Random) -> str:
    """Returns any choice of a model, or a string of any letters, each of them the wanted one a little more often."""
    if not isinstance(environment, Strings):
        return str(chance.choice(environment.actions()))
    letters = [
        environment.wanted if chance.random() < SKILL else chance.choice(environment.letters)
        for _ in range(environment.length)
    ]
    return " ".join(letters)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; exit code 0, 1 where an input is wrong, 2 for wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python recipes/etpo/warmstart.py", description="Trains a start model that chooses at random."
    )
    parser.add_argument("environment", choices=ENVIRONMENTS)
    parser.add_argument("-o", "--output", type=Path, required=True, help="new folder for the model")
    parser.add_argument("--overwrite", action="store_true", help="replace the folder where it is there")
    parser.add_argument("--seed", type=seed, default=0, help="initial values and demonstrations (default 0)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)

    def work() -> None:
        began = time.process_time()
        check_output(options.output, "the start model", overwrite=options.overwrite, folder=True)
        make(options.environment, options.output, options.seed, options.overwrite)
        digest = sha256_file(options.output / "model.safetensors")
        print(f"{options.output}: {time.process_time() - began:.0f} cpu-s, weights {digest}")

    return ended(work)


def make(name: str, output: Path, seed: int, overwrite: bool = False) -> None:
    """Trains the start model of an environment into a folder."""
    made, _ = open_environment(name, {})
    tokenizer = make_tokenizer(made().words, CONTEXT)
    codec = TokenizerCodec(tokenizer)
    environment, chance = made(), Random(seed)
    examples = [play(environment, 2 * number, codec, chance) for number in range(EPISODES)]
    model = new_network(tokenizer, seed=seed, **SIZES)

    def progress(update: int, loss: float) -> None:
        if update % 50 == 0:
            print(f"update {update}/{UPDATES} loss {loss:.3f}", file=sys.stderr)

    imitate(model, examples, updates=UPDATES, batch=BATCH, pad=codec.pad, seed=seed, after=progress)
    save_network(model, tokenizer, output, overwrite)


if __name__ == "__main__":
    raise SystemExit(main())
