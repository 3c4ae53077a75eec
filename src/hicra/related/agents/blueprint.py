"""A blueprint is the plan of an episode: subgoals in the order in which they are to be reached.

The policy reads the task and the cue `plan:`, and writes `fetch the key ; open the door ; take the ball`. What it writes may be
anything. A text that is no blueprint is not mended: the episode has then one subgoal, the task itself, and goes on as that of an
agent without a plan. `Blueprint.why` says why, and systems count it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hicra.related.agents.words import FRAME, PLAN, SEPARATOR
from hicra.related.rollouts import Action

TASK = ""  # as a subgoal: the task itself
SPECIAL = re.compile(r"<\S+>")  # as <unk>: what no prompt may hold


@dataclass(frozen=True)
class Blueprint:
    """Subgoals in order, or the task alone where no text could be read.

    Attributes:
        subgoals: at least one; (TASK,) where the text is no blueprint.
        why: why the text is no blueprint; "" where it is one.
    """

    subgoals: tuple[str, ...] = (TASK,)
    why: str = ""


def parse(text: str, most: int) -> Blueprint:
    """Reads a blueprint from a text such as `plan: fetch the key ; open the door`.

    White space counts as one space, and the cue in front may be missing.

    Args:
        text: what the policy wrote.
        most: the most subgoals.
    """
    words = text.split()
    pieces = [" ".join(piece.split()) for piece in " ".join(words[words[:1] == [PLAN] :]).split(SEPARATOR)]
    if pieces == [""]:
        return Blueprint(why="it is empty")
    if "" in pieces:
        return Blueprint(why=f"subgoal {pieces.index('') + 1} of {len(pieces)} is empty")
    if len(pieces) > most:
        return Blueprint(why=f"it has {len(pieces)} subgoals, more than {most}")
    for number, piece in enumerate(pieces, 1):
        if marker := next((word for word in piece.split() if word in FRAME or SPECIAL.fullmatch(word)), None):
            return Blueprint(why=f"subgoal {number} of {len(pieces)} holds {marker!r}")
    return Blueprint(tuple(pieces))


def read(action: Action, most: int) -> Blueprint:
    """Reads what the policy wrote as a blueprint; one whose end token never came is none."""
    if not action.ended:
        return Blueprint(why=f"it has no end within {len(action.ids)} tokens")
    return parse(action.text, most)


def render(subgoals: Sequence[str]) -> str:
    """Returns the text of a blueprint as a policy writes it after the cue; `parse` reads the same subgoals from it."""
    return f" {SEPARATOR} ".join(subgoals)
