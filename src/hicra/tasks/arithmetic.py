"""Generated sums, differences and products of small numbers: a task that a model of 135 M parameters solves sometimes.

A problem has `terms` numbers of at most `digits` digits, with one operation between each two and the usual precedence. A hash of
its numbers and operations *without their order* puts it into the training or the evaluation split, so `3 + 4` and `4 + 3` are
always in the same one; about one problem in five is for evaluation. Problems with a negative result, and those of the worked
examples, are left out.

With `shots: 0` SmolLM2-135M writes prose without a box and is right 15 to 25 % of the time; with one worked example that plans in
words it writes boxes and is right about 40 % of the time (docs/evidence/training.md has the figures). With examples that
only have the answer it would write no prose to tag.

Deviations (the paper trains on competition problems):
    ARITHMETIC-1. The task and its split are this project's. The reward is 1 for the right answer, else 0 (as in the paper).
    ARITHMETIC-2. The default is one worked example in words that plan, because a model that never writes a box gets no reward.
"""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hicra.errors import ConfigError, did_you_mean
from hicra.tasks import answers, judge
from hicra.tasks.base import Row

SYSTEM = "Think step by step briefly. End with \\boxed{answer}."
SIGNS = {"add": "+", "subtract": "-", "multiply": "*"}
SETTINGS = ("operations", "digits", "terms", "shots", "answer_mode")
EVAL_PERCENT = 20
MAX_CANDIDATES = 100_000


@dataclass(frozen=True)
class Problem:
    """One problem: numbers and the signs between them, `len(signs) == len(numbers) - 1`."""

    numbers: tuple[int, ...]
    signs: tuple[str, ...]

    @property
    def text(self) -> str:
        """The problem as text, as in "3 + 4 * 2"."""
        rest = (f" {sign} {number}" for sign, number in zip(self.signs, self.numbers[1:], strict=True))
        return str(self.numbers[0]) + "".join(rest)

    @property
    def key(self) -> str:
        """The text that decides the split; it is the same for every order of the same numbers and signs."""
        return " ".join([*map(str, sorted(self.numbers)), *sorted(self.signs)])

    @property
    def value(self) -> int:
        """The result; products are computed before sums."""
        total, product, sign = 0, self.numbers[0], 1
        for operation, number in zip(self.signs, self.numbers[1:], strict=True):
            if operation == "*":
                product *= number
            else:
                total, product, sign = total + sign * product, number, 1 if operation == "+" else -1
        return total + sign * product

    @property
    def split(self) -> str:
        """The split that the problem belongs to, "train" or "eval"."""
        digest = hashlib.sha256(self.key.encode()).hexdigest()
        return "eval" if int(digest[:8], 16) % 100 < EVAL_PERCENT else "train"


EXAMPLES = (
    (
        Problem((3, 4), ("*",)),
        "To find 3 * 4, we need to multiply 3 by 4. So 3 * 4 = 12. The answer is \\boxed{12}.",
    ),
    (
        Problem((2, 6), ("+",)),
        "First, we need to add 2 and 6. So 2 + 6 = 8. The answer is \\boxed{8}.",
    ),
)


class Arithmetic(answers.ByAnswer):
    """The task "arithmetic".

    Args:
        operations: any of "add", "subtract", "multiply".
        digits: the most digits of a number, 1 to 4; the smallest number is 1.
        terms: how many numbers a problem has, 2 to 4.
        shots: how many worked examples stand before the problem, 0 to 2.
        answer_mode: "boxed", "strict" (exact match), or "lenient" (without a box, the last number is the answer).

    Raises:
        ConfigError: a setting is unknown or out of its range.
    """

    name = "arithmetic"

    def __init__(
        self,
        *,
        operations: Sequence[str] = ("add", "multiply"),
        digits: int = 1,
        terms: int = 2,
        shots: int = 1,
        answer_mode: str = "lenient",
        **unknown: Any,
    ) -> None:
        answers.refuse_unknown(self.name, unknown, SETTINGS)
        if isinstance(operations, str) or not isinstance(operations, Sequence) or not operations:
            raise ConfigError(
                "task.settings.operations is not a list of names", "give a list, as in operations: [add, multiply]"
            )
        for operation in operations:
            if str(operation) not in SIGNS:
                raise ConfigError(
                    f"task.settings.operations: no operation {operation!r}", did_you_mean(str(operation), SIGNS)
                )
        for key, value, low, high in (
            ("digits", digits, 1, 4),
            ("terms", terms, 2, 4),
            ("shots", shots, 0, len(EXAMPLES)),
        ):
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise ConfigError(f"task.settings.{key} is {value!r}", f"give a whole number from {low} to {high}")
        self._mode = judge.mode_of(answer_mode, "task.settings.answer_mode")
        self._signs = sorted({SIGNS[operation] for operation in operations})
        self._digits, self._terms, self._shots = digits, terms, shots

    def rows(self, split: str, n: int | None = None, seed: int = 0) -> list[Row]:
        """Returns different problems of a split in an order fixed by `seed`: `id`, `prompt` (messages), `question`, `answer`.

        If more than 100,000 problems are possible, only those among 100,000 draws are returned.
        """
        if split not in ("train", "eval"):
            raise ConfigError(f"no split {split!r}", did_you_mean(split, ("train", "eval")))
        return [self._row(problem) for problem in itertools.islice(self._problems(split, seed), n)]

    def _problems(self, split: str, seed: int) -> Iterator[Problem]:
        largest, choices = 10**self._digits - 1, len(self._signs)
        size = largest**self._terms * choices ** (self._terms - 1)
        shown = {problem.key for problem, _ in EXAMPLES[: self._shots]}
        for index in random.Random(seed).sample(range(size), min(size, MAX_CANDIDATES)):
            numbers, signs = [], []
            for _ in range(self._terms):
                index, digit = divmod(index, largest)
                numbers.append(digit + 1)
            for _ in range(self._terms - 1):
                index, digit = divmod(index, choices)
                signs.append(self._signs[digit])
            problem = Problem(tuple(numbers), tuple(signs))
            if problem.split == split and problem.value >= 0 and problem.key not in shown:
                yield problem

    def _row(self, problem: Problem) -> Row:
        question = f"What is {problem.text}?"
        messages = [{"role": "system", "content": SYSTEM}]
        for example, answer in EXAMPLES[: self._shots]:
            messages.append({"role": "user", "content": f"What is {example.text}?"})
            messages.append({"role": "assistant", "content": answer})
        messages.append({"role": "user", "content": question})
        return {
            "id": f"arithmetic/{problem.text.replace(' ', '')}",
            "prompt": messages,
            "question": question,
            "answer": str(problem.value),
        }
