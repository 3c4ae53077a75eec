"""What a rollout shows of a tree of actions, or of the subgoals of an episode, read from its columns and checked.

The column `tree` is JSON text: a list of nodes [parent, text, value, advantage]. The root is number 0 and has the parent -1, and
a parent stands before its children. The advantage is that of the edge to the node, null where it does not enter the loss.
The column `subgoals` is a list of texts, one for each stretch of an episode.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from hicra.report.encode import clean, plain

MOST_NODES = 150  # of a tree on the page
Node = tuple[int, str, float | None, float | None]


def read_tree(row: Mapping[str, Any], bad: Counter[str]) -> tuple[Node, ...]:
    """Returns the nodes of a row's tree, () where there is none; counts in `bad` what is no tree."""
    given = row.get("tree")
    if given is None:
        return ()
    try:
        found = json.loads(given) if isinstance(given, str) else given
    except (ValueError, RecursionError):
        found = None
    nodes = [_node(number, one) for number, one in enumerate(found)] if isinstance(found, list) else [None]
    if not nodes or any(one is None for one in nodes):
        bad["the tree is left out, because it is no list of nodes whose parents stand before them"] += 1
        return ()
    return tuple(one for one in nodes if one is not None)


def read_subgoals(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the subgoals of a row, () where there are none."""
    given = row.get("subgoals")
    return tuple(clean(str(one)) for one in given) if isinstance(given, list) else ()


def shown_tree(nodes: tuple[Node, ...], most: int) -> list[list[Any]]:
    """Returns the first nodes of a tree for the page, with texts of at most `most` characters and rounded numbers."""
    return [
        [parent, text if len(text) <= most else text[: most - 1] + "\u2026", _rounded(value), _rounded(advantage)]
        for parent, text, value, advantage in nodes[:MOST_NODES]
    ]


def _node(number: int, given: Any) -> Node | None:
    """Returns a node, or None if it is none."""
    if not isinstance(given, list) or len(given) != 4 or type(given[0]) is not int:
        return None
    parent, text, *numbers = given
    if not (parent == -1 if number == 0 else 0 <= parent < number):
        return None
    value, advantage = (float(one) if isinstance(one, int | float) else None for one in (plain(one) for one in numbers))
    return parent, clean(str(text)), value, advantage


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")
