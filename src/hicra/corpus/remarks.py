"""Collects, while rows are read, what a user should know of them beside the account."""

from __future__ import annotations

from hicra.corpus.by_reward import ByReward
from hicra.corpus.fields import FROM_TEXT, InText, Ruled
from hicra.corpus.schema import Item
from hicra.corpus.two_files import InTwoFiles


class Remarks:
    """Watches the rows that are kept.

    Args:
        files: number of files of the read.

    Attributes:
        file: number of the file that is being read, from 0.
        in_two_files, by_reward: see there.
        in_text: column -> rows in which a number was given as text.
    """

    def __init__(self, files: int) -> None:
        self.file = 0
        self._several = files > 1
        self.in_two_files = InTwoFiles(files)
        self.by_reward = ByReward()
        self.in_text = dict.fromkeys(FROM_TEXT, 0)

    def add(self, item: Item) -> None:
        """Takes in a row that is kept."""
        if self._several:
            self.in_two_files.add(self.file, item)
        taken = item.taken
        if type(taken.get("correct")) is Ruled:
            self.by_reward.add(item)
        if type(taken.get("step")) is InText:
            self.in_text["step"] += 1
        if type(taken.get("reward")) is InText:
            self.in_text["reward"] += 1

    def warnings(self, names: list[str]) -> list[str]:
        """Returns the sentences; `names` are those of the files."""
        said = [self.in_two_files.warning(names), self.by_reward.warning()]
        said += [
            f"{name} is text in {rows} row{'' if rows == 1 else 's'}, and read as the number that it shows"
            for name, rows in self.in_text.items()
            if rows
        ]
        return [one for one in said if one is not None]
