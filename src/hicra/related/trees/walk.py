"""Walks from any place of an episode to its end, many at a time, and cuts what was walked into pieces.

A place inside an action is one too: a response of a single turn is one action, and its prefixes are where reasoning can be
gone on from. So one and the same walk serves agents, whose states lie between actions, and reasoning, whose states lie
between tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hicra.errors import DataError
from hicra.related.environments import Environment
from hicra.related.rollouts import Action, Asked, Rollout
from hicra.related.system import Codec, reached


@dataclass(frozen=True)
class Spot:
    """A place in an episode.

    Attributes:
        context: ids of all that was read and written before.
        world: what the environment saved before the action that comes, or that has begun.
        begun: ids of the action that are written already; they end the context.
        turn: number of that action in its episode, from 0.
        reward: sum of the rewards before.
    """

    context: tuple[int, ...]
    world: object
    begun: tuple[int, ...] = ()
    turn: int = 0
    reward: float = 0.0


@dataclass(frozen=True)
class Move:
    """What the policy wrote at a stretch, an action or a piece of one, and where that led.

    Attributes:
        start, end: where it was written, and where it led; nothing is saved of a world whose episode has ended.
        wrote: the tokens.
        read: ids of what the environment answered; none inside an action, and none after the end.
        acted: whether the environment took the action, which ends with this move then.
        done: whether the episode ended with it.
        goal: whether it ended at its goal, as `reached` tells of the sum of its rewards.
        critical: whether the choice of its action changes what can still be reached; None where the environment does not know.
    """

    start: Spot
    wrote: Action
    read: tuple[int, ...]
    end: Spot
    acted: bool = False
    done: bool = False
    goal: float = 0.0
    critical: bool | None = None


def begin(environment: Environment, codec: Codec, seed: int) -> Spot:
    """Starts the episode of a seed and returns its first place."""
    text = environment.reset(seed)
    return Spot(tuple(codec.encode(text)), environment.save())


def walk(
    environment: Environment, codec: Codec, starts: Sequence[Spot], most: int, tokens: int | None = None
) -> Rollout[list[list[Move]]]:
    """Goes on from every start, side by side, until the episode or the tokens of each have ended; returns the moves of each.

    Args:
        environment: a world of its own; it is brought back to the state of each walk before every step.
        codec: of the policy.
        starts: where to go on from; a place may stand there many times.
        most: the most tokens of an action.
        tokens: the most that is written from a start, at least 1; a walk may end inside an action then. None sets no bound.
    """
    paths: list[list[Move]] = [[] for _ in starts]
    places, left = list(starts), [tokens] * len(starts)
    going = list(range(len(starts)))
    while going:
        rooms = [most - len(places[one].begun) for one in going]
        asked = [
            Asked(places[one].context, room if (rest := left[one]) is None else min(room, rest))
            for one, room in zip(going, rooms, strict=True)
        ]
        actions = yield asked
        still = []
        for one, action in zip(going, actions, strict=True):
            move = _moved(environment, codec, places[one], action, most)
            paths[one].append(move)
            places[one] = move.end
            if (rest := left[one]) is not None:
                left[one] = rest - len(action.ids)
            if not move.done and left[one] != 0:
                still.append(one)
        going = still
    return paths


def _moved(environment: Environment, codec: Codec, at: Spot, action: Action, most: int) -> Move:
    """Returns the move that an action is; the environment takes it once it has ended, or has as many tokens as it may have."""
    if not action.ids:
        raise DataError(
            "the policy wrote an action without a token", "let it write at least one, such as its end token"
        )
    begun, context = (*at.begun, *action.ids), (*at.context, *action.ids)
    acts, ask = action.ended or len(begun) >= most, getattr(environment, "critical", None)
    if acts or ask is not None:
        environment.restore(at.world)
    critical = None if ask is None else bool(ask())
    if not acts:
        return Move(at, action, (), replace(at, context=context, begun=begun), critical=critical)
    step = environment.step(codec.decode(begun))
    reward = at.reward + step.reward
    if step.done:
        end = Spot(context, None, (), at.turn + 1, reward)
        return Move(at, action, (), end, acted=True, done=True, goal=reached(reward), critical=critical)
    read = tuple(codec.encode(step.text))
    end = Spot((*context, *read), environment.save(), (), at.turn + 1, reward)
    return Move(at, action, read, end, acted=True, critical=critical)


def cut(move: Move, before: Sequence[int], codec: Codec) -> list[Move]:
    """Cuts a move before some of its tokens.

    Args:
        move: what is cut.
        before: the numbers of these tokens, ascending, each at least 1.
        codec: of the policy.
    """
    ids, start, pieces = move.wrote.ids, move.start, []
    for low, high in zip((0, *before), (*before, len(ids)), strict=True):
        piece = Action(
            ids[low:high], codec.decode(ids[low:high]), move.wrote.ended and high == len(ids),
            move.wrote.logps[low:high], move.wrote.entropies[low:high],
        )  # fmt: skip
        if high == len(ids):
            pieces.append(replace(move, start=start, wrote=piece))
        else:
            end = replace(start, context=(*start.context, *piece.ids), begun=(*start.begun, *piece.ids))
            pieces.append(Move(start, piece, (), end, critical=move.critical))
            start = end
    return pieces


def flags_of(move: Move) -> dict[str, float]:
    """Returns the field of a row that says whether a move is of a critical step; none where the environment does not know."""
    return {} if move.critical is None else {"critical_mask": move.critical}


def step_ends(move: Move, boundary: str, codec: Codec) -> list[int]:
    """Returns the tokens of a move, by number and without the first, that a token with this text in it stands before.

    Args:
        move: an action, or the rest of one.
        boundary: what ends a step of reasoning, such as a line's end; "" lets the environment alone end a step.
        codec: of the policy.
    """
    if not boundary:
        return []
    return [place + 1 for place, one in enumerate(move.wrote.ids[:-1]) if boundary in codec.decode([one])]
