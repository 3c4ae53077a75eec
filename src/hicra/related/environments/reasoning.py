"""The environment "jugs": a task of the package reasoning-gym, split into turns of one move each.

Jugs of different sizes are to be filled, emptied and poured into each other until one holds the target amount. In the package the
whole list of moves is one answer; here each move is an action, and the task's own score of the list so far is the reward once a
jug holds the target.

Deviations (the publications on trees do not use it):
    JUGS-1. The text is made here from the numbers of the package's question, in few words, and says what each jug holds.
    JUGS-2. Problem number `seed` modulo their number, which is even, is played, as in the environment "task" (TASKWORLD-2).
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import Field

from hicra.errors import DataError
from hicra.install import install_command
from hicra.related.environments.adapter import Searched
from hicra.related.environments.from_task import even
from hicra.strict import Positive
from hicra.tasks.base import Row
from hicra.tasks.reasoning_gym.task import CLOSE, OPEN, ReasoningGym

if importlib.util.find_spec("reasoning_gym") is None:
    raise ModuleNotFoundError("No module named 'reasoning_gym'", name="reasoning_gym")

JUGS = "abcde"
MOST = 23  # litres of the largest jug: the package draws sizes up to 3 + difficulty
WORDS = ("jug", "holds", "of", "target", "fill", "empty", "pour", ".", *JUGS, *map(str, range(MOST + 1)))
SIZES = re.compile(r"litres of water: ((?:[A-Z]:\d+(?:, )?)+)")
TARGET = re.compile(r"your target is: (\d+) litres")
SCORING_S = 10.0  # CPU seconds; simulating a list of moves takes far less


class Jugs(Searched):
    """The environment "jugs".

    Args:
        jugs: number of jugs.
        difficulty: the fewest moves that a problem takes; a jug holds at most 3 litres more.
        split: where its problems are from, "train" or "eval".
        problems: the most problems that are played; an odd number means one less.
        longest: the most actions of an episode.
    """

    def __init__(
        self,
        *,
        jugs: Annotated[int, Field(ge=3, le=len(JUGS))] = 3,
        difficulty: Annotated[int, Field(ge=1, le=MOST - 3)] = 5,
        split: Literal["train", "eval"] = "train",
        problems: Positive = 100,
        longest: Positive = 25,
    ) -> None:
        settings = {
            "jugs": jugs, "difficulty": difficulty, "split": split, "problems": problems, "longest": longest,
        }  # fmt: skip
        super().__init__("jugs", WORDS, longest, settings)
        self._task, self._rows = _opened(jugs, difficulty, split, problems)
        self._names = JUGS[:jugs]

    def _begin(self, seed: int) -> str:
        self._row = self._rows[seed % len(self._rows)]
        self._sizes, self._target = _numbers(self._row["question"])
        self._moves: tuple[str, ...] = ()
        self._held = (0,) * len(self._sizes)
        return f"target {self._target} ."

    def _act(self, text: str) -> bool:
        if text not in self._choices():
            return False
        verb, *named = text.split()
        held, (first, *rest) = list(self._held), [JUGS.index(name) for name in named]
        if verb == "pour":
            poured = min(held[first], self._sizes[rest[0]] - held[rest[0]])
            held[first] -= poured
            held[rest[0]] += poured
        else:
            held[first] = self._sizes[first] if verb == "fill" else 0
        self._held = tuple(held)
        self._moves = (*self._moves, f"{verb} {'->'.join(named).upper()}")
        return True

    def _paid(self) -> float | None:
        if self._target not in self._held:
            return None
        score = self._task.score(f"{OPEN}{json.dumps(self._moves)}{CLOSE}", self._row, True)
        if score.reward is None:
            raise DataError(
                f"environment jugs: the package could not score its problem {self._row['id']} ({score.verdict})",
                "run it again; if that happens often, the machine is too busy",
            )
        return score.reward

    def _seen(self) -> str:
        told = zip(self._names, self._held, self._sizes, strict=True)
        return " ".join(f"jug {name} holds {held} of {size} ." for name, held, size in told)

    def _world(self) -> Any:
        return self._held, self._moves

    def _go_to(self, seed: int, world: Any) -> None:
        if seed != self._seed:
            self._begin(seed)
        self._held, self._moves = world

    def _identity(self) -> Hashable:
        return self._sizes, self._target, self._held

    def _choices(self) -> Sequence[str]:
        names = self._names
        pours = [f"pour {one} {other}" for one in names for other in names if one != other]
        return [*(f"fill {name}" for name in names), *(f"empty {name}" for name in names), *pours]


@lru_cache(maxsize=8)
def _opened(jugs: int, difficulty: int, split: str, problems: int) -> tuple[ReasoningGym, list[Row]]:
    """Makes the task and its problems, which all environments with the same settings share."""
    config = {"num_jugs": jugs, "difficulty": difficulty}
    task = ReasoningGym(dataset="jugs", config=config, timeout=SCORING_S)
    return task, even(task.rows(split, problems))


def _numbers(question: str) -> tuple[tuple[int, ...], int]:
    """Reads the sizes of the jugs and the target from a question of the package."""
    sizes, target = SIZES.search(question), TARGET.search(question)
    if sizes is None or target is None:
        raise DataError("environment jugs: the package's question has another form", install_command("gym"))
    return tuple(int(one.split(":")[1]) for one in sizes[1].split(", ")), int(target[1])
