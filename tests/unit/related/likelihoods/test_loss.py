"""The loss of whole responses: by hand, GSPO and ESPO as one function, and REINFORCE at the first update."""

from __future__ import annotations

from math import exp

import pytest

pytest.importorskip("torch")

import torch

from hicra.credit import LOSSES
from hicra.errors import ConfigError, DataError
from hicra.related.likelihoods.ar import AR
from hicra.related.likelihoods.denoiser import Denoiser
from hicra.related.likelihoods.elbo import ELBO
from hicra.related.likelihoods.interface import Sequences
from hicra.related.likelihoods.loss import Objective, response_losses

FREE = Objective(beta=0.0)
LIVE = torch.tensor([[False, True, True], [False, True, False]])


def sequences(rows=4, width=8, symbols=6, seed=0):
    """Random texts with prompts of two tokens and responses of 3 to 6."""
    chance = torch.Generator().manual_seed(seed)
    ids = torch.randint(symbols, (rows, width), generator=chance)
    lengths = torch.randint(3, width - 1, (rows, 1), generator=chance)
    places = torch.arange(width)
    live = (places >= 2) & (places < 2 + lengths)
    return Sequences(ids, places < 2 + lengths, live)


def test_by_hand():
    parts = torch.tensor([[0.0, -1.0, -1.4], [0.0, -2.0, 0.0]])
    old = torch.tensor([[0.0, -1.5, -2.0], [0.0, -2.5, 0.0]])
    reference = torch.tensor([[0.0, -1.0, -1.0], [0.0, -1.0, 0.0]])
    losses, told = response_losses(parts, old, reference, torch.tensor([1.0, -2.0]), LIVE, Objective(beta=0.1))
    # (0.5 + 0.6) / 2 = 0.55 in a token, so rho is 1.73 and is clipped to 1.2; L - L_ref = -0.4, and 0.16/2/2 = 0.04
    # rho = e^0.5 = 1.65 with A < 0 is not clipped; L - L_ref = -1, and 0.5 / 1
    assert losses.tolist() == pytest.approx([-1.2 + 0.1 * 0.04, 2 * exp(0.5) + 0.1 * 0.5])
    assert told == pytest.approx({"ratio": (exp(0.55) + exp(0.5)) / 2, "clipped": 1.0, "kl": 0.27})
    paper = Objective(beta=0.1, kl_over_length=False)
    whole, _ = response_losses(parts, old, reference, torch.tensor([1.0, -2.0]), LIVE, paper)
    assert whole.tolist() == pytest.approx([-1.2 + 0.1 * 0.08, 2 * exp(0.5) + 0.1 * 0.5])


def test_token_level_by_hand():
    parts = torch.tensor([[0.0, -1.0, -1.4], [0.0, -2.0, 0.0]])
    old = torch.tensor([[0.0, -1.1, -0.9], [0.0, -2.0, 0.0]])
    reference = torch.tensor([[0.0, -1.0, -1.0], [0.0, -1.0, 0.0]])
    objective = Objective(level="token", beta=0.1)
    losses, told = response_losses(parts, old, reference, torch.tensor([1.0, -2.0]), LIVE, objective)
    # ratios e^0.1 and e^-0.5, neither of which is clipped for A > 0; estimates 0 and 0.08, and 0.5 in the other row
    first = (-exp(0.1) - exp(-0.5) + 0.1 * 0.08) / 2
    assert losses.tolist() == pytest.approx([first, 2 + 0.1 * 0.5])
    assert told["clipped"] == pytest.approx(1 / 3)  # of three tokens e^-0.5 lies below 0.8


@pytest.mark.parametrize("masks", [None, "coupled", "plain"])
def test_with_any_likelihood_the_loss_is_gspo(masks):
    """With `ar` it is GSPO as the project's table of losses has it; the same function of a bound's parts is ESPO."""
    given = sequences()
    if masks is None:
        transformers = pytest.importorskip("transformers")
        config = transformers.LlamaConfig(
            vocab_size=6, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2,
            intermediate_size=16, max_position_embeddings=16, pad_token_id=0, bos_token_id=None, eos_token_id=1,
        )  # fmt: skip
        torch.manual_seed(0)
        model = transformers.LlamaForCausalLM(config)
        likelihood, seeds = AR(model), None
    else:
        model = Denoiser(6, 8, width=16, layers=1, heads=2)
        likelihood, seeds = ELBO(model, model.mask_id, masks), torch.arange(8).reshape(4, 2)
    parts = likelihood.parts(given, seeds)
    drift = 0.3 * torch.randn(parts.shape, generator=torch.Generator().manual_seed(1))
    old, advantages = (parts + torch.where(given.live, drift, 0.0)).detach(), torch.tensor([1.0, -1.0, 0.5, -0.5])
    mine, _ = response_losses(parts, old, None, advantages, given.live, FREE)
    wide = advantages[:, None].expand_as(parts)
    gspo = LOSSES["gspo"](parts, old, wide, given.live, clip_low=0.2, clip_high=0.2)
    assert mine.mean().item() == pytest.approx(gspo.item(), rel=1e-6)
    weights = [one for one in model.parameters() if one.requires_grad]
    for made, wanted in zip(
        torch.autograd.grad(mine.mean(), weights, retain_graph=True), torch.autograd.grad(gspo, weights, retain_graph=True),
        strict=True,
    ):  # fmt: skip
        torch.testing.assert_close(made, wanted)
    tokens, _ = response_losses(parts, old, None, advantages, given.live, Objective(level="token", beta=0.0))
    clip = LOSSES["clip"](parts, old, wide, given.live, clip_low=0.2, clip_high=0.2, mean="responses")
    assert tokens.mean().item() == pytest.approx(clip.item(), rel=1e-6)


def test_the_likelihood_of_a_causal_model_is_the_sum_of_its_tokens():
    given = sequences()

    class Model:
        def __call__(self, input_ids, attention_mask):
            assert torch.equal(attention_mask, given.real.long())
            follows = torch.nn.functional.one_hot((input_ids + 1) % 6, 6) * 2.0  # likes the next symbol
            return type("Out", (), {"logits": follows})

    normal = torch.logsumexp(torch.tensor([2.0, 0, 0, 0, 0, 0]), 0)
    liked = given.ids[:, 1:] == (given.ids[:, :-1] + 1) % 6
    by_hand = torch.where(given.live[:, 1:], 2.0 * liked - normal, 0.0).sum(-1)
    torch.testing.assert_close(AR(Model())(given), by_hand)
    with pytest.raises(DataError, match="begins at the first column"):
        AR(Model())(Sequences(given.ids, given.real, given.real))
    short = Model()
    short.config = type("Config", (), {"max_position_embeddings": 7})
    with pytest.raises(DataError, match="a text has 8 tokens, and the model has 7 positions"):
        AR(short)(given)


def test_at_the_first_update_the_ratio_is_1_and_the_gradient_is_reinforce_on_the_bound():
    given, seeds = sequences(), torch.arange(8).reshape(4, 2)
    model = Denoiser(6, 8, width=16, layers=1, heads=2)
    likelihood, advantages = ELBO(model, model.mask_id), torch.tensor([1.0, -1.0, 0.5, -0.5])
    old = likelihood.parts(given, seeds).detach()
    weights = list(model.parameters())
    parts = likelihood.parts(given, seeds)
    losses, told = response_losses(parts, old, None, advantages, given.live, FREE)
    assert told["ratio"] == pytest.approx(1.0, abs=1e-6)
    assert told["clipped"] == 0
    assert losses.tolist() == pytest.approx((-advantages).tolist(), abs=1e-6)
    made = torch.autograd.grad(losses.mean(), weights)
    reinforce = -(advantages * likelihood(given, seeds) / given.lengths).mean()
    for one, wanted in zip(made, torch.autograd.grad(reinforce, weights), strict=True):
        torch.testing.assert_close(one, wanted)
    # with other masks for old and new the ratio is noise
    other, _ = response_losses(likelihood.parts(given, seeds + 100), old, None, advantages, given.live, FREE)
    assert not torch.allclose(other, losses, atol=1e-3)


def test_what_is_missing_is_named():
    parts = torch.zeros(2, 3)
    with pytest.raises(DataError, match="the KL term has no reference"):
        response_losses(parts, parts, None, torch.zeros(2), LIVE, Objective())
    with pytest.raises(DataError, match=r"old \(1, 3\)"):
        response_losses(parts, parts[:1], parts, torch.zeros(2), LIVE, Objective())
    with pytest.raises(ConfigError, match="kl"):
        Objective(kl="k4")
