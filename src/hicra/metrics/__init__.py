"""The metrics that hicra logs.

To add one, write an entry in `table.py`, and compute its value where its inputs are (rollouts.py or kinds.py).
"""

from __future__ import annotations

from hicra.metrics.credit_quality import credit_quality, kind_shares
from hicra.metrics.entropy import conditional_entropy, rarefied_entropy, semantic_entropy
from hicra.metrics.gradient_signal import GradientSignal, gradient_signal
from hicra.metrics.kinds import kind_sums, kind_values
from hicra.metrics.passk import pass_at_k
from hicra.metrics.rollouts import RolloutStats, correct_from_reward, gram_pairs, longest_hits
from hicra.metrics.table import METRICS, Metric, describe, with_nulls
from hicra.metrics.true_advantages import TrueAdvantages, reliability

__all__ = [
    "METRICS", "GradientSignal", "Metric", "RolloutStats", "TrueAdvantages", "conditional_entropy", "correct_from_reward",
    "credit_quality", "describe", "gradient_signal", "gram_pairs", "kind_shares", "kind_sums", "kind_values", "longest_hits",
    "pass_at_k", "rarefied_entropy", "reliability", "semantic_entropy", "with_nulls",
]  # fmt: skip
