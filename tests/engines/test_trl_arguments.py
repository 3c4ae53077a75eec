"""What a config of `hicra train` means to TRL: every value of the mapping, each by a value of its own."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("trl")

from hicra.engines.trl.run import _arguments
from hicra.runs import RunFolder
from hicra.runs.config import load_config
from hicra.runs.sections import RunConfig
from hicra.strict import fields_of

pytestmark = pytest.mark.engine

# a value that is no default -> the fields of TRL's arguments that it sets, and to what
MAPPING: dict[str, tuple[Any, dict[str, Any]]] = {
    "lexicon": ("paper-n3", {"lexicon": "paper-n3"}),
    "unit": ("sentence", {"unit": "sentence"}),
    "method.name": ("placebo", {"method": "placebo"}),
    "method.settings": ({"alpha": 0.35}, {"method_settings": {"alpha": 0.35}}),
    "method.then": ([{"name": "placebo"}], {"method_then": [{"name": "placebo", "settings": {}}]}),
    "baseline.name": ("grpo", {"baseline": "grpo"}),
    "loss.name": ("cispo", {"policy_loss": "cispo"}),
    "loss.settings": (
        {"clip_low": 0.1, "mean": "responses"},
        {"policy_loss_settings": {"clip_low": 0.1, "mean": "responses"}},
    ),
    "train.steps": (17, {"max_steps": 17}),
    "train.save_steps": (6, {"save_steps": 6, "save_strategy": "steps"}),
    "train.seed": (9, {"seed": 9, "data_seed": 9}),
    "train.learning_rate": (3e-4, {"learning_rate": 3e-4}),
    "train.warmup_steps": (3, {"warmup_steps": 3, "lr_scheduler_type": "constant_with_warmup"}),
    "train.weight_decay": (0.05, {"weight_decay": 0.05}),
    "train.adam_beta2": (0.95, {"adam_beta2": 0.95}),
    "train.max_grad_norm": (0.5, {"max_grad_norm": 0.5}),
    "train.prompts_per_step": (6, {"per_device_train_batch_size": 48, "gradient_accumulation_steps": 1}),
    "train.group_size": (4, {"num_generations": 4, "per_device_train_batch_size": 128}),
    "train.iterations": (2, {"num_iterations": 2}),
    "train.micro_batch": (64, {"per_device_train_batch_size": 64, "gradient_accumulation_steps": 4}),
    "train.max_new_tokens": (33, {"max_completion_length": 33}),
    "train.temperature": (0.7, {"temperature": 0.7}),
    "train.signal_every": (5, {"signal_every": 5}),
    "train.kl": (0.04, {"beta": 0.04}),
    "train.precision": ("bf16", {"bf16": True}),
}
ELSEWHERE = {  # what is no argument of TRL's trainer
    "preset", "baseline.settings", "reward.overlong_cache", "reward.tool_bonus", "train.dynamic_sampling", "engine", "task.name",
    "task.settings", "model.name", "model.train_layers", "model.lora_rank", "train.keep_checkpoints",
    "train.skip_without_gradient", "train.threads", "eval.problems", "eval.temperature", "log.rollouts_every", "system.name",
    "system.settings",
}  # fmt: skip


@pytest.fixture
def given(tmp_path):
    folder = RunFolder.create(tmp_path / "run", method="hicra", seed=0, config={})

    def of(*sets: str) -> Any:
        return _arguments(load_config(None, sets)[0], folder)

    return of


def text_of(arguments: Any, name: str) -> Any:
    value = getattr(arguments, name)
    return getattr(value, "value", value)  # an enumeration of transformers'


@pytest.mark.parametrize("key", MAPPING)
def test_every_key_sets_its_arguments_and_no_other(given, key):
    value, expected = MAPPING[key]
    sets = [f"{key}={value}".replace("'", '"')]
    plain, changed = given("train.precision=fp32"), given("train.precision=fp32", *sets)
    for name, wanted in expected.items():
        assert text_of(changed, name) == (pytest.approx(wanted) if isinstance(wanted, float) else wanted), name
    moved = {
        name for name in vars(plain)
        if not name.startswith("_") and repr(text_of(plain, name)) != repr(text_of(changed, name))
    }  # fmt: skip
    derived = {
        "steps_per_generation",
        "generation_batch_size",
        "train_batch_size",
        "distributed_state",
        "mixed_precision",
    }
    assert moved - derived <= set(expected)
    assert moved & set(expected), "the value is that of the default, so this shows nothing"


def test_no_key_is_forgotten():
    keys = {key for key, _ in fields_of(RunConfig)}
    assert keys == set(MAPPING) | ELSEWHERE
    assert not set(MAPPING) & ELSEWHERE


def test_what_no_key_sets(given):
    """Sampling is from the whole distribution; advantages are centred only; nothing is reported elsewhere."""
    made = given("train.precision=fp32")
    assert (made.top_k, made.top_p) == (0, 1.0)
    assert text_of(made, "scale_rewards") == "none"
    assert (made.beta, made.loss_type, made.num_iterations) == (0.0, "dapo", 1)
    assert made.logging_steps == 1
    assert made.report_to == []
    assert made.shuffle_dataset is False
    assert made.logging_nan_inf_filter is False
    assert not made.bf16
    assert (made.baseline, made.policy_loss, made.method_then) == ("dr_grpo", "clip", [])
