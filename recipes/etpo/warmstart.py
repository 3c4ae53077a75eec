"""Trains a start model that chooses at random: `python recipes/etpo/warmstart.py strings|model_choice -o DIR [--seed N]`

It imitates a demonstrator who draws any of the actions that the environment knows, so it writes whole actions and knows nothing of
which are good. This start is also the reference of ETPO's KL term. One thread, fp32.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

import torch

from hicra.artifacts import check_output, sha256_file
from hicra.errors import HicraError
from hicra.related.agents.execute import Manner, Numbering, execute
from hicra.related.environments import Environment
from hicra.related.environments.open import open_environment
from hicra.related.policy.imitate import example_of, imitate
from hicra.related.policy.network import new_network, save_network
from hicra.related.policy.words import TokenizerCodec, make_tokenizer
from hicra.related.rollouts import Action, Asked, drive

ENVIRONMENTS = ("strings", "model_choice")
EPISODES, UPDATES, BATCH, CONTEXT = 600, 150, 32, 160
SIZES = {"width": 48, "layers": 2, "heads": 2}
MOST = 8  # tokens of an action


class AnyAction:
    """Draws actions in place of a policy.

    Args:
        environment: an episode of it has begun, so that it tells its actions.
        codec: of the model that will imitate it.
        chance: where random numbers come from.
    """

    def __init__(self, environment: Environment, codec: TokenizerCodec, chance: Random) -> None:
        environment.reset(0)
        self.actions: Sequence[str] = environment.actions()  # type: ignore[attr-defined]
        self.codec, self.chance = codec, chance

    def __call__(self, asked: Sequence[Asked]) -> list[Action]:
        return [self._said(self.chance.choice(self.actions)) for _ in asked]

    def _said(self, text: str) -> Action:
        ids = (*self.codec.encode(text), self.codec.end)
        return Action(ids, text, True, (0.0,) * len(ids), (0.0,) * len(ids))


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; exit code 0, or 1 where an input is wrong."""
    parser = argparse.ArgumentParser(prog="warmstart", description="Trains a start model that chooses at random.")
    parser.add_argument("environment", choices=ENVIRONMENTS)
    parser.add_argument("-o", "--output", type=Path, required=True, help="new folder for the model")
    parser.add_argument("--overwrite", action="store_true", help="replace the folder where it is there")
    parser.add_argument("--seed", type=int, default=0, help="initial values and demonstrations (default 0)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        began = time.process_time()
        check_output(options.output, "the start model", overwrite=options.overwrite, folder=True)
        make(options.environment, options.output, options.seed, options.overwrite)
    except HicraError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    digest = sha256_file(options.output / "model.safetensors")
    print(f"{options.output}: {time.process_time() - began:.0f} cpu-s, weights {digest}")
    return 0


def make(name: str, output: Path, seed: int, overwrite: bool = False) -> None:
    """Trains the start model of an environment into a folder."""
    made, _ = open_environment(name, {})
    tokenizer = make_tokenizer(made().words, CONTEXT)
    codec = TokenizerCodec(tokenizer)
    demonstrator = AnyAction(made(), codec, Random(seed))
    played = drive(
        [execute(made(), number, codec, Manner(MOST), states=Numbering()) for number in range(EPISODES)], demonstrator
    )
    examples = [example_of(row) for one in played for row in one.rows]
    model = new_network(tokenizer, seed=seed, **SIZES)

    def progress(update: int, loss: float) -> None:
        if update % 50 == 0:
            print(f"update {update}/{UPDATES} loss {loss:.3f}", file=sys.stderr)

    imitate(model, examples, updates=UPDATES, batch=BATCH, pad=codec.pad, seed=seed, after=progress)
    save_network(model, tokenizer, output, overwrite)


if __name__ == "__main__":
    raise SystemExit(main())
