"""Writes RULES.md: every claim with the rule that judges it, from the tables beside the judges.

python studies/hierarchy/rules.py            writes it; build.py --check finds a difference
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from claims import CLAIMS, CURVES, KEPT
from contrasts import LEVEL, MARGIN, POWER, PRIMARY
from hypotheses import HYPOTHESES, MISSING
from intervals import PRIOR
from verdicts import Rule

from hicra.artifacts import write_text


def rules() -> str:
    """Makes the page."""
    named = "\n".join(f"- `{treatment}` minus `{baseline}`" for treatment, baseline in PRIMARY)
    return f"""# Rules of the verdicts

Written by `rules.py` from the tables of hypotheses.py and claims.py; fixed before the first reported run.

- **Area** is the primary metric: the area under the held-out accuracy curve (trapezoid rule over the evaluated steps, over
  their span), in [0, 1].
- **Pairs** share warm start and seed. A pair of which one run is missing is left out of both arms and counted.
- **Interval** is the 95 % interval of intervals.py: pairs differ inside warm starts and between them, and the ratio of the
  two spreads has a half-Cauchy prior of scale {PRIOR}; coverage.py shows what it covers. **p** is the two-sided p that goes
  with it: sign flips by pairs are valid for "no difference at any warm start" alone, and reject too often where warm starts
  differ. The percentile bootstrap over warm starts, then seeds, stands beside it in the tables; no verdict uses it.
- **Holm's p** runs over the primary contrasts at both starts, as many as were run. All else is exploratory.
- **Margin**: {MARGIN} of area is the smallest difference that matters here. What could have been seen is the true
  difference that so many pairs find in {POWER:.0%} of studies at level {LEVEL}.
- **Verdicts** are holds, does not hold, and cannot be told. A comparison that was not run cannot be told. A rule is read from
  its beginning: what holds is not looked at further, and what neither holds nor does not hold cannot be told. An interval lies
  above a number where its lower end does, and below it where its upper end does; so "does not hold if the interval lies below
  {MARGIN}" means that any gain is surely too small to matter.

## Primary contrasts

At the strong and at the weak start:

{named}

## Hypotheses

{listed(HYPOTHESES)}

## Names that the rules read

- Arms: `none` (GRPO) and those of the primary contrasts; `planning_only` and `planning_x3` are demonstrations.
- Lexicons of part `masks`: `{MISSING}` (misses two whole strategies; for hypothesis c with `hicra_bonus` and
  `hicra_difficulty`), `{KEPT}` (70 % of the grams, with `hicra`), and others as the figures name them.
- Curves: {", ".join(f"`{name}`" for name in CURVES)}.
- Evaluations: `accuracy`, `equations_right`, `strategy_entropy`, `failed_wrong_plan`, `failed_wrong_execution`.

## Claims of the paper

SE is semantic entropy, rarefied. A claim with a start in its name is judged at each start by itself.

{listed(CLAIMS)}
"""


def listed(rules: tuple[Rule, ...]) -> str:
    """Lists claims and rules; a claim that is judged at both starts by one rule stands once."""
    rows: dict[tuple[str, str], list[str]] = {}
    for rule in rules:
        rows.setdefault((rule.claim, rule.rule), []).append(rule.key)
    out = []
    for (claim, text), (first, *others) in rows.items():
        name = ", ".join([first, *(key.rpartition(", ")[2] for key in others)])
        out += [f"**{name}.** {claim}", *textwrap.wrap(f"- {text}", 126, subsequent_indent="  "), ""]
    return "\n".join(out).strip()


if __name__ == "__main__":
    write_text(HERE / "RULES.md", rules())
