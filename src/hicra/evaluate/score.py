"""Computes figures from samples with verdicts, in numpy, without torch.

avg@n is the mean over questions of each question's share of right samples (n may differ between questions of saved samples);
pass@k is the unbiased estimate (Chen et al. 2021). avg@n and pass@1 are the same number.

Deviations (the paper says none of this):
    EVAL-3. An unjudged sample (verdict timeout or error) counts as not right. The share of such samples is reported too, and
        `avg_at_n_if_unjudged_right` is the mean if all of them were right.
    EVAL-4. A question whose gold answer cannot be an answer (bad_gold) is left out of every mean, and is listed.
    EVAL-5. A sample that was cut at the token limit is judged like any other: without a box it has no answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hicra.arrays import Ints
from hicra.errors import DataError
from hicra.evaluate.intervals import LIKE, THESE, like_these, these
from hicra.evaluate.settings import check_k
from hicra.metrics.passk import pass_at_k
from hicra.verify.item import VERDICTS
from hicra.verify.reward import UNJUDGED


@dataclass(frozen=True)
class EvalCounts:
    """The numbers of samples of each question; questions with a bad gold answer are left out.

    Attributes:
        n, c: [Q] numbers of samples and of right samples.
        unjudged: [Q] numbers of unjudged samples.
        bad_gold: names of the questions that are left out.
    """

    n: Ints
    c: Ints
    unjudged: Ints
    bad_gold: list[str]


def count(questions: Sequence[str], verdicts: Sequence[str]) -> EvalCounts:
    """Counts the samples of each question, from each sample's question name and verdict in any order; questions are sorted.

    Raises:
        DataError: there are no samples.
    """
    if not questions:
        raise DataError("there is no sample to score", "give at least one question")
    table: dict[str, list[int]] = {}
    bad = set()
    for name, verdict in zip(questions, verdicts, strict=True):
        row = table.setdefault(name, [0, 0, 0])
        row[0] += 1
        row[1] += verdict == "correct"
        row[2] += verdict in UNJUDGED
        if verdict == "bad_gold":
            bad.add(name)
    kept = np.array([table[name] for name in sorted(table) if name not in bad], np.int64).reshape(-1, 3)
    return EvalCounts(kept[:, 0], kept[:, 1], kept[:, 2], sorted(bad))


def figures(counts: EvalCounts, ks: Sequence[int], greedy: bool = False, confidence: float = 0.95) -> dict[str, Any]:
    """Computes avg@n, pass@k and both intervals of each; they are None if no question is left.

    Args:
        counts: the numbers of samples of each question.
        ks: the values of k of pass@k, each at most the smallest n.
        greedy: whether nothing was drawn; sampling again would then change nothing, and THESE is a point.
        confidence: of the intervals, in (0, 1).

    Raises:
        ConfigError: k > n.
    """
    if not len(counts.n):
        nothing = {THESE: None, LIKE: None}
        return {
            "avg_at_n": None, "ci": None, "intervals": nothing, "avg_at_n_if_unjudged_right": None,
            "pass_at_k": {str(k): None for k in ks}, "pass_at_k_intervals": {str(k): nothing for k in ks},
        }  # fmt: skip
    check_k(ks, int(counts.n.min()))
    both = {k: _both(counts, k, greedy, confidence) for k in dict.fromkeys([1, *ks])}
    mean, intervals = both[1]
    return {
        "avg_at_n": mean,
        "ci": intervals[LIKE],
        "intervals": intervals,
        "avg_at_n_if_unjudged_right": float(((counts.c + counts.unjudged) / counts.n).mean()),
        "pass_at_k": {str(k): both[k][0] for k in ks},
        "pass_at_k_intervals": {str(k): both[k][1] for k in ks},
    }


def _both(counts: EvalCounts, k: int, greedy: bool, confidence: float) -> tuple[float, dict[str, list[float]]]:
    values = np.array([pass_at_k(n, c, k) for n, c in zip(counts.n.tolist(), counts.c.tolist(), strict=True)])
    if k == 1:
        values = counts.c / counts.n  # the same number, without the rounding of 1 - (1 - c/n)
    mean = float(values.mean())
    fixed = (mean, mean) if greedy else these(counts.n, counts.c, k, confidence)
    return mean, {THESE: list(fixed), LIKE: list(like_these(values, confidence))}


def verdict_counts(verdicts: Sequence[str]) -> dict[str, int]:
    """Counts how many samples had each of the six verdicts."""
    return {name: sum(verdict == name for verdict in verdicts) for name in VERDICTS}


def lengths(tokens: Sequence[int | None], texts: Sequence[str]) -> dict[str, Any]:
    """Computes mean, median, 95th percentile and maximum length in tokens, or in characters if a number of tokens is unknown."""
    known = [each for each in tokens if each is not None]
    whole = len(known) == len(texts)
    values = np.array(known if whole else [len(text) for text in texts], np.float64)
    return {
        "unit": "tokens" if whole else "characters", "mean": float(values.mean()), "median": float(np.median(values)),
        "p95": float(np.percentile(values, 95)), "max": int(values.max()),
    }  # fmt: skip


def share(flags: Sequence[bool | None]) -> float | None:
    """Returns the share of true flags, or None if any is unknown."""
    return None if not flags or any(flag is None for flag in flags) else sum(map(bool, flags)) / len(flags)
