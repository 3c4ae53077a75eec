"""The table of all metrics, which the logger, the docs page (docs/reference/metrics.md) and the report read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RAREFY_HITS = 100
FOLLOWING = 3


@dataclass(frozen=True)
class Metric:
    """One logged quantity.

    Attributes:
        name: the name in the log; `hicra/pass_at_K` stands for a name for each K.
        meaning: what it is, in one sentence.
        unit: what the value is measured in.
        direction: "up" if more is better, "down" if less is better, "" if neither.
        needs: the fields without which it is null.
    """

    name: str
    meaning: str
    unit: str
    direction: str
    needs: tuple[str, ...]


_IDS = ("response_ids", "lexicon")
_TEXTS = ("response", "lexicon")  # measured by `hicra diagnose` alone
METRICS: tuple[Metric, ...] = (
    Metric("hicra/accuracy",
           "Share of responses that are right: by the task, else by the one reward that judges (at least 0.5).",
           "share", "up", ("correct or reward",)),
    Metric("hicra/reward", "Mean reward of the responses that could be scored.", "reward", "up", ("reward",)),
    Metric("hicra/reward_errors",
           "Number of unscorable responses (the verifier ran out of time or memory, or failed); their reward is null.",
           "responses", "down", ("reward",)),
    Metric("hicra/pass_at_K", "Chance that at least one of K samples of a prompt is right (unbiased), averaged over prompts.",
           "share", "up", ("correct or reward", "group_id")),
    Metric("hicra/mixed_groups", "Share of prompts whose responses differ in reward; only these give a gradient.",
           "share", "", ("reward", "group_id")),
    Metric("hicra/sampling_rounds",
           "Number of generations of a step: the first, and those of dynamic sampling.", "generations", "", ("reward",)),
    Metric("hicra/groups_replaced",
           "Share of the groups of a step that dynamic sampling replaced, since their rewards did not differ.",
           "share", "", ("reward",)),
    Metric("hicra/steps_without_gradient",
           "Number of optimiser steps in which no group gave a gradient: every advantage was 0.", "steps", "down",
           ("advantages",)),
    Metric("hicra/steps_refused",
           "Number of optimiser steps that were not applied, since the loss, a gradient or a weight was not finite.",
           "steps", "down", ("advantages",)),
    Metric("hicra/length", "Mean number of policy tokens of a response, including the end token.", "tokens", "",
           ("response_ids",)),
    Metric("hicra/planning_share", "Share of the policy tokens that are planning tokens.", "share", "", _IDS),
    Metric("hicra/changed_share", "Share of the policy tokens whose advantage the method changed.",
           "share", "", ("advantages",)),
    Metric("hicra/advantage_mean_before", "Mean advantage over policy tokens, before shaping.",
           "advantage", "", ("advantages",)),
    Metric("hicra/advantage_mean_after", "Mean advantage over policy tokens, after shaping (as trained on).",
           "advantage", "", ("advantages",)),
    Metric("hicra/weight_planning",
           "How much the method weighs planning tokens: the sum of the absolute advantages on them after shaping, over the sum "
           "before; 1 where it changes nothing, and near 1 for HICRA, where right tokens gain what wrong ones lose.",
           "ratio", "", ("advantages", "planning_mask")),
    Metric("hicra/weight_execution", "The same of execution tokens.", "ratio", "", ("advantages", "planning_mask")),
    Metric("hicra/kind_weight_planning",
           "Kind weight of planning tokens that the method read at this step: how much of their gradient is signal, as the run "
           "remembered it from the measured steps before.", "share", "", ("kind_weights",)),
    Metric("hicra/kind_weight_execution", "The same of execution tokens.", "share", "", ("kind_weights",)),
    Metric("hicra/signal_planning",
           "Signal of the gradient on planning tokens, without shaping: the inner product of the gradients of two halves of the "
           "generation, which estimates the squared length of the expected gradient without bias and may be negative. "
           "`hicra diagnose --signal` measures it on the rollouts of a dump, at one model.",
           "squared gradient", "", ("signal_every",)),
    Metric("hicra/signal_execution", "Signal of the gradient on execution tokens, in the same way.", "squared gradient", "",
           ("signal_every",)),
    Metric("hicra/noise_planning",
           "Noise of the gradient on planning tokens: the mean squared length of the gradients of the two halves, less the "
           "signal. It is the noise of half a generation; that of a whole one is half of it.",
           "squared gradient", "", ("signal_every",)),
    Metric("hicra/noise_execution", "Noise of the gradient on execution tokens, in the same way.", "squared gradient", "",
           ("signal_every",)),
    Metric("hicra/clipped_share",
           "Share of the tokens with an advantage whose probability the loss did not move, since it was clipped there.",
           "share", "", ("advantages",)),
    Metric("hicra/entropy_planning", "Mean next-token entropy of the policy at planning tokens.",
           "nats", "", ("entropies", "planning_mask")),
    Metric("hicra/entropy_execution", "Mean next-token entropy of the policy at execution tokens.",
           "nats", "", ("entropies", "planning_mask")),
    Metric("hicra/ppl_planning", "Perplexity of the sampled planning tokens: exp of their mean negative log-probability.",
           "perplexity", "", ("logprobs", "planning_mask")),
    Metric("hicra/ppl_execution", "Perplexity of the sampled execution tokens.", "perplexity", "",
           ("logprobs", "planning_mask")),
    Metric("hicra/attention_received_planning",
           "Attention that planning tokens receive from later tokens of the response, in multiples of even attention, in the "
           "model of `hicra diagnose --attention` (ATTENTION-1).", "ratio", "", ("attention", "planning_mask")),
    Metric("hicra/attention_received_execution",
           "The same of execution tokens that as many later tokens can see.", "ratio", "", ("attention", "planning_mask")),
    Metric("hicra/interactions",
           "Number of actions that environments took in the step, those of forks and of scoring included.", "actions", "",
           ("an environment",)),
    Metric("hicra/generated_actions", "Number of actions that the policy wrote in the step.", "actions", "",
           ("an environment",)),
    Metric("hicra/updated_actions",
           "Number of actions of the step that enter the loss, or of parts of actions (steps of VinePPO and of CARL with a "
           "boundary, segments of SPO), each counted once; so it may be larger than the number of actions that were written.",
           "actions", "", ("an environment",)),
    Metric("hicra/gram_hits", "Number of occurrences of strategic grams; of nested ones only the longest counts.",
           "occurrences", "", _IDS),
    Metric("hicra/semantic_entropy", "Entropy of the frequencies of strategic grams (plug-in estimate).", "nats", "up", _IDS),
    Metric("hicra/semantic_entropy_miller_madow", "Semantic entropy with the Miller-Madow bias correction.",
           "nats", "up", _IDS),
    Metric("hicra/semantic_entropy_chao_shen", "Semantic entropy by Chao and Shen's coverage-adjusted estimator.",
           "nats", "up", _IDS),
    Metric("hicra/semantic_entropy_rarefied",
           f"Expected semantic entropy of {RAREFY_HITS} occurrences, so that steps with unequal numbers of them are comparable.",
           "nats", "up", (*_IDS, f"{RAREFY_HITS} occurrences in a step")),
    Metric("hicra/template_share",
           "Share of the responses whose sequence of strategic grams is the most common one; responses without a gram have none.",
           "share", "", _TEXTS),
    Metric("hicra/reflection_rate", "Share of the responses that say they check or take back what they have (METRIC-5).",
           "share", "", ("response",)),
    Metric("hicra/repetition",
           "Share of the responses that are loops: half of their runs of 8 words stood there before (METRIC-4).",
           "share", "down", ("response",)),
    Metric("hicra/other_script_planning",
           "Share of the letters of planning spans that are of another script than the questions (METRIC-6).",
           "share", "", _TEXTS),
    Metric("hicra/other_script_execution", "The same of the letters outside of planning spans.", "share", "", _TEXTS),
    Metric("hicra/conditional_entropy",
           f"Entropy of the {FOLLOWING} tokens that follow a strategic gram, given the gram (words if no token ids are known).",
           "nats", "", _IDS),
)  # fmt: skip
BY_NAME = {metric.name: metric for metric in METRICS}


def describe(name: str) -> Metric | None:
    """Returns the table's entry for a logged name (`hicra/pass_at_K` describes `hicra/pass_at_4`), or None."""
    head, _, tail = name.rpartition("_")
    return BY_NAME.get(f"{head}_K") if head == "hicra/pass_at" and tail.isdigit() else BY_NAME.get(name)


def with_nulls(values: Mapping[str, float | None], group_size: int = 0) -> dict[str, float | None]:
    """Adds every other name of the table to a step's values as None, so that all steps have the same names.

    Args:
        values: the metrics of a step.
        group_size: number of rollouts of a group, for the names of pass@k; 0 adds none of those.
    """
    names = [metric.name for metric in METRICS if not metric.name.endswith("_K")]
    names += [f"hicra/pass_at_{k}" for k in powers_of_two(group_size)]
    return {**dict.fromkeys(names), **values}


def powers_of_two(most: int) -> list[int]:
    """Returns 1, 2, 4 ... up to `most`: the k for which pass@k is logged."""
    return [1 << i for i in range(most.bit_length())]
