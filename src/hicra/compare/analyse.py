"""Computes the numbers of a comparison from scores; nothing is read, plotted or printed here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hicra import stats
from hicra.compare.scores import Arm, Scores, Seed
from hicra.drawing.readable import counted
from hicra.errors import DataError

POWER = 0.8
_NAMED = 12  # the most seeds that a warning lists


def analyse(
    scores: Scores, baseline: str, *, confidence: float = 0.95, lower_is_better: bool = False, seed: int = 0
) -> dict[str, Any]:
    """Compares every arm with the baseline arm, over the seeds that both have.

    Args:
        scores: the values of all arms.
        baseline: the name of the baseline arm in scores.arms.
        confidence: of the intervals, in (0, 1).
        lower_is_better: whether a lower mean is "better".
        seed: of all that is drawn.

    Returns:
        {baseline, confidence, higher_is_better, questions, arms, comparisons, power, warnings}.

    Raises:
        DataError: an arm shares no seed with the baseline.
    """
    base = scores.arms[baseline]
    others = [arm for name, arm in scores.arms.items() if name != baseline]
    level, warnings = round(1 - confidence, 12), []
    rows: list[dict[str, Any]] = []
    for arm in others:
        rows.append(_pair(arm, base, scores.questions is not None, confidence, lower_is_better, seed))
        warnings += _unpaired(arm, base)
    m = len(rows)
    for row, adjusted in zip(rows, stats.holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = float(adjusted)
        row["verdict"], row["why"] = _verdict(row, m, level)
    short = [
        row["n_seeds"] for row in rows if row["n_seeds"] >= stats.LEAST_SEEDS and not _can(row["n_seeds"], m, level)
    ]
    if short:
        floor = m * stats.least_p(max(short))
        warnings.append(
            f"with {max(short)} seeds and {m} comparisons p_holm cannot fall below {floor:.2g}, so no verdict is possible; "
            f"{least_seeds(m, level)} seeds would allow one"
        )
    return {
        "baseline": baseline,
        "confidence": confidence,
        "higher_is_better": not lower_is_better,
        "questions": len(scores.questions) if scores.questions else None,
        "arms": [_describe(arm, confidence, seed) for arm in (base, *others)],
        "comparisons": rows,
        "power": _power(rows, m, level, confidence),
        "warnings": warnings,
    }


def least_seeds(m: int, level: float) -> int:
    """Returns the smallest number of paired seeds with which one of m comparisons can get a verdict."""
    n = stats.LEAST_SEEDS
    while not _can(n, m, level) and n <= stats.EXACT_UP_TO:
        n += 1
    return n


def _can(n: int, m: int, level: float) -> bool:
    """Tells whether n paired seeds can give a verdict at all in one of m comparisons."""
    return n >= stats.LEAST_SEEDS and (m == 1 or m * stats.least_p(n) <= level + 1e-12)


def _describe(arm: Arm, confidence: float, seed: int) -> dict[str, Any]:
    values = arm.values.mean(axis=1)
    enough = len(values) >= stats.LEAST_TASK_RUNS
    return {
        "arm": arm.name,
        "n_seeds": len(values),
        "seeds": list(arm.seeds),
        "values": values.tolist(),
        "mean": float(values.mean()),
        "ci": list(stats.t_interval(values, confidence)),
        "iqm": stats.iqm(values) if enough else None,
        "iqm_ci": list(stats.iqm_interval(values[None, :], confidence, seed)) if enough else None,
    }


def _pair(arm: Arm, base: Arm, asked: bool, confidence: float, lower_is_better: bool, seed: int) -> dict[str, Any]:
    there = set(base.seeds)
    seeds = [each for each in arm.seeds if each in there]
    if not seeds:
        raise DataError(
            f"arms {arm.name!r} and {base.name!r} share no seed: {_list(arm.seeds)} and {_list(base.seeds)}",
            "run both arms with the same seeds",
        )
    cells = stats.paired_differences(arm.at(seeds), base.at(seeds))
    ours, theirs = arm.at(seeds).mean(axis=1), base.at(seeds).mean(axis=1)
    found = stats.paired_comparison(ours, theirs, confidence)
    turned = stats.paired_comparison(theirs, ours, confidence) if lower_is_better else found
    n = found.n
    differences = stats.paired_differences(ours, theirs)
    row: dict[str, Any] = {
        "arm": arm.name,
        "n_seeds": n,
        "seeds": seeds,
        "mean": float(ours.mean()),
        "ci": list(stats.t_interval(ours, confidence)),
        "baseline_mean": float(theirs.mean()),
        "difference": found.difference,
        "difference_ci": [found.low, found.high],
        "differences": differences.tolist(),
        "p": stats.sign_flip_p(differences, seed) if seed and n > stats.EXACT_UP_TO else found.p_value,
        "p_holm": None,
        "prob_improvement": turned.prob_improvement,
        "prob_improvement_ci": list(stats.improvement_interval(turned.prob_improvement, n, n, confidence)),
        "verdict": turned.verdict,
        "spread": float(differences.std(ddof=1)) if n > 1 else None,
    }
    if asked:
        row["question_ci"] = list(stats.question_interval(cells, confidence))
        row["seed_and_question_ci"] = list(stats.crossed_interval(cells, confidence))
    return row


def _verdict(row: dict[str, Any], m: int, level: float) -> tuple[str, str]:
    """Returns the verdict and the reason for it: the interval decides, and among several comparisons p_holm must agree."""
    n, low = row["n_seeds"], row["difference_ci"][0]
    if n < stats.LEAST_SEEDS:
        return "inconclusive", f"{n} paired seed{'s' * (n != 1)}; a verdict needs {stats.LEAST_SEEDS}"
    if row["verdict"] == "inconclusive":
        return "inconclusive", "the interval of the difference contains 0"
    if m > 1 and row["p_holm"] > level + 1e-12:
        return "inconclusive", f"with {m} comparisons p_holm is {row['p_holm']:.3g}, above {level:.2g}"
    why = "the interval of the difference lies " + ("above 0" if low > 0 else "below 0")
    wide = row.get("seed_and_question_ci")
    if wide and wide[0] <= 0 <= wide[1]:
        why += "; this holds for these questions only: the interval for new seeds and questions contains 0"
    if row["p_holm"] > level + 1e-12:
        why += f"; the sign-flip test alone would not give this verdict (p {row['p']:.3g})"
    return row["verdict"], why


def _unpaired(arm: Arm, base: Arm) -> list[str]:
    found = []
    for one, other in ((arm, base), (base, arm)):
        there = set(one.seeds)
        if lacking := [seed for seed in other.seeds if seed not in there]:
            s = "s" * (len(lacking) != 1)
            found.append(f"arm {one.name!r} lacks seed{s} {_list(lacking)} of {other.name!r}: left out of this pair")
    return found


def _list(seeds: Sequence[Seed]) -> str:
    more = f" and {len(seeds) - _NAMED} more" if len(seeds) > _NAMED else ""
    return ", ".join(map(str, seeds[:_NAMED])) + more


def _power(rows: Sequence[dict[str, Any]], m: int, level: float, confidence: float) -> dict[str, Any]:
    """Describes which differences these seeds can detect, at the level / m of Holm's first step."""
    found = []
    for row in rows:
        n, spread = row["n_seeds"], row["spread"]
        each: dict[str, Any] = {"arm": row["arm"], "n_seeds": n, "verdict_possible": _can(n, m, level)}
        if spread is None:
            each |= {"smallest_gap": None, "smallest_gap_ci": None, "seeds_for_this_gap": None}
            each["line"] = "with 1 seed no difference can be told from chance"
        else:
            gap = stats.smallest_gap(spread, n, level / m, POWER)
            per_spread = gap / spread if spread else 0.0
            each |= {
                "smallest_gap": gap,
                "smallest_gap_ci": [per_spread * edge for edge in stats.spread_interval(spread, n, confidence)],
                "seeds_for_this_gap": stats.seeds_needed(
                    abs(row["difference"]), spread, least_seeds(m, level), level / m, POWER
                )
                if row["difference"]
                else None,
            }
            each["line"] = _power_line(n, each, row["difference"], least_seeds(m, level))
        found.append(each)
    return {
        "target": POWER,
        "level": level / m,
        "comparisons": found,
        "line": "; ".join(f"{one['arm']}: {one['line']}" for one in found),
    }


def _power_line(n: int, each: dict[str, Any], difference: float, least: int) -> str:
    low, high = each["smallest_gap_ci"]
    seen = f"with {counted(n, 'seed')} the smallest gap seen {100 * POWER:.0f} % of the time is"
    line = f"{seen} {each['smallest_gap']:.3g} ({low:.2g} to {high:.2g})"
    line += "" if each["verdict_possible"] else f", but there is no verdict with fewer than {least} seeds"
    needed = each["seeds_for_this_gap"]
    return line + (f"; a gap of {abs(difference):.3g} needs {needed} seeds" if needed and needed > n else "")
