"""Every metric, declared once: the logger, the docs page (docs/metrics.md) and the report read this table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RAREFY_HITS = 100
FOLLOWING = 3


@dataclass(frozen=True)
class Metric:
    """One logged quantity.

    Attributes:
        name: as logged; `hicra/pass_at_K` stands for one name for each K.
        meaning: one sentence.
        unit: of the value.
        direction: "up" where more is better, "down" where less is, "" where neither.
        needs: fields without which it is null.
    """

    name: str
    meaning: str
    unit: str
    direction: str
    needs: tuple[str, ...]


_IDS = ("response_ids", "lexicon")
METRICS: tuple[Metric, ...] = (
    Metric("hicra/accuracy", "Share of responses that are right (reward of at least 0.5 where only a reward is known).",
           "share", "up", ("correct or reward",)),
    Metric("hicra/reward", "Mean reward of the responses that could be scored.", "reward", "up", ("reward",)),
    Metric("hicra/reward_errors",
           "Unscorable responses (verifier out of time or memory, or failed): their reward is null, they train nothing.",
           "responses", "down", ("reward",)),
    Metric("hicra/pass_at_K", "Chance that at least one of K samples of a prompt is right, unbiased, mean over prompts.",
           "share", "up", ("correct or reward", "group_id")),
    Metric("hicra/mixed_groups", "Share of prompts whose responses differ in reward: only these give a gradient.",
           "share", "", ("reward", "group_id")),
    Metric("hicra/length", "Mean response length, end token included.", "tokens", "", ("response_ids",)),
    Metric("hicra/planning_share", "Planning tokens over all tokens the policy produced.", "share", "", _IDS),
    Metric("hicra/changed_share", "Tokens whose advantage the method changed, over all tokens the policy produced.",
           "share", "", ("advantages",)),
    Metric("hicra/advantage_mean_before", "Mean advantage over tokens, before the method's shaping.",
           "advantage", "", ("advantages",)),
    Metric("hicra/advantage_mean_after", "Mean advantage over tokens that was trained on.", "advantage", "", ("advantages",)),
    Metric("hicra/entropy_planning", "Mean next-token entropy of the policy at planning tokens.",
           "nats", "", ("entropies", "planning_mask")),
    Metric("hicra/entropy_execution", "Mean next-token entropy of the policy at all other tokens.",
           "nats", "", ("entropies", "planning_mask")),
    Metric("hicra/ppl_planning", "Perplexity of the sampled planning tokens, exp of their mean negative log-probability.",
           "perplexity", "", ("logprobs", "planning_mask")),
    Metric("hicra/ppl_execution", "Perplexity of all other sampled tokens.", "perplexity", "", ("logprobs", "planning_mask")),
    Metric("hicra/gram_hits", "Occurrences of strategic grams; of nested ones only the longest counts.",
           "occurrences", "", _IDS),
    Metric("hicra/semantic_entropy", "Entropy of the frequencies of strategic grams (plug-in estimate).", "nats", "up", _IDS),
    Metric("hicra/semantic_entropy_miller_madow", "The same with the Miller-Madow bias correction.", "nats", "up", _IDS),
    Metric("hicra/semantic_entropy_chao_shen", "The same by Chao and Shen's coverage-adjusted estimator.", "nats", "up", _IDS),
    Metric("hicra/semantic_entropy_rarefied",
           f"Expected plug-in entropy of {RAREFY_HITS} occurrences, so that steps with more hits are comparable.",
           "nats", "up", _IDS),
    Metric("hicra/conditional_entropy",
           f"Entropy of the {FOLLOWING} tokens that follow a strategic gram, given the gram (words where no ids are known).",
           "nats", "", _IDS),
)  # fmt: skip
BY_NAME = {metric.name: metric for metric in METRICS}


def describe(name: str) -> Metric | None:
    """The table's entry for a logged name (`hicra/pass_at_4` is described by `hicra/pass_at_K`), or None."""
    head, _, tail = name.rpartition("_")
    return BY_NAME.get(f"{head}_K") if head == "hicra/pass_at" and tail.isdigit() else BY_NAME.get(name)


def with_nulls(values: Mapping[str, float | None]) -> dict[str, float | None]:
    """The values of a step with every other name of the table as null, so that all steps carry the same names."""
    names = [metric.name for metric in METRICS if not metric.name.endswith("_K")]
    return {**dict.fromkeys(names), **values}
