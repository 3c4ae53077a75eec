"""A loss and a baseline of hicra in TRL's trainer: equal to TRL's own where TRL has them, over micro-batches and inner epochs."""

from __future__ import annotations

import pytest

pytest.importorskip("trl")

import torch
from trl import GRPOConfig

from hicra.credit.loss import averaged
from hicra.engines.trl import HicraGRPOConfig
from hicra.engines.trl.config import BESIDE_OUR_LOSS
from hicra.errors import ConfigError
from trl_tiny import Recorder, logged, make_model, make_trainer, run, settings

pytestmark = pytest.mark.engine

MEANS = {"dapo": "tokens", "grpo": "responses", "dr_grpo": "constant"}
WAYS = [
    {},
    {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2},
    {"num_iterations": 2, "max_steps": 4, "learning_rate": 2e-2},
]


def weights(trainer):
    return torch.cat([value.detach().flatten() for value in trainer.model.state_dict().values()])


@pytest.mark.parametrize("loss_type", MEANS)
@pytest.mark.parametrize("way", WAYS, ids=["whole", "micro-batches", "inner epochs"])
def test_clip_with_each_mean_is_the_loss_of_trl(tmp_path, loss_type, way):
    trl = run(tmp_path, "hicra", loss_type=loss_type, epsilon_high=0.28, **way)
    own = run(
        tmp_path, "hicra", policy_loss="clip", policy_loss_settings={"mean": MEANS[loss_type]}, **way,
    )  # fmt: skip
    start = make_trainer(tmp_path, "hicra")
    moved = (weights(trl) - weights(start)).abs().max()
    assert moved > 1e-3
    assert (weights(own) - weights(trl)).abs().max() < 1e-3 * moved
    assert logged(own, "loss") == pytest.approx(logged(trl, "loss"), abs=1e-5)


def test_the_kl_term_stays_that_of_trl(tmp_path):
    make_model().save_pretrained(tmp_path / "start")  # the reference model is loaded from there
    trl, own = (
        run(tmp_path, "hicra", beta=0.2, max_steps=3, model=str(tmp_path / "start"), **more)
        for more in ({"epsilon_high": 0.28}, {"policy_loss": "clip"})
    )
    assert max(logged(trl, "kl")) > 0
    assert logged(own, "kl") == pytest.approx(logged(trl, "kl"), rel=1e-3)
    assert logged(own, "loss") == pytest.approx(logged(trl, "loss"), abs=1e-5)


@pytest.mark.parametrize(("baseline", "scale"), [("dr_grpo", "none"), ("grpo", "group")])
def test_a_baseline_is_that_of_trl(tmp_path, baseline, scale):
    trl = run(tmp_path, "hicra", scale_rewards=scale, trainer=Recorder)
    own = run(tmp_path, "hicra", baseline=baseline, trainer=Recorder)
    for mine, theirs in zip(own.seen, trl.seen, strict=True):
        assert torch.allclose(mine["base"], theirs["base"], rtol=1e-3)  # TRL adds 1e-4 to the deviation, hicra 1e-6
    assert any(one["base"].any() for one in own.seen)


def test_clipped_tokens_are_counted(tmp_path):
    """Without inner epochs every ratio is 1 and nothing is clipped; with a large step and none but a narrow clip, much is."""
    once = run(tmp_path, "none", policy_loss="clip")
    assert logged(once, "hicra/clipped_share") == [0, 0]
    narrow = {"clip_low": 0.0, "clip_high": 0.0}
    twice = run(
        tmp_path,
        "none",
        policy_loss="clip",
        policy_loss_settings=narrow,
        num_iterations=2,
        max_steps=2,
        learning_rate=2e-2,
    )
    first, second = logged(twice, "hicra/clipped_share")
    assert first == 0
    assert 0.3 < second <= 1
    assert not [name for name in twice.state.log_history[0] if name.startswith("clip_ratio")]
    assert [name for name in run(tmp_path, "none").state.log_history[0] if name.startswith("clip_ratio")]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("top_entropy_quantile", 0.2), ("delta", 4.0), ("importance_sampling_level", "sequence"), ("loss_type", "cispo"),
        ("epsilon", 0.1), ("epsilon_high", 0.28),
    ],
)  # fmt: skip
def test_options_of_trl_that_would_not_act_are_refused(tmp_path, field, value):
    with pytest.raises(ConfigError, match=f"{field} acts on TRL's own loss"):
        HicraGRPOConfig(**settings(tmp_path), policy_loss="clip", **{field: value})


@pytest.mark.parametrize("loss", ["sapo", "vespo"])
def test_options_of_a_loss_of_trl_say_nothing_to_the_loss_of_hicra_of_that_name(tmp_path, loss):
    names = [name for name in GRPOConfig.__dataclass_fields__ if name.startswith(f"{loss}_")]
    assert names
    for name in names:
        with pytest.raises(ConfigError, match=f"{name} acts on TRL's own loss, and policy_loss is '{loss}'"):
            HicraGRPOConfig(**settings(tmp_path), policy_loss=loss, **{name: 1.5})


@pytest.mark.parametrize(
    ("field", "value"), [("scale_rewards", "batch"), ("multi_objective_aggregation", "normalize_then_sum")]
)
def test_options_of_trls_advantages_that_would_not_act_are_refused(tmp_path, field, value):
    with pytest.raises(ConfigError, match=f"{field}='{value}' acts on TRL's own advantages, and baseline is 'grpo'"):
        HicraGRPOConfig(**settings(tmp_path), baseline="grpo", **{field: value})
    HicraGRPOConfig(**settings(tmp_path), **{field: value})  # without a baseline they act


def test_the_values_of_options_that_do_not_act_are_trls_defaults():
    fields = GRPOConfig.__dataclass_fields__
    assert {name: fields[name].default for name in BESIDE_OUR_LOSS if name in fields} == {
        name: value for name, value in BESIDE_OUR_LOSS.items() if name in fields
    }


def test_settings_without_their_name_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="policy_loss_settings is given and policy_loss is not"):
        make_trainer(tmp_path, "hicra", policy_loss_settings={"clip_low": 0.1})


@pytest.mark.parametrize("mean", MEANS.values())
def test_parts_of_a_batch_add_up(mean):
    """Two parts of two rows: their shares add up to the mean of the four, worked out by hand."""
    losses = torch.tensor([[1.0, 3.0, 9.0], [2.0, 9.0, 9.0], [4.0, 4.0, 1.0], [9.0, 9.0, 9.0]])
    mask = torch.tensor([[1, 1, 0], [1, 0, 0], [1, 1, 1], [0, 0, 0]]).bool()
    # sums 4, 2, 9, 0 over 6 tokens, 4 rows; means of the rows 2, 2, 3, 0
    by_hand = {"tokens": 15 / 6, "responses": 7 / 4, "constant": 15 / (4 * 5)}[mean]
    parts = [averaged(losses[rows], mask[rows], mean, torch.tensor(6), 4, 5) for rows in (slice(0, 2), slice(2, 4))]
    assert float(sum(parts)) == pytest.approx(by_hand)
