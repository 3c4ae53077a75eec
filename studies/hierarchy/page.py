"""The page docs/study.md: every number of it comes from the stored results, and a part without results says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from agreement import LEAST_ARMS
from analysis import auc
from contrasts import LEVEL, MARGIN, POWER, Estimate, contrast, pairs, primary_contrasts
from figures import FIGURES, named
from hypotheses import step_qualities, training_gains
from intervals import percentile_interval
from results import PARTS, STARTS, Cell, Results, arms_of, runs_of
from verdicts import NOT_RUN, OPEN, Rule, Verdict

from hicra import stats
from hicra.drawing.readable import counted, decimal
from hicra.stats.paired import t_interval

Judged = Sequence[tuple[Rule, Verdict]]
DASH = "\u2013"
PLANNED = 0.10  # the spread of paired differences that the pilots make plausible, for parts that were not run


def page(results: Results, hypotheses: Judged, claims: Judged, drawn: Mapping[str, str]) -> str:
    """Writes the page.

    Args:
        results: what is stored.
        hypotheses, claims: the rules with their verdicts.
        drawn: {name of a figure: the path of its SVG from docs/}.
    """
    parts = [
        HEAD, state(results), "## Answer in short", short(hypotheses, claims), "## Design", design(results),
        "## Arms", arms(results), figure(drawn, "learning-curves"),
        "## Primary contrasts", contrasts(results), figure(drawn, "contrasts"),
        "## Hypotheses", EXPLORATORY, verdict_list(hypotheses),
        figure(drawn, "step-and-gain"), drift(results), figure(drawn, "signal-share"),
        "## The paper's claims", verdict_list(claims), figure(drawn, "one-run"),
        "## All methods by the meter", meter(results), quality(results),
        "## Masks and strengths", masks(results), figure(drawn, "masks"),
        "## Rates", rates(results),
        "## All estimates", estimates(hypotheses, claims),
        "## Limits", LIMITS, "## Run it again", AGAIN,
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


HEAD = """# Where the learning signal is: a registered study

Written by `studies/hierarchy/build.py` from the stored results; no number is typed by hand.

**Question.** HICRA pays planning tokens more. On a task whose planning tokens are known exactly: does it learn better than GRPO,
which part of it does, does the measured learning signal say so beforehand, and which of the paper's claims can be seen?"""

EXPLORATORY = """Verdicts by the [rules](../studies/hierarchy/RULES.md). In brackets: the 95 % interval, the number of pairs or
runs, and the true value that could have been seen. All but the primary contrasts is exploratory."""

LIMITS = f"""- One task with a small model and exact planning tokens. What holds here may fail for language models, and the other
  way round.
- Intervals are over warm starts and seeds like these, with a prior on how much warm starts differ
  ([coverage](../studies/hierarchy/coverage.py)). "Cannot be told" does not mean equal.
- Semantic entropy counts the task's few phrases. It stands for diversity of strategies only as far as phrases do.
- The verdicts of the claims follow rules that were fixed before the first reported run
  ([rules](../studies/hierarchy/RULES.md)); others would have been possible. All but the primary contrasts is exploratory.
- What was not run is listed as such. With a spread of {PLANNED} between pairs, a difference of {MARGIN} takes
  {stats.seeds_needed(MARGIN, PLANNED, 6)} pairs to be seen in {POWER:.0%} of studies."""

AGAIN = """    make study          # runs everything; what is stored is not run again, and it may be killed at any time
    make study-report   # rebuilds this page, its tables and figures from studies/hierarchy/results

`python studies/hierarchy/build.py --check` fails where a page or figure differs from what the results say. The
[registration](../studies/hierarchy/PREREGISTRATION.md) was committed before the first reported run."""


def state(results: Results) -> str:
    """Says how far the study is, as long as runs are missing."""
    if results.stored >= results.planned:
        return ""
    return (
        f"**State: under way.** {results.stored} of {results.planned} planned runs are made. A part of the study is shown when\n"
        "all of its runs are made, or when the budget is spent. Until then its verdicts are open, and nobody looks at half of it."
    )


def short(hypotheses: Judged, claims: Judged) -> str:
    """Counts the verdicts, and lists those of the hypotheses."""
    lines = []
    for words, judged in (("hypotheses", hypotheses), ("claims of the paper (by start)", claims)):
        tally = Counter(verdict.answer for _, verdict in judged)
        told = ", ".join(f"{answer}: {tally[answer]}" for answer in ("holds", "does not hold", OPEN) if tally[answer])
        lines.append(f"- {len(judged)} {words}. {told[0].upper()}{told[1:]}.")
    return "\n".join(
        [
            *lines,
            "",
            *table(("", "hypothesis", "verdict"), ((r.key, r.claim, f"**{v.answer}**") for r, v in hypotheses)),
        ]
    )


def design(results: Results) -> str:
    """What was run: runs by part and start, warm starts, pairs, CPU time."""
    lines = []
    for part in PARTS:
        for start in STARTS:
            runs = [run for run in results.runs if (run["part"], run["start"]) == (part, start)]
            if runs:
                warm, names = len({run["warm"] for run in runs}), len({run["arm"] for run in runs})
                hours = sum(run.get("cpu_s") or 0.0 for run in runs) / 3600
                steps, rates = (sorted({run[key] for run in runs}) for key in ("steps", "rate"))
                lines.append(
                    (
                        part,
                        start,
                        str(names),
                        str(len(runs)),
                        str(warm),
                        _joined(steps),
                        _joined(rates),
                        decimal(hours, 1),
                    )
                )
    waiting = "\n".join(
        f"- Under way: {made} of {planned} runs of {part}, {start} start. They are shown when all are made."
        for part, start, made, planned in results.waiting
    )
    if not lines:
        return waiting or f"Training: {NOT_RUN}."
    head = ("part", "start", "arms", "runs", "warm starts", "steps", "rate", "CPU-hours")
    text = "\n".join([*([waiting, ""] if waiting else []), *table(head, lines)])
    return f"{text}\n\nPairs share warm start and seed. {_warm_starts(results)}".strip()


def _joined(values: Iterable[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _warm_starts(results: Results) -> str:
    """The accuracy of the warm starts, as far as it is stored."""
    told = []
    for start in STARTS:
        found = [one for one in _listed(results.warmstarts) if one["start"] == start]
        if found:
            spans = []
            for key, words in (("accuracy", "of problems"), ("equations_right", "of equations")):
                values = [one[key] for one in found]
                spans.append(f"{decimal(100 * min(values), 1)} to {decimal(100 * max(values), 1)} % {words}")
            told.append(f"The {counted(len(found), f'{start} warm start')} get {' and '.join(spans)} right.")
    return " ".join(told)


def _listed(stored: Any) -> list[Mapping[str, Any]]:
    """The warm starts as a list, whether they are stored as one or under a key."""
    if stored is None:
        return []
    return list(stored["warmstarts"]) if isinstance(stored, Mapping) else list(stored)


def arms(results: Results) -> str:
    """Area and final accuracy of each arm."""
    lines = []
    for part in ("primary", "demonstrations"):
        for start in STARTS:
            for arm in arms_of(results, start, part):
                runs = [*runs_of(results, Cell(arm, start, part)).values()]
                areas, last = ([*map(figure, runs)] for figure in (auc, lambda run: run["evals"]["accuracy"][-1]))
                cells = [decimal(float(np.mean(areas)), 3), decimal(float(np.mean(last)), 3)]
                spread = decimal(float(np.std(areas, ddof=1)), 3) if len(runs) > 1 else DASH
                name = named(arm) + (" (demonstration)" if part == "demonstrations" else "")
                lines.append((start, name, str(len(runs)), cells[0], spread, cells[1]))
    if not lines:
        return f"Training: {NOT_RUN}."
    head = ("start", "arm", "runs", "area, mean", "spread over runs", "accuracy at the end, mean")
    return "\n".join(table(head, lines))


def contrasts(results: Results) -> str:
    """The primary contrasts."""
    found = primary_contrasts(results)
    if not found:
        return f"Training: {NOT_RUN}."
    lines = []
    for (treatment, baseline, start), one in found.items():
        name = f"{named(treatment)} - {named(baseline)}, {start}"
        lines.append((name, *_figures(one), _p(one.p_holm), _bootstrap(results, treatment, baseline, start)))
    head = (*ESTIMATE_HEAD, "Holm's p", "bootstrap")
    note = f"Holm's p over these {len(found)}. {SEEN}"
    return "\n".join([*table(head, lines), "", note])


ESTIMATE_HEAD = ("difference", "estimate", "95 %", "n", "warm starts", "could be seen", "pairs for the margin")
SEEN = (
    f'"Could be seen": the true difference that so many pairs find in {POWER:.0%} of studies (level {LEVEL}). "Pairs for the '
    f'margin": pairs, each from a warm start of its own, that would find {MARGIN} of area.'
)


def _figures(one: Estimate) -> tuple[str, ...]:
    """The cells of an estimate."""
    if one.estimate is None or one.low is None or one.high is None:
        return (DASH, DASH, str(one.n), str(one.warm_starts), DASH, DASH)
    span = f"{signed(one.low)} to {signed(one.high)}"
    smallest = DASH if one.smallest is None else decimal(one.smallest, 3)
    return (
        signed(one.estimate),
        span,
        str(one.n),
        str(one.warm_starts),
        smallest,
        str(one.needed or DASH),
    )


def _p(value: float | None) -> str:
    """Writes a p; a small one as below a thousandth."""
    return DASH if value is None else "< 0.001" if value < 0.001 else decimal(value, 3)


def _bootstrap(results: Results, treatment: str, baseline: str, start: str) -> str:
    """The percentile interval over warm starts, then seeds, for those who know it better."""
    differences, warm, _ = pairs(results, Cell(treatment, start), Cell(baseline, start))
    low, high = percentile_interval(differences, warm)
    return f"{signed(low)} to {signed(high)}"


def verdict_list(judged: Judged) -> str:
    """Claims with their verdicts and one sentence each."""
    return "\n".join(
        f"- **{rule.key}: {verdict.answer}.** {rule.claim}\n  - {verdict.sentence[0].upper()}{verdict.sentence[1:]}"
        for rule, verdict in judged
    )


def drift(results: Results) -> str:
    """Why the meter fails where it fails: what the arms did to the equations, beside step quality and gain."""
    lines = []
    for start in STARTS:
        quality, gains = step_qualities(results, start), training_gains(results, start)
        for arm in sorted(set(quality) & set(gains)):
            part = "primary" if runs_of(results, Cell(arm, start)) else "demonstrations"
            one = contrast(results, Cell(arm, start, part), Cell("none", start), _equations)
            kept = DASH if one is None or not one.told else f"{signed(one.estimate or 0.0)} ({_span(one)})"
            cells = (signed(float(side[arm].mean())) for side in (quality, gains))
            lines.append((start, named(arm), *cells, kept))
    if len(lines) < LEAST_ARMS:
        return ""
    head = ("start", "arm", "step quality - GRPO's", "gain in area", "equations right at the end - GRPO's (95 %)")
    return "The last column shows what became of execution, which the meter does not see.\n\n" + "\n".join(
        table(head, lines)
    )


def _equations(run: Mapping[str, Any]) -> float | None:
    """The share of right equations at the last evaluation."""
    values = run["evals"].get("equations_right")
    return None if not values or values[-1] is None else float(values[-1])


def _span(one: Estimate) -> str:
    return f"{signed(one.low or 0.0)} to {signed(one.high or 0.0)}"


def meter(results: Results) -> str:
    """Step quality of every method at each start and checkpoint, minus GRPO's, over warm starts."""
    places = sorted({(one["start"], one["step"]) for one in results.checkpoints})
    if not places:
        return f"The meter: {NOT_RUN}."
    shares, cells = [], {}
    for start, step in places:
        found = [one for one in results.checkpoints if (one["start"], one["step"]) == (start, step)]
        planning = [one["kinds"]["planning"]["share"] for one in found if one["kinds"]["planning"]["share"] is not None]
        right = decimal(100 * float(np.mean([one["accuracy"] for one in found])), 1)
        shares.append((start, str(step), right, *_over(planning, 2, sign=False), str(len(planning))))
        for name in sorted({name for one in found for name in one["methods"] if name != "none"}):
            better = [one["methods"][name]["difference"] for one in found if name in one["methods"]]
            cells[name, start, step] = " ".join(_over([value for value in better if value is not None], 3))
    head = ("start", "step", "right, %", "planning share of the signal", "95 %", "warm starts")
    columns = [f"{start}, step {step}" for start, step in places]
    names = sorted({name for name, _, _ in cells})
    lines = [(f"`{name}`", *(cells.get((name, *place), DASH) for place in places)) for name in names]
    note = "Step quality (cosine with the true gradient) minus GRPO's, with Student's interval over warm starts:"
    return "\n".join([*table(head, shares), "", note, "", *table(("method", *columns), lines)])


def _over(values: Sequence[float], places: int, sign: bool = True) -> tuple[str, str]:
    """A mean, and Student's interval where there are two values or more."""
    if not values:
        return DASH, DASH
    mean = decimal(float(np.mean(values)), places, sign=sign)
    if len(values) < 2:
        return mean, DASH
    low, high = t_interval(np.array(values))
    return mean, f"({decimal(low, places, sign=sign)} to {decimal(high, places, sign=sign)})"


def quality(results: Results) -> str:
    """Where the page on credit quality is."""
    if results.quality is None:
        return f"Credit quality against true advantages: {NOT_RUN}."
    return (
        "How methods and lexicons agree with true advantages of tokens: [credit quality](evidence/credit-quality.md)."
    )


def masks(results: Results) -> str:
    """The masks and strengths against GRPO."""
    data = next(each for each in FIGURES if each.name == "masks").data(results)
    if data is None:
        return f"Masks and strengths: {NOT_RUN}."
    lines = [
        (one["name"], signed(one["value"]), f"{signed(one['low'])} to {signed(one['high'])}", str(one["n"]))
        for one in data["rows"]
    ]  # fmt: skip
    note = "Exploratory. The exact mask is that of the primary part, with all its pairs."
    return "\n".join([*table(("arm and mask or strength", "area - GRPO's", "95 %", "pairs"), lines), "", note])


def rates(results: Results) -> str:
    """The check that no arm owes its place to the rate."""
    runs = [run for run in results.runs if run["part"] == "rates"]
    lines = []
    for start in STARTS:
        for rate in sorted({run["rate"] for run in runs if run["start"] == start}):
            for arm in arms_of(results, start, "rates"):
                if arm != "none":
                    one = contrast(
                        results, Cell(arm, start, "rates", rate=rate), Cell("none", start, "rates", rate=rate)
                    )
                    if one is not None:
                        lines.append((start, f"{rate:g}", named(arm), *_figures(one)[:3]))
    if not lines:
        return f"Other rates: {NOT_RUN}."
    return "\n".join(table(("start", "rate", "arm", "area - GRPO's at that rate", "95 %", "pairs"), lines))


def estimates(hypotheses: Judged, claims: Judged) -> str:
    """Every estimate that a verdict rests on."""
    lines = [
        (f"{rule.key}: {one.name}", *_figures(one))
        for rule, verdict in (*hypotheses, *claims)
        for one in verdict.estimates
    ]
    return "\n".join(table(ESTIMATE_HEAD, lines)) if lines else ""


def signed(value: float) -> str:
    """Writes a difference with its sign and three places."""
    return decimal(value, 3, sign=True)


def figure(drawn: Mapping[str, str], name: str) -> str:
    """The figure with its caption and its data, or nothing where it was not drawn."""
    if name not in drawn:
        return ""
    caption = next(each.caption for each in FIGURES if each.name == name)
    return f"![{caption}]({drawn[name]})\n\n{caption} [Data]({drawn[name].removesuffix('.svg')}.json)."


def table(head: Iterable[str], lines: Iterable[Iterable[str]]) -> list[str]:
    """The lines of a table."""
    head = list(head)
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *lines)]
