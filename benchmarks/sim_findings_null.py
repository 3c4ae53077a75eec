"""Claim: of 100 simulated runs in which nothing changes and nothing is wrong, at most 5 show any finding.

    python benchmarks/sim_findings_null.py -o benchmarks/baselines/sim_findings_null.json        some minutes

A null run has 40 steps of 16 new prompts with 4 responses each, drawn from one distribution from the first step to the last.
Prompts differ in how often they are solved (beta distributed, 28 % of the groups give no gradient), in how long their responses
are, and in which grams they call for (Dirichlet distributed), so responses to one prompt are alike. One response in 25 is cut,
one in 50 is a loop. Planning tokens have an entropy of about 1 nat and execution tokens of about 0.3, and a level that wanders
from step to step (correlation 0.5) moves lengths and entropies a little. The rollouts are written as JSON lines and go the
whole way through `hicra diagnose`, without a tokenizer.

A run shows a finding where one is an alarm, or tells of grams that were born or have died, or of a kind whose entropy collapsed,
or where `planning_change`, which always speaks, claims that the run plans more or less, or only writes more.
`phases` describes curves and is counted apart: in how many runs it claims the end of a first or the begin of a second phase.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from hicra import Lexicon
from hicra.diagnose.diagnose import diagnose
from hicra.findings.planning_change import NAME, SURE
from machine import finish, machine

STEPS, PROMPTS, GROUP, MOST = 40, 16, 4, 5
GRAMS = [
    f"{verb} {what} now"
    for verb in ("check", "split", "count", "solve")
    for what in ("it", "this", "one", "both", "each")
]
WORDS = [f"w{number}" for number in range(400)]
TOLD = ("gram_turnover", "entropy_collapse")
LEXICON = Lexicon.from_phrases(GRAMS)


def response(rng: np.random.Generator, length: int, liked: Any) -> tuple[str, list[float]]:
    """A response of about this many words, and the entropy of each; one in 50 says the same from its middle on."""
    words: list[str] = []
    entropies: list[float] = []
    while len(words) < length:
        gram = GRAMS[int(rng.choice(len(GRAMS), p=liked))].split()
        filler = [WORDS[at] for at in rng.integers(0, len(WORDS), int(rng.integers(8, 16)))]
        words += [*gram, *filler]
        entropies += [*rng.gamma(2, 0.5, len(gram)), *rng.gamma(2, 0.15, len(filler))]
    if rng.random() < 0.02:
        words = words[:20] * (len(words) // 20) + words[: len(words) % 20]
    return " ".join(words), [round(value, 4) for value in entropies]


def rollouts(seed: int, steps: int = STEPS) -> list[dict[str, Any]]:
    """The rows of one null run."""
    rng, level, rows = np.random.default_rng([17, seed]), 0.0, []
    common = rng.dirichlet(np.ones(len(GRAMS)))
    for step in range(1, steps + 1):
        level = 0.5 * level + rng.normal(0, 0.05)
        for prompt in range(PROMPTS):
            chance, longer = rng.beta(2, 2), rng.normal(0, 0.2)
            liked = rng.dirichlet(10 * common + 1e-3)
            for _ in range(GROUP):
                text, entropies = response(rng, round(70 * np.exp(longer + level + rng.normal(0, 0.2))), liked)
                rows.append({
                    "step": step, "id": f"{step}-{len(rows)}", "question": f"question {step} {prompt}", "response": text,
                    "correct": bool(rng.random() < chance), "truncated": bool(rng.random() < 0.04),
                    "entropies": [value * float(np.exp(level)) for value in entropies],
                })  # fmt: skip
    return rows


def shown(seed: int, steps: int = STEPS) -> tuple[list[str], bool]:
    """The names of what a null run shows, and whether it claims a phase."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rollouts.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rollouts(seed, steps)), encoding="utf-8")
        found = diagnose([path], LEXICON, tokenizer=None, out=None, on_bad="stop", max_bad=0.0)
    names = [one["name"] for one in found["findings"] if one["alarm"] or one["name"] in TOLD or _claims(one)]
    phase = next((one["figures"] for one in found["findings"] if one["name"] == "phases"), {})
    return names, any(phase.get(name) for name in ("first_phase_ends", "second_phase_begins"))


def _claims(one: dict[str, Any]) -> bool:
    """Says whether a finding is that of `planning_change`, and its lead a sure one."""
    return one["name"] == NAME and one["figures"]["answer"] in SURE


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-o", "--output", type=Path, default=None)
    options.add_argument("--runs", type=int, default=100)
    options.add_argument("--first", type=int, default=0, help="first seed; the claim is on 0")
    given = options.parse_args()
    begin = time.process_time()
    found = {seed: shown(seed) for seed in range(given.first, given.first + given.runs)}
    with_any = [seed for seed, (names, _) in found.items() if names]
    result: dict[str, Any] = {
        **machine("polars", "scipy"), "holds": len(with_any) <= MOST * given.runs / 100, "runs": given.runs,
        "with_any_finding": len(with_any), "seeds_with_any": with_any,
        "by_name": dict(sorted(Counter(name for names, _ in found.values() for name in names).items())),
        "with_a_phase": sum(phase for _, phase in found.values()), "cpu_seconds": round(time.process_time() - begin, 1),
    }  # fmt: skip
    return finish(result, given.output)


if __name__ == "__main__":
    sys.exit(main())
