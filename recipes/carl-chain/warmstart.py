"""Trains the start model of the chain: `python recipes/carl-chain/warmstart.py -o DIR [--seed N] [--overwrite]`

The demonstrator is sure where nothing hangs on it, and chooses the right action of a critical step with a chance of 0.45. So
the model that imitates it reaches the reward in about 0.45^3 = 0.09 of its episodes, and has three choices to learn. Half of the
demonstrations are written as trees play, and half as flat agents do, who are asked by a cue. One thread, fp32.
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
from hicra.related.environments.chain import Chain
from hicra.related.play import episode
from hicra.related.policy.imitate import example_of, imitate
from hicra.related.policy.network import new_network, save_network
from hicra.related.policy.words import TokenizerCodec, make_tokenizer
from hicra.related.rollouts import Action, Asked, drive

RIGHT, SURE = 0.45, 0.95  # chance of the right action where it matters, and of the usual one where nothing does
EPISODES, UPDATES, CONTEXT = 300, 200, 96  # episodes of each kind
SIZES = {"width": 48, "layers": 2, "heads": 2}


class Demonstrator:
    """Plays the chain in place of a policy.

    Args:
        chain: tells what is right, and where it matters.
        codec: of the model that will imitate it.
        chance: where random numbers come from.
    """

    def __init__(self, chain: Chain, codec: TokenizerCodec, chance: Random) -> None:
        self.chain, self.codec, self.chance = chain, codec, chance

    def __call__(self, asked: Sequence[Asked]) -> list[Action]:
        return [self._said(self.codec.decode(one.context).split()) for one in asked]

    def _said(self, read: Sequence[str]) -> Action:
        step = self.chain.step_named(next(word for word in reversed(read) if word in self.chain.places))
        usual = self.chain.right_action(step)
        others = [one for one in self.chain.actions() if one != usual]
        sure = RIGHT if step in self.chain.critical_steps else SURE
        text = usual if self.chance.random() < sure else self.chance.choice(others)
        ids = (*self.codec.encode(text), self.codec.end)
        return Action(ids, text, True, (0.0,) * len(ids), (0.0,) * len(ids))


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; exit code 0, or 1 where an input is wrong."""
    parser = argparse.ArgumentParser(prog="warmstart", description="Trains the start model of the chain.")
    parser.add_argument("-o", "--output", type=Path, required=True, help="new folder for the model")
    parser.add_argument("--overwrite", action="store_true", help="replace the folder where it is there")
    parser.add_argument("--seed", type=int, default=0, help="initial values and demonstrations (default 0)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        check_output(options.output, "the start model", overwrite=options.overwrite, folder=True)
        began, chain = time.process_time(), Chain()
        tokenizer = make_tokenizer(chain.words, CONTEXT)
        codec = TokenizerCodec(tokenizer)
        demonstrator = Demonstrator(chain, codec, Random(options.seed))
        free = drive([episode(Chain(), codec, number, 2, False) for number in range(EPISODES)], demonstrator)
        asked = drive(
            [execute(Chain(), n, codec, Manner(2), states=Numbering()) for n in range(EPISODES)], demonstrator
        )
        model = new_network(tokenizer, seed=options.seed, **SIZES)

        def progress(update: int, loss: float) -> None:
            if update % 50 == 0:
                print(f"update {update}/{UPDATES} loss {loss:.3f}", file=sys.stderr)

        rows = [*(row for row, _ in free), *(row for one in asked for row in one.rows)]
        examples = [example_of(row) for row in rows]
        imitate(model, examples, updates=UPDATES, pad=codec.pad, seed=options.seed, after=progress)
        save_network(model, tokenizer, options.output, options.overwrite)
    except HicraError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    digest = sha256_file(options.output / "model.safetensors")
    reached = sum(reward > 0 for _, reward in free) / EPISODES
    seconds = time.process_time() - began
    print(
        f"{options.output}: demonstrations reach the reward in {reached:.3f} of episodes, {seconds:.0f} cpu-s, weights {digest}"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
