"""The environment "strings": strings of letters are built one after another, and one letter of each is the one that counts.

A text names the letter that is wanted. A string is right if that letter stands at the place that counts; the others may be any.
The first string that is not right ends the episode with 0, and the last one that is right ends it with 1. So the credit
inside an action is known: all of it belongs to one token. `hicra.related.critics.tabular.problem_of` has the exact tables.

Deviations (the field guide asks for such a world, and no publication has it):
STRINGS-1. What is wanted is drawn anew by the seed for every string, and the text says it, so that the right letter has to be
    read.
STRINGS-2. A string that is wrong ends the episode, so that no state has to be told from another by what was written before.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import product
from random import Random
from typing import Annotated, Any

from pydantic import Field

from hicra.errors import ConfigError
from hicra.related.environments.adapter import Adapter
from hicra.strict import Count, Positive

LETTERS = "abcdefgh"


class Strings(Adapter):
    """The environment "strings".

    Args:
        strings: number of strings of an episode.
        letters: size of the alphabet.
        length: letters of a string.
        counts: the place of the letter that counts, from 0.
        longest: the most actions of an episode.

    Raises:
        ConfigError: the place that counts is outside of the string.
    """

    def __init__(
        self,
        *,
        strings: Positive = 2,
        letters: Annotated[int, Field(ge=2, le=len(LETTERS))] = 4,
        length: Positive = 5,
        counts: Count = 4,
        longest: Positive = 8,
    ) -> None:
        settings = {"strings": strings, "letters": letters, "length": length, "counts": counts, "longest": longest}
        if counts >= length:
            raise ConfigError(
                f"task.settings.counts is {counts}, and the places of a string are 0 to {length - 1}",
                "name one of these places",
            )
        self.letters = tuple(LETTERS[:letters])
        super().__init__("strings", ("spell", "want", ".", *self.letters), longest, settings)
        self.strings, self.length, self.counts = strings, length, counts

    def actions(self) -> Sequence[str]:
        """Returns every string; none after the end."""
        return [] if self._done else self._choices()

    def expert(self) -> str:
        """Returns a string that is right, of the wanted letter alone.

        Raises:
            DataError: the episode has not begun, or has ended.
        """
        self._going()
        return " ".join([self.wanted] * self.length)

    @property
    def wanted(self) -> str:
        """The letter that the next string is to have at the place that counts."""
        return self._all[self._built]

    def _begin(self, seed: int) -> str:
        random = Random(seed)
        self._all = tuple(random.choice(self.letters) for _ in range(self.strings))
        self._built, self._right = 0, True
        return "spell ."

    def _act(self, text: str) -> bool:
        written = text.split()
        if len(written) != self.length or not {*written} <= {*self.letters}:
            return False
        self._right = self._right and written[self.counts] == self.wanted
        self._built += 1
        return True

    def _paid(self) -> float | None:
        if not self._right:
            return 0.0
        return 1.0 if self._built == self.strings else None

    def _seen(self) -> str:
        return f"want {self.wanted} ."

    def _world(self) -> Any:
        return self._built, self._right

    def _go_to(self, seed: int, world: Any) -> None:
        if seed != self._seed:
            self._begin(seed)
        self._built, self._right = world

    def _identity(self) -> Hashable:
        return self._all[self._built :]

    def _choices(self) -> Sequence[str]:
        return [" ".join(letters) for letters in product(self.letters, repeat=self.length)]
