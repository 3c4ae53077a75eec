"""What every adapter keeps alike: the clock, the end of an episode, and the value that a state is saved as."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hicra.errors import DataError
from hicra.related.environments.interface import Reply

NOT_UNDERSTOOD = "not understood ."
MOST_KEPT = 10_000  # states whose way to success is remembered
MOST_SEARCHED = 20_000  # states that a search looks at before it gives up


@dataclass(frozen=True)
class SavedState:
    """A state of an episode; a plain value that may be kept, compared and restored any number of times.

    Attributes:
        name, settings: of the environment.
        seed: of the episode.
        clock: number of actions taken.
        done: whether the episode has ended.
        world: the state of the world.
    """

    name: str
    settings: tuple[tuple[str, str], ...]
    seed: int
    clock: int
    done: bool
    world: Any


class Adapter(ABC):
    """An episode with a clock; an adapter says how its world begins, acts, ends, looks and is saved.

    Texts and actions are words with single spaces between them, punctuation included. An action is read without regard to letter
    case and white space.

    Args:
        name: as in the table of environments.
        words: of its texts and actions.
        longest: the most actions of an episode.
        settings: all of the environment's settings; only one with the same settings takes its saved states.
    """

    def __init__(self, name: str, words: Iterable[str], longest: int, settings: dict[str, Any]) -> None:
        self.name, self.longest = name, longest
        self.words: Sequence[str] = tuple(dict.fromkeys([*NOT_UNDERSTOOD.split(), *words]))
        self._settings = tuple((key, repr(value)) for key, value in sorted(settings.items()))
        self._seed: int | None = None
        self._clock, self._done = 0, False

    def reset(self, seed: int) -> str:
        """Starts the episode of this seed and returns the task, and what can be seen.

        Raises:
            DataError: the seed is negative.
        """
        if seed < 0:
            raise DataError(f"{self.name}: the seed of an episode is {seed}", "give 0 or a larger number")
        task = self._begin(seed)
        self._seed, self._clock, self._done = seed, 0, False
        return f"{task} {self._seen()}".rstrip(" ")

    def step(self, text: str) -> Reply:
        """Takes the action that a text names.

        Raises:
            DataError: the episode has not begun, or has ended.
        """
        self._going()
        self._clock += 1
        understood = self._act(self._read(text))
        paid = self._paid()
        self._done = paid is not None or self._clock >= self.longest
        seen = "" if self._done else self._seen() if understood else f"{NOT_UNDERSTOOD} {self._seen()}"
        return Reply(seen, paid or 0.0, self._done, understood)

    def save(self) -> object:
        """Returns the current state as a value.

        Raises:
            DataError: no episode has begun.
            ConfigError: the world cannot be saved.
        """
        return SavedState(self.name, self._settings, self._begun(), self._clock, self._done, self._world())

    def restore(self, state: object) -> None:
        """Goes back to a state that `save` gave.

        Raises:
            DataError: it is no such state, or one of an environment with other settings.
        """
        if not isinstance(state, SavedState) or state.name != self.name:
            raise DataError(f"{self.name}: this is no state that it saved", "give what its save() returned")
        if state.settings != self._settings:
            raise DataError(
                f"{self.name}: the state was saved with other settings, {dict(state.settings)}",
                "restore it in an environment with the same ones",
            )
        self._go_to(state.seed, state.world)
        self._seed, self._clock, self._done = state.seed, state.clock, state.done

    def state_id(self) -> Hashable:
        """Returns what is equal for two states exactly if the same actions lead to the same from both, the clock apart.

        States after the end of an episode are all alike.
        """
        self._begun()
        return "ended" if self._done else self._identity()

    def _read(self, text: str) -> str:
        return " ".join(text.lower().split())

    def _begun(self) -> int:
        if self._seed is None:
            raise DataError(f"{self.name}: no episode has begun", "call reset(seed) first")
        return self._seed

    def _going(self) -> None:
        self._begun()
        if self._done:
            raise DataError(
                f"{self.name}: the episode ended after {self._clock} actions",
                "call reset(seed) or restore(state) first",
            )

    @abstractmethod
    def _begin(self, seed: int) -> str:
        """Makes the world of a seed and returns the task."""

    @abstractmethod
    def _act(self, text: str) -> bool:
        """Does what a text names, and tells whether it names an action."""

    @abstractmethod
    def _paid(self) -> float | None:
        """Returns the reward if the episode ends here by itself, else None."""

    @abstractmethod
    def _seen(self) -> str:
        """Returns what can be seen now; it depends on the state of the world alone."""

    @abstractmethod
    def _world(self) -> Any:
        """Returns the state of the world as a value."""

    @abstractmethod
    def _go_to(self, seed: int, world: Any) -> None:
        """Sets the world of a seed to a state that `_world` gave."""

    @abstractmethod
    def _identity(self) -> Hashable:
        """Returns the state of the world and what distinguishes worlds, but nothing of how it came about."""


class Searched(Adapter):
    """An episode whose demonstrator searches: its actions are a shortest way to success through the world's own transitions."""

    def __init__(self, name: str, words: Iterable[str], longest: int, settings: dict[str, Any]) -> None:
        super().__init__(name, words, longest, settings)
        self._way: dict[
            Hashable, tuple[str, Hashable]
        ] = {}  # of states on shortest ways: the action, and where it leads

    @abstractmethod
    def _choices(self) -> Sequence[str]:
        """Returns all actions of this episode, in a fixed order."""

    def _useful(self) -> Sequence[str]:
        """Returns the actions that a shortest way to success may hold, in a fixed order."""
        return self._choices()

    def actions(self) -> Sequence[str]:
        """Returns the actions that change the state; none after the end."""
        if self._done:
            return []
        seed, here, now = self._begun(), self._world(), self._identity()
        found = []
        for text in self._choices():
            self._act(text)
            if self._identity() != now or self._paid() is not None:
                found.append(text)
            self._go_to(seed, here)
        return found

    def expert(self) -> str:
        """Returns the first action of a shortest way to success.

        Raises:
            DataError: the episode has not begun or has ended, or no way to success was found: there is none, or it is too far.
        """
        return self._plan()[0]

    def _plan(self) -> list[str]:
        """Returns the actions of a shortest way from here to success, or raises DataError as `expert` says."""
        self._going()
        if self._identity() not in self._way and not self._search(self._useful) and not self._search(self._choices):
            raise DataError(
                f"{self.name}: no way to success was found from here", "ask for the expert in another state"
            )
        texts: list[str] = []
        at = self._identity()
        while at in self._way:
            text, at = self._way[at]
            texts.append(text)
        return texts

    def _search(self, choices: Callable[[], Sequence[str]]) -> bool:
        """Looks for the nearest success, state by state, and keeps the way to it; tells whether it found one."""
        seed, start, first = self._begun(), self._world(), self._identity()
        came: dict[Hashable, tuple[Hashable, str] | None] = {first: None}
        waiting = deque([(first, start)])
        found: tuple[Hashable, str] | None = None
        while waiting and found is None and len(came) < MOST_SEARCHED:
            at, world = waiting.popleft()
            self._go_to(seed, world)
            for text in choices():
                self._act(text)
                there, paid = self._identity(), self._paid()
                if paid:
                    found = at, text
                    break
                if paid is None and there not in came:
                    came[there] = at, text
                    waiting.append((there, self._world()))
                self._go_to(seed, world)
        self._go_to(seed, start)
        if found is None:
            return False
        if len(self._way) > MOST_KEPT:
            self._way.clear()
        beyond: Hashable = None
        while found is not None:
            at, text = found
            self._way[at] = text, beyond
            beyond, found = at, came[at]
        return True
