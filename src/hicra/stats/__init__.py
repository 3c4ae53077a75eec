"""Every interval and statistical test of hicra, as functions that take numbers of runs, questions or draws.

    from hicra import stats
    found = stats.paired_comparison(treatment, baseline)      # entry i of both is from seed i
    found.difference, found.low, found.high, found.p_value, found.prob_improvement, found.verdict

For comparisons over seeds (docs/how-to/compare.md) there are paired.py (the comparison and its verdict), rounding.py,
signflip.py, holm.py, improvement.py, power.py, iqm.py and questions.py (intervals over questions). For shares and counts there
are shares.py, grouped_share.py, wilson.py, binomial.py and bootstrap.py; for curves over steps trend.py, changes.py and rank.py;
for two samples welch.py; for any statistic of independent units jackknife.py; for two judges kappa.py. They need only numpy and
scipy.special. To add one, write a file here with functions of numbers alone, name them below, and call them where they are
needed.
"""

from __future__ import annotations

from hicra.stats.binomial import binomial_variance
from hicra.stats.bootstrap import cluster_bootstrap
from hicra.stats.changes import Bend, Changes, StraightPiece, change_points
from hicra.stats.grouped_share import grouped_share_interval, share_change_interval
from hicra.stats.holm import holm
from hicra.stats.improvement import improvement_interval, prob_improvement
from hicra.stats.iqm import LEAST_TASK_RUNS, iqm, iqm_interval
from hicra.stats.jackknife import jackknife_interval, left_out
from hicra.stats.kappa import cohen_kappa, raw_agreement
from hicra.stats.paired import LEAST_SEEDS, Comparison, paired_comparison, t_interval
from hicra.stats.power import seeds_needed, smallest_gap, spread_interval
from hicra.stats.questions import crossed_interval, question_interval
from hicra.stats.rank import average_ranks, rank_correlation
from hicra.stats.rounding import paired_differences
from hicra.stats.shares import mean_share_interval
from hicra.stats.signflip import EXACT_UP_TO, least_p, sign_flip_p
from hicra.stats.trend import Trend, trend
from hicra.stats.welch import welch_interval
from hicra.stats.wilson import normal_quantile, wilson_interval, wilson_of_share

__all__ = [
    "EXACT_UP_TO",
    "LEAST_SEEDS",
    "LEAST_TASK_RUNS",
    "Bend",
    "Changes",
    "Comparison",
    "StraightPiece",
    "Trend",
    "average_ranks",
    "binomial_variance",
    "change_points",
    "cluster_bootstrap",
    "cohen_kappa",
    "crossed_interval",
    "grouped_share_interval",
    "holm",
    "improvement_interval",
    "iqm",
    "iqm_interval",
    "jackknife_interval",
    "least_p",
    "left_out",
    "mean_share_interval",
    "normal_quantile",
    "paired_comparison",
    "paired_differences",
    "prob_improvement",
    "question_interval",
    "rank_correlation",
    "raw_agreement",
    "seeds_needed",
    "share_change_interval",
    "sign_flip_p",
    "smallest_gap",
    "spread_interval",
    "t_interval",
    "trend",
    "welch_interval",
    "wilson_interval",
    "wilson_of_share",
]
