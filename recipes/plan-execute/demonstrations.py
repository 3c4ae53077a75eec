"""Demonstrations for the warm start: drills of single equations, and traces of attempts.

Traces are not filtered by success: most announce the favourite strategy, whatever the noun, and many end with
`answer none`. What reinforcement learning has to add is the choice of the plan.

Deviations (from the specification of the task):
PLAN-8. The demonstrator takes the right strategy `hint` times as readily as the prior says (2 by default; 1 is the
    specification's noun-blind demonstrator). From blind demonstrations the plan ignores the noun so thoroughly that 100
    steps of GRPO stay at the bound of noun-blind play (studies/weak-start).
PLAN-9. There is a careless demonstrator, for the weak start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from hicra.tasks.base import Row
from hicra.tasks.plan_execute.language import (
    BOS,
    EOS,
    ID_OF,
    OPERATOR_WORDS,
    PROMPT_TOKENS,
    language_of,
)
from hicra.tasks.plan_execute.problems import MODULUS, OPERATORS, calculate
from hicra.tasks.plan_execute.settings import STRATEGIES, PlanExecuteSettings

PARAPHRASE_WEIGHTS = (0.6, 0.3, 0.1)
NATURAL_RETRY = 0.25
DRILL_EQUATIONS = 6


@dataclass(frozen=True)
class Example:
    """Token ids of one training sequence and, for each of them, whether predicting it is part of the loss."""

    ids: list[int]
    in_loss: list[bool]


def drill(random: Random) -> Example:
    """`<bos>` and six equations `x op y = z ;` with even operators and numbers; the loss is on the results z alone."""
    words, in_loss = [BOS], [False]
    for _ in range(DRILL_EQUATIONS):
        x, y, operator = random.randrange(MODULUS), random.randrange(MODULUS), random.choice(OPERATOR_WORDS)
        words += [str(x), operator, str(y), "=", str(calculate(x, operator, y)), ";"]
        in_loss += [False, False, False, False, True, False]
    return Example([ID_OF[word] for word in words], in_loss)


def strategy_weights(settings: PlanExecuteSettings, right: int, tried: Sequence[int]) -> list[float]:
    """Weight of each strategy for the next attempt; the weights need not sum to 1.

    It is `skew` for the favourite and an even share of the rest for the others, times `hint` for the right one, and 0
    for the strategies already tried.
    """
    other = (1 - settings.skew) / (STRATEGIES - 1)
    prior = [settings.skew if s == 0 else other for s in range(STRATEGIES)]
    return [0.0 if s in tried else weight * (settings.hint if s == right else 1) for s, weight in enumerate(prior)]


def trace(
    random: Random, row: Row, settings: PlanExecuteSettings, forced: bool = False, careless: float = 0.0
) -> Example:
    """A prompt with a response of at most `settings.attempts` attempts.

    Args:
        random: source of chance.
        row: the problem.
        settings: skew, hint, paraphrases, attempts, trap.
        forced: retry after every failure, and leave the first word of each retry phrase out of the loss: such a trace
            teaches long contexts without teaching to retry more often.
        careless: probability that a result is replaced by another number; what follows goes on from what is written,
            and success is where the check says 0. At 0 every equation is right.
    """
    language = language_of(settings)
    weights = PARAPHRASE_WEIGHTS[: settings.paraphrases]

    def say(phrases: Sequence[str]) -> list[str]:
        return random.choices(phrases, weights)[0].split()

    def work_out(left: int, operator: str, right: int) -> int:
        result = int(calculate(left, operator, right))
        slip = careless > 0 and random.random() < careless
        return (result + random.randrange(1, MODULUS)) % MODULUS if slip else result

    words: list[str] = str(row["prompt"]).split()
    skipped: set[int] = set(range(PROMPT_TOKENS))
    a, b, c, goal, right = (int(row[name]) for name in ("a", "b", "c", "goal", "strategy"))
    tried: list[int] = []
    while True:
        strategy = random.choices(range(STRATEGIES), strategy_weights(settings, right, tried))[0]
        tried.append(strategy)
        first, second = OPERATORS[strategy]
        x = work_out(a, first, b)
        y = work_out(x, second, c)
        z = work_out(goal, "-", y)
        words += say(language.openers) + say(language.bodies[strategy])
        words += f"{a} {first} {b} = {x} ; {x} {second} {c} = {y} ; {goal} - {y} = {z} ;".split()
        if z == 0:
            words += [*say(language.success), "answer", str(goal), EOS]
            break
        words += say(language.failure)
        if len(tried) < settings.attempts and (forced or random.random() < NATURAL_RETRY):
            if forced:
                skipped.add(len(words))
            words += say(language.retry)
        else:
            words += [*say(language.quit), "answer", "none", EOS]
            break
    return Example([ID_OF[word] for word in words], [at not in skipped for at in range(len(words))])
