"""What a user can get wrong, and what the message says; and the ways to hand over the settings."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from trl import GRPOConfig, GRPOTrainer, TrlParser

from hicra.engines.trl import HicraGRPOConfig, HicraGRPOTrainer, HicraMixin
from hicra.engines.trl.config import steps_of
from hicra.errors import ConfigError, EngineError
from trl_tiny import (
    TOKENIZER,
    WORDS,
    lexicon_file,
    logged,
    make_model,
    make_trainer,
    parameters_hash,
    prompts,
    reward,
    run,
    settings,
)

pytestmark = pytest.mark.engine


def config(folder: Path, **fields: Any) -> HicraGRPOConfig:
    return HicraGRPOConfig(output_dir=str(folder), use_cpu=True, bf16=False, report_to="none", **fields)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"method": "hicar"}, "did you mean 'hicra'"),
        ({"method": "hicra_recentered"}, "did you mean 'hicra_recentred'"),
        ({"method_settings": {"alhpa": 0.1}}, "did you mean 'alpha'"),
        ({"method": "none", "method_settings": {"alpha": 0.1}}, "no settings"),
        ({"method_settings": {"alpha": 1.0}}, r"alpha is 1.0.*\[0, 1\)"),
        ({"method_settings": {"alpha": -0.1}}, "alpha is -0.1"),
        ({"method_settings": {"alpha": math.nan}}, "alpha is nan"),
        ({"method": "hicra_recentred", "method_settings": {"alpha": 2}}, "alpha is 2"),
        ({"method": "entropy_advantage", "method_settings": {"kappa": 1.0}}, "kappa is 1.0"),
        ({"method": "forking_tokens", "method_settings": {"rho": 0.0}}, "rho is 0.0"),
        ({"method_settings": "alpha=0.1"}, "method_settings is 'alpha=0.1'"),
        ({"lexicon": "papre"}, "did you mean 'paper'"),
        ({"unit": "sentances"}, "unit: no span type 'sentances'\n.*did you mean 'sentence'"),
        ({"unit": "grams"}, "did you mean 'gram'"),
        ({"lexcion": "paper"}, r"HicraGRPOConfig has no field 'lexcion' \(trl .*\n.*did you mean 'lexicon'"),
        ({"learning_rat": 0.1}, "did you mean 'learning_rate'"),
        ({"method": "rloo"}, "^method: no method 'rloo'\n.*name it as baseline"),
        ({"policy_loss": "clop"}, "^policy_loss: no loss 'clop'"),
        ({"policy_loss": "clip", "policy_loss_settings": {"clip_lo": 1}}, "^policy_loss_settings.clip_lo: "),
    ],
)
def test_a_wrong_setting_ends_at_the_config_and_names_the_nearest(tmp_path: Path, fields: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        config(tmp_path, **fields)


def test_a_config_made_from_it_has_its_own_fields_too(tmp_path: Path) -> None:
    @dataclass
    class Mine(HicraGRPOConfig):
        mine: int = 0

    class Free(HicraGRPOConfig):
        def __init__(self, **fields: Any) -> None:
            super().__init__(output_dir=fields["place"], use_cpu=True, bf16=False, report_to="none")

    assert Mine(output_dir=str(tmp_path), use_cpu=True, bf16=False, report_to="none", mine=3).mine == 3
    assert Free(place=str(tmp_path)).output_dir == str(tmp_path)
    with pytest.raises(ConfigError, match="Mine has no field 'min'(.|\n)*did you mean 'mine'"):
        Mine(output_dir=str(tmp_path), min=3)


def test_settings_come_as_object_as_json_text_or_not_at_all(tmp_path: Path) -> None:
    assert config(tmp_path, method_settings='{"alpha": 0.3}').method_settings == {"alpha": 0.3}
    assert config(tmp_path, method_settings=None).method == "hicra"
    assert config(tmp_path).lexicon == "paper"


def test_trl_parser_reads_the_fields_from_the_command_line_and_from_yaml(tmp_path: Path) -> None:
    common = ["--output_dir", str(tmp_path), "--use_cpu", "true", "--bf16", "false", "--report_to", "none"]
    parser = TrlParser(HicraGRPOConfig)
    line = [*common, "--lexicon", "paper-n3", "--method", "placebo", "--method_settings", '{"alpha": 0.1, "seed": 4}']
    line += ["--method_then", '[{"name": "hicra", "settings": {"alpha": 0.3}}]']
    (args,) = parser.parse_args_and_config(line)
    assert args.method_then == [{"name": "hicra", "settings": {"alpha": 0.3}}]
    with pytest.raises(ConfigError, match=r"method_then is '\[hicra\]', no JSON"):
        parser.parse_args_and_config([*common, "--method_then", "[hicra]"])
    assert (args.lexicon, args.method, args.method_settings) == ("paper-n3", "placebo", {"alpha": 0.1, "seed": 4})
    file = tmp_path / "run.yaml"
    file.write_text("method: hicra_recentred\nmethod_settings: {alpha: 0.25}\n", encoding="utf-8")
    (args,) = parser.parse_args_and_config([*common, "--config", str(file)])
    assert (args.method, args.method_settings) == ("hicra_recentred", {"alpha": 0.25})


def test_without_args_trl_defaults_and_hicra_defaults_hold(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ACCELERATE_USE_CPU", "1")
    before = HicraGRPOConfig.__post_init__

    def on_cpu(self: Any) -> None:  # the one thing that a machine without GPU must say, and args=None cannot
        self.use_cpu, self.bf16 = True, False
        before(self)

    monkeypatch.setattr(HicraGRPOConfig, "__post_init__", on_cpu)
    trainer = HicraGRPOTrainer(make_model(), reward, train_dataset=prompts(), processing_class=TOKENIZER)
    assert isinstance(trainer.args, HicraGRPOConfig)
    assert (trainer.hicra_shaping.credit.described()["shapers"], trainer.hicra_lexicon.name) == (
        [{"name": "hicra", "settings": {"alpha": 0.2}}],
        "paper",
    )


def test_the_mixin_alone_takes_a_plain_config_with_the_defaults(tmp_path: Path) -> None:
    class Mine(HicraMixin, GRPOTrainer):
        pass

    args = GRPOConfig(**settings(tmp_path, max_steps=1))
    trainer = Mine(make_model(), reward, args, prompts(), processing_class=TOKENIZER)
    trainer.train()
    assert (trainer.hicra_shaping.credit.name, trainer.hicra_lexicon.name) == ("hicra", "paper")
    assert logged(trainer, "hicra/changed_share")[0] > 0  # 'hold on' is one of the paper's grams


# ---- rewards


def test_an_infinite_reward_stops_the_run_and_names_the_function(tmp_path: Path) -> None:
    def length_bonus(completion_ids: list[list[int]], **_: Any) -> list[float]:
        return [math.inf if row == 5 else 0.0 for row in range(len(completion_ids))]

    with pytest.raises(EngineError, match=r"'length_bonus' gave inf for rollout 5.*\n.*None"):
        run(tmp_path, rewards=[reward, length_bonus])


@pytest.mark.parametrize("unscored", [None, math.nan])
def test_a_rollout_without_reward_gets_no_advantage_and_no_part_in_accuracy(tmp_path: Path, unscored: Any) -> None:
    def picky(completion_ids: list[list[int]], **_: Any) -> list[float | None]:
        return [unscored if row in (1, 6) else float(row % 2) for row in range(len(completion_ids))]

    trainer = run(tmp_path, rewards=picky, max_steps=1)
    made = trainer.last_generation.arrays
    assert np.isnan(made["rewards"]).tolist() == [row in (1, 6) for row in range(8)]
    live = made["response_mask"][[1, 6]]
    assert not made["advantages"][[1, 6]][live].any()
    assert made["advantages"][0][made["response_mask"][0]].any()
    assert logged(trainer, "hicra/accuracy") == [pytest.approx(3 / 6)]  # rows 3, 5, 7 of the six with a reward
    assert all(torch.isfinite(value).all() for value in trainer.model.parameters())


def test_weighted_rewards_are_pooled_as_trl_pools_them(tmp_path: Path) -> None:
    def half(completion_ids: list[list[int]], **_: Any) -> list[float]:
        return [0.5] * len(completion_ids)

    trainer = run(tmp_path, rewards=[reward, half], reward_weights=[2.0, 0.5], max_steps=1)
    assert logged(trainer, "hicra/reward")[0] == pytest.approx(logged(trainer, "reward")[0], abs=1e-6)


# ---- warnings


@pytest.mark.parametrize(
    ("options", "next_safe"),
    [
        ({"save_steps": 3, "gradient_accumulation_steps": 2, "num_iterations": 2}, 4),
        ({"save_steps": 4, "gradient_accumulation_steps": 2, "num_iterations": 2}, None),
        ({"save_steps": 1, "steps_per_generation": 4}, 4),
        ({"save_steps": 5, "gradient_accumulation_steps": 2, "steps_per_generation": 3}, 6),  # lcm(2, 3) / 2 = 3 steps
        ({"save_steps": 6, "gradient_accumulation_steps": 2, "steps_per_generation": 3}, None),
        ({"save_steps": 0.1, "num_iterations": 4, "max_steps": 100}, 12),  # a share of all steps: every 10th
        ({"save_steps": 3, "num_iterations": 2, "save_strategy": "no"}, None),
        ({"save_steps": 7}, None),
    ],
    ids=str,
)
def test_save_steps_inside_the_use_of_a_generation_warn_at_the_start(
    tmp_path: Path, options: dict[str, Any], next_safe: int | None
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        make_trainer(tmp_path, **({"save_strategy": "steps", "per_device_train_batch_size": 4} | options))
    said = [str(one.message) for one in caught if "save_steps is" in str(one.message)]
    assert len(said) == (next_safe is not None)
    assert next_safe is None or f"save_steps={next_safe} is the next safe value" in said[0]


@pytest.mark.parametrize(
    ("parts", "micro_batches", "iterations", "begins", "steps"),
    [
        (1, 2, 2, 0, [1, 2, 3, 4]),  # micro-steps 0 to 3, one a step
        (1, 2, 2, 4, [5, 6, 7, 8]),
        (4, 2, 1, 0, [1]),  # micro-steps 0 and 1 of the four of step 1
        (4, 2, 1, 2, [1]),
        (4, 2, 1, 4, [2]),
        (2, 3, 1, 0, [1, 2]),  # micro-steps 0 to 2; those of step 1 are 0 and 1
        (2, 3, 1, 3, [2, 3]),  # 3 to 5; those of step 2 are 2 and 3
    ],
)
def test_a_generation_knows_the_steps_that_it_is_used_for(
    parts: int, micro_batches: int, iterations: int, begins: int, steps: list[int]
) -> None:
    args = SimpleNamespace(
        gradient_accumulation_steps=parts, steps_per_generation=micro_batches, num_iterations=iterations
    )
    assert list(steps_of(args, begins)) == steps


def test_an_empty_mask_warns_once_and_trains_as_grpo(tmp_path: Path) -> None:
    file = tmp_path / "none.txt"
    file.write_text("words nobody says\n", encoding="utf-8")
    with pytest.warns(UserWarning, match="no token is a planning token") as caught:
        trainer = run(tmp_path, lexicon=str(file))
    assert sum("no token" in str(one.message) for one in caught) == 1
    assert parameters_hash(trainer) == parameters_hash(run(tmp_path, None))


def test_a_mask_above_half_warns(tmp_path: Path) -> None:
    file = tmp_path / "all.txt"
    file.write_text("\n".join(WORDS[:12]) + "\n", encoding="utf-8")
    with pytest.warns(UserWarning, match="% of tokens are planning tokens"):
        run(tmp_path, lexicon=str(file))


def test_a_common_mask_does_not_warn(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="lexicon")
        run(tmp_path, lexicon=lexicon_file(tmp_path))


def test_bf16_trains_and_logs(tmp_path: Path) -> None:
    """TRL's default precision: what hicra converts to numpy must have left bfloat16 before."""
    trainer = make_trainer(tmp_path, "hicra_released", bf16=True, max_steps=1)
    trainer.train()
    assert np.isfinite(logged(trainer, "hicra/entropy_execution")).all()
