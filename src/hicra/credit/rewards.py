"""Parts of a reward that are not about the answer: a penalty for overlong responses, and a bonus for calling tools.

They are added to, or take the place of, the reward of the task before the baseline sees it.

`soft_overlong` is a formula of DAPO's paper (arXiv:2503.14476), and certain. `tool_bonus` is from the agentic recipe GRPO-TCR
(arXiv:2510.11701), whose paper and code differ.

Deviations:
DAPO-1. A response of `most` tokens or more gets -1. The length counts all tokens of a response, those of tools too, since `most`
    bounds them together.
TCR-1. The paper and the code of GRPO-TCR have different bonuses, and both are here. The default is the form of the code: in the
    paper's form the reward of a right answer grows with every further call, without bound, so that calling pays for itself.
TCR-2. The bound on the reward of a wrong answer is missing in the paper's print. It is -0.6 here, which is the bound of the code.
TCR-3. The code counts turns: one for the question, one for the last answer, and two for every call, so that half of (turns - 2)
    is the number of calls. Here calls are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from hicra.arrays import Array, Floats, as_numpy
from hicra.credit.border import returned_as, scored
from hicra.errors import ConfigError, DataError, did_you_mean

Form = Literal["code", "paper"]
FORMS: tuple[Form, ...] = ("code", "paper")
BOUND = -0.6
EACH = 0.1


def soft_overlong(lengths: Any, most: int, cache: int) -> Any:
    """Computes DAPO's penalty for responses that come close to the limit.

    It is 0 up to `most - cache`, falls in a line over the last `cache` tokens, and is -1 at `most` and beyond. DAPO takes
    most = 20480 and cache = 4096.

    Args:
        lengths: [B] numbers of tokens, numpy, torch or a list.
        most: the longest response, in tokens.
        cache: the number of tokens before it over which the penalty grows, 1 to `most`.

    Returns:
        [B] penalties in -1 to 0, to be added to rewards: numpy or torch as the lengths are, float64 where those are integers.

    Raises:
        ConfigError: cache is not in 1 to most.
        DataError: a length is negative or not finite.

    >>> soft_overlong([16384, 18432, 20480], 20480, 4096).tolist()
    [0.0, -0.5, -1.0]
    """
    if not 1 <= cache <= most:
        raise ConfigError(
            f"the overlong cache is {cache} tokens, and the longest response has {most}",
            f"give 1 to {most}; DAPO takes a fifth of the longest response",
        )
    counts = as_numpy(lengths).astype(np.float64)
    _refuse(counts, ~(np.isfinite(counts) & (counts >= 0)), "length", "give the number of tokens of each response")
    return _as_given(np.clip((most - cache - counts) / cache, -1.0, 0.0) + 0.0, lengths)  # + 0.0: no -0.0


def tool_bonus(correct: Any, n_tool_calls: Any, *, form: Form = "code", bound: float = BOUND) -> Any:
    """Computes the reward of GRPO-TCR, in place of a reward of 1 or 0, from the answer and the number n of tool calls.

        code:   1            if right, else min(bound, -1 + 0.1 n)
        paper:  1 + 0.1 n    if right, else min(bound, -1 + 0.1 n)

    Args:
        correct: [B] 1 or 0, NaN or None where unscorable; numpy, torch or a list.
        n_tool_calls: [B] numbers of calls.
        form: "code" or "paper".
        bound: the most that a wrong answer earns, -1 to below 1.

    Returns:
        [B] rewards, numpy or torch as `correct` is; NaN where unscorable.

    Raises:
        ConfigError: the form is unknown, or the bound out of its range.
        DataError: the shapes differ, an entry of `correct` is neither 0 nor 1, or a number of calls is negative or not whole.

    >>> tool_bonus([1, 0, 0], [2, 2, 9]).tolist(), tool_bonus([1, 0], [2, 2], form="paper").tolist()
    ([1.0, -0.8, -0.6], [1.2, -0.8])
    """
    if form not in FORMS:
        raise ConfigError(f"there is no tool bonus of form {form!r}", did_you_mean(str(form), FORMS))
    if not -1 <= bound < 1:
        raise ConfigError(
            f"the bound of the tool bonus is {bound}", f"give a number in [-1, 1); the default is {BOUND}"
        )
    right, calls = scored(correct), as_numpy(n_tool_calls).astype(np.float64)
    if right.ndim != 1 or right.shape != calls.shape:
        raise DataError(
            f"correct {right.shape} and n_tool_calls {calls.shape} differ", "give one of each for a rollout"
        )
    known = ~np.isnan(right)
    _refuse(
        right, known & (right != 0) & (right != 1), "correct", "give 1 where the answer is right, 0 where it is wrong"
    )
    whole = np.isfinite(calls) & (calls >= 0) & (calls == np.floor(calls))
    _refuse(calls, ~whole, "n_tool_calls", "give the number of calls of each rollout")
    wrong = np.minimum(bound, np.round(-1 + EACH * calls, 12))  # 0.1 n is not exact, and -0.8 is meant
    good = 1.0 + (np.round(EACH * calls, 12) if form == "paper" else 0.0)
    return _as_given(np.where(known, np.where(right == 1, good, wrong), np.nan), correct)


@dataclass(frozen=True)
class RewardParts:
    """What a run adds to the reward of its task, in the order: first the tool bonus, then the penalty.

    Attributes:
        most: the longest response, in tokens.
        overlong_cache: see `soft_overlong`; 0 adds no penalty.
        tool_bonus: the form of `tool_bonus`; "none" keeps the task's reward.

    Raises:
        ConfigError: a value is out of its range.
    """

    most: int
    overlong_cache: int = 0
    tool_bonus: Literal["none", "code", "paper"] = "none"

    def __post_init__(self) -> None:
        if self.overlong_cache:
            soft_overlong([0], self.most, self.overlong_cache)

    @property
    def counts_calls(self) -> bool:
        """Whether the reward depends on the number of tool calls."""
        return self.tool_bonus != "none"

    def __call__(self, rewards: Floats, correct: Floats, lengths: Any, n_tool_calls: Any) -> Floats:
        """Computes the rewards [B] that the baseline gets, NaN where a rollout is unscorable.

        Args:
            rewards: [B] of the task, NaN where unscorable.
            correct: [B] 1 or 0, NaN where unknown.
            lengths, n_tool_calls: [B] numbers of tokens and of calls.

        Raises:
            DataError: a rollout with a reward is neither right nor wrong, so that no bonus can take the reward's place.
        """
        made = np.asarray(rewards, np.float64)
        if self.tool_bonus != "none":  # counts_calls, in words that a type checker follows
            _refuse(
                np.asarray(correct), np.isnan(correct) & ~np.isnan(made), "correct", "set reward.tool_bonus to none"
            )
            made = np.where(np.isnan(made), np.nan, tool_bonus(correct, n_tool_calls, form=self.tool_bonus))
        return made + soft_overlong(lengths, self.most, self.overlong_cache) if self.overlong_cache else made


def _refuse(values: Array, bad: Array, of: str, fix: str) -> None:
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DataError(f"{of} of row {row} is {values[row]}", fix)


def _as_given(made: Floats, given: Any) -> Any:
    return made if isinstance(given, Sequence) else returned_as(made, given)
