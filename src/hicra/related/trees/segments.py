"""Ordinary rollouts cut into segments, and the value of the state before each segment by fresh continuations from it.

VinePPO and the chain form of SPO differ in where they cut alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hicra.related.rollouts import Rollout, Row, drive, nothing
from hicra.related.system import Arena, Generated
from hicra.related.trees.walk import Move, Spot, begin, cut, flags_of, walk

Starts = Callable[
    [Sequence[Move]], list[list[int]]
]  # the moves of a rollout -> for each, the tokens that begin a segment
Piece = tuple[int, Move]  # the number of its segment, -1 before the first one


def generation(place: Arena, seeds: Sequence[int], group_size: int, k: int, starts: Starts) -> Generated:
    """Samples a group of rollouts for each seed, and values for their segments.

    A row is a whole rollout. Its tokens have the number of their segment as `action_ids` and the value of the state before it as
    `values`; tokens before the first segment have neither.

    Args:
        place: where they are played.
        seeds: of the episodes, one a group.
        group_size: rollouts of a seed.
        k: fresh continuations from each state that gets a value.
        starts: where segments begin.
    """
    out = Generated([], [], [], [], interactions=0, generated=0)
    groups = drive([_group(place, seed, group_size, k, starts) for seed in seeds], place.policy)
    for group, (rollouts, values, steps) in enumerate(groups):
        for pieces in rollouts:
            row = _row(pieces, values)
            known = all(values[spot] == values[spot] for spot in _before(pieces))
            out.shown.append({"row": len(out.rows), "tree": _drawn(pieces, values, place)})
            out.rows.append(row)
            out.rewards.append(pieces[-1][1].end.reward if known else float("nan"))
            out.group_ids.append(group)
            out.success.append(pieces[-1][1].goal)
        out.interactions += steps
    out.correct = list(out.success)
    out.generated = out.interactions  # every action that was written went to its environment
    return out


def _group(
    place: Arena, seed: int, group_size: int, k: int, starts: Starts
) -> Rollout[tuple[list[list[Piece]], dict[tuple[int, ...], float], int]]:
    """Returns the pieces of each rollout, the value of each context that a segment begins in, and the actions that were taken."""
    world = place.environment()
    root = begin(world, place.codec, seed)
    paths = yield from walk(world, place.codec, [root] * group_size, place.most)
    rollouts = [_pieces(path, starts(path), place) for path in paths]
    spots: dict[tuple[int, ...], Spot] = {}  # rollouts that begin alike share a value
    for pieces in rollouts:
        for number, (segment, move) in enumerate(pieces):
            if segment >= 0 and (number == 0 or pieces[number - 1][0] != segment):
                spots.setdefault(move.start.context, move.start)
    fresh = yield from walk(world, place.codec, [spot for spot in spots.values() for _ in range(k)], place.most)
    values = {}
    for number, context in enumerate(spots):
        outcomes = [path[-1].end.reward for path in fresh[number * k : (number + 1) * k]]
        scored = [one for one in outcomes if one == one]  # an end that could not be scored is NaN
        values[context] = sum(scored) / len(scored) if scored else float("nan")
    return rollouts, values, sum(move.acted for path in (*paths, *fresh) for move in path)


def _pieces(path: Sequence[Move], starts: Sequence[Sequence[int]], place: Arena) -> list[Piece]:
    """Cuts the moves of a rollout where segments begin, and numbers the pieces by their segments."""
    out, segment = [], -1
    for move, tokens in zip(path, starts, strict=True):
        inside = [one for one in tokens if one > 0]
        for place_of, piece in zip((0, *inside), cut(move, inside, place.codec), strict=True):
            segment += place_of in tokens
            out.append((segment, piece))
    return out


def _before(pieces: Sequence[Piece]) -> list[tuple[int, ...]]:
    """Returns the context before each segment of a rollout, in order."""
    found: dict[int, tuple[int, ...]] = {}
    for segment, move in pieces:
        if segment >= 0:
            found.setdefault(segment, move.start.context)
    return list(found.values())


def _row(pieces: Sequence[Piece], values: dict[tuple[int, ...], float]) -> Row:
    row, before = Row(pieces[0][1].start.context), _before(pieces)
    for segment, move in pieces:
        value = values[before[segment]] if segment >= 0 else nothing("values")
        fields = {"action_ids": segment, "turn_ids": move.start.turn, "values": value} | flags_of(move)
        row.wrote(move.wrote, True, **fields)
        row.read(move.read)
    return row


def _drawn(pieces: Sequence[Piece], values: dict[tuple[int, ...], float], place: Arena) -> list[list[object]]:
    """Returns a rollout as a report draws it: a chain of segments [parent, text, value, advantage], as in `Generated.shown`."""
    value = [values[context] for context in _before(pieces)] + [pieces[-1][1].end.reward]
    ids: list[list[int]] = [[] for _ in value]
    for segment, move in pieces:
        ids[segment + 1].extend(move.wrote.ids)
    out: list[list[object]] = []
    for number, (text, own) in enumerate(zip((place.codec.decode(one) for one in ids), value, strict=True)):
        before = value[number - 1] if number else own
        out.append([number - 1, text, _known(own), _known(own - before) if number else None])
    return out


def _known(value: float) -> float | None:
    return float(value) if value == value else None
