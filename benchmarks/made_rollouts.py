"""Makes rollouts of any number for benchmarks: the same bytes for the same arguments, written as JSON Lines row by row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

GROUP = 8
FRONT, BACK = ("ba", "co", "di", "fu", "ge", "hi", "lo", "ma", "ne", "pu"), ("l", "nt", "r", "s", "v", "x", "m", "k")
WORDS = [a + b + c + d for a in FRONT for b in BACK for c in FRONT for d in BACK]  # 6,400


def rows(count: int, words: int, steps: int, grams: list[str], entropies: bool = False) -> Iterator[dict[str, Any]]:
    """Yields rollouts in the order of steps, 8 a prompt.

    Args:
        count: number of rollouts.
        words: words of a response, on average.
        steps: number of steps, the rollouts evenly over them; 0 leaves the step out.
        grams: what strategic phrases are drawn from; about one stands every 15 words.
        entropies: whether each row has the entropy of each of its words.
    """
    rng = np.random.default_rng([17, words])
    chance = 1 / np.arange(1, len(WORDS) + 1)
    chance /= chance.sum()
    pool = rng.choice(len(WORDS), 2**18, p=chance)
    for at in range(count):
        prompt = at // GROUP
        length = max(12, round(words * float(rng.uniform(0.5, 1.5))))
        begin = int(rng.integers(0, len(pool) - length))
        said = [WORDS[number] for number in pool[begin : begin + length].tolist()]
        for place in range(int(rng.integers(0, 15)), length, 15):
            said[place] = grams[int(rng.integers(0, len(grams)))]
        text = " ".join(said) + f". The answer is {at}."
        row: dict[str, Any] = {"id": f"r{at}", "question": f"Problem {prompt}: what is {prompt} plus {prompt % 97}?"}
        row |= {"response": text, "correct": bool(rng.random() < 0.4), "truncated": bool(rng.random() < 0.03)}
        if steps:
            row["step"] = at * steps // count + 1
        if entropies:
            row["entropies"] = [round(value, 3) for value in rng.exponential(0.4, len(text.split())).tolist()]
        yield row


def write(path: Path, *arguments: Any, **options: Any) -> int:
    """Writes rollouts as JSON Lines, and returns the number of bytes."""
    with open(path, "w", encoding="utf-8") as file:
        for row in rows(*arguments, **options):
            file.write(json.dumps(row) + "\n")
    return path.stat().st_size
