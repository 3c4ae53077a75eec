"""Walks go on from any place, also inside an action, and cutting a walk changes nothing of it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hicra.errors import DataError
from hicra.related.environments import Reply
from hicra.related.rollouts import Action, Asked, drive
from hicra.related.trees.table import WordIds
from hicra.related.trees.walk import Spot, begin, cut, step_ends, walk

CODEC = WordIds(("ask", "one", "two", "line\n", "right", "again"))


class TwoTurns:
    """Asks twice; the reward of each answer is its number of words, and 1 more where it says right."""

    name, words, longest = "two_turns", CODEC.words, 2

    def __init__(self) -> None:
        self.turn = -1
        self.steps = 0

    def reset(self, seed: int) -> str:
        self.turn = 0
        return "ask"

    def step(self, text: str) -> Reply:
        self.steps += 1
        self.turn += 1
        words = text.split()
        return Reply("again" if self.turn == 1 else "", len(words) + float("right" in words), self.turn == 2)

    def save(self) -> int:
        return self.turn

    def restore(self, state: object) -> None:
        assert isinstance(state, int)
        self.turn = state

    def state_id(self) -> int:
        return self.turn


class Says:
    """Writes the words of a list, one answer after the other, cut to what it may write; an answer ends with the end token."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.asked = list(answers), []

    def __call__(self, asked: Sequence[Asked]) -> list[Action]:
        out = []
        for one in asked:
            self.asked.append((one.context, one.most))
            words = self.answers.pop(0).split()
            ids = tuple([*(CODEC.ids.get(word, CODEC.ids["line\n"]) for word in words), CODEC.end][: one.most])
            ended = ids[-1] == CODEC.end
            out.append(
                Action(ids, CODEC.decode(ids), ended, (-0.5,) * len(ids), tuple(0.1 * i for i in range(len(ids))))
            )
        return out


def run(policy: Says, *, starts: list[Spot] | None = None, most: int = 5, tokens: int | None = None):
    world = TwoTurns()
    at = [begin(world, CODEC, 0)] if starts is None else starts
    return drive([walk(world, CODEC, at, most, tokens)], policy)[0], world


def test_a_walk_to_the_end() -> None:
    policy = Says("one two", "right")
    ((first, last),), world = run(policy)
    end = CODEC.end
    assert policy.asked == [((0,), 5), ((0, 1, 2, end, 5), 5)]
    assert (first.wrote.ids, first.read, first.acted, first.done) == ((1, 2, end), (5,), True, False)
    assert first.end == Spot((0, 1, 2, end, 5), 1, (), 1, 2.0)  # two words
    assert (last.done, last.goal, last.end.reward, last.end.world, last.read) == (True, True, 2.0 + 2.0, None, ())
    assert world.steps == 2


def test_an_action_that_is_cut_off_by_its_bound_is_taken_as_it_is() -> None:
    ((first, _),), _ = run(Says("one two one", "two"), most=2)
    assert (first.wrote.ids, first.acted, first.end.reward) == ((1, 2), True, 2.0)


def test_tokens_bound_a_walk_inside_of_an_action_and_it_is_gone_on_from_there() -> None:
    ((piece,),), world = run(Says("one two right"), tokens=2)
    assert (piece.wrote.ids, piece.acted, piece.end.begun, piece.end.turn) == ((1, 2), False, (1, 2), 0)
    assert world.steps == 0
    # two ways on from "one two": "one two right" and "one two two", each with a second turn of its own
    policy = Says("right", "two", "one", "one")
    paths, world = run(policy, starts=[piece.end, piece.end])
    assert policy.asked[:2] == [((0, 1, 2), 3)] * 2  # two of five tokens are written
    assert policy.asked[2:] == [((0, 1, 2, 4, CODEC.end, 5), 5), ((0, 1, 2, 2, CODEC.end, 5), 5)]
    assert [path[0].end.reward for path in paths] == [4.0, 3.0]  # the words before count, and "right" once more
    assert [path[-1].end.reward for path in paths] == [5.0, 4.0]
    assert world.steps == 4


def test_tokens_are_counted_over_actions() -> None:
    # "one" and its end are two tokens, so one is left for the second action
    ((first, second),), _ = run(Says("one", "two two"), tokens=3)
    assert (first.acted, second.wrote.ids, second.acted, second.end.begun) == (True, (2,), False, (2,))


def test_an_action_without_a_token_is_an_error() -> None:
    class Silent:
        def __call__(self, asked: Sequence[Asked]) -> list[Action]:
            return [Action((), "", False, (), ()) for _ in asked]

    with pytest.raises(DataError, match="without a token"):
        run(Silent())


def test_the_pieces_of_a_move_are_that_move() -> None:
    ((move, _),), _ = run(Says("one line two", "two"))
    assert step_ends(move, "\n", CODEC) == [2]  # before the token behind the line's end
    assert step_ends(move, "", CODEC) == []
    pieces = cut(move, [2, 3], CODEC)
    assert [one.wrote.ids for one in pieces] == [(1, 3), (2,), (CODEC.end,)]
    assert sum((one.wrote.entropies for one in pieces), ()) == move.wrote.entropies
    assert [one.start for one in pieces[1:]] == [one.end for one in pieces[:-1]]
    assert (pieces[0].start, pieces[-1].end, pieces[-1].read) == (move.start, move.end, move.read)
    assert [one.acted for one in pieces] == [False, False, True]
    assert [one.wrote.ended for one in pieces] == [False, False, True]
    assert pieces[1].start == Spot((0, 1, 3), 0, (1, 3), 0, 0.0)
    assert [one.wrote.ids for one in cut(move, [], CODEC)] == [move.wrote.ids]
