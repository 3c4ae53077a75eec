"""Every run of the study, in the order in which they are made: the registered design as data.

A run is known by its part, arm, start, warm start and seed. Arms of a part share warm starts, seeds, problems and random numbers,
so they are paired. The order goes pair by pair, so that whatever the budget cuts off, the arms have equally many runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

WARM = (1, 2, 3, 4)
STEPS = {"strong": 80, "weak": 200}
EVERY = {"strong": 10, "weak": 20}  # steps between two evaluations
RATE = {"strong": 6e-4, "weak": 2e-4}  # chosen on GRPO alone, in studies/weak-start
SEEDS = {"strong": 6, "weak": 3}  # of each warm start, in the primary part
FIRST_SEED = 1000  # seeds below were used in pilots


@dataclass(frozen=True)
class Planned:
    """One run.

    Attributes:
        part: which part of the study it belongs to.
        arm: its name in tables.
        method: a name of `hicra.credit.METHODS`.
        start, warm: strength and number of the warm start.
        seed: fixes problems, responses, and what a lexicon leaves out.
        lexicon: a name of `lexicons.py`.
        settings: of the method.
        rate: learning rate.
        bonus: weight of the entropy bonus in the loss.
    """

    part: str
    arm: str
    method: str
    start: str
    warm: int
    seed: int
    lexicon: str = "exact"
    settings: Mapping[str, Any] = field(default_factory=dict)
    rate: float = 0.0
    bonus: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.part}/{self.arm}/{self.start}-{self.warm}/{self.seed}"

    @property
    def steps(self) -> int:
        return STEPS[self.start]


PRIMARY: dict[str, tuple[str, dict[str, Any]]] = {
    "none": ("none", {}),
    "hicra": ("hicra", {"alpha": 0.2}),
    "difficulty": ("hicra_difficulty", {"alpha": 0.2}),
    "bonus": ("hicra_bonus", {"alpha": 0.2}),
    "placebo": ("placebo", {"alpha": 0.2}),
    "entropy_advantage": ("entropy_advantage", {}),
    "adaptive": ("hicra_adaptive", {}),
}
MASKS = ("recall25", "recall50", "recall75", "precision50", "missing_two", "kept70", "mined")
ALPHAS = (0.1, 0.4, 0.8)
RATES = (3e-4, 1.2e-3)
BONUSES = (0.001, 0.003, 0.01)


def runs() -> Iterator[Planned]:
    """Yields every run in its order."""
    yield from primary("strong", range(2))
    yield from primary("weak", range(1))
    yield from primary("strong", range(2, SEEDS["strong"]))
    yield from primary("weak", range(1, SEEDS["weak"]))
    yield from demonstrations()
    yield from masks()
    yield from controls()
    yield from rates()
    yield from bonuses()


def pairs(start: str, each: range) -> Iterator[tuple[int, int]]:
    """Yields (warm start, seed): the given seeds of each warm start; no two warm starts share a seed."""
    for number in each:
        for warm in WARM:
            yield warm, FIRST_SEED + 100 * warm + number + (50 if start == "weak" else 0)


def primary(start: str, each: range) -> Iterator[Planned]:
    for warm, seed in pairs(start, each):
        for arm, (method, settings) in PRIMARY.items():
            yield Planned("primary", arm, method, start, warm, seed, settings=settings, rate=RATE[start])


def demonstrations() -> Iterator[Planned]:
    """What ruins a policy, one seed of each warm start."""
    for warm, seed in pairs("strong", range(1)):
        for arm, method in (("planning_only", "planning_only"), ("planning_x3", "planning_x3")):
            yield Planned("demonstrations", arm, method, "strong", warm, seed, rate=RATE["strong"])


def masks() -> Iterator[Planned]:
    """HICRA with worse lexicons, and both of its parts where two whole strategies are missing."""
    for warm, seed in pairs("strong", range(2)):
        for lexicon in MASKS:
            arms = ("hicra", "difficulty", "bonus") if lexicon == "missing_two" else ("hicra",)
            for arm in arms:
                method, settings = PRIMARY[arm]
                yield Planned(
                    "masks", f"{arm}-{lexicon}", method, "strong", warm, seed, lexicon, settings, RATE["strong"]
                )


def controls() -> Iterator[Planned]:
    """HICRA at other strengths; a strong difficulty factor on planning tokens and on all tokens."""
    for warm, seed in pairs("strong", range(2)):
        for alpha in ALPHAS:
            yield _at("alphas", f"hicra-{alpha}", "hicra", alpha, warm, seed)
        yield _at("alphas", "difficulty-0.8", "hicra_difficulty", 0.8, warm, seed)
        yield _at("alphas", "difficulty_all-0.8", "difficulty_all", 0.8, warm, seed)
        yield _at("alphas", "difficulty_all-0.2", "difficulty_all", 0.2, warm, seed)


def _at(part: str, arm: str, method: str, alpha: float, warm: int, seed: int) -> Planned:
    return Planned(part, arm, method, "strong", warm, seed, settings={"alpha": alpha}, rate=RATE["strong"])


def rates() -> Iterator[Planned]:
    """Half and twice the rate, for three arms and one seed of each warm start."""
    for warm, seed in pairs("strong", range(1)):
        for rate in RATES:
            for arm in ("none", "hicra", "difficulty"):
                method, settings = PRIMARY[arm]
                yield Planned("rates", f"{arm}-{rate:g}", method, "strong", warm, seed, settings=settings, rate=rate)


def bonuses() -> Iterator[Planned]:
    """GRPO with an entropy bonus in the loss, one seed of each warm start."""
    for warm, seed in pairs("strong", range(1)):
        for bonus in BONUSES:
            yield Planned(
                "bonuses", f"entropy_bonus-{bonus:g}", "none", "strong", warm, seed, rate=RATE["strong"], bonus=bonus
            )


if __name__ == "__main__":
    from collections import Counter

    every = list(runs())
    assert len({run.name for run in every}) == len(every)
    print(len(every), "runs,", sum(run.steps for run in every), "steps")
    print(Counter((run.part, run.start) for run in every))
