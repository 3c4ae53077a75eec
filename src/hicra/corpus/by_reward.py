"""Watches rewards that decide what is right, and says where the rule does not fit them."""

from __future__ import annotations

import math

from hicra.corpus.schema import Item
from hicra.correctness import CORRECT_AT

_PLAIN = ({0.0, 1.0}, {-1.0, 1.0})  # two marks, of which no one doubts which is the right one


class ByReward:
    """Counts the rows whose `correct` is taken from their reward (READ-1), and knows the range of these rewards."""

    def __init__(self) -> None:
        self.rows = self.right = 0
        self.low, self.high = math.inf, -math.inf
        self.rule = ""
        self._few: set[float] = set()  # the rewards, up to three different ones

    def add(self, item: Item) -> None:
        """Takes in a row whose `correct` is taken from its reward."""
        reward = item.values["reward"]
        if not self.rows:
            self.rule = item.taken["correct"]
        self.rows += 1
        if reward >= CORRECT_AT:
            self.right += 1
        if reward < self.low:
            self.low = reward
        if reward > self.high:
            self.high = reward
        if len(self._few) < 3:
            self._few.add(reward)

    def warning(self) -> str | None:
        """Returns what to say where rewards lie outside of [0, 1], or all on one side of the threshold."""
        if not self.rows or any(self._few <= plain for plain in _PLAIN):
            return None
        if self.low >= 0 and self.high <= 1 and 0 < self.right < self.rows:
            return None
        source = self.rule.rpartition(" >= ")[0]
        count = {0: "none", self.rows: "all"}.get(self.right, str(self.right))
        rows = f"{self.rows} row{'' if self.rows == 1 else 's'}"
        return (
            f"what is right is taken from the reward ({source} of at least {CORRECT_AT}): the rewards go from {self.low:g} to "
            f"{self.high:g}, and {count} of {rows} count as right; if that is wrong, --map correct=COLUMN names the verdicts, or "
            f"--map 'correct={source}>=NUMBER' the smallest reward that is right"
        )
