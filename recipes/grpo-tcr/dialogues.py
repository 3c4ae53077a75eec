"""Demonstrations for the warm start of the calculator task: whole conversations with calls and results.

The demonstrator often takes the wrong order, and sometimes guesses an answer after its first call. What reinforcement
learning has to add is to look at the signs before the plan, and to call for every operation.

Deviations (from the source system, which starts from real trajectories of a larger model):
CALCULATOR-4. The demonstrations are scripted, each from its start to its end, and more than half of them fail: a start model that
    is nearly always right would leave nothing to learn.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from hicra.tasks.arithmetic import Problem
from hicra.tasks.calculator.language import (
    ANSWER,
    ARGUMENT,
    BOS,
    CALL,
    END_CALL,
    EOS,
    FIRST_FIRST,
    ID_OF,
    MODEL,
    NAME,
    NUMBERS,
    REST,
    SECOND_FIRST,
    TOOL,
    USER,
)
from hicra.tasks.calculator.problems import calculator, second_first

RIGHT_PLAN = 0.6  # how often the demonstrator announces the right order; at 0.5 its plan would not depend on the signs
HASTY = 0.25  # how often it guesses after the first call
PARAPHRASE_WEIGHTS = (0.7, 0.3)


@dataclass(frozen=True)
class Dialogue:
    """Token ids of one conversation and, for each of them, whether predicting it is part of the loss."""

    ids: list[int]
    in_loss: list[bool]


def dialogue(random: Random, problem: Problem) -> Dialogue:
    """One conversation; the loss is on what the policy writes, its end tokens included."""
    (a, b, c), (one, two) = problem.numbers, problem.signs
    second = second_first((one, two)) == (random.random() < RIGHT_PLAN)
    parts: list[tuple[str, bool]] = [(f"{BOS} {USER} {problem.text} {MODEL}", False)]

    def call(plan: str, expression: str) -> str:
        parts.append((f"{plan} {CALL} {NAME} {ARGUMENT} {expression} {END_CALL} {EOS}", True))
        parts.append((f"{TOOL} {calculator(expression)} {MODEL}", False))
        return calculator(expression)

    phrases = SECOND_FIRST if second else FIRST_FIRST
    inner = call(random.choices(phrases, PARAPHRASE_WEIGHTS)[0], f"{b} {two} {c}" if second else f"{a} {one} {b}")
    if random.random() < HASTY:
        answer = random.choice(NUMBERS)
    else:
        rest = f"{a} {one} {inner}" if second else f"{inner} {two} {c}"
        answer = call(random.choices(REST, PARAPHRASE_WEIGHTS)[0], rest)
    parts.append((f"{ANSWER} {answer} {EOS}", True))
    ids = [ID_OF[word] for text, _ in parts for word in text.split()]
    return Dialogue(ids, [own for text, own in parts for _ in text.split()])
