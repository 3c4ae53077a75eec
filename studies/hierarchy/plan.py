"""Every run of the study, in the order in which they are made: the registered design as data.

A run is known by its part, arm, start, warm start and seed. Arms of a part share warm starts, seeds, problems and random numbers,
so they are paired. The order goes pair by pair, so that whatever the budget cuts off, the arms have equally many runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

WARM = {"strong": tuple(range(1, 9)), "weak": tuple(range(1, 7))}
FOUR = 4  # warm starts of the small parts
STEPS = {"strong": 80, "weak": 200}
EVERY = {"strong": 10, "weak": 20}  # steps between two evaluations
RATE = {"strong": 6e-4, "weak": 2e-4}  # chosen on GRPO alone, in studies/weak-start
SEEDS = {"strong": 3, "weak": 2}  # of each warm start, in the primary part
FIRST_SEED = 1000  # seeds below were used in pilots


@dataclass(frozen=True)
class Planned:
    """One run.

    Attributes:
        part: which part of the study it belongs to.
        arm: the credit method, a name of `hicra.credit.METHODS` or of `run.OWN`.
        start, warm: strength and number of the warm start.
        seed: fixes problems, responses, and what a lexicon leaves out.
        lexicon: a name of `lexicons.py`.
        settings: of the method.
        rate: learning rate.
        bonus: weight of the entropy bonus in the loss.
    """

    part: str
    arm: str
    start: str
    warm: int
    seed: int
    lexicon: str = "exact"
    settings: Mapping[str, Any] = field(default_factory=dict)
    rate: float = 0.0
    bonus: float = 0.0

    @property
    def name(self) -> str:
        told = [*(f"{key}={value}" for key, value in self.settings.items()), f"rate={self.rate:g}"]
        told += [f"bonus={self.bonus:g}"] if self.bonus else []
        return f"{self.part}/{self.arm}/{self.lexicon}/{','.join(told)}/{self.start}-{self.warm}/{self.seed}"

    @property
    def steps(self) -> int:
        return STEPS[self.start]


PRIMARY: dict[str, dict[str, Any]] = {
    "none": {},
    "hicra": {"alpha": 0.2},
    "hicra_difficulty": {"alpha": 0.2},
    "hicra_bonus": {"alpha": 0.2},
    "placebo": {"alpha": 0.2},
    "entropy_advantage": {},
    "hicra_adaptive": {},
}
LEXICONS = ("recall25", "recall50", "recall75", "precision50", "two_missing", "grams70", "mined")
ALPHAS = (0.1, 0.4, 0.8)
RATES = (3e-4, 1.2e-3)
BONUSES = (0.001, 0.003, 0.01)


def runs() -> Iterator[Planned]:
    """Yields every run in its order."""
    yield from primary("strong", range(1))
    yield from primary("weak", range(1))
    yield from primary("strong", range(1, SEEDS["strong"]))
    yield from primary("weak", range(1, SEEDS["weak"]))
    yield from demonstrations()
    yield from masks()
    yield from alphas()
    yield from rates()
    yield from bonuses()


def pairs(start: str, each: range, warm: int = 0) -> Iterator[tuple[int, int]]:
    """Yields (warm start, seed): the given seeds of each warm start, or of the first few; no two warm starts share a seed."""
    for number in each:
        for which in WARM[start][: warm or None]:
            yield which, FIRST_SEED + 100 * which + number + (50 if start == "weak" else 0)


def primary(start: str, each: range) -> Iterator[Planned]:
    for warm, seed in pairs(start, each):
        for arm, settings in PRIMARY.items():
            yield Planned("primary", arm, start, warm, seed, settings=settings, rate=RATE[start])


def demonstrations() -> Iterator[Planned]:
    """What ruins a policy, one seed of each warm start."""
    for warm, seed in pairs("strong", range(1), FOUR):
        for arm in ("planning_only", "planning_x3"):
            yield Planned("demonstrations", arm, "strong", warm, seed, rate=RATE["strong"])


def masks() -> Iterator[Planned]:
    """HICRA with worse lexicons, and both of its parts where two whole strategies are missing."""
    for warm, seed in pairs("strong", range(1)):
        for lexicon in LEXICONS:
            for arm in ("hicra", "hicra_difficulty", "hicra_bonus") if lexicon == "two_missing" else ("hicra",):
                yield Planned("masks", arm, "strong", warm, seed, lexicon, PRIMARY[arm], RATE["strong"])


def alphas() -> Iterator[Planned]:
    """HICRA at other strengths; a strong difficulty factor on planning tokens, and the factor on all tokens."""
    arms = [("hicra", alpha) for alpha in ALPHAS]
    arms += [("hicra_difficulty", 0.8), ("difficulty_all", 0.2), ("difficulty_all", 0.8)]
    for warm, seed in pairs("strong", range(1)):
        for arm, alpha in arms:
            yield Planned("alphas", arm, "strong", warm, seed, settings={"alpha": alpha}, rate=RATE["strong"])


def rates() -> Iterator[Planned]:
    """Half and twice the rate, for three arms and one seed of each warm start."""
    for warm, seed in pairs("strong", range(1), FOUR):
        for rate in RATES:
            for arm in ("none", "hicra", "hicra_difficulty"):
                yield Planned("rates", arm, "strong", warm, seed, settings=PRIMARY[arm], rate=rate)


def bonuses() -> Iterator[Planned]:
    """GRPO with an entropy bonus in the loss, one seed of each warm start."""
    for warm, seed in pairs("strong", range(1), FOUR):
        for bonus in BONUSES:
            yield Planned("bonuses", "none", "strong", warm, seed, rate=RATE["strong"], bonus=bonus)


def main() -> None:
    every = list(runs())
    print(len(every), "runs,", sum(run.steps for run in every), "steps")
    print(Counter((run.part, run.start) for run in every))


if __name__ == "__main__":
    main()
