"""One rule of what says whether a response is right, for the trainer and for the readers of its dumps alike.

A task that checks answers says it itself. Where there are only rewards, a sum of several is no judge: a response that is always
wrong and always well formed would count as right.
"""

from __future__ import annotations

from collections.abc import Iterable

CORRECT_AT = 0.5  # a response is right from this reward on
JUDGES = ("accuracy", "correct")


def judge_of(names: Iterable[str]) -> str | None:
    """Returns the name of the reward that judges correctness, or None if none is known to.

    It is the only reward, or the only one of several whose name holds "accuracy" or "correct" (in any letter case).

    >>> judge_of(["accuracy_reward", "format_reward"]), judge_of(["format_reward"]), judge_of(["length", "format"])
    ('accuracy_reward', 'format_reward', None)
    """
    rewards = list(names)
    named = [name for name in rewards if any(word in name.lower() for word in JUDGES)]
    found = rewards if len(rewards) == 1 else named
    return found[0] if len(found) == 1 else None
