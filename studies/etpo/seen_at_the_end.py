"""How soon a critic knows at the end of a string whether it is right: `python seen_at_the_end.py --start DIR --counts 4`

Strings are drawn as the demonstrator of the recipe writes them, and a head on what the model reads at the last letter is told
of each whether the letter that counts is the wanted one. With `--trunk own` a copy of the start model learns along, with
`--trunk policy` the head alone. Prints the mean square error on 400 other strings every 25 updates; one that knows nothing has
the variance. One thread.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from hicra.generation.sampling import load
from hicra.related.policy.words import TokenizerCodec

LETTERS, LENGTH, SKILL = "abcd", 5, 0.25
TRAINED, OTHERS, BATCH, RATE = 1200, 400, 64, 3e-3


def drawn(codec: TokenizerCodec, chance: Random, count: int, counts: int) -> tuple[Tensor, Tensor]:
    """Returns the ids [N,L] of prompts with strings, and whether each is right [N]."""
    rows, right = [], []
    for _ in range(count):
        wanted = chance.choice(LETTERS)
        letters = [wanted if chance.random() < SKILL else chance.choice(LETTERS) for _ in range(LENGTH)]
        rows.append(codec.encode(f"spell . want {wanted} . act: " + " ".join(letters)))
        right.append(float(letters[counts] == wanted))
    return torch.tensor(rows), torch.tensor(right)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--start", type=Path, required=True, help="a start model of recipes/etpo")
    parser.add_argument("--counts", type=int, default=4, help="place of the letter that counts, from 0 (default 4)")
    parser.add_argument("--trunk", choices=("own", "policy"), default="own")
    parser.add_argument("--updates", type=int, default=200)
    given = parser.parse_args()
    torch.manual_seed(0)
    model, tokenizer = load(given.start, 1)
    codec, chance = TokenizerCodec(tokenizer), Random(0)
    ids, right = drawn(codec, chance, TRAINED, given.counts)
    other_ids, other_right = drawn(codec, chance, OTHERS, given.counts)
    trunk: Any = copy.deepcopy(model).base_model
    head = nn.Sequential(nn.Linear(model.config.hidden_size, 128), nn.SiLU(), nn.Linear(128, 1))
    weights = [*head.parameters(), *(trunk.parameters() if given.trunk == "own" else ())]
    optimizer = torch.optim.AdamW(weights, lr=RATE, weight_decay=0.0)

    def guessed(rows: Tensor) -> Tensor:
        seen = trunk(input_ids=rows).last_hidden_state[:, -1]
        values: Tensor = head(seen if given.trunk == "own" else seen.detach())[:, 0]
        return values

    print(f"variance {other_right.var():.4f}")
    for update in range(1, given.updates + 1):
        batch = torch.randint(0, TRAINED, (BATCH,))
        optimizer.zero_grad()
        (guessed(ids[batch]) - right[batch]).pow(2).mean().backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        if update % 25 == 0:
            with torch.no_grad():
                print(f"update {update}: {(guessed(other_ids) - other_right).pow(2).mean():.4f}", flush=True)


if __name__ == "__main__":
    main()
