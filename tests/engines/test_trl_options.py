"""Options of TRL under hicra: at alpha 0 each trains as plain GRPO does, at 0.2 otherwise; some are refused by name.

`tests/support/trl_options.py` has the cases, and names every other test that shows an option.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from peft import LoraConfig
from trl import GRPOConfig, GRPOTrainer, RLOOTrainer

from hicra.engines.trl import HicraGRPOConfig, HicraGRPOTrainer, HicraMixin, HicraObserver
from hicra.engines.trl.versions import has_tools
from hicra.errors import ConfigError, EngineError
from hicra.generation.models import resolve
from hicra.generation.sampling import load
from hicra.tasks.calculator import Calculator
from hicra.tasks.calculator.language import PHRASES
from trl_options import CASES, NEAR
from trl_tiny import COUNT_PADDING, logged, make_trainer, parameters_hash, reward, run

pytestmark = pytest.mark.engine
FIELDS = {field.name for field in dataclasses.fields(GRPOConfig)}


def short(completion_ids: list[list[int]], **_: Any) -> list[float]:
    return [1 / (1 + len(ids)) for ids in completion_ids]


def trained(folder: Path, method: str | None, alpha: float, given: dict[str, Any]) -> Any:
    options = dict(given)
    more: dict[str, Any] = {"rewards": [reward, short]} if options.pop("two_rewards", False) else {}
    if options.pop("peft", False):
        lora = LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
        more["extra"] = {"peft_config": lora}
    if options.get("loss_type") in COUNT_PADDING:
        pytest.skip("refused by name in this TRL (test_trl_probe.py)")
    if absent := set(options) - FIELDS:
        pytest.skip(f"this TRL has no {', '.join(sorted(absent))}")
    return run(folder, method, {"alpha": alpha} if method else None, **more, **options)


@pytest.mark.parametrize("case", CASES)
def test_alpha_zero_is_plain_grpo_and_alpha_is_not(tmp_path: Path, case: str) -> None:
    plain = trained(tmp_path, None, 0.0, CASES[case])
    zero = trained(tmp_path, "hicra", 0.0, CASES[case])
    if case in NEAR:
        assert logged(zero, "loss") == pytest.approx(logged(plain, "loss"), abs=1e-5)
        pairs = zip(plain.model.parameters(), zero.model.parameters(), strict=True)
        assert all((one - other).abs().max() < 1e-4 for one, other in pairs)
    else:
        assert parameters_hash(zero) == parameters_hash(plain)
        assert logged(zero, "loss") == logged(plain, "loss")
    shaped = trained(tmp_path, "hicra", 0.2, CASES[case])
    assert parameters_hash(shaped) != parameters_hash(zero)
    assert max(logged(shaped, "hicra/changed_share")) > 0
    assert all(math.isfinite(loss) for loss in logged(shaped, "loss"))


# ---- an environment


class Desk:
    """An environment whose one action is the calculator."""

    def reset(self, **_: Any) -> str | None:
        self.asked = 0
        return None

    def calculator(self, expression: str = "") -> str:
        """Work out one operation.

        Args:
            expression: A number, a sign and a number.

        Returns:
            The result after words that plan.
        """
        self.asked += 1
        return f"from the left then the {Calculator().tools[0](expression)}"


class Kept(HicraGRPOTrainer):
    """Keeps what the loss saw."""

    def _compute_loss(self, model: Any, inputs: Any) -> Any:
        self.seen = inputs
        return super()._compute_loss(model, inputs)


def at_the_desk(folder: Path, trainer: type, method_settings: dict[str, Any] | None) -> Any:
    (folder / "grams.txt").write_text("\n".join(PHRASES) + "\n", encoding="utf-8")
    model, tokenizer = load(resolve("calculator-start"), 1)
    plain = {
        "output_dir": str(folder / "out"), "max_steps": 1, "per_device_train_batch_size": 16, "num_generations": 8,
        "max_completion_length": 40, "temperature": 1.0, "top_k": 0, "learning_rate": 1e-3, "report_to": "none",
        "use_cpu": True, "bf16": False, "seed": 1, "save_strategy": "no", "disable_tqdm": True, "logging_steps": 1,
        "gradient_checkpointing": False,
    }  # fmt: skip
    if method_settings is None:
        args = GRPOConfig(**plain)
    else:
        args = HicraGRPOConfig(lexicon=str(folder / "grams.txt"), method_settings=method_settings, **plain)

    def judge(completion_ids: Any, environments: Any, **_: Any) -> list[float]:
        return [one + desk.asked for one, desk in zip(reward(completion_ids), environments, strict=True)]

    made = trainer(
        model=model, reward_funcs=judge, args=args, train_dataset=Dataset.from_list(Calculator().rows("train", 2)),
        processing_class=tokenizer, environment_factory=Desk,
    )  # fmt: skip
    made.train()
    return made


@pytest.mark.skipif(not has_tools(), reason="this TRL has no tools for us")
def test_an_environment_writes_no_policy_tokens(tmp_path: Path) -> None:
    plain, zero = at_the_desk(tmp_path, GRPOTrainer, None), at_the_desk(tmp_path, Kept, {"alpha": 0.0})
    assert parameters_hash(zero) == parameters_hash(plain)
    shaped = at_the_desk(tmp_path, Kept, {"alpha": 0.2})
    assert parameters_hash(shaped) != parameters_hash(zero)
    batch = shaped.seen
    written = batch["completion_mask"].bool() & ~batch["tool_mask"].bool()
    texts = [shaped._tokenizer.decode(ids[on]) for ids, on in zip(batch["completion_ids"], written, strict=True)]
    assert sum("from the left then the" in text for text in texts) >= 8
    assert not batch["planning_mask"][written].any()
    base = batch["hicra_base"][:, None].expand_as(batch["advantages"])
    assert torch.equal(batch["advantages"][written], base[written])
    assert (batch["advantages"] != base)[batch["completion_mask"].bool() & ~written].any()


# ---- what is refused by name


@pytest.mark.parametrize("method", ["hicra_recentred", "ktae"])
@pytest.mark.parametrize(
    "option", [{"loss_type": "sapo"}, {"loss_type": "vespo"}, {"off_policy_mask_threshold": 0.5}], ids=str
)
def test_methods_that_turn_signs_are_refused_with_options_that_decide_by_them(
    tmp_path: Path, method: str, option: dict[str, Any]
) -> None:
    common: dict[str, Any] = {"output_dir": str(tmp_path), "use_cpu": True, "bf16": False, "report_to": "none"}
    ((name, value),) = option.items()
    with pytest.raises(
        ConfigError, match=f"{method} may turn the sign of an advantage on single tokens, and {name}={value!r}"
    ):
        HicraGRPOConfig(method=method, **common, **option)
    further = [{"name": method}]
    with pytest.raises(ConfigError, match=f"{method} may turn the sign"):
        HicraGRPOConfig(method="none", method_then=further, **common, **option)
    HicraGRPOConfig(method="hicra", **common, **option)
    HicraGRPOConfig(method=method, **common)
    if method == "hicra_recentred":  # at alpha 0 it changes nothing
        HicraGRPOConfig(method=method, method_settings={"alpha": 0.0}, **common, **option)


def test_unsloths_compiled_trainer_is_refused(tmp_path: Path) -> None:
    class UnslothGRPOTrainer(GRPOTrainer):  # type: ignore[misc]
        """As Unsloth names the class that it writes and puts in the place of TRL's."""

    class Mine(HicraMixin, UnslothGRPOTrainer):
        pass

    with pytest.raises(EngineError, match="UnslothGRPOTrainer is a trainer that Unsloth has compiled") as error:
        make_trainer(tmp_path, trainer=Mine)
    assert "without `import unsloth`" in error.value.fix
    with pytest.raises(EngineError, match="UnslothGRPOTrainer is a trainer that Unsloth has compiled"):
        HicraObserver(object.__new__(UnslothGRPOTrainer))


def test_a_trainer_that_is_no_grpo_trainer_is_refused(tmp_path: Path) -> None:
    class Mine(HicraMixin, RLOOTrainer):  # type: ignore[misc]
        pass

    with pytest.raises(EngineError, match="classes made from it, and RLOOTrainer is none of them") as error:
        make_trainer(tmp_path, trainer=Mine)
    assert "GRPOTrainer" in error.value.fix
