"""The environment "textworld": games of the package TextWorld (Cote and others 2018), made from a seed and played in short words.

The game is a treasure hunt, as the package generates it (Parisotto and Salakhutdinov 2017 proposed it as a task for agents): in
one of several rooms there is a thing to be taken, perhaps behind locked doors or in locked chests, whose keys lie elsewhere.
Taking another thing ends the game without reward. The package says what is possible and what it changes. Nothing is written to
disk.

Deviations (the package shows its games in long English texts, through an interpreter):
    TEXTWORLD-1. The text is made here from the package's facts, and every room and thing is called by its kind and a number, so
        that a small vocabulary covers every game. A key is called by what it locks. Shelves with nothing on them are not told of.
    TEXTWORLD-2. The game is won where the package's winning event holds in the current state. The package also gives a game up
        when it can no longer follow its own plan; here only the failing event and the clock end it without reward.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterator, Sequence
from functools import lru_cache
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field
from textworld import GenerationWarning
from textworld.challenges.tw_treasure_hunter.treasure_hunter import KB_PATH, make_game
from textworld.generator import QuestGenerationError
from textworld.generator.data import KnowledgeBase
from textworld.generator.game import Game, GameOptions
from textworld.generator.inform7 import Inform7Game

from hicra.errors import ConfigError, DataError
from hicra.related.environments.adapter import Searched
from hicra.strict import Positive

NOUNS = {"r": "room", "d": "door", "c": "chest", "s": "shelf", "k": "key", "o": "coin", "f": "apple"}
DIRECTIONS = ("north", "east", "south", "west")
VERBS = "go take from open close unlock lock with put on insert into drop eat examine look inventory"
WORDS = (
    *VERBS.split(), *NOUNS.values(), *DIRECTIONS, "not", "in", "exit", "closed", "locked", "here", "have", "nothing", ".",
    *map(str, range(41)),
)  # fmt: skip
USEFUL = ("go", "take", "open", "unlock")  # what a shortest way is made of
TRIES = 100  # number of games that are drawn for a seed before its settings are given up
Mode = Literal["easy", "medium", "hard"]


class TextWorld(Searched):
    """The environment "textworld".

    Args:
        mode: of the package: "easy" has no doors and no chests, "medium" has closed ones, "hard" also locked ones.
        rooms: number of rooms.
        quest: number of actions of the package's own solution.
        longest: the most actions of an episode.
    """

    def __init__(
        self,
        *,
        mode: Mode = "hard",
        rooms: Annotated[int, Field(ge=2, le=20)] = 5,
        quest: Annotated[int, Field(ge=1, le=20)] = 7,
        longest: Positive = 25,
    ) -> None:
        settings = {"mode": mode, "rooms": rooms, "quest": quest, "longest": longest}
        super().__init__("textworld", WORDS, longest, settings)
        self._kind = mode, rooms, quest

    def subgoals(self) -> Sequence[str]:
        """Returns what is still to be taken, unlocked and opened, in the order of a shortest way, as in "open door 1".

        Where success can no longer be reached, it is the last one alone.
        """
        if self._done:
            return []
        try:
            return [text for text in self._plan() if not text.startswith("go ")]
        except DataError:
            self._begun()
            return [f"take {self._names[self._wanted]}"]

    def reached(self, subgoal: str) -> bool:
        """Tells whether the thing of a subgoal is held, open, or not locked.

        Raises:
            DataError: it is not "take", "open" or "unlock" with a thing of this episode.
        """
        self._begun()
        verb, _, rest = subgoal.partition(" ")
        called = rest.split(" from ")[0].split(" with ")[0]
        thing = next((name for name, known in self._names.items() if known == called), None)
        if thing is None or verb not in ("take", "open", "unlock"):
            raise DataError(f"textworld: there is no subgoal {subgoal!r} in this episode", "see subgoals()")
        if verb == "take":
            return ("in", thing, "I") in self._facts()
        return ("open", thing) in self._facts() if verb == "open" else ("locked", thing) not in self._facts()

    def _begin(self, seed: int) -> str:
        self._game = _made(*self._kind, seed)
        self._state = self._game.world.state.copy()
        self._names = {key: info.name for key, info in self._game.infos.items() if info.type in NOUNS}
        self._commands: dict[Hashable, dict[str, Any]] = {}
        (quest,) = self._game.quests
        (won,), (lost,) = quest.win_events, quest.fail_events
        self._won, self._lost = won, lost
        self._quest = {variable.name for action in won.actions for variable in action.variables}
        self._wanted = next(fact.arguments[0].name for fact in won.actions[-1].postconditions if fact.name == "in")
        decoy = next(fact.arguments[0].name for fact in lost.condition.preconditions)
        return f"take {self._names[self._wanted]} . not {self._names[decoy]} ."

    def _act(self, text: str) -> bool:
        action = self._possible().get(text)
        if action is not None:
            self._state.apply(action)
        return action is not None

    def _paid(self) -> float | None:
        if self._won.is_triggering(self._state):
            return 1.0
        return 0.0 if self._lost.is_triggering(self._state) else None

    def _seen(self) -> str:
        facts = self._facts()
        (room,) = (fact[2] for fact in facts if fact[:2] == ("at", "P"))
        told = [f"in {self._names[room]} .", *self._exits(facts, room), *self._things(facts, room)]
        held = sorted(self._names[fact[1]] for fact in facts if fact[0] == "in" and fact[2] == "I")
        return " ".join([*told, *(f"have {one} ." for one in held or ["nothing"])])

    def _exits(self, facts: set[tuple[str, ...]], room: str) -> Iterator[str]:
        doors = {fact[3]: fact[2] for fact in facts if fact[0] == "link" and fact[1] == room}
        for direction in DIRECTIONS:
            for beyond in (fact[1] for fact in facts if fact[0] == f"{direction}_of" and fact[2] == room):
                door = doors.get(beyond)
                yield f"{direction} {self._called(facts, door)} ." if door else f"{direction} exit ."

    def _things(self, facts: set[tuple[str, ...]], room: str) -> Iterator[str]:
        here = {fact[1] for fact in facts if fact[0] == "at" and fact[2] == room} & self._names.keys()
        for name, thing in sorted((self._names[one], one) for one in here):
            inside = sorted(self._names[fact[1]] for fact in facts if fact[0] in ("in", "on") and fact[2] == thing)
            if thing.startswith("s_"):
                yield from (f"on {name} {one} ." for one in inside)
            elif thing.startswith("c_"):
                yield f"{self._called(facts, thing)} ."
                yield from (f"in {name} {one} ." for one in inside if ("open", thing) in facts)
            else:
                yield f"{name} here ."

    def _called(self, facts: set[tuple[str, ...]], thing: str) -> str:
        state = next(one for one in ("open", "closed", "locked") if (one, thing) in facts)
        return f"{self._names[thing]} {state}"

    def _facts(self) -> set[tuple[str, ...]]:
        """Returns the facts of the current state, each its name and the names of what it is about."""
        return {(fact.name, *(one.name for one in fact.arguments)) for fact in self._state.facts}

    def _possible(self) -> dict[str, Any]:
        """Returns the package's actions that are possible now, by their commands, in the order of the alphabet."""
        known = frozenset(self._state.facts)
        if known not in self._commands:
            base = self._game.kb
            actions = list(self._state.all_applicable_actions(base.rules.values(), base.types.constants_mapping))
            commands = Inform7Game(self._game).gen_commands_from_actions(actions)
            self._commands[known] = dict(sorted(zip(commands, actions, strict=True), key=lambda pair: pair[0]))
        return self._commands[known]

    def _world(self) -> Any:
        return self._state.copy()

    def _go_to(self, seed: int, world: Any) -> None:
        if seed != self._seed:
            self._begin(seed)
        self._state = world.copy()

    def _identity(self) -> Hashable:
        return str(self._won.condition), str(self._lost.condition), frozenset(self._state.facts)

    def _choices(self) -> Sequence[str]:
        return list(self._possible())

    def _useful(self) -> Sequence[str]:
        return [text for text, action in self._possible().items() if self._helps(text.split()[0], action)]

    def _helps(self, verb: str, action: Any) -> bool:
        """Tells whether an action goes somewhere, takes what the quest needs, or opens a door or one of the quest's chests."""
        names = {variable.name for variable in action.variables}
        things = {name for name in names if name[:2] in ("k_", "o_", "f_")} if verb == "take" else names
        chests = {name for name in names if name.startswith("c_")} if verb in ("open", "unlock") else set()
        return verb in USEFUL and (verb != "take" or things <= self._quest) and chests <= self._quest


@lru_cache(maxsize=256)
def _made(mode: Mode, rooms: int, quest: int, seed: int) -> Game:
    """Makes the game of a seed, with short names.

    Raises:
        ConfigError: no game has these settings.
    """
    random = Random(seed)
    for _ in range(TRIES):
        options = GameOptions()
        options.kb, options.nb_rooms, options.quest_length = _knowledge(), rooms, quest
        options.seeds = random.randrange(2**31)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GenerationWarning)  # it warns of long names, which are replaced
            try:
                game = make_game(mode, options)
            except QuestGenerationError:
                continue
        _rename(game)
        return game
    raise ConfigError(
        f"task.settings: textworld found no game with quest {quest}, rooms {rooms} and mode {mode} in {TRIES} draws",
        "give fewer actions of the quest, or more rooms",
    )


@lru_cache(maxsize=1)
def _knowledge() -> KnowledgeBase:
    return KnowledgeBase.load(KB_PATH)


def _rename(game: Game) -> None:
    named = {key: info for key, info in game.infos.items() if info.type in NOUNS}
    for key, info in named.items():
        info.name = f"{NOUNS[info.type]} {key.split('_')[1]}"
    for fact in game.world.state.facts:
        if fact.name == "match":
            key, lock = (one.name for one in fact.arguments)
            named[key].name = f"{named[lock].name} key"
