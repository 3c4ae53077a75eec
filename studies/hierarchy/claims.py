"""The 13 claims of the paper on the embedded task: each with its rule, fixed before the first reported run, and its judge.

C1 to C4, C8, C10 and C12 are about GRPO's own runs, the rest about arms. A claim that is judged at both starts has a verdict for
each, since the paper itself expects it of models with sound execution alone. SE is rarefied semantic entropy.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from algebra import algebra_holds
from analysis import SMOOTH, change, curve, ends, half_time, has, token_entropy
from contrasts import LEVEL, MARGIN, Estimate, contrast, mean_over_runs
from hypotheses import primary
from results import STARTS, Cell, Results, Run
from verdicts import HOLDS, NOT, OPEN, Rule, Verdict, above, all_of, judged, same, untold

from hicra.arrays import Floats
from hicra.stats import rank_correlation

SE, FLAT, SLOWER, SATURATED = "semantic_entropy_rarefied", 0.1, 0.05, 0.05
CURVES = (
    "reward", "length", "planning_share", "entropy_planning", "entropy_execution", "ppl_execution", SE,
    "conditional_entropy", "pass_at_8", "high_given_planning",
)  # fmt: skip
BONUS = 0.01  # the largest weight of the entropy bonus that was run
RARE = 0.002  # of responses, one in 512: a share of 0 has no logarithm
KEPT = "grams70"  # the lexicon with 70 % of its grams


def of(name: str, figure: Callable[[Floats], float | None] = change) -> Callable[[Run], float | None]:
    """Makes the figure of a run that is computed from one of its curves; None where the run lacks the curve."""
    return lambda run: figure(curve(run, name)[1]) if has(run, name) else None


def grpo(results: Results, start: str, figure: Callable[[Run], float | None], what: str) -> Estimate | None:
    """The mean of a figure over GRPO's runs."""
    return mean_over_runs(results, Cell("none", start), figure, f"{what}, {start}")


def below(one: Estimate | None, what: str) -> Verdict:
    """Judges "it is below 0": holds if the interval lies below 0, not if it lies above, else open."""
    if one is None or one.low is None or one.high is None:
        return untold(one, what)
    return judged(HOLDS if one.high < 0 else NOT if one.low > 0 else OPEN, one, what)


def rises(one: Estimate | None, what: str) -> Verdict:
    """Judges "it is above 0": holds if the interval lies above 0, not if it lies below, else open."""
    return above(one, 0.0, what)


def _lag(run: Run) -> float | None:
    """Half-time of SE minus half-time of execution perplexity; None unless the one rose and the other fell."""
    if not (has(run, SE) and has(run, "ppl_execution")):
        return None
    later, first = curve(run, SE), curve(run, "ppl_execution")
    return half_time(*later) - half_time(*first) if change(later[1]) > 0 > change(first[1]) else None


def two_phases(results: Results, start: str) -> Verdict:
    """C1."""
    return all_of([
        below(grpo(results, start, of("ppl_execution"), ""), f"change of execution perplexity, {start}"),
        below(grpo(results, start, of("entropy_execution"), ""), f"change of execution entropy, {start}"),
        rises(grpo(results, start, of(SE), ""), f"change of SE, {start}"),
        rises(grpo(results, start, _lag, ""), f"half-time of SE - of execution perplexity, steps, {start}"),
    ])  # fmt: skip


def opposite_entropies(results: Results, start: str) -> Verdict:
    """C2."""

    def tokens(run: Run) -> float | None:
        return change(token_entropy(run)) if has(run, "entropy_planning") else None

    return all_of([
        rises(grpo(results, start, of(SE), ""), f"change of SE, {start}"),
        below(grpo(results, start, tokens, ""), f"change of token entropy, nats, {start}"),
    ])  # fmt: skip


def blocks(values: Floats) -> Floats:
    """Returns the means of successive stretches of `SMOOTH` steps; what is left over at the end joins the last one."""
    parts = np.array_split(values, max(1, len(values) // SMOOTH))
    return np.array([part.mean() for part in parts])


def partial_rank(first: Floats, second: Floats, given: Floats) -> float | None:
    """Computes the rank correlation of two lists with the ranks of a third held fixed; None where it is not defined.

    (r12 - r13 r23) / sqrt((1 - r13^2) (1 - r23^2)).
    """
    r12, r13, r23 = (rank_correlation(*pair) for pair in ((first, second), (first, given), (second, given)))
    if r12 is None or r13 is None or r23 is None:
        return None
    rest = (1 - r13**2) * (1 - r23**2)
    return float((r12 - r13 * r23) / np.sqrt(rest)) if rest > 1e-12 else None


def _tracking(run: Run, rival: str) -> float | None:
    """How much better SE tracks the reward than the rival does: the difference of absolute partial rank correlations."""
    names = [SE, "reward", "length", *(("pass_at_8",) if rival == "pass@8" else ())]
    if not all(has(run, name) and None not in run["curves"][name] for name in names):
        return None
    entropy, reward, length = (blocks(curve(run, name)[1]) for name in (SE, "reward", "length"))
    other = blocks(token_entropy(run) if rival == "token entropy" else curve(run, "pass_at_8")[1])
    ours, theirs = partial_rank(entropy, reward, length), partial_rank(other, reward, length)
    return None if ours is None or theirs is None else abs(ours) - abs(theirs)


def tracks_best(results: Results, start: str) -> Verdict:
    """C3."""
    return all_of([
        rises(grpo(results, start, partial(_tracking, rival=rival), ""), f"agreement with reward, SE - {rival}, {start}")
        for rival in ("token entropy", "pass@8")
    ])  # fmt: skip


def stays_flat(results: Results, start: str) -> Verdict:
    """C4."""

    def relative(values: Floats) -> float | None:
        first, last = ends(values)
        return last / first - 1 if first > 0 else None

    one = grpo(results, start, of("conditional_entropy", relative), "")
    return same(one, FLAT, f"relative change of conditional entropy, {start}")


def hicra_above(results: Results, start: str) -> Verdict:
    """C5."""
    return all_of([
        above(primary(results, "hicra", other, start), MARGIN, f"HICRA - {name}, {start}")
        for name, other in (("GRPO", "none"), ("placebo", "placebo"))
    ])  # fmt: skip


def keeps_diversity(results: Results, start: str) -> Verdict:
    """C6."""
    one = contrast(results, Cell("hicra", start), Cell("none", start), of(SE, lambda values: float(values.mean())))
    return above(one, SLOWER, f"SE, mean over steps, HICRA - GRPO, {start}")


def entropy_without_gain(results: Results) -> Verdict:
    """C7."""

    def tokens(run: Run) -> float | None:
        return float(token_entropy(run).mean()) if has(run, "entropy_planning") else None

    arm, grpos = Cell("none", part="bonuses", settings={"bonus": BONUS}), Cell("none")
    what = f"GRPO with the bonus - GRPO, {BONUS}"
    gain = contrast(results, arm, grpos)
    if gain is None or gain.low is None or gain.high is None:
        return untold(gain, f"area, {what}")
    answer = HOLDS if gain.high < MARGIN else NOT if gain.low > 0 else OPEN
    longer = contrast(results, arm, grpos, of("length", lambda values: float(values.mean())))
    return all_of([
        rises(contrast(results, arm, grpos, tokens), f"token entropy, nats, {what}"),
        rises(longer, f"length, tokens, {what}"),
        judged(answer, gain, f"area, {what}"),
    ])  # fmt: skip


def mostly_high(results: Results, start: str) -> Verdict:
    """C8."""

    def uncommon(run: Run) -> float | None:
        if not (has(run, "high_given_planning") and has(run, "planning_share")):
            return None
        high, share = (float(curve(run, name)[1].mean()) for name in ("high_given_planning", "planning_share"))
        return high * share / 0.3 - 0.5  # Bayes: times P(planning) / P(high)

    return all_of([
        rises(grpo(results, start, of("high_given_planning", lambda values: float(values.mean()) - 0.5), ""),
              f"P(high entropy given planning) - 1/2, {start}"),
        below(grpo(results, start, uncommon, ""), f"P(planning given high entropy) - 1/2, {start}"),
    ])  # fmt: skip


def fewer_grams(results: Results) -> Verdict:
    """C9."""
    one = contrast(results, Cell("hicra", part="masks", lexicon=KEPT), Cell("hicra"))
    return same(one, MARGIN, "area, HICRA with 70 % of the grams - with all, strong")


def strategic_errors(results: Results, start: str) -> Verdict:
    """C10."""

    def fall(run: Run) -> float | None:
        plan, execution = (run["evals"].get(f"failed_wrong_{name}") for name in ("plan", "execution"))
        if not plan or not execution or None in (plan[0], plan[-1], execution[0], execution[-1]):
            return None
        falls = [np.log(max(one[0], RARE)) - np.log(max(one[-1], RARE)) for one in (plan, execution)]
        return float(falls[0] - falls[1])

    return rises(grpo(results, start, fall, ""), f"fall of failures by a wrong plan - by wrong execution, log, {start}")


def hurts_the_weak(results: Results) -> Verdict:
    """C11."""
    one = primary(results, "hicra", "none", "weak")
    if one is None or one.low is None or one.high is None:
        return untold(one, "area, HICRA - GRPO, weak")
    answer = HOLDS if one.high < 0 else NOT if one.low > -MARGIN else OPEN
    return judged(answer, one, "area, HICRA - GRPO, weak")


def saturates(results: Results, start: str) -> Verdict:
    """C12."""

    def last_third(name: str) -> Callable[[Run], float | None]:
        return of(name, lambda values: change(values[-(len(values) // 3) :]))

    late = grpo(results, start, last_third("pass_at_8"), "")
    reward = grpo(results, start, last_third("reward"), "")
    if late is None or late.low is None or late.high is None:
        return untold(late, f"change of pass@8 in the last third, {start}")
    answer = HOLDS if late.high < SATURATED else NOT if late.low > SATURATED else OPEN
    flat = judged(answer, late, f"change of pass@8 in the last third, {start}")
    return all_of([flat, rises(reward, f"change of reward in the last third, {start}")])


def algebra(results: Results) -> Verdict:
    """C13; the results are not needed."""
    failed = [name for name, right in algebra_holds().items() if not right]
    told = f"fails: {', '.join(failed)}." if failed else f"{len(algebra_holds())} identities hold on drawn batches."
    return Verdict(NOT if failed else HOLDS, told)


def at_both(
    key: str, claim: str, rule: str, judge: Callable[..., Verdict], starts: tuple[str, ...] = STARTS
) -> list[Rule]:
    """Makes a rule for each start."""
    return [Rule(f"{key}, {start}", claim, rule, partial(judge, start=start)) for start in starts]


THREE = "Holds if all hold, does not hold if one does not, else it cannot be told."
CLAIMS: tuple[Rule, ...] = (
    *at_both(
        "C1", "Execution is consolidated first, then strategies are explored.",
        f"GRPO's runs, end minus start (last and first tenth of steps): execution perplexity and execution entropy have "
        f"intervals below 0, SE above 0; and in runs where perplexity fell and SE rose, SE's change is half done later "
        f"(interval of the difference of half-times above 0). An interval on the other side of 0 means that the part does not "
        f"hold. {THREE}",
        two_phases),
    *at_both(
        "C2", "Semantic entropy rises while token entropy falls.",
        f"GRPO's runs, end minus start: SE above 0, entropy of all tokens below 0. {THREE}", opposite_entropies),
    *at_both(
        "C3", "Semantic entropy follows accuracy better than token entropy or pass@8 do, also at equal length.",
        f"In each GRPO run, means of {SMOOTH} steps: absolute rank correlation with the reward, length held fixed, of SE minus "
        f"that of the rival. Both differences above 0. {THREE}", tracks_best),
    *at_both(
        "C4", "What follows a gram stays as varied as it was: conditional entropy is flat.",
        f"GRPO's runs, end over start minus 1. Holds if the interval lies within {FLAT} of 0, does not hold if it lies outside.",
        stays_flat),
    *at_both(
        "C5", "HICRA learns better than GRPO, and better than the same amplification on a placebo mask.",
        f"Area. Holds if both differences have intervals above 0 and Holm's p below {LEVEL}, does not hold if an interval lies "
        f"below {MARGIN}.", hicra_above),
    *at_both(
        "C6", "HICRA keeps semantic entropy higher than GRPO does.",
        f"SE, mean over steps, paired. Holds if the interval lies above 0, does not hold if it lies below {SLOWER} nats. HICRA "
        f"pays planning tokens as such, so a rise is no proof of exploration.", keeps_diversity),
    Rule(
        "C7", "An entropy bonus in the loss makes entropy and responses larger, and not accuracy.",
        f"GRPO with a bonus of {BONUS}, the largest of three (the paper gives none), minus GRPO, strong start, paired, means "
        f"over steps: token entropy and length above 0, area below {MARGIN} (does not hold above 0). {THREE}",
        entropy_without_gain),
    *at_both(
        "C8", "Most planning tokens have high entropy, and most tokens of high entropy do not plan.",
        f"GRPO's runs, mean over steps; high means the 30 % of tokens with the highest entropy. P(high given planning) above "
        f"1/2 and P(planning given high) below 1/2. {THREE} In this task every fourth token plans, so "
        f"the second part says little.", mostly_high),
    Rule(
        "C9", "Training with 70 % of the grams is like training with all of them.",
        f"Area, HICRA retrained with 70 % of the grams minus HICRA, strong start, paired. Holds if the interval lies within "
        f"{MARGIN} of 0, does not hold if outside. The paper analysed again and did not retrain.", fewer_grams),
    *at_both(
        "C10", "Reinforcement learning removes errors of strategy more than errors of procedure.",
        "GRPO's runs, first to last evaluation: fall of the logarithm of the share of responses that fail by a wrong plan minus "
        f"that of wrong execution; shares below {RARE} count as {RARE}. Holds if the interval lies above 0, does not hold if "
        f"below.",
        strategic_errors),
    Rule(
        "C11", "HICRA harms where execution is weak.",
        f"Area, HICRA minus GRPO, weak start, paired. Holds if the interval lies below 0, does not hold if it lies "
        f"above -{MARGIN}.",
        hurts_the_weak),
    *at_both(
        "C12", "Pass@8 on training problems saturates while accuracy still rises.",
        f"GRPO's runs, change within the last third of steps: pass@8 has an interval below {SATURATED} (does not hold above "
        f"it), the reward one above 0. {THREE}", saturates),
    Rule(
        "C13", "The algebra: factors 1 + alpha and 1 - alpha, signs kept, GRPO at alpha 0 and with an empty mask, two parts.",
        "Computed on drawn batches whenever the page is built. Holds if every identity holds, to the last bit or to "
        "1e-12.", algebra),
)  # fmt: skip
