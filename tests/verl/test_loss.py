"""A loss of hicra as verl's policy loss: numbers by hand, verl's own losses of the same formula, and the way of its settings."""

import pytest
import torch
from verl.trainer.ppo.core_algos import get_policy_loss_fn
from verl.utils.config import omega_conf_to_dataclass

import hicra.engines.verl.trainer as ours
from hicra.errors import ConfigError
from verl_compose import config

ACTOR = ("actor_rollout_ref.actor.strategy=fsdp2", "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=1")
WHOLE = {"dp_size": 1, "batch_num_tokens": 3, "global_batch_size": 2, "loss_scale_factor": None}
RATIO = torch.tensor([[2.0, 1.0], [0.5, 9.0]])
ADVANTAGES = torch.tensor([[1.0, 1.0], [-1.0, 9.0]])
MASK = torch.tensor([[True, True], [True, False]])


def actor(*overrides):
    """verl's config of the actor as a worker makes it, after our trainer has read the section `hicra`."""
    tree = config("trainer.v1.trainer_mode=hicra_sync", *ACTOR, *overrides)
    ours.HicraSync(tree)
    return omega_conf_to_dataclass(tree.actor_rollout_ref.actor)


def loss_of(made, log_prob, old, advantages, mask, totals, mode="token-mean", weights=None):
    made.global_batch_info.update(totals)
    function = get_policy_loss_fn(made.policy_loss.loss_mode)
    return function(
        old_log_prob=old, log_prob=log_prob, advantages=advantages, response_mask=mask, loss_agg_mode=mode, config=made,
        rollout_is_weights=weights,
    )  # fmt: skip


# Ratios 2 and 1 with A = 1, and 0.5 with A = -1, clipped to [0.8, 1.2]: -min(2, 1.2) = -1.2, -1 and -min(-0.5, -0.8) = 0.8.
@pytest.mark.parametrize(
    ("settings", "totals", "expected"),
    [
        ([], WHOLE, (-1.2 - 1 + 0.8) / 3),
        (
            [],
            WHOLE | {"dp_size": 2, "batch_num_tokens": 7},
            (-1.2 - 1 + 0.8) / 7 * 2,
        ),  # two workers; verl averages over them
        (["+hicra.loss_settings.mean=responses"], WHOLE, ((-1.2 - 1) / 2 + 0.8) / 2),
        (["+hicra.loss_settings.mean=constant", "data.max_response_length=10"], WHOLE, (-1.2 - 1 + 0.8) / (2 * 10)),
        (
            ["+hicra.loss_settings.mean=constant", "+hicra.loss_settings.most_tokens=4"],
            WHOLE,
            (-1.2 - 1 + 0.8) / (2 * 4),
        ),
    ],
)
def test_a_loss_by_hand(settings, totals, expected):
    made = actor("+hicra.loss=clip", "+hicra.loss_settings.clip_high=0.2", *settings)
    # verl's own average is another one, and says nothing here
    found, logged = loss_of(made, RATIO.log(), torch.zeros(2, 2), ADVANTAGES, MASK, totals, "seq-mean-token-sum")
    assert found.item() == pytest.approx(expected)
    # -(log 2 + log 1 + log 0.5) / 3 = 0
    assert logged["actor/ppo_kl"] == pytest.approx(0, abs=1e-7)


def test_weights_of_verls_correction_multiply_the_loss_of_each_token():
    made = actor("+hicra.loss=clip", "+hicra.loss_settings.clip_high=0.2")
    weights = torch.tensor([[0.5, 1.0], [1.0, 1.0]])
    found, _ = loss_of(made, RATIO.log(), torch.zeros(2, 2), ADVANTAGES, MASK, WHOLE, weights=weights)
    assert found.item() == pytest.approx((-0.6 - 1 + 0.8) / 3)


SAME = [
    ("dual_clip", ["+hicra.loss_settings.clip_high=0.2"], "vanilla", [], "token-mean"),
    ("gspo_token", [], "gspo", [f"actor_rollout_ref.actor.clip_ratio_{one}" for one in ("low=3e-4", "high=4e-4")],
     "seq-mean-token-mean"),
    ("sapo", [], "sapo", [], "seq-mean-token-mean"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "settings", "of_verl", "changed", "mode"), SAME)
def test_where_verl_has_the_same_formula_loss_and_gradient_are_the_same(name, settings, of_verl, changed, mode):
    torch.manual_seed(3)
    mask = torch.arange(9) < torch.tensor([9, 4, 1, 7])[:, None]
    old, advantages = -2 * torch.rand(4, 9), torch.randn(4, 9)
    moved = old + 0.8 * torch.randn(4, 9)
    totals = {"dp_size": 2, "batch_num_tokens": 40, "global_batch_size": 8, "loss_scale_factor": None}
    found = []
    for overrides in (
        [f"+hicra.loss={name}", *settings],
        [f"actor_rollout_ref.actor.policy_loss.loss_mode={of_verl}", *changed],
    ):
        log_prob = moved.clone().requires_grad_()
        value, logged = loss_of(actor(*overrides), log_prob, old, advantages, mask, totals, mode)
        value.backward()
        found.append((value.detach(), log_prob.grad, torch.tensor(logged["actor/ppo_kl"])))
    for own, theirs in zip(*found, strict=True):
        assert torch.allclose(own, theirs, rtol=1e-5, atol=1e-7)
    assert found[0][1].abs().max() > 0


def test_without_the_key_verls_own_loss_stays():
    made = actor("+hicra.method=hicra", "actor_rollout_ref.actor.policy_loss.loss_mode=cispo")
    assert (made.policy_loss.loss_mode, type(made.policy_loss).__name__) == ("cispo", "PolicyLossConfig")


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["+hicra.loss=clpi"], "did you mean 'clip'"),
        (["+hicra.loss=clip", "+hicra.loss_settings.clip_hihg=0.2"], "did you mean 'clip_high'"),
        (["+hicra.loss=entropy_regularised"], "needs entropies, which verl does not hand to a policy loss"),
        (["+hicra.loss=clip", "actor_rollout_ref.actor.policy_loss.loss_mode=gspo"], "loss_mode is gspo"),
        (["+hicra.loss_settings.clip_high=0.2"], "hicra.loss_settings is given and hicra.loss is not"),
        (["+hicra.threads=0"], "hicra.threads"),
    ],
)
def test_what_means_nothing_ends_before_any_worker_starts(overrides, said):
    with pytest.raises(ConfigError) as raised:
        ours.HicraSync(config(*overrides))
    assert said in str(raised.value)
