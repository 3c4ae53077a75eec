"""alpha = 0, and the method `none`, are plain GRPO to the last bit in every loss TRL has; alpha = 0.2 is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from trl_tiny import COUNT_PADDING, make_model, parameters_hash, run

pytestmark = pytest.mark.engine

LOSSES = [
    loss for loss in ("grpo", "bnpo", "dr_grpo", "dapo", "cispo", "sapo", "luspo", "vespo") if loss not in COUNT_PADDING
]
OPTIONS = {
    "two inner epochs": {"num_iterations": 2, "max_steps": 4},
    "accumulation": {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2},
    "top entropy quantile": {"top_entropy_quantile": 0.2},
    "off-policy mask": {"off_policy_mask_threshold": 0.5, "num_iterations": 2},
    "entropy bonus": {"entropy_coef": 0.01},
    "unscaled": {"scale_rewards": "none"},
    "scaled by the batch": {"scale_rewards": "batch"},
    "truncated masked": {"mask_truncated_completions": True},
    "two-sided clipping": {"delta": 4.0, "num_iterations": 2},
}


@pytest.mark.parametrize("loss", LOSSES)
def test_alpha_zero_is_grpo_for_every_loss(tmp_path: Path, loss: str) -> None:
    plain = parameters_hash(run(tmp_path, None, loss_type=loss))
    assert parameters_hash(run(tmp_path, "hicra", {"alpha": 0.0}, loss_type=loss)) == plain
    assert parameters_hash(run(tmp_path, "hicra", {"alpha": 0.2}, loss_type=loss)) != plain


@pytest.mark.parametrize("option", OPTIONS)
def test_alpha_zero_is_grpo_under_every_option(tmp_path: Path, option: str) -> None:
    plain = parameters_hash(run(tmp_path, None, **OPTIONS[option]))
    assert parameters_hash(run(tmp_path, "hicra", {"alpha": 0.0}, **OPTIONS[option])) == plain


def test_alpha_zero_is_grpo_with_a_reference_model(tmp_path: Path) -> None:
    make_model().save_pretrained(tmp_path / "start")  # TRL loads the reference by the model's name
    start, kl = str(tmp_path / "start"), {"beta": 0.05, "num_iterations": 2}
    plain = parameters_hash(run(tmp_path, None, model=start, **kl))
    assert parameters_hash(run(tmp_path, "hicra", {"alpha": 0.0}, model=start, **kl)) == plain
    assert parameters_hash(run(tmp_path, "hicra", model=start, **kl)) != plain


@pytest.mark.parametrize("family", ["qwen2", "llama"])
def test_none_is_grpo(tmp_path: Path, family: str) -> None:
    plain = parameters_hash(run(tmp_path, None, model=make_model(family)))
    assert parameters_hash(run(tmp_path, None, model=make_model(family))) == plain  # the test's own control
    assert parameters_hash(run(tmp_path, "none", model=make_model(family))) == plain


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> str:
    return parameters_hash(run(tmp_path_factory.mktemp("plain"), None))


@pytest.mark.parametrize("method", ["hicra_recentred", "hicra_released", "placebo", "entropy_advantage"])
def test_every_other_method_is_grpo_at_alpha_zero_and_is_not_above(tmp_path: Path, plain: str, method: str) -> None:
    # hicra_released amplifies at rho as well, so alpha alone decides; the forward pass it asks for leaves no trace
    assert parameters_hash(run(tmp_path, method, {"alpha": 0.0})) == plain
    assert parameters_hash(run(tmp_path, method)) != plain


def test_sequence_level_ratios_train_with_token_level_advantages(tmp_path: Path) -> None:
    """Float order differs there (a [B,T] loss in place of [B,1]), so the result is near GRPO's and not its twin."""
    sequence = {"importance_sampling_level": "sequence", "loss_type": "grpo"}
    plain, zero, shaped = run(tmp_path, None, **sequence), run(tmp_path, "none", **sequence), run(tmp_path, **sequence)
    pairs = zip(plain.model.parameters(), zero.model.parameters(), strict=True)
    assert all((a - b).abs().max() < 1e-4 for a, b in pairs)
    assert parameters_hash(shaped) != parameters_hash(zero)
