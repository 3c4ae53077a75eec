"""The lexicons whose credit is judged: the exact one, worse ones made from it, a mined one and the paper's."""

from __future__ import annotations

from collections import Counter

import numpy as np
from network import Network
from warm import mine

from hicra.lexicon import Lexicon
from hicra.tasks.plan_execute.language import EXECUTE_WORDS
from hicra.tasks.plan_execute.task import PlanExecute

DRAWS = 2
LEFT_OUT = (1, 4)  # the strategies that one lexicon does not know
TRIES = 200


def lexicons(network: Network, task: PlanExecute, texts: list[str], seed: int) -> dict[str, Lexicon]:
    """All of them by name; `texts` are responses on which recall and precision are set."""
    phrases = task.phrases
    words = {phrase: len(phrase.split()) for phrase in phrases}
    count = {phrase: words[phrase] * sum(f" {text} ".count(f" {phrase} ") for text in texts) for phrase in phrases}
    out = {"exact": Lexicon.from_phrases(phrases, name="exact")}
    for target in (0.75, 0.5, 0.25):
        for draw in range(DRAWS):
            chosen = some(count, target, seed + draw)
            out[f"recall {target:.0%}, draw {draw + 1}"] = Lexicon.from_phrases(chosen, name=f"recall-{target}")
    known = [phrase for phrase in phrases if task.language.plans.get(tuple(phrase.split()), (0,))[0] not in LEFT_OUT]
    out["without two strategies"] = Lexicon.from_phrases(known, name="four-strategies")
    of_word = Counter(word for text in texts for word in text.split())
    execution = {word: of_word[word] for word in EXECUTE_WORDS}
    for draw in range(DRAWS):
        extra = some(execution, sum(count.values()) / sum(execution.values()), seed + draw)
        out[f"precision 50%, draw {draw + 1}"] = Lexicon.from_phrases([*phrases, *extra], name="precision-50")
    out["mined"] = mine(network, seed + 1, seed)
    out["paper"] = Lexicon.load("paper")
    return out


def some(count: dict[str, int], share: float, seed: int) -> list[str]:
    """Phrases that hold about this share of all counted tokens: of 200 random orders, the beginning that comes nearest."""
    names = sorted(count)
    tokens = np.array([count[name] for name in names], np.float64)
    best: tuple[float, list[str]] = (np.inf, [])
    rng = np.random.default_rng(seed)
    for _ in range(TRIES):
        order = rng.permutation(len(names))
        off = np.abs(np.cumsum(tokens[order]) / tokens.sum() - share)
        at = int(off.argmin())
        best = min(best, (float(off[at]), sorted(names[i] for i in order[: at + 1])))
    return best[1]
