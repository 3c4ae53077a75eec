"""A trainer whose loss does not take advantages [B,T] is refused when it is made, whatever the batch's shape will be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from trl import GRPOTrainer

from hicra.engines.trl import HicraGRPOTrainer, HicraMixin
from hicra.errors import EngineError
from trl_tiny import COUNT_PADDING, TOKENIZER, make_model, make_trainer, prompts, reward, settings

pytestmark = pytest.mark.engine


def loss_of(change: Any) -> type:
    """A trainer whose loss sees the advantages after `change`."""

    class Changed(GRPOTrainer):  # type: ignore[misc]
        def _compute_loss(self, model: Any, inputs: Any) -> Any:
            return super()._compute_loss(model, inputs | {"advantages": change(inputs["advantages"])})

    class Mine(HicraMixin, Changed):
        pass

    return Mine


def test_a_trainer_before_the_mixin_is_refused_where_the_class_is_written() -> None:
    class Own(GRPOTrainer):  # type: ignore[misc]
        pass

    with pytest.raises(EngineError, match="GRPOTrainer stands before HicraMixin, so that nothing") as error:

        class Mine(GRPOTrainer, HicraMixin):  # type: ignore[misc]
            pass

    assert error.value.fix == "write class Mine(HicraMixin, GRPOTrainer)"
    with pytest.raises(EngineError, match="Own stands before HicraMixin") as error:
        type("Other", (Own, HicraMixin), {})
    assert error.value.fix == "write class Other(HicraMixin, Own)"
    type("Right", (Own, type("First", (HicraMixin, GRPOTrainer), {})), {})  # Own's overrides call ours by super()


def test_a_loss_that_passes_over_that_of_the_mixin_ends_the_run_at_the_first_log(tmp_path: Path) -> None:
    class Mine(HicraGRPOTrainer):
        def _compute_loss(self, model: Any, inputs: Any) -> Any:
            return GRPOTrainer._compute_loss(self, model, inputs)

    trainer = make_trainer(tmp_path, trainer=Mine)
    with pytest.raises(EngineError, match="the loss of Mine never calls that of HicraMixin") as error:
        trainer.train()
    assert trainer.state.global_step == 1
    assert "super()._compute_loss" in error.value.fix


def wide(advantages: Any, change: Any) -> Any:
    return change(advantages) if advantages.dim() == 2 else advantages


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda a: wide(a, lambda w: w.mean(dim=1)),
            "what stands in the padding reaches the loss",
        ),  # averaged over a row
        (lambda a: wide(a, lambda w: w[:, 0]), "does not reach that token alone"),  # the first token's for all
        (lambda a: wide(a, lambda w: w.roll(1, dims=1)), "what stands in the padding"),  # shifted by a token
        (lambda a: wide(a, lambda w: w.flip(0)), "does not reach that token alone|another loss"),  # rows swapped
        (lambda a: wide(a, lambda w: 2 * w), "another loss"),  # scaled again
        (lambda a: wide(a, lambda w: w.detach()), "RuntimeError"),  # nothing of them reaches the loss
        (lambda a: a.unsqueeze(1), "another loss"),  # broadcast, as by one that expects [B]
    ],
)
def test_a_loss_that_changes_token_advantages_is_refused(tmp_path: Path, change: Any, says: str) -> None:
    with pytest.raises(EngineError, match=f"the loss of Changed does not take advantages .B,T.*({says})") as error:
        make_trainer(tmp_path, trainer=loss_of(change))
    assert "GRPOTrainer" in error.value.fix


@pytest.mark.parametrize("width", [8, 14])  # with 8 rows of 8 tokens the shapes fit by accident
def test_trls_gmpo_is_refused_when_it_is_made(tmp_path: Path, width: int) -> None:
    gmpo = pytest.importorskip("trl.experimental.gmpo")

    class Mine(HicraMixin, gmpo.GMPOTrainer):  # type: ignore[misc,name-defined]
        pass

    args = gmpo.GMPOConfig(**settings(tmp_path, max_completion_length=width))
    with pytest.raises(EngineError, match="the loss of GMPOTrainer does not take advantages"):
        Mine(make_model(), reward, args, train_dataset=prompts(), processing_class=TOKENIZER)


def test_a_loss_that_counts_the_padding_is_refused(tmp_path: Path) -> None:
    """As luspo did in TRL 1.8 and 1.9: its mean was taken over all columns."""

    class Padded(GRPOTrainer):  # type: ignore[misc]
        def _compute_loss(self, model: Any, inputs: Any) -> Any:
            wide = inputs["advantages"]
            wide = wide if wide.dim() == 2 else wide[:, None].expand_as(inputs["completion_mask"])
            return super()._compute_loss(model, inputs) - 0.1 * wide.mean()

    class Mine(HicraMixin, Padded):
        pass

    with pytest.raises(EngineError, match="the loss of Padded .*what stands in the padding reaches the loss"):
        make_trainer(tmp_path, trainer=Mine)


@pytest.mark.parametrize(
    "options",
    [
        {}, {"loss_type": "cispo"}, {"loss_type": "sapo"}, {"loss_type": "vespo"}, {"loss_type": "luspo"}, {"loss_type": "bnpo"},
        {"delta": 4.0}, {"top_entropy_quantile": 0.2}, {"entropy_coef": 0.01}, {"off_policy_mask_threshold": 0.5},
        {"importance_sampling_level": "sequence", "loss_type": "grpo"}, {"mask_truncated_completions": True},
    ],
    ids=str,
)  # fmt: skip
def test_every_option_of_trl_passes_and_the_probe_leaves_no_trace(tmp_path: Path, options: dict[str, Any]) -> None:
    if options.get("loss_type") in COUNT_PADDING:
        with pytest.raises(EngineError, match="what stands in the padding"):
            make_trainer(tmp_path, **options)
        return
    trainer = make_trainer(tmp_path, **options)
    assert trainer.model.training
    assert all(not values for values in trainer._metrics.values())
    assert "_get_per_token_logps_and_entropies" not in vars(trainer)
    assert all(weight.grad is None for weight in trainer.model.parameters())
    assert trainer.last_generation is None


def test_the_liger_loss_of_an_older_trl_is_refused(tmp_path: Path) -> None:
    class Older(GRPOTrainer):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.args.use_liger_kernel = True  # set late, since this machine need not have Liger

        def compute_liger_loss(self) -> None:
            raise NotImplementedError

    class Mine(HicraMixin, Older):
        pass

    with pytest.raises(EngineError, match="Liger loss of this TRL") as error:
        make_trainer(tmp_path, trainer=Mine)
    assert "use_liger_kernel=False" in error.value.fix
